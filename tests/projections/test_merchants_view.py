"""The view `merchants` against the events told one by one, the accounts of merchants, and their closed days."""

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from projections.questions import merchants, snapshot
from tests.cli.lines import GOLDEN, SN, write
from tests.fix_command import Onecard
from tests.fix_damage import SOURCE
from tests.fix_told import ToldHistory

FIGURES = ("payment_count", "paid_fen", "discount_fen", "refund_count", "refund_fen", "voucher_count", "voucher_fen")


def test_what_merchants_earned_is_the_balance_of_their_accounts(told_history: ToldHistory) -> None:
    rows = told_history.ask("SELECT merchant, net_fen FROM views.merchants_v1")
    assert {f"merchant:{name}": fen for name, fen in rows if fen} == told_history.balances("merchant:")
    sums = ", ".join(f"sum({name})::bigint" for name in (*FIGURES, "net_fen"))
    whole, by_day = (told_history.ask(f"SELECT {sums} FROM views.{one}_v1") for one in ("merchants", "merchants_days"))
    assert whole == by_day
    (found,) = whole
    assert found[0] == len(told_history.of("MerchantPaid")) and found[5] == len(told_history.of("VoucherRedeemed"))
    assert found[7] == found[1] + found[2] - found[4] + found[6]


def test_a_closed_day_says_what_its_closing_said(told_history: ToldHistory) -> None:
    with closing(told_history.store.connect()) as connection:
        found, days = snapshot.ask(
            connection,
            lambda cursor: (
                list(merchants.closings(cursor, SOURCE, None, None, None).rows()),
                list(merchants.days(cursor, SOURCE, None, None, None).rows()),
            ),
        )
    closings = told_history.of("MerchantDayClosed")
    assert len(found) == len(closings) > 0
    assert [one for one in found if not one["agrees"]] == []
    for name in (*FIGURES, "net_fen"):
        closed = sum(event[name] for event in closings)
        assert sum(one[name] for one in found) == closed == sum(one[name] for one in days if one["closed"]), name


# --- asked on the command line ---------------------------------------------------------------------------------------


def act(reference: str, command: str, at: str, **fields: Any) -> dict[str, Any]:
    return {"command": command, "submitter": "T1", "reference": reference, "occurred_at": at, **fields}


@pytest.fixture
def sold(onecard: Onecard, tmp_path: Path) -> Onecard:
    """E21: a payment with a discount, refunded in two parts; its days closed; then a payment of a closed day."""
    onecard("submit", GOLDEN / "E21.jsonl", clock="2026-01-01T00:00:00Z")
    day = {"merchant": "M1", "merchant_area": "370200"}
    more = (
        act("m1", "CloseMerchantDay", "2025-03-02T09:00:00+08:00", day="2025-03-01", **day),
        act("m2", "PayMerchant", "2025-03-01T20:00:00+08:00", card_sn=SN, payment_id="PM2", price_fen=450, paid_fen=450,
            discount_fen=0, **day),
    )  # fmt: skip
    assert onecard("submit", write(tmp_path / "more", *more)).code == 0
    onecard("follow", "--until-caught-up")
    return onecard


def test_merchants_and_their_days_have_their_figures(sold: Onecard) -> None:
    (one,) = sold("merchants", "list", "--merchant", "M1", "--jsonl").lines
    assert [one[name] for name in FIGURES] == [2, 1150, 300, 2, 1000, 0, 0]
    assert (one["net_fen"], one["closed_to"]) == (450, "2025-03-01")
    days = sold("merchants", "days", "--merchant", "M1", "--json").json
    assert [(at["day"], at["payment_count"], at["refund_fen"], at["net_fen"], at["closed"]) for at in days["days"]] == [
        ("2025-03-01", 1, 0, 1000, True), ("2025-03-02", 1, 1000, -550, False),
    ]  # fmt: skip
    assert days["net_fen"] == 450
    (end,) = sold("merchants", "closings", "--jsonl").lines
    assert (end["closed_from"], end["day"], end["net_fen"], end["agrees"]) == (None, "2025-03-01", 1000, True)
    assert sold("merchants", "days", "--from", "2025-03-03", "--json").json["days"] == []
    for command, amount in (("list", "4.50"), ("days", "-5.50"), ("closings", "the same")):
        assert amount in sold("merchants", command).stdout, command
    everywhere = sold("merchants", "list", "--source", "all", "--json").json
    assert [one["merchant"] for one in everywhere["merchants"]] == ["M1"]


def test_a_closing_that_its_days_do_not_bear_out_is_told(sold: Onecard, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE views.merchants_days_v1 SET paid_fen = paid_fen + 1 WHERE day = 20148")
    found = sold("merchants", "closings", "--json").json
    assert found["differing"] == 1 and found["closings"][0]["differing"] == ["paid_fen"]
    assert "paid_fen" in sold("merchants", "closings").stdout


def test_what_cannot_be_asked_of_merchants_is_refused(sold: Onecard) -> None:
    for wrong in (["list", "--merchant", "\udcff"], ["days", "--from", "soon"], ["list", "--json", "--jsonl"]):
        assert sold("merchants", *wrong).code == 2, wrong
