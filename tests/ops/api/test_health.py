"""Alive and ready: what a service manager and a load balancer are told, from the last look and without asking anew."""

import warnings
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from ops.api.app import make_app
from ops.api.health import add_health
from ops.api.look import Look, Looker
from ops.api.metrics import add_metrics
from ops.api.subjects import Subjects
from ops.api.watch import HUNG_SECONDS, Seen, Watch
from ops.settings import Settings, load_settings
from schemas.registry import registry
from tests.fix_command import Onecard
from tests.fix_published import MONTH
from tests.ops.api.connections import is_let_go

AT = 1_767_225_600_000_000
PARTS = ("database", "kafka")


class Glance(Watch):
    """A watch that has seen what the test says."""

    def __init__(self, look: Look | None, turned_seconds_ago: int = 0) -> None:
        self._seen = Seen(look, turned_seconds_ago)

    def seen(self) -> Seen:
        return self._seen


def asked(watch: Watch | None, path: str, parts: tuple[str, ...] = PARTS) -> tuple[int, Any]:
    subjects = Subjects(registry())
    app = make_app(subjects)
    add_health(app, subjects, watch, parts)
    answer = TestClient(app).get(path)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


def test_it_is_ready_when_every_part_answered() -> None:
    status, found = asked(Glance(Look(AT, {})), "/health/ready")
    assert status == 200
    assert found == {
        "status": "ready",
        "checks": {
            "registry": {"ok": True, "schemas": len(registry().versions)},
            "database": {"ok": True},
            "kafka": {"ok": True},
        },
        "open_incidents": 0,
        "source_problems": None,
        "looked_at": "2026-01-01T00:00:00.000000Z",
    }


def test_it_is_not_ready_while_a_part_does_not_answer() -> None:
    status, found = asked(Glance(Look(AT, {"kafka": "unreachable"})), "/health/ready")
    assert (status, found["status"]) == (503, "not ready")
    assert found["checks"]["kafka"] == {"ok": False, "reason": "unreachable"}
    assert found["checks"]["database"] == {"ok": True}


def test_it_is_not_ready_before_the_first_look() -> None:
    status, found = asked(Glance(None), "/health/ready")
    assert (status, found["looked_at"]) == (503, None)
    assert found["checks"]["database"] == {"ok": False, "reason": "not looked at yet"}
    assert asked(Glance(None), "/health/live")[0] == 200


def test_incidents_are_told_and_do_not_take_the_registry_away_from_consumers() -> None:
    status, found = asked(Glance(Look(AT, {}, None, [("33", "audit", "record_missing")])), "/health/ready")
    assert (status, found["open_incidents"]) == (200, 1)


def test_a_look_that_hangs_is_a_reason_to_restart() -> None:
    hung = Glance(Look(AT, {}), HUNG_SECONDS)
    assert asked(hung, "/health/live") == (503, {"status": "hung"})
    status, found = asked(hung, "/health/ready")
    assert (status, found["checks"]["database"]["ok"]) == (503, False)


def test_a_database_or_brokers_that_are_down_are_no_reason_to_restart() -> None:
    look = Look(AT, {"database": "does not answer", "kafka": "unreachable"})
    assert asked(Glance(look), "/health/live") == (200, {"status": "live"})


def test_a_balancer_may_ask_by_head() -> None:
    subjects = Subjects(registry())
    app = make_app(subjects)
    add_health(app, subjects, None, ())
    assert TestClient(app).head("/health/live").status_code == 200
    assert TestClient(app).head("/health/ready").status_code == 200
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # FastAPI warns of two acts with one name in the document
        paths = TestClient(app).get("/openapi.json").json()["paths"]
    assert list(paths["/health/live"]) == ["get"]


def test_schemas_alone_need_nothing_else() -> None:
    assert asked(None, "/health/live", ())[0] == 200
    status, found = asked(None, "/health/ready", ())
    assert (status, list(found["checks"])) == (200, ["registry"])


# --- what a look sees --------------------------------------------------------------------------------------------


def test_a_database_without_a_ledger_says_so_until_the_first_command_makes_one(onecard: Onecard, dsn: str) -> None:
    looker = Looker(load_settings(), dsn)
    assert looker.parts == ("database",)
    assert looker.look().problems == {
        "database": "holds no ledger of this version yet: the first `onecard submit` makes it"
    }
    onecard("submit", MONTH, clock="2026-01-01T00:00:00Z")
    look = looker.look()
    assert look.problems == {} and look.account is not None
    assert look.account.heads == {"33": 46}


def test_a_database_that_is_down_is_told_without_its_address() -> None:
    looker = Looker(Settings(), "host=127.0.0.1 port=1 user=somebody password=hidden dbname=secret")
    assert looker.look().problems == {"database": "does not answer"}


def test_a_look_leaves_no_connection_behind(onecard: Onecard, dsn: str) -> None:
    onecard("submit", MONTH, clock="2026-01-01T00:00:00Z")
    looker = Looker(load_settings(), dsn)
    for _ in range(3):
        looker.look()
    assert is_let_go(dsn)


def test_what_was_seen_names_nobody(onecard: Onecard, dsn: str) -> None:
    onecard("submit", MONTH, clock="2026-01-01T00:00:00Z")
    onecard("follow", "--until-caught-up")
    text = repr(Looker(load_settings(), dsn).look())
    with psycopg.connect(dsn) as connection:
        streams = connection.execute("SELECT DISTINCT originator_id::text FROM ledger.events").fetchall()
    assert streams and not any(stream in text for (stream,) in streams)


def test_open_incidents_are_seen(onecard: Onecard, dsn: str) -> None:
    onecard("submit", MONTH, clock="2026-01-01T00:00:00Z")
    onecard("follow", "--until-caught-up")
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO views.incidents (view, version, source, position, kind, message)"
            " VALUES ('audit', 1, '33', 7, 'record_missing', 'position 8 is missing')"
        )
    assert Looker(load_settings(), dsn).look().open_incidents == [("33", "audit", "record_missing")]


def test_the_address_alone_says_where_to_look_and_every_path_is_there() -> None:
    subjects = Subjects(registry())
    app = make_app(subjects)
    add_health(app, subjects, None, ())
    add_metrics(app, subjects, None, ())
    client = TestClient(app)
    found = client.get("/").json()
    assert found["program"].startswith("onecard-ledger ")
    assert {path: client.get(path).status_code for path in found["paths"]} == dict.fromkeys(found["paths"], 200)


@pytest.mark.parametrize("path", ["/health", "/health/", "/health/started"])
def test_there_is_no_other_health(path: str) -> None:
    subjects = Subjects(registry())
    assert TestClient(make_app(subjects)).get(path).status_code == 404
