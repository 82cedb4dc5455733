"""Every code of contract section 7 caused once: bills of Anna's in Shanghai (31), a month, its pair and its money."""

from typing import Any

from tests.catalogue.case import Case, Command
from tests.catalogue.medical import BILLED, FUNDED, NOON, RICH, bill, confirm, cut_off, deduct, reverse, void
from tests.families.counter import act, load, tap

AFTER = "2026-01-11 12:00"
PAIR = {"home": "34", "treatment": "31"}
PAID = {"bank_transaction": "BT1", "paid_on": "2026-01-11"}
JUNE = {"cycle": "2025-06"}
COUNTS = dict.fromkeys(("matched", "only_local", "only_centre", "amount_diff", "state_diff", "duplicate_centre"), 0)


def withdraw(*settlement_ids: str, **own: Any) -> Command:
    return {**confirm(*settlement_ids, **own), "command": "WithdrawConfirmation"}


def take_back(deduction_id: str = "D1", reversal_id: str = "D1R") -> Command:
    return act("ReverseDeduction", NOON, None, deduction_id=deduction_id, reversal_id=reversal_id, reason="r")


def run(**own: Any) -> Command:
    fields = {"run_id": "N1", "level": "L2", "counterparty": "31", "from": "2025-06-01", "to": "2025-06-30"}
    return act("RunReconciliation", NOON, None, **{**fields, "file_sha256": "0" * 64, **COUNTS, **own})


def dispute(dispute_id: str = "P1", settlement_id: str = "S1", **own: Any) -> Command:
    fields = {"dispute_id": dispute_id, "settlement_id": settlement_id, "discrepancy": "AMOUNT_DIFF", "reason": "r"}
    return act("OpenDispute", NOON, None, **{**fields, **own})


def resolve(outcome: str = "KEEP", **own: Any) -> Command:
    return act("ResolveDispute", NOON, None, **{"dispute_id": "P1", "outcome": outcome, "reason": "r", **own})


def close(month: str = "2025-06", **own: Any) -> Command:
    return act("CloseCycle", AFTER, None, cycle=month, **own)


def notice(**own: Any) -> Command:
    return act("IssueNotice", AFTER, None, **{**JUNE, "book": "MEDICAL", **PAIR, **own})


def remit(fen: int = 100, remittance_id: str = "R1", **own: Any) -> Command:
    fields = {"remittance_id": remittance_id, "book": "MEDICAL", "method": "TRANSFER", "amount_fen": fen, **PAID}
    fields["notice_id"] = "2025-06-MEDICAL-34-31"
    return act("RecordRemittance", AFTER, None, **{**fields, **own})


def from_prepayment(fen: int = 100) -> Command:
    return remit(fen, method="PREPAYMENT", bank_transaction=None)


def give_back(fen: int = 100, remittance_id: str = "R2", returned: str = "R1") -> Command:
    return remit(fen, remittance_id, method="RETURN", returned_remittance_id=returned)


def prepay(verb: str, fen: int | None = None, **own: Any) -> Command:
    amount = {} if fen is None else {"amount_fen": fen}
    return act(verb, AFTER, None, **{**PAIR, **amount, **own})


def quota(fen: int = 100, **own: Any) -> Command:
    return prepay("SetPrepayment", fen, **{"year": "2026", **own})


def pay(fen: int = 100) -> Command:
    return prepay("PayPrepayment", fen, year="2026", **PAID)


def increase(fen: int = 50) -> Command:
    return prepay("IncreasePrepayment", fen, year="2026", **JUNE)


def come_back(fen: int = 100, **own: Any) -> Command:
    return prepay("ReturnPrepayment", fen, **{**PAID, **own})


def alert(**own: Any) -> Command:
    return prepay("RaisePrepaymentAlert", **{**JUNE, **own})


AT_HOME = (*RICH, bill("S5"))
ELSEWHERE = (*RICH, bill(**{**FUNDED, "treatment_area": "320500"}))
REVERSED, VOIDED = (*BILLED, reverse()), (*BILLED, void())
CONFIRMED = (*BILLED, confirm("S1"))
CUT = (*CONFIRMED, cut_off())
CLOSED = (*CUT, close())
NOTICED = (*CLOSED, notice())
REMITTED = (*NOTICED, remit())
DEDUCTED = (*BILLED, deduct())
DISPUTED = (*BILLED, dispute())
SET = (quota(),)
PREPAID = (*SET, pay())
ALERTED = (*CLOSED, alert())
IN_TWO_CITIES = (*RICH, load(1_000), tap("SINGLE", 1, NOON, 300, operating_area="310106"))
BETWEEN_CITIES = {"book": "TRANSIT", "notice_id": None, "issue_city": "3400", "use_city": "3101"}

ACCEPTED = [
    Case("", BILLED, confirm("S1")),
    Case("", CONFIRMED, withdraw("S1")),
    Case("", BILLED, deduct()),
    Case("", DEDUCTED, take_back()),
    Case("", (), run()),
    Case("", BILLED, dispute()),
    Case("", DISPUTED, resolve()),
    Case("", CONFIRMED, cut_off()),
    Case("", CUT, close()),
    Case("", CLOSED, notice()),
    Case("", NOTICED, remit()),
    Case("", (*PREPAID, *NOTICED), from_prepayment()),
    Case("", REMITTED, give_back()),
    Case("", IN_TWO_CITIES, remit(300, **BETWEEN_CITIES)),
    Case("", (), quota(1, q4_fen=2)),
    Case("", SET, pay()),
    Case("", (*SET, *ALERTED), increase()),
    Case("", PREPAID, come_back()),
    Case("", CLOSED, alert()),
]

