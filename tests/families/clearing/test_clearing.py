"""What the rules of clearing mean where they meet: units, late facts, negative pairs, disputes."""

from typing import Any

import pytest

from ledger.core.configuration import Configuration
from ledger.families.clearing.notice import owed
from ledger.families.clearing.units import Unit, cycle_of
from tests.families.clearing.scene import Clearing

CARRY = {"key": "clearing.negative_pair", "scope": "34", "effective_from": "2020-01-01", "value": "CARRY"}
NOTICE = {"book": "MEDICAL", "home": "34", "treatment": "31"}


def dispute(books: Clearing, id: str, settlement: str = "S1") -> None:
    assert books.act("OpenDispute", dispute_id=id, settlement_id=settlement, discrepancy="STATE_DIFF", reason="r") == (
        "recorded"
    )


def resolve(books: Clearing, id: str, outcome: str) -> None:
    assert books.act("ResolveDispute", dispute_id=id, outcome=outcome, reason="r") == "recorded"


def test_a_late_reversal_leaves_an_open_settlement_deferred_until_its_month() -> None:
    books = Clearing()
    books.settle("S1")
    assert books.reverse("S1", "2025-07-02") == "recorded"
    for month, lines, deferred in (("2025-05", 0, 1), ("2025-06", 0, 1), ("2025-07", 2, 0)):
        books.cycle(month)
        table = books.tables.cycles[month]
        assert (table.line_count, table.deferred_count) == (lines, deferred)
    assert books.payable("2025-07") == 0 and len(books.tables.cycles["2025-07"].rows) == 1


def test_a_reversal_after_the_cut_off_knows_the_cycle_of_its_original() -> None:
    books = Clearing()
    books.settle("S1")
    books.confirm("S1")
    books.cycle("2025-05")
    assert books.reverse("S1") == "recorded"
    assert books.last["original_cycle"] == "2025-05"
    books.cycle("2025-06")
    assert books.payable("2025-06") == -100
    assert cycle_of(books.world(), "settlement:S1") == "2025-05"


def test_a_cut_off_takes_the_last_day_of_its_month_and_nothing_of_the_day_after() -> None:
    books = Clearing()
    books.settle("S1", at="2025-05-31")
    books.settle("S2", at="2025-05-31")
    books.settle("S3", at="2025-06-01")
    books.settle("S4", at="2025-05-31")
    books.confirm("S1", "S3")
    assert books.reverse("S2", "2025-05-31") == "recorded"
    books.cycle("2025-05")

    cycles = [cycle_of(books.world(), f"settlement:S{number}") for number in (1, 2, 3, 4)]
    assert cycles == ["2025-05", "2025-05", None, None]
    for settlement in ("S3", "S4"):
        dispute(books, f"P-{settlement}", settlement)
    assert [books.row(Unit, f"settlement:{name}").deferrals for name in ("S3", "S4")] == [0, 1]


def test_a_kept_dispute_lets_the_confirmation_stand_and_a_held_one_waits_for_the_reversal() -> None:
    books = Clearing()
    for name in ("S1", "S2"):
        books.settle(name)
    books.confirm("S1", "S2")
    dispute(books, "P1", "S1")
    dispute(books, "P2", "S2")
    resolve(books, "P1", "KEEP")
    resolve(books, "P2", "REVERSE")
    books.cycle("2025-05")
    assert books.tables.cycles["2025-05"].line_count == 1
    dispute(books, "P3", "S2")
    unit: Unit = books.row(Unit, "settlement:S2")
    assert (unit.disputed, unit.held, unit.deferrals) == (True, True, 1)
    resolve(books, "P3", "KEEP")
    books.cycle("2025-06")
    assert books.payable("2025-06") == 100


def test_a_dispute_resolved_after_the_reversal_has_no_effect() -> None:
    books = Clearing()
    books.settle("S1")
    books.confirm("S1")
    dispute(books, "P1")
    assert books.reverse("S1", "2025-06-05") == "recorded"
    resolve(books, "P1", "KEEP")
    books.cycle("2025-05")
    assert books.tables.cycles["2025-05"].deferred_count == 1
    books.cycle("2025-06")
    assert books.tables.cycles["2025-06"].line_count == 2


