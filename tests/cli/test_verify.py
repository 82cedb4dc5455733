"""`verify`: its document, its exit codes, one card by itself, and what it refuses."""

from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from tests.cli.lines import CARD_ID, GOLDEN, SN, UNKNOWN_SN, activate, contribute, issue, write
from tests.fix_command import Ended, Onecard

NONE_CHECKED = {"events": 0, "streams": 0, "postings": 0, "accounts": 0, "records": 0, "seals": 0}
EXAMPLES = ("E01", "E02", "E03", "E05", "E09", "E10", "E13")


def changed(dsn: str, statement: str, *values: Any) -> None:
    """As the tables' owner, with triggers off."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement, values or None).rowcount == 1, statement


def kinds(ended: Ended) -> list[str]:
    assert ended.code == 1 and ended.json["ok"] is False
    return [one["kind"] for one in ended.json["findings"]]


@pytest.fixture
def booked(onecard: Onecard, tmp_path: Path) -> Onecard:
    """One card with money on it, and views of it."""
    assert onecard("submit", write(tmp_path / "file", issue(), activate(), contribute())).code == 0
    assert onecard("follow", "--until-caught-up").code == 0
    return onecard


def test_an_empty_store_is_whole(onecard: Onecard) -> None:
    ended = onecard("verify", "--json")
    assert ended.code == 0
    assert ended.json == {"ok": True, "position": 0, "checked": NONE_CHECKED, "against": [], "findings": []}


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_golden_example_is_whole(onecard: Onecard, example: str, tmp_path: Path) -> None:
    onecard("submit", GOLDEN / f"{example}.jsonl", "--receipts", tmp_path / "receipts", clock="2026-01-01T00:00:00Z")
    onecard("follow", "--until-caught-up")
    ended = onecard("verify", "--against", "views", "--json")
    assert (ended.code, ended.json["findings"], ended.json["against"]) == (0, [], ["views"])
    status = onecard("status", "--json").json
    books = onecard("trial-balance", "--json").json
    assert ended.json["position"] == status["head_position"]
    checked = ended.json["checked"]
    assert (checked["events"], checked["accounts"]) == (status["events"], books["accounts"])
    assert checked["postings"] == books["entries"] > 0


def test_findings_are_told_to_programs_and_to_people(booked: Onecard, dsn: str) -> None:
    changed(dsn, "DELETE FROM ledger.submissions WHERE position = 2")
    changed(dsn, "UPDATE views.balances_v1 SET debit_fen = 7 WHERE account LIKE 'card:%'")

    ended = booked("verify", "--against", "views", "--json")

    assert ended.code == 1
    assert list(ended.json) == ["ok", "position", "checked", "against", "findings"]
    assert [list(one) for one in ended.json["findings"]] == [["kind", "subject", "position", "detail"]] * 2
    assert [(one["kind"], one["subject"], one["position"]) for one in ended.json["findings"]] == [
        ("submission_extra", "T0 activate", 2),
        ("balance_differs", f"card:{CARD_ID}:medical_account", 3),
    ]
    assert kinds(booked("verify", "--json")) == ["submission_extra"]
    assert booked("verify").stdout.rstrip().endswith(": 1 finding.")
    people = booked("verify", "--against", "views")
    assert people.code == 1
    assert "submission_extra" in people.stdout and "2 findings" in people.stdout
    assert people.stderr == ""


def test_what_to_compare_with_is_named_in_one_option_or_in_several(booked: Onecard) -> None:
    for arguments in (["--against", "views,views"], ["--against", "views", "--against", "views"]):
        ended = booked("verify", *arguments, "--json")
        assert (ended.code, ended.json["against"]) == (0, ["views"])
    ended = booked("verify", "--against", "views,topics", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "ONECARD_KAFKA_BOOTSTRAP" in ended.json["error"]["message"]
    for wrong in ("view", "", "views,", "all"):
        ended = booked("verify", "--against", wrong, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (2, "usage"), wrong


def test_views_that_are_not_built_are_no_finding(onecard: Onecard, tmp_path: Path) -> None:
    onecard("submit", write(tmp_path / "file", issue()))
    ended = onecard("verify", "--against", "views", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert onecard("verify").code == 0


# --- one card --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [SN, CARD_ID, CARD_ID.upper()])
def test_one_card_is_whole(booked: Onecard, name: str) -> None:
    for arguments, against in (([], []), (["--against", "views"], ["views"])):
        ended = booked("verify", "--card", name, *arguments, "--json")
        assert ended.code == 0
        assert ended.json == {
            "ok": True,
            "position": 3,
            "checked": {**NONE_CHECKED, "events": 3, "streams": 1, "postings": 2, "accounts": 1},
            "against": against,
            "findings": [],
        }


def test_an_unknown_card_is_told(booked: Onecard) -> None:
    for name in (UNKNOWN_SN, "x", "00000000-0000-4000-8000-000000000000"):
        ended = booked("verify", "--card", name, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (1, "card_unknown")


CARD_DAMAGE = [
    ("UPDATE ledger.events SET state = '\\x00' WHERE notification_id = 2", "undecodable"),
    ("UPDATE ledger.events SET state = overlay(state PLACING '\\x01' FROM 40)"
     " WHERE notification_id = 1", "chain_broken"),
    ("DELETE FROM ledger.events WHERE notification_id = 2", "version_gap"),
    ("DELETE FROM ledger.state WHERE kind = 'card'", "state_missing"),
    ("UPDATE ledger.state SET data = '\\x00' WHERE kind = 'card'", "state_differs"),
    ("UPDATE ledger.events SET topic = 'x' WHERE notification_id = 2", "envelope_differs"),
    ("DELETE FROM views.balances_v1 WHERE account LIKE 'card:%'", "account_missing"),
    ("UPDATE views.balances_v1 SET account = account || 'x' WHERE account LIKE 'card:%'", "account_extra"),
    ("UPDATE views.balances_v1 SET credit_fen = 1 WHERE account LIKE 'card:%'", "balance_differs"),
    ("DELETE FROM views.audit_v1 WHERE position = 2", "audit_missing"),
    ("UPDATE views.audit_v1 SET digest = '\\x00' WHERE position = 2", "audit_differs"),
    ("INSERT INTO views.audit_v1 SELECT source, 9, stream_id, 9, family, event, 1, 1, 1, submitter, reference, home,"
     " treatment, institution, amount_fen, digest FROM views.audit_v1 WHERE position = 2", "audit_extra"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "kind"), CARD_DAMAGE)
def test_damage_to_one_card_is_found(booked: Onecard, dsn: str, damage: str, kind: str) -> None:
    changed(dsn, damage)
    assert kind in kinds(booked("verify", "--card", CARD_ID, "--against", "views", "--json"))
    assert kind in kinds(booked("verify", "--against", "views", "--json"))


def test_the_loss_of_the_last_event_is_found(booked: Onecard, dsn: str) -> None:
    changed(dsn, "DELETE FROM ledger.events WHERE notification_id = 3")
    assert kinds(booked("verify", "--card", CARD_ID, "--json")) == ["head_stale", "state_differs"]
    assert kinds(booked("verify", "--json")) == ["position_gap", "state_differs", "submission_missing"]
    assert set(kinds(booked("verify", "--against", "views", "--json"))) >= {"view_not_compared"}


def test_a_purse_that_the_events_do_not_give_is_found(booked: Onecard, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        ((data,),) = connection.execute("SELECT data FROM ledger.state WHERE kind = 'card'").fetchall()
    fields = msgspec.msgpack.decode(data)
    at = next(n for n, value in enumerate(fields) if n > 2 and value == contribute()["amount_fen"])
    fields[at] += 1
    changed(dsn, "UPDATE ledger.state SET data = %s WHERE kind = 'card'", msgspec.msgpack.encode(fields))
    assert kinds(booked("verify", "--card", SN, "--json")) == ["state_differs"]
    assert kinds(booked("verify", "--json")) == ["state_differs"]
