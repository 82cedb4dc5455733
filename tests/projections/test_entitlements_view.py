"""The view `entitlements` against the events told one by one, accounts of venues and subsidies, and the example E20."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from ledger.core.calendar import date_text
from tests.cli.lines import CARD_ID, GOLDEN, write
from tests.fix_command import Onecard
from tests.fix_told import ToldHistory


def test_an_entitlement_ends_when_its_card_says_so(told_history: ToldHistory) -> None:
    ends = {event["entitlement_id"]: event["ended_on"] for event in told_history.of("EntitlementEnded")}
    rows = told_history.ask(
        "SELECT entitlement_id, card_id::text, kind, province, valid_from, valid_to, ended_on, last_day"
        " FROM views.entitlements_entitlements_v1"
    )
    granted = told_history.of("EntitlementGranted")
    assert granted and len(rows) == len(granted)
    by_id = {row[0]: row[1:] for row in rows}
    for event in granted:
        end = ends.get(event["entitlement_id"])
        names = ("card_id", "kind", "province", "valid_from", "valid_to")
        last = event["valid_to"] if end is None else min(event["valid_to"], end - 1)
        assert by_id[event["entitlement_id"]] == (*(event[name] for name in names), end, last)


def test_what_finance_owes_is_what_venues_were_not_paid(told_history: ToldHistory) -> None:
    owed: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for event in told_history.of("VenueEntered"):
        key = event["venue_area"][:2], event["venue"], date_text(event["business_date"])[:7]
        parts = (1, event["price_due_fen"], event["price_paid_fen"], event["subsidy_fen"])
        owed[key] = [had + more for had, more in zip(owed[key], parts, strict=True)]
    rows = told_history.ask(
        "SELECT province, venue, month, sum(entries)::bigint, sum(due_fen)::bigint, sum(paid_fen)::bigint,"
        " sum(subsidy_fen)::bigint FROM views.entitlements_visits_v1 GROUP BY 1, 2, 3"
    )
    assert {row[:3]: list(row[3:]) for row in rows} == dict(owed)
    # Whatever was not paid in full was entered by an entitlement that held, and no other subsidy is of venues.
    assert told_history.ask("SELECT 1 FROM views.entitlements_visits_v1 WHERE kind = 'NONE' AND subsidy_fen > 0") == []
    by_venues = sum(event["subsidy_fen"] for event in told_history.of("VenueEntered"))
    for table in ("visits", "entitlements"):
        ((fen,),) = told_history.ask(f"SELECT sum(subsidy_fen)::bigint FROM views.entitlements_{table}_v1")
        assert fen == by_venues


def test_venues_earned_their_prices_and_their_shares_of_passes(told_history: ToldHistory) -> None:
    earned = dict(told_history.ask("SELECT venue, sum(due_fen)::bigint FROM views.entitlements_visits_v1 GROUP BY 1"))
    for event in told_history.of("PassExpired"):
        for share in event["shares"]:
            earned[share["venue"]] = earned.get(share["venue"], 0) + share["amount_fen"]
    assert {f"venue:{venue}": fen for venue, fen in earned.items() if fen} == told_history.balances("venue:")


def test_taps_at_a_concessions_fare_are_counted_by_card(told_history: ToldHistory) -> None:
    wanted = Counter(
        (event["card_id"], event["operating_area"][:2], event["concession_class"])
        for event in told_history.of("TransitTapped")
        if event["concession_class"] != "ORDINARY"
    )
    rows = told_history.ask(
        "SELECT card_id::text, province, concession_class, taps FROM views.entitlements_concessions_v1"
    )
    assert {row[:3]: row[3] for row in rows} == dict(wanted)


def test_a_student_has_the_status_told_last(told_history: ToldHistory) -> None:
    last = {(event["school"], event["card_id"]): event for event in told_history.of("StudentStatusSet")}
    rows = told_history.ask(
        "SELECT school, card_id::text, status, valid_from, valid_to, position FROM views.entitlements_students_v1"
    )
    names = ("status", "valid_from", "valid_to", "position")
    assert {row[:2]: row[2:] for row in rows} == {
        key: tuple(event[name] for name in names) for key, event in last.items()
    }


@pytest.fixture
def entered(onecard: Onecard, tmp_path: Path) -> Onecard:
    """E20, then a student, a concession, and an entitlement that ended early."""
    onecard("submit", GOLDEN / "E20.jsonl", clock="2026-01-01T00:00:00Z")
    sn = "340000D15600000500000000000000A1"
    own = {"submitter": "T1", "card_sn": sn, "occurred_at": "2025-03-02T10:00:00+08:00"}
    days = {"valid_from": "2025-03-02", "valid_to": "2025-12-31"}
    grant = {"command": "GrantEntitlement", "kind": "TRANSIT_CONCESSION", "concession_class": "ELDERLY"}
    lines = [
        {**own, **days, **grant, "reference": "g", "entitlement_id": "EN2", "province": "34"},
        {**own, "command": "EndEntitlement", "reference": "e", "entitlement_id": "EN2", "ended_on": "2025-06-01"},
        {**own, **days, "command": "SetStudentStatus", "reference": "s", "school": "USTC", "status": "ENROLLED"},
    ]
    assert onecard("submit", write(tmp_path / "more", *lines)).code == 0
    onecard("follow", "--until-caught-up")
    return onecard


def test_an_entitlement_tells_what_it_saved(entered: Onecard) -> None:
    document = entered("entitlements", "list", "--json").json
    assert document["position"] == 9
    venue, concession = document["entitlements"]
    assert venue == {
        "entitlement_id": "EN1", "card_id": CARD_ID, "kind": "VENUE", "concession_class": None, "province": "33",
        "valid_from": "2025-03-01", "valid_to": "2026-02-28", "ended_on": None, "last_day": "2026-02-28",
        "granted_on": "2025-02-01", "entries": 2, "visitors": 2, "due_fen": 2000, "paid_fen": 400, "subsidy_fen": 1600,
        "last_used_on": "2025-03-01", "position": 5,
    }  # fmt: skip
    assert (concession["ended_on"], concession["last_day"], concession["entries"]) == ("2025-06-01", "2025-05-31", 0)

    def named(*options: str) -> list[str]:
        return [one["entitlement_id"] for one in entered("entitlements", "list", *options, "--jsonl").lines]

    assert named("--on", "2025-05-31") == ["EN1", "EN2"] and named("--on", "2025-06-01") == ["EN1"]
    assert named("--on", "2025-02-28") == [] and named("--class", "ELDERLY") == ["EN2"]
    assert named("--kind", "VENUE", "--province", "33", "--card", CARD_ID) == ["EN1"]
    assert "16.00" in entered("entitlements", "list").stdout


def test_venues_and_students_are_listed(entered: Onecard) -> None:
    without, by = entered("entitlements", "venues", "--province", "33", "--from", "2025-03", "--jsonl").lines
    counts = ("kind", "entries", "due_fen", "paid_fen", "subsidy_fen")
    assert [by[key] for key in counts] == ["VENUE", 2, 2000, 400, 1600]
    assert [without[key] for key in counts] == ["NONE", 1, 0, 0, 0]
    assert entered("entitlements", "venues", "--to", "2025-02", "--json").json["venues"] == []
    (student,) = entered("entitlements", "students", "--school", "USTC", "--jsonl").lines
    assert (student["card_id"], student["status"], student["changes"]) == (CARD_ID, "ENROLLED", 1)
    assert entered("entitlements", "concessions", "--class", "ELDERLY", "--json").json == {
        "concessions": [], "position": 9,
    }  # fmt: skip
    assert "USTC" in entered("entitlements", "students").stdout
    assert "PARK1" in entered("entitlements", "venues").stdout


def test_what_cannot_be_asked_of_entitlements_is_refused(entered: Onecard) -> None:
    for wrong in (["list", "--kind", "BUS"], ["list", "--on", "today"], ["venues", "--from", "2025"],
                  ["students", "--status", "GONE"], ["concessions", "--class", "YOUNG"],
                  ["venues", "--kind", "LIBRARY"]):  # fmt: skip
        assert entered("entitlements", *wrong).code == 2, wrong