def test_a_deduction_waits_for_its_settlement_and_its_reversal_for_the_deduction() -> None:
    books = Clearing()
    books.settle("S1", at="2025-05-20")
    deduct = {"deduction_id": "D1", "settlement_id": "S1", "funds": {"310100": 30}, "finding": "f"}
    assert books.act("DeductByAudit", "2025-06-15", **deduct) == "recorded"
    assert books.act("ReverseDeduction", "2025-04-01", deduction_id="D1", reversal_id="D1R", reason="r") == "recorded"
    books.cycle("2025-04")
    assert books.tables.cycles["2025-04"].line_count == 0
    books.confirm("S1")
    books.cycle("2025-05")
    assert books.payable("2025-05") == 100
    books.cycle("2025-06")
    (row,) = books.tables.cycles["2025-06"].rows
    assert (row.deduction_count, row.deduction_fen, row.payable_fen) == (2, 0, 0)


def test_a_deduction_in_a_home_settlement_makes_no_line() -> None:
    books = Clearing()
    books.settle("S1", treatment_area="340100")
    deduct = {"deduction_id": "D1", "settlement_id": "S1", "funds": {"310100": 30}, "finding": "f"}
    assert books.act("DeductByAudit", **deduct) == "recorded"
    assert books.tables.lines() == []
    assert books.balance("provider:H1") == 70 and books.balance("fund:34:310100") == -70


def test_a_settlement_at_home_paid_from_the_wallet_must_be_confirmed() -> None:
    books = Clearing()
    assert books.give("W1", 50) == "recorded"
    own = {"account_fen": 50, "account_mutual_aid_fen": 50, "wallet_fen": 50}
    assert books.bill("S1", at="2025-06-02T13:00:00+08:00", **own) == "recorded"
    books.cycle("2025-06")
    assert books.tables.cycles["2025-06"].deferred_count == 1
    assert books.confirm("S1", province="34") == "recorded"
    books.cycle("2025-07")
    (row,) = books.tables.cycles["2025-07"].rows
    assert (row.home, row.treatment, row.clr_type, row.payable_fen) == ("31", "34", "WALLET", 50)


@pytest.mark.parametrize("carry", [True, False])
def test_a_negative_pair_is_carried_through_cycles_without_rows_or_flipped(carry: bool) -> None:
    books = Clearing(*([CARRY] if carry else []))
    books.settle("S1", fen=500)
    books.confirm("S1")
    books.cycle("2025-05")
    books.reverse("S1", "2025-06-10")
    books.cycle("2025-06")
    books.cycle("2025-07")
    books.settle("S2", at="2025-08-01", fen=700)
    books.confirm("S2")
    books.cycle("2025-08")
    answers = [books.act("IssueNotice", cycle=f"2025-0{month}", **NOTICE) for month in (6, 7, 8)]
    last = books.last
    if carry:
        assert answers == ["nothing_to_notice", "nothing_to_notice", "recorded"]
        assert (last["payable_fen"], last["brought_forward_fen"], last["amount_fen"]) == (700, -500, 200)
    else:
        assert answers == ["recorded", "nothing_to_notice", "recorded"]
        assert (last["payable_fen"], last["brought_forward_fen"], last["amount_fen"]) == (700, 0, 700)
    assert books.made_again() == books.memory.rows


def test_a_carried_amount_is_flipped_in_the_first_cycle_whose_policy_says_so() -> None:
    flip = {**CARRY, "effective_from": "2025-07-31", "value": "FLIP"}
    books = Clearing(CARRY, flip)
    books.settle("S1", fen=500)
    books.confirm("S1")
    books.cycle("2025-05")
    books.reverse("S1", "2025-06-10")
    for month in ("2025-06", "2025-07", "2025-08"):
        books.cycle(month)
    assert books.act("IssueNotice", cycle="2025-06", **NOTICE) == "nothing_to_notice"
    assert books.act("IssueNotice", cycle="2025-08", **NOTICE) == "nothing_to_notice"
    assert books.act("IssueNotice", cycle="2025-07", **NOTICE) == "recorded"
    assert {name: books.last[name] for name in ("payer", "payee", "payable_fen", "brought_forward_fen")} == {
        "payer": "31", "payee": "34", "payable_fen": 0, "brought_forward_fen": -500,
    }  # fmt: skip


def test_what_a_notice_was_issued_for_is_not_carried_too_when_the_policy_is_dated_back() -> None:
    books = Clearing()
    books.settle("S1", fen=500)
    books.confirm("S1")
    books.cycle("2025-05")
    books.reverse("S1", "2025-06-10")
    books.cycle("2025-06")
    assert books.act("IssueNotice", cycle="2025-06", **NOTICE) == "recorded"
    books.config = Configuration.load([CARRY])
    books.cycle("2025-07")
    books.settle("S2", at="2025-08-01", fen=700)
    books.confirm("S2")
    books.cycle("2025-08")
    assert books.act("IssueNotice", cycle="2025-07", **NOTICE) == "nothing_to_notice"
    assert books.act("IssueNotice", cycle="2025-08", **NOTICE) == "recorded"
    assert (books.last["brought_forward_fen"], books.last["amount_fen"]) == (0, 700)


