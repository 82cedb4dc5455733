"""Every code of contract section 7 is caused once, in the order the contract tests them."""

from typing import Any

import msgspec
import pytest

from ledger.families.transit.obligation import CityPair
from tests.families.clearing.scene import Clearing

DEDUCTION = {"funds": {"310100": 60}, "finding": "f"}
DISPUTE = {"discrepancy": "AMOUNT_DIFF", "reason": "r"}
RUN = {
    "level": "L2", "counterparty": "31", "from": "2025-05-01", "to": "2025-05-31", "file_sha256": "0" * 64,
    **dict.fromkeys(("matched", "only_local", "only_centre", "amount_diff", "state_diff", "duplicate_centre"), 0),
}  # fmt: skip
NOTICE = {"cycle": "2025-05", "book": "MEDICAL", "home": "34", "treatment": "31"}
PAIR = {"home": "34", "treatment": "31"}
PAID = {"bank_transaction": "B1", "paid_on": "2025-06-03"}
REMITTANCE = {
    "remittance_id": "R1",
    "book": "MEDICAL",
    "method": "TRANSFER",
    "notice_id": "2025-05-MEDICAL-34-31",
    **PAID,
}


@pytest.fixture
def books() -> Clearing:
    """S1 is confirmed, S2 open, S3 reversed, S4 voided, S5 at home, S6 in Jiangsu (32); April holds nothing."""
    books = Clearing()
    for number in "1236":
        books.settle(f"S{number}", treatment_area="320100" if number == "6" else "310106")
    books.settle("S4", reference="to-void")
    books.settle("S5", treatment_area="340100")
    assert books.confirm("S1") == books.reverse("S3") == "recorded"
    assert books.order("VoidMedical", voided_reference="to-void", reason="OPERATOR") == "recorded"
    return books


def closed(books: Clearing, notice: bool = False) -> None:
    books.cycle("2025-05")
    if notice:
        assert books.act("IssueNotice", **NOTICE) == "recorded"


@pytest.mark.parametrize("verb", ["ConfirmSettlements", "WithdrawConfirmation"])
def test_agreement_is_refused_by_the_first_failing_id(books: Clearing, verb: str) -> None:
    def answer(*ids: str, province: str = "31") -> str:
        return books.act(verb, treatment_province=province, settlement_ids=list(ids))

    good, bad, code = ("S2", "S1", "settlement_confirmed")
    if verb == "WithdrawConfirmation":
        good, bad, code = ("S1", "S2", "settlement_not_confirmed")
    assert answer(good, "S9") == "settlement_unknown"
    assert answer("S6") == "treatment_province_differs"
    assert answer("S4", bad) == "settlement_voided"
    assert answer("S3", "S9") == "settlement_reversed"
    assert answer("S5", province="34") == "no_clearing_line"
    assert answer(bad) == code
    assert answer(good) == "recorded"
    if verb == "WithdrawConfirmation":
        books.confirm("S1")
    books.cut_off("2025-05")
    assert answer("S1") == "settlement_cut_off"


def test_deductions(books: Clearing) -> None:
    def deduct(id: str = "D1", settlement: str = "S1", **own: Any) -> str:
        return books.act("DeductByAudit", deduction_id=id, settlement_id=settlement, **{**DEDUCTION, **own})

    def take_back(id: str = "D1", reversal: str = "D1R") -> str:
        return books.act("ReverseDeduction", deduction_id=id, reversal_id=reversal, reason="r")

    assert deduct(funds={}) == "out_of_range"
    assert deduct(funds={str(code): 1 for code in range(20)}) == "unknown_code"
    assert deduct(funds={str(code): 1 for code in range(21)}) == "out_of_range"
    assert deduct() == "recorded"
    assert deduct(settlement="S9") == "deduction_exists"
    assert deduct("D2", "S9") == "settlement_unknown"
    assert deduct("D2", "S4") == "settlement_voided"
    assert deduct("D2", "S3") == "settlement_reversed"
    assert deduct("D2", funds={"310100": 41}) == "deduction_exceeds_settlement"
    assert deduct("D2", funds={"310300": 1}) == "deduction_exceeds_settlement"
    assert books.reverse("S1") == "settlement_has_deductions"
    assert take_back("D9") == "deduction_unknown"
    assert take_back("D1", "D1") == "deduction_exists"
    assert take_back() == "recorded"
    assert take_back(reversal="D1R2") == "deduction_reversed"
    assert take_back("D1R", "D1R2") == "deduction_unknown"
    assert deduct("D1R") == "deduction_exists"
    assert deduct("D2", funds={"310100": 100}) == "recorded"


