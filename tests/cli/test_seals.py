"""Seals from the command line: recorded, shown by `status`, and made again by `verify --against seals`."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.core.identity import stream_id_of
from ledger.core.merkle import Tree
from ledger.store import codec
from tests.cli.lines import activate, contribute, issue, write
from tests.fix_command import Onecard

LOG = stream_id_of("seal", "log")


def seal(seal_id: str) -> dict[str, Any]:
    at = "2025-06-02T12:00:00+08:00"
    return {"command": "SealLog", "submitter": "T9", "reference": seal_id, "occurred_at": at, "seal_id": seal_id}


@pytest.fixture
def sealed(onecard: Onecard, tmp_path: Path) -> Onecard:
    """Two events, a seal, one event more, a second seal, and one that no seal covers."""
    lines = (issue(), activate(), seal("SL1"), contribute(), seal("SL2"), contribute(reference="late"))
    assert onecard("submit", write(tmp_path / "file", *lines)).code == 0
    return onecard


def kinds(found: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    return [(one["kind"], one["subject"], one["position"]) for one in found["findings"]]


def test_a_seal_is_the_root_over_the_bytes_of_the_log(sealed: Onecard, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT state FROM ledger.events ORDER BY notification_id").fetchall()
    tree = Tree()
    for (data,) in rows[:4]:
        tree.add(bytes(data))
    last = sealed("status", "--json").json["last_seal"]
    assert last == {"seal_id": "SL2", "through_position": 4, "root": tree.root().hex()}
    assert "SL2" in sealed("status").stdout and "position 4" in sealed("status").stdout
    shown = sealed("history", LOG, "--json").json["events"] if sealed("follow", "--until-caught-up").code == 0 else []
    assert [event["data"]["through_position"] for event in shown] == [2, 4]


def test_seals_of_an_honest_log_are_made_again(sealed: Onecard) -> None:
    ended = sealed("verify", "--against", "seals", "--json")
    assert (ended.code, ended.json["against"], ended.json["checked"]["seals"]) == (0, ["seals"], 2)
    assert sealed("verify", "--json").json["checked"]["seals"] == 0
    assert "2 seals" in sealed("verify", "--against", "seals").stdout


def test_the_log_grows_under_seals_in_many_pages(
    sealed: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [contribute(reference=f"r{number}") for number in range(30)]
    sealed("submit", write(tmp_path / "more", *lines, seal("SL3"), seal("SL4")))
    monkeypatch.setattr("ledger.store.sealing.PAGE_EVENTS", 7)
    ended = sealed("verify", "--against", "seals", "--json")
    assert (ended.code, ended.json["checked"]["seals"]) == (0, 3)


def change(dsn: str, position: int, **fields: Any) -> None:
    """Another event in the place of the one at a position, well formed; as the tables' owner, with triggers off."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        row = connection.execute("SELECT state FROM ledger.events WHERE notification_id = %s", (position,)).fetchone()
        assert row is not None
        name, event = codec.decode(bytes(row[0]))
        data = codec.encode(name, {**event, **fields})
        connection.execute("UPDATE ledger.events SET state = %s WHERE notification_id = %s", (data, position))


def test_an_event_changed_under_a_seal_is_found(sealed: Onecard, dsn: str) -> None:
    change(dsn, 4, amount_fen=1)
    found = sealed("verify", "--against", "seals", "--json")
    assert found.code == 1
    # The first seal does not cover it; the second does.
    assert ("seal_root_differs", "SL2", 5) in kinds(found.json)
    assert not [one for one in kinds(found.json) if one[1] == "SL1"]


def test_an_event_taken_out_under_a_seal_is_found(sealed: Onecard, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM ledger.events WHERE notification_id = 2")
    found = kinds(sealed("verify", "--against", "seals", "--json").json)
    assert {("seal_gap", "SL1", 3), ("seal_root_differs", "SL1", 3), ("seal_root_differs", "SL2", 5)} <= set(found)


@pytest.mark.parametrize(
    ("field", "value", "finding"),
    [
        ("root", "00" * 32, "seal_root_differs"),
        ("previous_root", "00" * 32, "seal_root_differs"),
        ("frontier", [], "seal_root_differs"),
        ("after_position", 1, "seal_gap"),
        ("through_position", 3, "seal_gap"),
        ("tree_size", 3, "seal_gap"),
    ],
)
def test_a_seal_that_says_something_else_is_found(
    sealed: Onecard, dsn: str, field: str, value: Any, finding: str
) -> None:
    change(dsn, 5, **{field: value})
    found = sealed("verify", "--against", "seals", "--json").json
    assert (finding, "SL2", 5) in kinds(found), json.dumps(found["findings"])


def test_one_card_is_verified_with_the_seals_of_the_whole_log(sealed: Onecard) -> None:
    sealed("follow", "--until-caught-up")
    card = issue()["card_sn"]
    ended = sealed("verify", "--card", card, "--against", "seals", "--json")
    assert (ended.code, ended.json["checked"]["seals"]) == (0, 2)