@pytest.mark.parametrize(
    ("asked_before", "july"),
    [(True, 300), (False, 300), (True, 500), (True, 600)],
    ids=["set off in August", "not asked for yet", "used up in July", "less than July"],
)
def test_what_the_next_notice_has_set_off_is_not_asked_for_too_when_the_policy_is_dated_back(
    asked_before: bool, july: int
) -> None:
    books = Clearing(CARRY)
    for name, at, fen in (("S1", "2025-05-20", 500), ("S2", "2025-07-01", july), ("S3", "2025-08-01", 700)):
        books.settle(name, at, fen)
    books.confirm("S1", "S2", "S3")
    books.cycle("2025-05")
    books.reverse("S1", "2025-06-10")
    for month in ("2025-06", "2025-07", "2025-08"):
        books.cycle(month)
    if asked_before:
        assert books.act("IssueNotice", cycle="2025-08", **NOTICE) == "recorded"
        assert books.last["amount_fen"] == 700 - max(0, 500 - july)

    books.config = Configuration.load([CARRY, {**CARRY, "value": "FLIP"}])
    is_set_off = asked_before and july < 500
    assert (books.act("IssueNotice", cycle="2025-06", **NOTICE) == "recorded") is not is_set_off


def test_who_pays() -> None:
    assert owed("34", "31", 5, 0, True)[2:] == ("34", "31")
    assert owed("34", "31", -5, 0, False)[2:] == ("31", "34")
    assert owed("34", "31", -5, 0, True)[2:] == owed("34", "31", 5, -5, False)[2:] == (None, None)


def test_the_base_of_an_alert_is_the_balance_at_the_close() -> None:
    books = Clearing()
    pair, paid = {"home": "34", "treatment": "31"}, {"bank_transaction": "B", "paid_on": "2025-06-03"}
    books.settle("S1", fen=900)
    books.confirm("S1")
    assert books.act("SetPrepayment", **pair, year="2025", amount_fen=2000) == "recorded"
    assert books.act("PayPrepayment", **pair, year="2025", amount_fen=1000, **paid) == "recorded"
    books.cycle("2025-05")
    assert books.act("PayPrepayment", **pair, year="2025", amount_fen=1000, **paid) == "recorded"
    assert books.act("RaisePrepaymentAlert", **pair, cycle="2025-05") == "recorded"
    assert (books.last["level"], books.last["usage_per_mille"]) == ("RED", 900)
    assert books.act("IssueNotice", cycle="2025-05", **NOTICE) == "recorded"
    own: dict[str, Any] = {"notice_id": "2025-05-MEDICAL-34-31", "book": "MEDICAL", "paid_on": "2025-06-03"}
    paid_by = {"remittance_id": "R1", "method": "PREPAYMENT", "amount_fen": 900}
    assert books.act("RecordRemittance", **own, **paid_by) == "recorded"
    assert books.balance("prepayment:34:31") == 1100 and books.balance("prepayment_used:34:31") == 900
    undone = {"remittance_id": "R2", "method": "RETURN", "returned_remittance_id": "R1", "amount_fen": 900}
    assert books.act("RecordRemittance", **own, **undone, bank_transaction="B2") == "recorded"
    assert books.balance("prepayment:34:31") == 2000 and books.balance("clearing:34:31") == 900


def test_a_pass_notice_posts_to_the_accounts_of_its_book() -> None:
    books = Clearing()
    assert books.cut_off("2025-05") == "recorded"
    passes = {"book": "PASS", "home": "46", "treatment": "45", "payable_fen": 30}
    books.memory.pair_totals = lambda month: [passes]
    assert books.close("2025-05") == "recorded"
    assert books.last["payable_fen"] == 0
    assert books.act("IssueNotice", cycle="2025-05", book="PASS", home="46", treatment="45") == "recorded"
    paid = {"remittance_id": "R1", "book": "PASS", "notice_id": "2025-05-PASS-46-45", "amount_fen": 30}
    by_prepayment = {**paid, "method": "PREPAYMENT", "paid_on": "2025-06-03"}
    assert books.act("RecordRemittance", **by_prepayment) == "prepayment_not_applicable"
    by_bank = {**by_prepayment, "method": "TRANSFER", "bank_transaction": "B"}
    assert books.act("RecordRemittance", **by_bank) == "recorded"
    assert books.balance("pass_clearing:46:45") == -30 == -books.balance("pass_advance:45")
