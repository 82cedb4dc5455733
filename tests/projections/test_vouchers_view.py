"""The view `vouchers` against the events told one by one, the accounts of cards, and the golden example E16."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.cli.lines import CARD_ID, GOLDEN, SN, write
from tests.fix_command import Onecard
from tests.fix_told import ToldHistory

SUMS = "coalesce(sum({}), 0)::bigint"


def test_every_voucher_is_redeemed_expired_or_open(told_history: ToldHistory) -> None:
    issued = {event["voucher_id"]: event for event in told_history.of("VoucherIssued")}
    redeemed: Counter[str] = Counter()
    for event in told_history.of("VoucherRedeemed"):
        redeemed[event["voucher_id"]] += event["amount_fen"]
    expired = {event["voucher_id"]: event["amount_fen"] for event in told_history.of("VoucherExpired")}
    rows = told_history.ask(
        "SELECT voucher_id, state, face_fen, redeemed_fen, expired_fen, open_fen, merchants, card_id::text"
        " FROM views.vouchers_v1"
    )
    assert rows and {row[0] for row in rows} == set(issued)
    by_card: Counter[str] = Counter()
    for voucher_id, state, face, spent, lost, left, merchants, card_id in rows:
        assert (face, spent, lost) == (
            issued[voucher_id]["face_fen"], redeemed[voucher_id], expired.get(voucher_id, 0),
        )  # fmt: skip
        assert face == spent + lost + left
        assert state == ("EXPIRED" if voucher_id in expired else "LIVE" if left else "USED")
        assert merchants == len(issued[voucher_id]["merchants"] or ())
        by_card[f"card:{card_id}:vouchers"] += left
    booked = {name: fen for name, fen in told_history.balances("card:").items() if name.endswith(":vouchers")}
    assert +by_card == booked


def test_programmes_and_merchants_add_up_to_their_vouchers(told_history: ToldHistory) -> None:
    figures = ("face_fen", "redeemed_fen", "expired_fen", "open_fen", "redemptions")
    sums = ", ".join(SUMS.format(name) for name in figures)
    vouchers = told_history.ask(f"SELECT province, programme, count(*), {sums} FROM views.vouchers_v1 GROUP BY 1, 2")
    programmes = told_history.ask(
        "SELECT province, programme, vouchers, issued_fen, redeemed_fen, expired_fen, open_fen, redemptions, open,"
        " used, expired FROM views.vouchers_programmes_v1 WHERE vouchers > 0"
    )
    assert sorted(row[:8] for row in programmes) == sorted(vouchers)
    assert all(row[2] == sum(row[8:]) for row in programmes)
    taken = told_history.ask(
        f"SELECT province, programme, {SUMS.format('redeemed_fen')} FROM views.vouchers_taken_v1 GROUP BY 1, 2"
    )
    assert {row[:2]: row[2] for row in taken} == {row[:2]: row[4] for row in programmes if row[4]}
    by_merchant: Counter[str] = Counter()
    for event in told_history.of("VoucherRedeemed"):
        by_merchant[event["merchant"]] += event["amount_fen"]
    for table, column in (("taken", "redeemed_fen"), ("redemptions", "amount_fen")):
        rows = told_history.ask(f"SELECT merchant, {SUMS.format(column)} FROM views.vouchers_{table}_v1 GROUP BY 1")
        assert dict(rows) == by_merchant, table


def test_discounts_less_refunds_are_what_programmes_bore(told_history: ToldHistory) -> None:
    borne: dict[tuple[str, str], int] = defaultdict(int)
    for event in told_history.of("MerchantPaid"):
        if event["funder"] is not None:
            borne[event["merchant_area"][:2], event["funder"]] += event["discount_fen"]
    for event in told_history.of("MerchantRefunded"):
        if event["funder"] is not None:
            borne[event["merchant_province"], event["funder"]] -= event["discount_fen"]
    rows = told_history.ask("SELECT province, programme, discount_fen FROM views.vouchers_programmes_v1")
    assert {row[:2]: row[2] for row in rows if row[2]} == {key: fen for key, fen in borne.items() if fen}


# --- asked on the command line ---------------------------------------------------------------------------------------


def act(reference: str, command: str, at: str, **fields: Any) -> dict[str, Any]:
    return {
        "command": command, "submitter": "T1", "reference": reference, "occurred_at": at, "card_sn": SN, **fields,
    }  # fmt: skip


@pytest.fixture
def given(onecard: Onecard, tmp_path: Path) -> Onecard:
    """E16: a voucher redeemed in part and expired; then one that any merchant takes, and a discount."""
    onecard("submit", GOLDEN / "E16.jsonl", clock="2026-01-01T00:00:00Z")
    more = (
        act("m1", "IssueVoucher", "2025-06-01T09:00:00+08:00", voucher_id="W2", province="33", programme="elder",
            face_fen=800, valid_from="2025-06-01", valid_to="2025-06-30"),
        act("m2", "RedeemVoucher", "2025-06-02T09:00:00+08:00", redemption_id="X9", voucher_id="W2", merchant="M2",
            merchant_area="310100", amount_fen=150),
        act("m3", "PayMerchant", "2025-06-03T09:00:00+08:00", payment_id="PM1", merchant="M2", merchant_area="330100",
            price_fen=1000, paid_fen=700, discount_fen=300, funder="elder"),
    )  # fmt: skip
    assert onecard("submit", write(tmp_path / "more", *more)).code == 0
    onecard("follow", "--until-caught-up")
    return onecard


def test_vouchers_tell_what_is_left_of_them(given: Onecard) -> None:
    found = given("vouchers", "list", "--card", CARD_ID, "--json").json
    names = ("voucher_id", "state", "face_fen", "redeemed_fen", "expired_fen", "open_fen", "merchants")
    assert [[one[name] for name in names] for one in found["vouchers"]] == [
        ["W1", "EXPIRED", 500, 300, 200, 0, 1], ["W2", "LIVE", 800, 150, 0, 650, 0],
    ]  # fmt: skip
    assert (found["face_fen"], found["redeemed_fen"], found["expired_fen"], found["open_fen"]) == (1300, 450, 200, 650)
    for options in (["--state", "LIVE"], ["--valid-on", "2025-06-30"]):
        assert given("vouchers", "list", *options, "--jsonl").lines == found["vouchers"][1:], options
    assert given("vouchers", "list", "--ended-by", "2025-06-29", "--jsonl").lines == found["vouchers"][:1]
    one = given("vouchers", "show", "W1", "--json").json
    assert (one["voucher"], one["merchants"]) == (found["vouchers"][0], ["M1"])
    assert [(at["redemption_id"], at["merchant"], at["amount_fen"]) for at in one["redemptions"]] == [("X1", "M1", 300)]
    assert given("vouchers", "show", "W2", "--jsonl").lines[0]["merchant_province"] == "31"
    assert "at any merchant" in given("vouchers", "show", "W2").stdout
    shown = given("vouchers", "show", "W1").stdout
    assert "at M1" in shown and "3.00" in shown and "6.50" in given("vouchers", "list").stdout


def test_programmes_and_merchants_have_their_figures(given: Onecard) -> None:
    (one,) = given("vouchers", "programmes", "--province", "33", "--jsonl").lines
    figures = ("vouchers", "issued_fen", "redeemed_fen", "expired_fen", "open_fen", "discounts", "discount_fen")
    assert [one[name] for name in figures] == [2, 1300, 450, 200, 650, 1, 300]
    taken = given("vouchers", "merchants", "--programme", "elder", "--json").json
    assert [(at["merchant"], at["redeemed_fen"]) for at in taken["merchants"]] == [("M1", 300), ("M2", 150)]
    assert taken["redeemed_fen"] == 450
    may = given("vouchers", "redemptions", "--from", "2025-05-01", "--to", "2025-05-31", "--json").json
    assert [at["redemption_id"] for at in may["redemptions"]] == ["X1"] and may["amount_fen"] == 300
    assert given("vouchers", "redemptions", "--merchant", "M2", "--json").json["amount_fen"] == 150
    for command, amount in (("programmes", "13.00"), ("merchants", "1.50"), ("redemptions", "1.50")):
        assert amount in given("vouchers", command).stdout, command


def test_a_restricted_holder_is_in_sums_and_not_in_lists(given: Onecard, tmp_path: Path) -> None:
    restrict = act("stop", "RestrictProcessing", "2025-07-01T10:00:00+08:00", reason="WITHDRAWN")
    assert given("submit", write(tmp_path / "stop", restrict)).code == 0
    given("follow", "--until-caught-up")
    assert given("vouchers", "list", "--jsonl").stdout == ""
    assert given("vouchers", "programmes", "--json").json["issued_fen"] == 1300


def test_what_cannot_be_asked_of_vouchers_is_refused(given: Onecard) -> None:
    for wrong in (
        ["list", "--state", "OLD"],
        ["list", "--valid-on", "soon"],
        ["redemptions", "--from", "2025-06-02", "--to", "2025-06-01"],
        ["show", "\udcff"],
        ["show", "W1", "--source", "all"],
    ):
        assert given("vouchers", *wrong).code == 2, wrong
    unknown = given("vouchers", "show", "W9", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (1, "voucher_unknown")
