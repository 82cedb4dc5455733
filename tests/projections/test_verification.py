"""Verify of the store finds nothing where nothing is wrong, and every damage done behind the ledger's back."""

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from projections.findings import Finding
from projections.verification import rederive
from tests.fix_damage import (
    CHANGE,
    LINES,
    checked,
    followed,
    found,
    found_in_views,
    position_of,
    rewritten,
    stream_at,
    tampered,
    tampering,
)
from tests.fix_stores import Store
from tests.model.histories import history

# --- nothing is wrong ------------------------------------------------------------------------------------------------


def test_nothing_is_found_where_nothing_is_wrong(whole: Store) -> None:
    report = checked(whole)

    assert report.findings == []
    ((events, streams),) = whole.ask("SELECT count(*), count(DISTINCT originator_id) FROM ledger.events")
    ((accounts, entries),) = whole.ask("SELECT count(*), sum(entries) FROM views.balances_v1")
    assert (report.events, report.streams, report.position) == (events, streams, events)
    assert (report.accounts, report.postings) == (accounts, entries)
    for table in ("clearing_lines", "clearing_units", "clearing_cycles", "clearing_rows", "state", "submissions"):
        assert whole.ask(f"SELECT count(*) FROM ledger.{table}") > [(0,)], f"{table} is not tested"
    assert found_in_views(whole) == []


def test_an_empty_store_has_nothing_to_be_found(blank: Store) -> None:
    report = checked(blank)

    assert report.as_json([]) == {
        "ok": True,
        "position": 0,
        "checked": {"events": 0, "streams": 0, "postings": 0, "accounts": 0, "records": 0, "seals": 0},
        "against": [],
        "findings": [],
    }
    followed(blank)
    assert found_in_views(blank) == []


def test_a_random_history_is_whole_however_little_is_kept_in_memory(
    blank: Store, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"\n".join(history(seed, LINES)) + b"\n")
    blank.submit(path)
    assert found(blank) == []
    monkeypatch.setattr(rederive, "ROWS_IN_MEMORY", 40)
    monkeypatch.setattr("projections.verification.log.PAGE_EVENTS", 17)
    monkeypatch.setattr("projections.verification.log.ACCOUNTS_IN_MEMORY", 10)
    assert found(blank) == []


def test_verify_runs_beside_a_writer(blank: Store, tmp_path: Path) -> None:
    """What is written meanwhile is neither looked at nor missed."""
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"\n".join(history(2, 600)) + b"\n")
    writing = threading.Thread(target=blank.submit, args=(path,), kwargs={"size": 20})
    writing.start()
    positions = []
    while writing.is_alive():
        report = checked(blank)
        assert report.findings == []
        positions.append(report.position)
    writing.join()
    assert positions == sorted(positions) and len(set(positions)) > 1


def test_looking_leaves_nothing_behind(whole: Store) -> None:
    def tables() -> list[tuple[Any, ...]]:
        return whole.ask("SELECT relname FROM pg_class WHERE relkind IN ('r', 'i') ORDER BY relname")

    before, written = tables(), whole.written()
    found(whole)
    found_in_views(whole)
    assert tables() == before
    assert whole.written() == written


# --- the log ---------------------------------------------------------------------------------------------------------


