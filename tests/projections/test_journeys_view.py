"""The view `journeys` against the events told one by one, the accounts of transit, and the golden example E12."""

from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.core.decider import Event
from projections.questions import journeys, snapshot
from projections.views.business.journeys import chip
from tests.cli.lines import CARD_ID, GOLDEN, SN, write
from tests.fix_command import Onecard
from tests.fix_damage import SOURCE
from tests.fix_told import ToldHistory


def standing(told_history: ToldHistory) -> dict[tuple[str, int], tuple[str, int, int]]:
    """By chip and counter: state of the journey, and the fare in effect, both found by looking at all events."""
    taps = told_history.of("TransitTapped")
    exits = {(tap["card_sn"], tap["operator"], tap["entry_counter"]) for tap in taps if tap["tap_type"] == "EXIT"}
    entries = {(tap["card_sn"], tap["operator"], tap["counter"]) for tap in taps if tap["tap_type"] == "ENTRY"}
    corrections = defaultdict(list)
    for event in told_history.of("FareCorrected"):
        corrections[event["card_sn"], event["counter"]].append(event)
    return {(chip(tap), tap["counter"]): _standing(tap, exits, entries, corrections) for tap in taps}


def _standing(tap: Event, exits: set[Any], entries: set[Any], corrections: dict[Any, list[Event]]) -> tuple[Any, ...]:
    known = corrections[tap["card_sn"], tap["counter"]]
    last = [tap, *known][-1]
    fare = last["fare_due_fen"], last["paid_fen"]
    if tap["tap_type"] == "SINGLE":
        return "NONE", *fare
    if tap["tap_type"] == "EXIT":
        if tap["entry_counter"] is None:
            return "UNMATCHED", *fare
        has_entry = (tap["card_sn"], tap["operator"], tap["entry_counter"]) in entries
        return "CLOSED" if has_entry else "WAITING", *fare
    if (tap["card_sn"], tap["operator"], tap["counter"]) in exits:
        return "CLOSED", 0, 0
    return "TIMED_OUT" if known else "OPEN", *fare


def test_every_tap_has_the_state_and_the_fare_that_all_events_lead_to(told_history: ToldHistory) -> None:
    rows = told_history.ask("SELECT encode(chip, 'hex'), counter, state, due_fen, paid_fen FROM views.journeys_taps_v1")
    wanted = standing(told_history)
    assert {(chip, counter): tuple(found) for chip, counter, *found in rows} == wanted
    assert {state for state, _, _ in wanted.values()} >= {"OPEN", "CLOSED", "NONE"}


def test_fares_in_effect_are_what_operators_earned_and_what_left_the_purses(told_history: ToldHistory) -> None:
    for table in ("taps", "days"):
        rows = told_history.ask(f"SELECT operator, sum(due_fen)::bigint FROM views.journeys_{table}_v1 GROUP BY 1")
        assert {f"operator:{name}": fen for name, fen in rows if fen} == told_history.balances("operator:")
    purses = Counter({f"card:{event['card_id']}:transit_purse": 0 for event in told_history.of("PurseToppedUp")})
    for event in told_history.of("PurseToppedUp"):
        purses[f"card:{event['card_id']}:transit_purse"] += event["amount_fen"]
    for card_id, fen in told_history.ask(
        "SELECT card_id::text, sum(paid_fen)::bigint FROM views.journeys_taps_v1 GROUP BY 1"
    ):
        purses[f"card:{card_id}:transit_purse"] -= fen
    booked = {name: fen for name, fen in told_history.balances("card:").items() if name.endswith(":transit_purse")}
    assert booked == {name: fen for name, fen in purses.items() if fen}


def test_what_cities_owe_is_the_balance_of_their_accounts(told_history: ToldHistory) -> None:
    rows = told_history.ask(
        "SELECT issue_city, use_city, owed_fen, remitted_fen, balance_fen FROM views.journeys_pairs_v1"
    )
    assert rows
    assert {f"transit_clearing:{issue}:{use}": fen for issue, use, _, _, fen in rows if fen} == told_history.balances(
        "transit_clearing:"
    )
    assert all(owed - remitted == balance for _, _, owed, remitted, balance in rows)
    by_day = told_history.ask(
        "SELECT issue_city, use_city, sum(owed_fen)::bigint FROM views.journeys_obligations_v1 GROUP BY 1, 2"
    )
    assert {row[:2]: row[2] for row in by_day} == {row[:2]: row[2] for row in rows}
    in_effect = told_history.ask(
        "SELECT issue_city, use_city, sum(paid_fen)::bigint FROM views.journeys_taps_v1 WHERE inter_city GROUP BY 1, 2"
    )
    assert {row[:2]: row[2] for row in in_effect if row[2]} == {row[:2]: row[2] for row in rows if row[2]}


