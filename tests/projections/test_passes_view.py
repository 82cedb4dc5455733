"""The view `passes` against the events told one by one, the accounts of cards, venues and provinces, and E15."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cli.lines import GOLDEN, write
from tests.fix_command import Onecard
from tests.fix_told import ToldHistory

SN = "310000D15600000500000000000000C1"


def test_every_pass_has_the_state_and_the_days_that_its_events_lead_to(told_history: ToldHistory) -> None:
    bought = {event["pass_id"]: event for event in told_history.of("PassPurchased")}
    activated = {event["pass_id"]: event for event in told_history.of("PassActivated")}
    uses = Counter(event["pass_id"] for event in told_history.of("PassUsed"))
    ended = {event["pass_id"]: event["name"] for event in told_history.of("PassRefunded", "PassExpired")}
    names = {"PassRefunded": "REFUNDED", "PassExpired": "EXPIRED"}
    rows = told_history.ask("SELECT pass_id, state, valid_from, uses, valid_to FROM views.passes_v1")
    assert rows and {row[0] for row in rows} == set(bought)
    for pass_id, state, valid_from, used, valid_to in rows:
        auto_on = bought[pass_id]["business_date"] + bought[pass_id]["activation_days"]
        was_active = pass_id in activated or uses[pass_id]
        assert state == names.get(ended.get(pass_id, ""), "ACTIVE" if was_active else "PURCHASED")
        assert valid_from == (activated[pass_id]["active_from"] if pass_id in activated else auto_on)
        assert used == uses[pass_id] and 364 <= valid_to - valid_from <= 366


def test_what_waits_of_prices_stands_on_the_cards(told_history: ToldHistory) -> None:
    rows = told_history.ask(
        "SELECT card_id::text, sum(price_fen)::bigint FROM views.passes_v1"
        " WHERE state IN ('PURCHASED', 'ACTIVE') GROUP BY 1"
    )
    booked = {name: fen for name, fen in told_history.balances("card:").items() if name.endswith(":passes")}
    assert {f"card:{card_id}:passes": fen for card_id, fen in rows} == booked
    ((price, waiting, refunded, split),) = told_history.ask(
        "SELECT sum(price_fen)::bigint, sum(waiting_fen)::bigint, sum(refunded_fen)::bigint, sum(split_fen)::bigint"
        " FROM views.passes_sales_v1"
    )
    assert waiting == sum(booked.values()) and price == waiting + refunded + split
    assert price == sum(event["price_fen"] for event in told_history.of("PassPurchased"))


def test_revenue_is_the_split_and_what_venues_earned_beside_their_entries(told_history: ToldHistory) -> None:
    shares: Counter[str] = Counter()
    for event in told_history.of("PassExpired"):
        shares.update({share["venue"]: share["amount_fen"] for share in event["shares"]})
        assert sum(share["amount_fen"] for share in event["shares"]) == event["price_fen"]
    for table in ("revenue", "visited", "venues"):
        rows = told_history.ask(f"SELECT venue, sum(share_fen)::bigint FROM views.passes_{table}_v1 GROUP BY 1")
        assert {venue: fen for venue, fen in rows if fen} == +shares, table
    for event in told_history.of("VenueEntered"):
        shares[event["venue"]] += event["price_due_fen"]
    assert {f"venue:{venue}": fen for venue, fen in shares.items() if fen} == told_history.balances("venue:")
    ((uses,),) = told_history.ask("SELECT coalesce(sum(uses), 0)::bigint FROM views.passes_visited_v1")
    assert uses == len(told_history.of("PassUsed"))


def test_what_provinces_owe_is_the_balance_of_their_accounts(told_history: ToldHistory) -> None:
    rows = told_history.ask(
        "SELECT seller_province, venue_province, owed_fen, remitted_fen, balance_fen FROM views.passes_pairs_v1"
    )
    booked = told_history.balances("pass_clearing:")
    assert {f"pass_clearing:{home}:{venue}": fen for home, venue, _, _, fen in rows if fen} == booked
    elsewhere = told_history.ask(
        "SELECT seller_province, venue_province, sum(share_fen)::bigint FROM views.passes_revenue_v1"
        " WHERE seller_province <> venue_province GROUP BY 1, 2"
    )
    assert {row[:2]: row[2] for row in elsewhere if row[2]} == {row[:2]: row[2] for row in rows if row[2]}


# --- asked on the command line ---------------------------------------------------------------------------------------


def act(reference: str, command: str, at: str, **fields: Any) -> dict[str, Any]:
    return {
        "command": command, "submitter": "T1", "reference": reference, "occurred_at": at, "card_sn": SN, **fields,
    }  # fmt: skip


@pytest.fixture
def visited(onecard: Onecard, tmp_path: Path) -> Onecard:
    """E15: a pass refunded, and one used at three venues of three provinces and split; then one that waits."""
    onecard("submit", GOLDEN / "E15.jsonl", clock="2026-01-01T00:00:00Z")
    bought = act("more", "PurchasePass", "2021-08-01T10:00:00+08:00", pass_id="P3", product="HGG-ANNUAL", seller="HN1",
                 seller_area="460100", price_fen=8000)  # fmt: skip
    assert onecard("submit", write(tmp_path / "more", bought)).code == 0
    onecard("follow", "--until-caught-up")
    return onecard


def test_passes_tell_their_days_and_their_uses(visited: Onecard) -> None:
    found = visited("passes", "list", "--card", SN, "--json").json
    assert [(one["pass_id"], one["state"], one["valid_from"], one["valid_to"]) for one in found["passes"]] == [
        ("P1", "EXPIRED", "2020-10-30", "2021-10-29"),
        ("P2", "REFUNDED", "2020-10-30", "2021-10-29"),
        ("P3", "PURCHASED", "2021-10-30", "2022-10-29"),
    ]
    assert [one["activated_by"] for one in found["passes"]] == ["USE", None, None]
    on = {day: visited("passes", "list", "--valid-on", day, "--jsonl").lines for day in ("2021-10-29", "2021-10-30")}
    assert [[one["pass_id"] for one in passes] for passes in on.values()] == [["P1"], ["P3"]]
    assert visited("passes", "list", "--state", "REFUNDED", "--jsonl").lines == found["passes"][1:2]
    one = visited("passes", "show", "P1", "--json").json
    assert one["pass"] == found["passes"][0] and one["position"] == found["position"]
    assert [(at["venue"], at["venue_province"], at["uses"], at["share_fen"]) for at in one["venues"]] == [
        ("VA", "46", 1, 3334), ("VB", "44", 1, 3333), ("VC", "45", 1, 3333),
    ]  # fmt: skip
    assert visited("passes", "show", "P1", "--jsonl").lines == one["venues"]
    shown = visited("passes", "show", "P1").stdout
    assert "by its first use" in shown and "33.34" in shown and "80.00" in visited("passes", "list").stdout


def test_revenue_tells_whose_prices_became(visited: Onecard) -> None:
    found = visited("passes", "revenue", "--json").json
    assert [(one["month"], one["venue"], one["share_fen"]) for one in found["revenue"]] == [
        ("2021-10", "VA", 3334), ("2021-10", "VB", 3333), ("2021-10", "VC", 3333),
    ]  # fmt: skip
    assert (found["share_fen"], found["uses"]) == (10000, 3)
    assert visited("passes", "revenue", "--venue-province", "44", "--jsonl").lines == found["revenue"][1:2]
    assert visited("passes", "revenue", "--from", "2021-11", "--json").json["revenue"] == []
    pairs = visited("passes", "pairs", "--seller-province", "46", "--json").json
    assert [(one["venue_province"], one["balance_fen"]) for one in pairs["pairs"]] == [("44", 3333), ("45", 3333)]
    assert pairs["balance_fen"] == 6666
    (sold,) = visited("passes", "sales", "--jsonl").lines
    figures = ("passes", "price_fen", "waiting_fen", "refunded_fen", "split_fen")
    assert [sold[name] for name in figures] == [3, 28000, 8000, 10000, 10000]
    (venue,) = visited("passes", "venues", "--venue", "VB", "--jsonl").lines
    assert (venue["uses"], venue["share_fen"], venue["last_used_on"]) == (1, 3333, "2020-10-30")
    for command in ("revenue", "pairs", "venues"):
        assert "33.33" in visited("passes", command).stdout, command
    assert "280.00" in visited("passes", "sales").stdout


def test_a_restricted_holder_is_in_sums_and_not_in_lists(visited: Onecard, tmp_path: Path) -> None:
    restrict = act("stop", "RestrictProcessing", "2022-01-01T10:00:00+08:00", reason="WITHDRAWN")
    assert visited("submit", write(tmp_path / "stop", restrict)).code == 0
    visited("follow", "--until-caught-up")
    assert visited("passes", "list", "--jsonl").stdout == ""
    assert visited("passes", "revenue", "--json").json["share_fen"] == 10000


def test_what_cannot_be_asked_of_passes_is_refused(visited: Onecard) -> None:
    for wrong in (
        ["list", "--state", "OLD"],
        ["list", "--valid-on", "soon"],
        ["revenue", "--from", "2021-13"],
        ["revenue", "--from", "2021-11", "--to", "2021-10"],
        ["show", "\udcff"],
        ["show", "P1", "--source", "all"],
    ):
        assert visited("passes", *wrong).code == 2, wrong
    unknown = visited("passes", "show", "P9", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (1, "pass_unknown")