def test_every_altered_byte_of_an_event_is_found(whole: Store) -> None:
    """At any place of any event: never a crash, always a finding about that event's stream."""
    ((count,),) = whole.ask("SELECT count(*) FROM ledger.events")
    for position in range(3, count, count // 25):
        ((data,),) = whole.ask("SELECT state FROM ledger.events WHERE notification_id = %s", position)
        at = position * 7919 % len(data)
        altered = data[:at] + bytes([data[at] ^ (1 << position % 8)]) + data[at + 1 :]
        tampered(whole, CHANGE, altered, position)
        findings = found(whole)
        kinds = {one.kind for one in findings}
        assert kinds & {"undecodable", "chain_broken", "head_stale", "state_differs"}, (position, at, kinds)
        tampered(whole, CHANGE, data, position)
    assert found(whole) == []


def test_a_changed_amount_breaks_the_chain_after_it(whole: Store) -> None:
    position = position_of(whole, "BudgetIssued")
    stream = stream_at(whole, position)

    rewritten(whole, position, lambda event: event.update(amount_fen=event["amount_fen"] + 1))

    findings = found(whole)
    kinds = {one.kind for one in findings if one.subject == stream}
    assert kinds & {"chain_broken", "head_stale"}
    assert "balance_differs" in {one.kind for one in found_in_views(whole)}


def test_bytes_that_do_not_decode_are_found_and_the_rest_is_checked(whole: Store) -> None:
    first, last = position_of(whole, "CardActivated"), position_of(whole, "MedicalSettled", "max")
    for position in (first, last):
        tampered(whole, "UPDATE ledger.events SET state = '\\x00000000ff' WHERE notification_id = %s", position)
    tampered(whole, "DELETE FROM ledger.submissions WHERE position = 1")

    findings = found(whole)

    undecodable = [(one.subject, one.position) for one in findings if one.kind == "undecodable"]
    assert undecodable == [(stream_at(whole, first), first), (stream_at(whole, last), last)]
    assert [one.position for one in findings if one.kind.startswith("submission_")] == [1]
    assert findings == sorted(findings, key=Finding.order)
    assert {one.kind for one in found_in_views(whole)} == {"view_not_compared"}


@pytest.mark.parametrize("which", ["first", "inner", "last"])
def test_a_missing_event_is_found(whole: Store, which: str) -> None:
    ((count,),) = whole.ask("SELECT count(*) FROM ledger.events")
    position = {"first": 1, "inner": position_of(whole, "MedicalSettled"), "last": count}[which]
    stream = stream_at(whole, position)

    tampered(whole, "DELETE FROM ledger.events WHERE notification_id = %s", position)

    findings = found(whole)
    assert ("submission_missing", position) in [(one.kind, one.position) for one in findings]
    gaps = [one for one in findings if one.kind == "position_gap"]
    assert [(one.position, one.subject) for one in gaps] == [(position, f"{position}..{position}")]
    if which == "last":
        assert {one.kind for one in findings} & {"state_extra", "head_stale", "state_differs"}
    else:
        assert "version_gap" in {one.kind for one in findings if one.subject == stream}


def test_swapped_positions_are_found(whole: Store) -> None:
    swap = "UPDATE ledger.events SET notification_id = %s WHERE notification_id = %s"
    for to, position in ((100_000, 5), (5, 6), (6, 100_000)):
        tampered(whole, swap, to, position)

    findings = found(whole)

    assert {one.kind for one in findings} & {"submission_missing", "version_gap"}
    assert {one.position for one in findings if one.kind == "submission_missing"} == {5, 6}


def test_a_column_beside_the_bytes_is_compared(whole: Store) -> None:
    tampered(whole, "UPDATE ledger.events SET topic = 'onecard.card.v1.CardLocked' WHERE notification_id = 2")

    assert [(one.kind, one.subject, one.position) for one in found(whole)] == [
        ("envelope_differs", stream_at(whole, 2), 2)
    ]


def test_an_event_on_another_stream_is_found(whole: Store) -> None:
    stranger = "00000000-0000-4000-8000-000000000000"
    tampered(whole, "UPDATE ledger.events SET originator_id = %s WHERE notification_id = 2", stranger)

    kinds = {one.kind for one in found(whole) if one.subject == stranger}
    assert kinds >= {"envelope_differs"}


def test_a_time_that_runs_backwards_is_found(whole: Store) -> None:
    rewritten(whole, 20, lambda event: event.update(recorded_at=event["recorded_at"] - 1))
    assert ("recorded_at_falls", 20) in [(one.kind, one.position) for one in found(whole)]


def test_postings_that_do_not_balance_are_found(whole: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    position = position_of(whole, "MedicalSettled")
    rewritten(whole, position, lambda event: event.update(total_fen=event["total_fen"] + 1))

    findings = {(one.kind, one.position): one for one in found(whole)}

    assert findings["postings_unbalanced", position].subject == stream_at(whole, position)
    assert findings["invariant_broken", None].subject == "zero_sum"


# --- what is kept beside the log -------------------------------------------------------------------------------------


def test_receipts_without_events_and_events_without_receipts_are_found(whole: Store) -> None:
    tampered(
        whole,
        "INSERT INTO ledger.submissions VALUES ('T9', 'never', '\\x00', '00000000-0000-4000-8000-000000000000', 1, 7)",
    )
    ((submitter, reference),) = tampered(
        whole, "DELETE FROM ledger.submissions WHERE position = 9 RETURNING submitter, reference"
    )

    assert [(one.kind, one.subject, one.position) for one in found(whole)] == [
        ("submission_missing", "T9 never", 7),
        ("submission_extra", f"{submitter} {reference}", 9),
    ]


def test_altered_missing_and_extra_rows_are_found(whole: Store) -> None:
    ((card, data, revision),) = whole.ask("SELECT key, data, revision FROM ledger.state WHERE kind = 'card' LIMIT 1")
    fields = msgspec.msgpack.decode(data)
    fields[4] = "elsewhere"
    change = "UPDATE ledger.state SET data = %s WHERE kind = 'card' AND key = %s"
    tampered(whole, change, msgspec.msgpack.encode(fields), card)
    ((gone,),) = tampered(
        whole,
        "DELETE FROM ledger.state WHERE kind = 'card_sn' AND key ="
        " (SELECT min(key) FROM ledger.state WHERE kind = 'card_sn') RETURNING key",
    )
    tampered(whole, "INSERT INTO ledger.state VALUES ('card', 'nobody', 3, '\\x90')")

    findings = {one.kind: one for one in found(whole)}

    assert set(findings) == {"state_differs", "state_missing", "state_extra"}
    assert (findings["state_differs"].subject, findings["state_differs"].position) == (f"card {card}", revision)
    assert findings["state_missing"].subject == f"card_sn {gone}"
    assert findings["state_extra"].subject == "card nobody"


def test_a_stale_head_is_told_apart(whole: Store) -> None:
    ((card, data),) = whole.ask("SELECT key, data FROM ledger.state WHERE kind = 'card' LIMIT 1")
    fields = msgspec.msgpack.decode(data)
    fields[0] -= 1
    change = "UPDATE ledger.state SET data = %s WHERE kind = 'card' AND key = %s"
    tampered(whole, change, msgspec.msgpack.encode(fields), card)

    assert [(one.kind, one.subject) for one in found(whole)] == [("head_stale", card)]


DAMAGED = [
    ("UPDATE {t} SET data = '\\xff' WHERE {first}", "state", "kind, key", "state_differs"),
    ("UPDATE {t} SET revision = revision + 1 WHERE {first}", "state", "kind, key", "state_differs"),
    ("UPDATE {t} SET confirmed = NOT confirmed WHERE {first}", "clearing_units", "unit_key", "unit_differs"),
    ("UPDATE {t} SET deferrals = deferrals + 1 WHERE {first}", "clearing_units", "unit_key", "unit_differs"),
    ("DELETE FROM {t} WHERE {first}", "clearing_units", "unit_key", "unit_differs"),
    ("INSERT INTO {t} (unit_key) VALUES ('settlement:none')", "clearing_units", "unit_key", "unit_differs"),
    ("UPDATE {t} SET total_fen = total_fen + 1 WHERE {first}", "clearing_lines", "position, n", "line_differs"),
    ("UPDATE {t} SET n = n + 7 WHERE {first}", "clearing_lines", "position, n", "line_differs"),
    ("DELETE FROM {t} WHERE {first}", "clearing_lines", "position, n", "line_differs"),
    ("UPDATE {t} SET line_count = 1 + line_count WHERE {first}", "clearing_cycles", "cycle", "table_differs"),
    ("DELETE FROM {t} WHERE {first}", "clearing_cycles", "cycle", "table_differs"),
    ("UPDATE {t} SET payable_fen = payable_fen + 1 WHERE {first}", "clearing_rows", "cycle, home", "table_differs"),
    ("DELETE FROM {t} WHERE {first}", "clearing_rows", "cycle, home", "table_differs"),
    ("UPDATE {t} SET secret_fingerprint = 'x'", "store", "source", "identity_differs"),
    ("UPDATE {t} SET configuration_digest = 'x'", "store", "source", "configuration_differs"),
]


@pytest.mark.parametrize(("damage", "table", "key", "kind"), DAMAGED)
def test_damage_beside_the_log_is_found(whole: Store, damage: str, table: str, key: str, kind: str) -> None:
    assert found(whole) == []
    first = f"ctid = (SELECT ctid FROM ledger.{table} ORDER BY {key} LIMIT 1)"
    tampered(whole, damage.format(t=f"ledger.{table}", first=first))
    findings = found(whole)
    assert {one.kind for one in findings} == {kind}
    assert len(findings) <= 2


@pytest.mark.parametrize("table", ["clearing_lines", "clearing_rows", "state", "clearing_units"])
def test_a_doubled_row_is_found_even_where_no_key_forbids_it(whole: Store, table: str) -> None:
    ((columns,),) = whole.ask(
        "SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND attgenerated = ''",
        f"ledger.{table}",
    )
    with tampering(whole) as connection:
        connection.execute(f"ALTER TABLE ledger.{table} DROP CONSTRAINT {table}_pkey")
        doubled = f"INSERT INTO ledger.{table} ({columns}) SELECT {columns} FROM ledger.{table} LIMIT 1"
        assert connection.execute(doubled).rowcount == 1
    assert len(found(whole)) == 1


def test_a_table_that_was_cut_off_otherwise_is_found(whole: Store) -> None:
    position = position_of(whole, "CycleCutOff")
    rewritten(whole, position, lambda event: event.update(table_digest="ab" * 32))
    assert ("table_differs", position) in [(one.kind, one.position) for one in found(whole)]