def test_a_closed_day_says_what_its_closing_said(told_history: ToldHistory) -> None:
    with closing(told_history.store.connect()) as connection:
        found, days = snapshot.ask(
            connection,
            lambda cursor: (
                list(journeys.closings(cursor, SOURCE, None, None, None).rows()),
                list(journeys.days(cursor, SOURCE, None, None, None).rows()),
            ),
        )
    closings = told_history.of("TransitDayClosed")
    assert len(found) == len(closings) > 0
    assert all(one["agrees"] for one in found)
    assert sum(one["tap_count"] for one in found) == sum(one["tap_count"] for one in closings) > 0
    assert sum(one["tap_count"] for one in days if one["closed"]) == sum(one["tap_count"] for one in closings)
    assert sum(one["tap_count"] for one in days) == len(told_history.of("TransitTapped"))


# --- asked on the command line ---------------------------------------------------------------------------------------


def tap(reference: str, kind: str, counter: int, at: str, **other: Any) -> dict[str, Any]:
    return {
        "command": "TapTransit", "submitter": "T1", "reference": reference, "occurred_at": at, "card_sn": SN,
        "operator": "OP31", "terminal": "G1", "operating_area": "310100", "tap_type": kind, "mode": "METRO",
        "counter": counter, "fare_due_fen": 0, "paid_fen": 0, "concession_class": "ORDINARY", "uploaded_at": at,
        **other,
    }  # fmt: skip


MORE = (
    {"command": "TopUpPurse", "submitter": "T1", "reference": "m1", "occurred_at": "2025-05-03T08:00:00+08:00",
     "card_sn": SN, "operator": "OP31", "amount_fen": 5000},
    tap("m2", "EXIT", 10, "2025-05-03T10:00:00+08:00", entry_counter=9, fare_due_fen=200, paid_fen=200,
        transfer_of_counter=7, station="S9"),
    {"command": "CloseTransitDay", "submitter": "T1", "reference": "m3", "occurred_at": "2025-05-06T08:00:00+08:00",
     "operator": "OP31", "operating_area": "310100", "day": "2025-05-02"},
    {"command": "RecordRemittance", "submitter": "T1", "reference": "m4", "occurred_at": "2025-05-06T09:00:00+08:00",
     "remittance_id": "RM1", "book": "TRANSIT", "method": "TRANSFER", "issue_city": "3400", "use_city": "3101",
     "amount_fen": 1000, "bank_transaction": "BT1", "paid_on": "2025-05-06"},
)  # fmt: skip


@pytest.fixture
def rode(onecard: Onecard, tmp_path: Path) -> Onecard:
    """E12; then an exit whose entry is on its way, the first two days closed, and 10 yuan remitted."""
    onecard("submit", GOLDEN / "E12.jsonl", clock="2026-01-01T00:00:00Z")
    assert onecard("submit", write(tmp_path / "more", *MORE)).code == 0
    onecard("follow", "--until-caught-up")
    return onecard


def test_a_cards_journeys_tell_entry_exit_fare_and_what_is_missing(rode: Onecard, tmp_path: Path) -> None:
    found = rode("transit", "journeys", SN, "--json").json
    told = [
        (
            one["state"],
            [tap["counter"] for tap in one["taps"]],
            one["due_fen"],
            one["paid_fen"],
            one["missing_exit_fen"],
        )
        for one in found["journeys"]
    ]
    assert told == [
        ("CLOSED", [1, 2], 400, 400, None), ("CLOSED", [4, 5], 300, 300, 900), ("NONE", [6], 500, 500, None),
        ("NONE", [7], 500, 250, None), ("WAITING", [10], 200, 200, None),
    ]  # fmt: skip
    assert (found["due_fen"], found["paid_fen"], found["subsidy_fen"]) == (1900, 1650, 250)
    (one,) = found["chips"]
    assert (one["taps"], one["gaps"]) == (7, [{"from": 3, "to": 3}, {"from": 8, "to": 9}])
    (correction,) = found["corrections"]
    assert (correction["correction_id"], correction["counter"], correction["due_fen"]) == ("K1", 4, 900)
    assert found["journeys"][1]["missing_counters"] == 1 and found["journeys"][4]["transfer_of_counter"] == 7
    assert SN not in rode("transit", "journeys", SN, "--jsonl").stdout
    assert rode("transit", "journeys", CARD_ID, "--state", "NONE", "--jsonl").lines == found["journeys"][2:4]
    two = rode("transit", "journeys", CARD_ID, "--from", "2025-05-02", "--to", "2025-05-02", "--jsonl").lines
    assert two == found["journeys"][3:4]
    shown = rode("transit", "journeys", SN).stdout
    assert "charged 9.00 without an exit" in shown and "changed from 7" in shown and "elderly" in shown
    assert "19.00 yuan due" in shown and "counters not recorded: 3, 8 to 9." in shown
    late = tap("m5", "ENTRY", 9, "2025-05-03T09:40:00+08:00", station="S1")
    assert rode("submit", write(tmp_path / "late", late)).code == 0
    rode("follow", "--until-caught-up")
    last = rode("transit", "journeys", SN, "--jsonl").lines[-1]
    assert (last["state"], [tap["station"] for tap in last["taps"]]) == ("CLOSED", ["S1", "S9"])
    assert rode("transit", "taps", "--state", "WAITING", "--json").json["taps"] == []