def test_runs_and_disputes(books: Clearing) -> None:
    def dispute(id: str = "P1", settlement: str = "S1", **own: Any) -> str:
        return books.act("OpenDispute", dispute_id=id, settlement_id=settlement, **{**DISPUTE, **own})

    def resolve(id: str = "P1", outcome: str = "KEEP") -> str:
        return books.act("ResolveDispute", dispute_id=id, outcome=outcome, reason="r")

    assert books.act("RunReconciliation", run_id="N1", **{**RUN, "from": "2025-06-01"}) == "period_invalid"
    assert books.act("RunReconciliation", run_id="N0", **{**RUN, "from": RUN["to"]}) == "recorded"
    assert books.act("RunReconciliation", run_id="N1", **RUN) == "recorded"
    assert books.act("RunReconciliation", run_id="N1", **{**RUN, "from": "2025-06-01"}) == "run_exists"
    assert dispute(run_id="N2") == "run_unknown"
    assert dispute(run_id="N1", claimed_fen=0) == "recorded"
    assert dispute(settlement="S9") == "dispute_exists"
    assert dispute("P2", "S9") == "settlement_unknown"
    assert dispute("P2", "S4") == "settlement_voided"
    assert dispute("P2", "S3") == "settlement_reversed"
    assert dispute("P2", "S5") == "no_clearing_line"
    assert dispute("P2", run_id="N2") == "dispute_open"
    assert resolve("P2") == "dispute_unknown"
    assert books.act("DeductByAudit", deduction_id="D1", settlement_id="S1", **DEDUCTION) == "recorded"
    assert resolve(outcome="REVERSE") == "settlement_has_deductions"
    assert resolve() == "recorded"
    assert resolve(outcome="REVERSE") == "dispute_resolved"
    books.cut_off("2025-05")
    assert dispute("P2", run_id="N2") == "settlement_cut_off"


def test_cycles(books: Clearing) -> None:
    assert books.cut_off("2025-05", "2025-05-31") == "cycle_not_over"
    assert books.close("2025-05") == "cycle_unknown"
    assert books.cut_off("2025-05", "2025-06-01") == "recorded"
    assert books.cut_off("2025-05") == "cycle_cut_off"
    assert books.cut_off("2025-04") == books.cut_off("2027-01") == "previous_cycle_open"
    digest = books.last["table_digest"]
    assert books.act("CloseCycle", cycle="2025-05", table_digest="0" * 64) == "table_digest_differs"
    assert books.act("IssueNotice", **NOTICE) == "cycle_not_closed"
    assert books.act("CloseCycle", cycle="2025-05", table_digest=digest) == "recorded"
    assert books.act("CloseCycle", cycle="2025-05", table_digest="0" * 64) == "cycle_closed"
    assert books.cut_off("2025-05") == "cycle_closed"
    assert books.cut_off("2025-04") == "cycle_out_of_order"


def test_notices(books: Clearing) -> None:
    assert books.act("IssueNotice", **NOTICE) == "cycle_unknown"
    closed(books, notice=True)
    assert books.act("IssueNotice", **NOTICE) == "notice_exists"
    assert books.act("IssueNotice", **{**NOTICE, "treatment": "34"}) == "nothing_to_notice"
    assert books.act("IssueNotice", **{**NOTICE, "book": "PASS"}) == "nothing_to_notice"


def test_remittances(books: Clearing) -> None:
    def remit(fen: int = 100, **own: Any) -> str:
        given = {name: value for name, value in {**REMITTANCE, "amount_fen": fen, **own}.items() if value is not None}
        return books.act("RecordRemittance", **given)

    back = {"method": "RETURN", "returned_remittance_id": "R1", "remittance_id": "R2"}
    by_prepayment = {"method": "PREPAYMENT", "bank_transaction": None}
    closed(books, notice=True)
    assert remit(notice_id="2025-05-MEDICAL-34-32") == "notice_unknown"
    assert remit(book="PASS") == "notice_unknown"
    assert remit(101) == "remittance_exceeds_owed"
    assert remit(**by_prepayment) == "insufficient_prepayment"
    assert remit(101, **by_prepayment) == "remittance_exceeds_owed"
    assert remit(60) == "recorded"
    assert remit(60) == "remittance_exists"
    assert remit(41, remittance_id="R2") == "remittance_exceeds_owed"
    assert remit(60, **{**back, "returned_remittance_id": "R2"}) == "remittance_unknown"
    assert remit(60, **{**back, "notice_id": "2025-05-MEDICAL-31-34"}) == "remittance_unknown"
    assert remit(60, **{**back, "book": "PASS"}) == "remittance_unknown"
    assert remit(59, **back) == "amount_differs"
    assert remit(60, **back) == "recorded"
    assert remit(1, **{**back, "remittance_id": "R3"}) == "remittance_returned"
    assert remit(60, **{**back, "remittance_id": "R3", "returned_remittance_id": "R2"}) == "remittance_returned"
    assert remit(100, remittance_id="R3") == "recorded"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"notice_id": None}, "missing_field"),
        ({"bank_transaction": None}, "missing_field"),
        ({"issue_city": "3401"}, "unknown_field"),
        ({"returned_remittance_id": "R0"}, "unknown_field"),
        ({"method": "RETURN"}, "missing_field"),
        ({"method": "PREPAYMENT"}, "unknown_field"),
        ({"book": "TRANSIT", "issue_city": "3401", "use_city": "3101"}, "unknown_field"),
        ({"book": "TRANSIT", "notice_id": None, "issue_city": "3401"}, "missing_field"),
        ({"book": "TRANSIT", "notice_id": None, "issue_city": "340100", "use_city": "3101"}, "bad_format"),
    ],
)
def test_the_shape_of_a_remittance(changes: dict[str, Any], code: str) -> None:
    given = {**REMITTANCE, "amount_fen": 1, **changes}
    assert Clearing().act("RecordRemittance", **given) == code


