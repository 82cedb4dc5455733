"""A source that was mistyped, from `follow --source` to `incidents forget`, as an operator meets it."""

import signal
import subprocess
import sys
from typing import Any

import psycopg
import pytest

from ops.api.look import Looker
from ops.settings import load_settings
from projections.views.registry import VIEWS
from tests.fix_command import Onecard
from tests.fix_kafka import Kafka

NAMES = sorted(view.name for view in VIEWS)


def tracked(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT view, source, position FROM views.tracking ORDER BY view, source").fetchall()


def test_a_mistyped_source_is_told_with_those_there_are_and_leaves_nothing_once_it_is_forgotten(
    unpublished: str, kafka: Kafka, onecard: Onecard, dsn: str
) -> None:
    assert onecard("relay", "--until-caught-up").code == 0
    assert onecard("follow", "--until-caught-up").code == 0
    before = tracked(dsn)
    assert {source for _, source, _ in before} == {unpublished}
    typo = kafka.source()
    ended = onecard("follow", "--source", typo, "--until-caught-up")
    assert ended.code == 1 and f"`onecard incidents forget --source {typo}`" in ended.stderr
    found = onecard("incidents", "--json")
    numbers = [one["number"] for one in found.json["incidents"]]
    assert (found.code, len(numbers)) == (1, len(VIEWS))
    message = found.json["incidents"][0]["message"]
    assert message.startswith(f"source {typo} is not known to this Kafka, which has ")
    assert unpublished in message.split(". ")[0].split("which has ")[1].split(", ")
    assert len(Looker(load_settings(), dsn).look().open_incidents) == len(VIEWS)

    done = onecard("incidents", "forget", "--source", typo, "--json")
    assert (done.code, done.json) == (0, {"source": typo, "views": NAMES, "incidents": numbers})
    assert onecard("incidents", "--json").json == {"incidents": []}
    assert onecard("incidents").code == 0
    assert Looker(load_settings(), dsn).look().open_incidents == []
    assert tracked(dsn) == before
    assert {one["state"] for one in onecard("incidents", "--all", "--json").json["incidents"]} == {"CLOSED"}
    assert onecard("incidents", "resume", numbers[0], "--json").json["error"]["code"] == "incident_closed"
    again = onecard("incidents", "forget", "--source", typo, "--json")
    assert (again.code, again.json["error"]["code"]) == (1, "source_unknown")


def test_a_source_that_was_forgotten_and_comes_after_all_is_followed_from_its_beginning(
    unpublished: str, kafka: Kafka, onecard: Onecard
) -> None:
    late = kafka.source()
    assert onecard("follow", "audit", "--source", late, "--until-caught-up").code == 1
    forgotten = onecard("incidents", "forget", "--source", late)
    assert (forgotten.code, forgotten.stdout) == (
        0,
        f"Source {late} is forgotten (1 view waited for it, 1 incident closed).\n",
    )
    kafka.make_topics(late)
    assert onecard("follow", "audit", "--source", late, "--until-caught-up").code == 0
    assert onecard("incidents").code == 0


def test_a_source_that_lacks_one_topic_is_not_taken_for_a_mistyped_one(
    unpublished: str, kafka: Kafka, onecard: Onecard
) -> None:
    other = kafka.source()
    kafka.make_topics(other)
    missing = kafka.topology.events("card", other)
    with kafka.admin() as admin:
        admin.delete_topics([missing])
    assert onecard("follow", "audit", "--source", other, "--until-caught-up").code == 1
    (listed,) = onecard("incidents", "--json").json["incidents"]
    assert listed["kind"] == "source_unknown" and "forget" not in listed["message"]
    assert listed["message"].startswith(f"source {other} lacks a topic: ") and missing in listed["message"]


@pytest.mark.parametrize("asked", [["--source", "all"], ["--source", "No Name"], []])
def test_what_is_to_be_forgotten_is_one_source_by_its_name(asked: list[str], onecard: Onecard) -> None:
    assert onecard("incidents", "forget", *asked).code == 2


def test_a_source_is_not_forgotten_while_somebody_follows_it(unpublished: str, kafka: Kafka, onecard: Onecard) -> None:
    typo = kafka.source()
    program = f"import sys; from ops.cli.main import main; sys.exit(main(['follow', 'audit', '--source', '{typo}']))"
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as follower:
        assert follower.stderr is not None and "source_unknown" in follower.stderr.readline()
        kept = onecard("incidents", "forget", "--source", typo, "--json")
        assert (kept.code, kept.json["error"]["code"]) == (1, "source_kept")
        assert "is being followed now" in kept.json["error"]["message"]
        follower.send_signal(signal.SIGTERM)
        assert follower.wait(15) == 1
    assert onecard("incidents", "forget", "--source", typo).code == 0


def test_a_source_that_has_given_events_and_the_stores_own_are_not_forgotten(onecard: Onecard, dsn: str) -> None:
    assert onecard("status").code == 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO views.tracking (view, version, source, position) VALUES ('audit', 1, '44', 7)")
    kept = onecard("incidents", "forget", "--source", "44")
    assert kept.code == 1 and "events of it were applied (audit up to position 7)" in kept.stderr
    own = onecard("incidents", "forget", "--source", "33")
    assert own.code == 1 and "is this store's own" in own.stderr