def test_cities_and_days_have_their_figures(rode: Onecard) -> None:
    found = rode("transit", "obligations", "--issue", "3400", "--use", "3101", "--json").json
    assert [(one["clearing_day"], one["owed_fen"]) for one in found["obligations"]] == [
        ("2025-05-01", 1200), ("2025-05-02", 250), ("2025-05-03", 200),
    ]  # fmt: skip
    assert found["owed_fen"] == 1650
    assert (
        rode("transit", "obligations", "--from", "2025-05-02", "--to", "2025-05-02", "--json").json["owed_fen"] == 250
    )
    (pair,) = rode("transit", "pairs", "--jsonl").lines
    assert (pair["owed_fen"], pair["remitted_fen"], pair["balance_fen"]) == (1650, 1000, 650)
    days = rode("transit", "days", "--operator", "OP31", "--json").json
    assert [(one["day"], one["tap_count"], one["due_fen"], one["closed"]) for one in days["days"]] == [
        ("2025-05-01", 5, 1200, True), ("2025-05-02", 1, 500, True), ("2025-05-03", 1, 200, False),
    ]  # fmt: skip
    assert (days["correction_count"], days["subsidy_fen"]) == (1, 250)
    (end,) = rode("transit", "closings", "--jsonl").lines
    assert (end["day"], end["tap_count"], end["due_fen"], end["agrees"]) == ("2025-05-02", 6, 1700, True)
    gaps = rode("transit", "taps", "--gaps", "--operator", "OP31", "--json").json
    assert [one["counter"] for one in gaps["taps"]] == [4, 10]
    for command in ("obligations", "pairs", "days", "closings", "taps"):
        assert "31" in rode("transit", command).stdout, command


def test_a_restricted_card_is_in_sums_and_not_in_lists(rode: Onecard, tmp_path: Path) -> None:
    before = rode("transit", "days", "--json").json["days"]
    restrict = {"command": "RestrictProcessing", "submitter": "T1", "reference": "stop", "reason": "WITHDRAWN",
                "card_sn": SN, "occurred_at": "2025-06-01T10:00:00+08:00"}  # fmt: skip
    assert rode("submit", write(tmp_path / "stop", restrict)).code == 0
    rode("follow", "--until-caught-up")
    found = rode("transit", "journeys", SN, "--json").json
    assert (found["journeys"], found["chips"], found["corrections"]) == ([], [], [])
    assert (found["restricted"], found["paid_fen"]) == (True, 1650)
    assert rode("transit", "taps", "--jsonl").stdout == ""
    assert rode("transit", "days", "--json").json["days"] == before


def test_what_cannot_be_asked_of_journeys_is_refused(rode: Onecard) -> None:
    for wrong in (
        ["taps", "--state", "RIDING"],
        ["taps", "--chain", "odd"],
        ["days", "--from", "soon"],
        ["days", "--from", "2025-05-02", "--to", "2025-05-01"],
        ["pairs", "--json", "--jsonl"],
        ["journeys", "\udcff"],
        ["journeys", SN, "--source", "all"],
    ):
        assert rode("transit", *wrong).code == 2, wrong
    unknown = rode("transit", "journeys", "nobody", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (1, "card_unknown")
    everywhere = rode("transit", "days", "--source", "all", "--json").json
    assert len(everywhere["days"]) == 3 and len(everywhere["position"]) == 1