def test_remittances_between_cities() -> None:
    books = Clearing()
    books.memory.rows[(CityPair, "3401:3101")] = msgspec.msgpack.encode(CityPair(-500))
    transit = {"book": "TRANSIT", "issue_city": "3401", "use_city": "3101", "paid_on": "2025-06-03"}

    def remit(id: str, fen: int, **own: Any) -> str:
        given = {"method": "TRANSFER", "bank_transaction": "B1", **transit, **own}
        return books.act("RecordRemittance", remittance_id=id, amount_fen=fen, **given)

    assert remit("R1", 1, method="PREPAYMENT", bank_transaction=None) == "prepayment_not_applicable"
    assert remit("R1", 501) == "remittance_exceeds_owed"
    assert remit("R1", 300) == "recorded"
    assert (books.last["payer"], books.last["payee"]) == ("3101", "3401")
    assert books.balance("transit_clearing:3401:3101") == 300 == -books.balance("transit_advance:3101")
    assert remit("R2", 201) == "remittance_exceeds_owed"
    elsewhere = {"method": "RETURN", "returned_remittance_id": "R1", "use_city": "3102"}
    assert remit("R2", 300, **elsewhere) == "remittance_unknown"
    assert remit("R2", 300, **{**elsewhere, "use_city": "3101"}) == "recorded"
    assert (books.last["payer"], books.last["returned_method"]) == ("3401", "TRANSFER")
    assert books.balance("transit_clearing:3401:3101") == 0
    assert books.row(CityPair, "3401:3101").balance == -500


def test_prepayment(books: Clearing) -> None:
    def act(verb: str, fen: int | None = None, **own: Any) -> str:
        amount = {} if fen is None else {"amount_fen": fen}
        return books.act(verb, **{**PAIR, **amount, **own})

    year, here = {"year": "2025"}, {"treatment": "34"}
    assert act("SetPrepayment", 100, **year, **here) == "same_province"
    assert act("SetPrepayment", 2, **year, q4_fen=2) == "prepayment_amount_differs"
    assert act("SetPrepayment", 1, **year, q4_fen=2) == "recorded"
    assert act("SetPrepayment", 2, **year, q4_fen=2) == "prepayment_already_set"
    assert act("PayPrepayment", 1, year="2024", **PAID) == "prepayment_not_set"
    assert act("PayPrepayment", 2, **year, **PAID) == "prepayment_exceeds_quota"
    assert act("PayPrepayment", 1, **year, **PAID) == "recorded"
    assert act("ReturnPrepayment", 1, **PAID, **here) == "same_province"
    assert act("ReturnPrepayment", 2, **PAID) == "insufficient_prepayment"
    alert = {"cycle": "2025-05"}
    assert act("RaisePrepaymentAlert", **alert) == "cycle_unknown"
    books.cut_off("2025-05")
    assert act("RaisePrepaymentAlert", **alert) == "cycle_not_closed"
    books.close("2025-05")
    assert act("RaisePrepaymentAlert", **alert, **here) == "no_alert_due"
    assert act("IncreasePrepayment", 5, **year, **alert) == "no_red_alert"
    assert act("RaisePrepaymentAlert", **alert) == "recorded"
    assert (books.last["level"], books.last["usage_per_mille"], books.last["base_fen"]) == ("RED", 100_000, 1)
    assert act("RaisePrepaymentAlert", **alert) == "alert_exists"
    assert act("IncreasePrepayment", 5, year="2024", **alert) == "prepayment_not_set"
    assert act("IncreasePrepayment", 5, **year, **alert) == "recorded"
    assert act("IncreasePrepayment", 5, **year, **alert) == "increase_exists"
    assert act("PayPrepayment", 5, **year, **PAID) == "recorded"
    assert act("PayPrepayment", 1, **year, **PAID) == "prepayment_exceeds_quota"
    assert act("ReturnPrepayment", 6, **PAID) == "recorded"
    assert books.balance("prepayment:34:31") == books.balance("prepaid:34:31") == 0
    assert books.made_again() == books.memory.rows