REFUSED = [
    *(
        Case(code, given, verb(*ids, **own))
        for verb in (confirm, withdraw)
        for code, given, ids, own in (
            ("settlement_unknown", RICH, ("S1",), {}),
            ("treatment_province_differs", ELSEWHERE, ("S1",), {}),
            ("settlement_voided", VOIDED, ("S1",), {}),
            ("settlement_reversed", REVERSED, ("S1",), {}),
            ("no_clearing_line", AT_HOME, ("S5",), {"treatment_province": "34"}),
            ("settlement_cut_off", CUT, ("S1",), {}),
        )
    ),
    Case("settlement_confirmed", (*CONFIRMED, bill("S2", **FUNDED)), confirm("S2", "S1")),
    Case("settlement_not_confirmed", BILLED, withdraw("S1")),
    # DeductByAudit, ReverseDeduction
    Case("deduction_exists", DEDUCTED, deduct(fen=1)),
    Case("settlement_unknown", RICH, deduct()),
    Case("settlement_voided", VOIDED, deduct()),
    Case("settlement_reversed", REVERSED, deduct()),
    Case("deduction_exceeds_settlement", DEDUCTED, deduct("D2", fen=41)),
    Case("deduction_unknown", BILLED, take_back()),
    Case("deduction_reversed", (*DEDUCTED, take_back()), take_back(reversal_id="D1S")),
    Case("deduction_exists", DEDUCTED, take_back(reversal_id="D1")),
    # RunReconciliation, OpenDispute, ResolveDispute
    Case("run_exists", (run(),), run(matched=1)),
    Case("period_invalid", (), run(to="2025-05-31")),
    Case("dispute_exists", DISPUTED, dispute(discrepancy="ONLY_LOCAL")),
    Case("settlement_unknown", RICH, dispute()),
    Case("settlement_voided", VOIDED, dispute()),
    Case("settlement_reversed", REVERSED, dispute()),
    Case("no_clearing_line", AT_HOME, dispute(settlement_id="S5")),
    Case("settlement_cut_off", CUT, dispute()),
    Case("dispute_open", DISPUTED, dispute("P2")),
    Case("run_unknown", BILLED, dispute(run_id="N1")),
    Case("dispute_unknown", BILLED, resolve()),
    Case("dispute_resolved", (*DISPUTED, resolve()), resolve("REVERSE")),
    Case("settlement_has_deductions", (*DISPUTED, deduct()), resolve("REVERSE")),
    # Cycles and notices
    Case("cycle_closed", CLOSED, cut_off(at=AFTER)),
    Case("cycle_cut_off", CUT, cut_off(at=AFTER)),
    Case("previous_cycle_open", CUT, cut_off("2025-07")),
    Case("cycle_out_of_order", CLOSED, cut_off("2025-05")),
    Case("cycle_not_over", BILLED, cut_off(at="2025-06-30 23:59")),
    Case("cycle_unknown", BILLED, close()),
    Case("cycle_closed", CLOSED, close(channel="WEB")),
    Case("table_digest_differs", CUT, close(table_digest="0" * 64)),
    Case("cycle_unknown", BILLED, notice()),
    Case("cycle_not_closed", CUT, notice()),
    Case("nothing_to_notice", CLOSED, notice(book="PASS")),
    Case("notice_exists", NOTICED, notice(channel="WEB")),
    # RecordRemittance
    Case("remittance_exists", REMITTED, remit(1)),
    Case("notice_unknown", CLOSED, remit()),
    Case("prepayment_not_applicable", IN_TWO_CITIES, {**from_prepayment(), **BETWEEN_CITIES}),
    Case("remittance_exceeds_owed", NOTICED, remit(101)),
    Case("insufficient_prepayment", NOTICED, from_prepayment()),
    Case("remittance_unknown", NOTICED, give_back()),
    Case("remittance_returned", (*REMITTED, give_back()), give_back(remittance_id="R3")),
    Case("amount_differs", REMITTED, give_back(99)),
    # Prepayment
    Case("same_province", (), quota(treatment="34")),
    Case("prepayment_already_set", SET, quota(50)),
    Case("prepayment_amount_differs", (), quota(2, q4_fen=2)),
    Case("prepayment_not_set", (), pay()),
    Case("prepayment_exceeds_quota", SET, pay(101)),
    Case("prepayment_not_set", ALERTED, increase()),
    Case("no_red_alert", (*SET, *CLOSED), increase()),
    Case("increase_exists", (*SET, *ALERTED, increase()), increase(1)),
    Case("same_province", (), come_back(treatment="34")),
    Case("insufficient_prepayment", PREPAID, come_back(101)),
    Case("cycle_unknown", (), alert()),
    Case("cycle_not_closed", CUT, alert()),
    Case("no_alert_due", CLOSED, alert(treatment="32")),
    Case("alert_exists", ALERTED, alert(channel="WEB")),
]
