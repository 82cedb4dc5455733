"""Every code with which contract section 3 refuses, caused once, and what decides where two could apply."""

from typing import Any

import pytest

from ledger.families.benefit import room
from tests.families.benefit.office import (
    ADA,
    APPROVER,
    BEN,
    ENTERPRISE_SN,
    MAKER,
    NEW_SN,
    SN,
    add_line,
    approve,
    at,
    budget,
    cancel_card,
    close,
    credit,
    give_back,
    issue_card,
    object_to,
    office,
    offset,
    open_batch,
    overpaid,
    paid,
    publish,
    recover,
    reissue,
    resolve,
    send,
    sent,
    stop,
)

RURAL: dict[str, Any] = {"kind": "RURAL_SUBSIDY"}
CORRECTION: dict[str, Any] = {"batch_type": "CORRECTION"}
CEILING = {"key": "payout.ceiling_fen", "scope": "34:pension", "effective_from": "2025-01-01", "value": 1_500}
WEEK = {"key": "payout.disclosure_working_days", "scope": "34", "effective_from": "2025-01-01", "value": 7}
OPENED = [open_batch("B1")]
LINED = [*OPENED, add_line("B1")]
PUBLISHED = [*LINED, publish("B1")]
APPROVED = [*LINED, approve("B1")]
RETURNED = [*sent(), give_back("B1")]
CORRECTED = [*RETURNED, open_batch("C1", **CORRECTION)]
OVERPAID = [*paid(), overpaid("O1", "B1")]
LATER = [*OVERPAID, open_batch("B2", period="2025-07"), add_line("B2")]
ENTERPRISE = {
    "command": "IssueEnterpriseCard",
    "occurred_at": at("2024-03-01"),
    "card_sn": ENTERPRISE_SN,
    "card_number": "A00000011",
    "bank": "ICBC",
    "bank_account": "e" * 64,
    "credit_code": "91350100M000100Y43",
    "expires_on": "2034-02-28",
}

REFUSALS: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
    ("batch_exists", OPENED, open_batch("B1", period="2025-07")),
    ("out_of_range", [], open_batch("B1", count=0)),
    # AddPayoutLine, in the order of 3.3
    ("card_cancelled", [*OPENED, cancel_card(SN[ADA], "2025-05-01")], add_line("B1")),
    ("not_for_enterprise", [ENTERPRISE], add_line("B9", card_sn=ENTERPRISE_SN)),
    ("batch_unknown", [], add_line("B1")),
    ("batch_not_open", PUBLISHED, add_line("B1", "2", BEN)),
    ("batch_is_correction", [open_batch("B1", **CORRECTION)], add_line("B1")),
    ("line_exists", LINED, add_line("B1", "1", BEN)),
    ("village_required", [open_batch("B1", **RURAL)], add_line("B1", payee=BEN, card_sn=SN[ADA])),
    ("payee_not_card_holder", OPENED, add_line("B1", card_sn=SN[BEN])),
    ("payee_not_allowed", OPENED, add_line("B1", payee=BEN)),
    ("bank_account_mismatch", OPENED, add_line("B1", bank_account="f" * 64)),
    (
        "beneficiary_dead",
        [*OPENED, cancel_card(SN[ADA], "2025-06-20", "2025-05-31")],
        add_line("B1", payee=BEN, household_head=BEN),
    ),
    ("beneficiary_twice", LINED, add_line("B1", "2", payee=BEN, household_head=BEN)),
    ("benefit_already_claimed", [*LINED, open_batch("B2")], add_line("B2")),
    # PublishRoster
    ("batch_unknown", [], publish("B1")),
    ("batch_not_open", PUBLISHED, publish("B1")),
    ("batch_empty", OPENED, publish("B1")),
    ("batch_totals_differ", [*OPENED, add_line("B1", fen=999)], publish("B1")),
    # RaiseObjection, ResolveObjection
    ("batch_unknown", [], object_to("Q1", "B1")),
    ("batch_not_published", LINED, object_to("Q1", "B1")),
    ("line_unknown", PUBLISHED, object_to("Q1", "B1", "2")),
    ("line_not_pending", [*PUBLISHED, stop("B1")], object_to("Q1", "B1")),
    ("objection_exists", [*PUBLISHED, object_to("Q1", "B1", day="2025-06-02")], object_to("Q1", "B1")),
    ("disclosure_over", PUBLISHED, object_to("Q1", "B1", day="2025-06-03")),
    ("objection_unknown", [], resolve("Q1")),
    ("objection_resolved", [*PUBLISHED, object_to("Q1", "B1", day="2025-06-02"), resolve("Q1")], resolve("Q1")),
    # ApproveBatch
    ("missing_field", LINED, approve("B1", person=None)),
    ("batch_unknown", [], approve("B1")),
    ("batch_not_published", APPROVED, approve("B1")),
    ("batch_not_published", [open_batch("B1", **RURAL), add_line("B1", village="V1")], approve("B1")),
    ("batch_empty", OPENED, approve("B1")),
    ("batch_totals_differ", [open_batch("B1", count=2), add_line("B1")], approve("B1")),
    ("objection_open", [*PUBLISHED, object_to("Q1", "B1", day="2025-06-02")], approve("B1")),
    ("approver_is_maker", LINED, approve("B1", person=MAKER)),
    # StopLine
    ("batch_unknown", [], stop("B1")),
    ("line_unknown", OPENED, stop("B1")),
    ("line_not_pending", [*LINED, stop("B1")], stop("B1")),
    ("line_not_pending", sent(), stop("B1")),
    # SendBatch
    ("batch_unknown", [], send("B1")),
    ("batch_not_approved", PUBLISHED, send("B1")),
    ("batch_empty", [*APPROVED, stop("B1")], send("B1")),
    ("line_card_cancelled", [*APPROVED, cancel_card(SN[ADA], "2025-06-03")], send("B1")),
    (
        "insufficient_budget",
        [open_batch("B1", fen=100_001), add_line("B1", fen=100_001), approve("B1")],
        send("B1"),
    ),
    ("insufficient_budget", [open_batch("B1", programme="none"), add_line("B1"), approve("B1")], send("B1")),
    # CreditBenefit, ReturnBenefit
    ("batch_unknown", [], credit("B1")),
    ("line_unknown", sent(), credit("B1", "2")),
    ("line_not_in_payment", APPROVED, credit("B1")),
    ("line_not_in_payment", paid(), credit("B1")),
    ("amount_differs", sent(), credit("B1", fen=999)),
    ("batch_unknown", [], give_back("B1")),
    ("line_unknown", sent(), give_back("B1", "2")),
    ("line_not_in_payment", APPROVED, give_back("B1")),
    ("line_not_in_payment", RETURNED, give_back("B1")),
    ("line_has_overpayment", OVERPAID, give_back("B1")),
    # ReissueBenefit, in the order of 3.11
    ("batch_unknown", RETURNED, reissue("C1", "1", "B1", "1")),
    ("batch_not_open", [*CORRECTED, close("C1")], reissue("C1", "1", "B1", "1")),
    ("batch_not_correction", [*RETURNED, open_batch("C1")], reissue("C1", "1", "B1", "1")),
    ("line_exists", [*CORRECTED, reissue("C1", "1", "B1", "1")], reissue("C1", "1", "B1", "1")),
    ("source_line_unknown", CORRECTED, reissue("C1", "1", "B9", "1")),
    ("source_line_unknown", CORRECTED, reissue("C1", "1", "B1", "9")),
    ("line_already_reissued", [*CORRECTED, reissue("C1", "1", "B1", "1")], reissue("C1", "2", "B1", "1")),
    ("source_line_not_failed", [*paid(), open_batch("C1", **CORRECTION)], reissue("C1", "1", "B1", "1")),
    (
        "source_line_not_failed",
        [*APPROVED, stop("B1"), open_batch("C1", **CORRECTION)],
        reissue("C1", "1", "B1", "1"),
    ),
    (
        "batch_programme_differs",
        [*RETURNED, open_batch("C1", period="2025-07", **CORRECTION)],
        reissue("C1", "1", "B1", "1"),
    ),
    ("reissue_exceeds_source", CORRECTED, reissue("C1", "1", "B1", "1", fen=1_001)),
    ("payee_not_card_holder", CORRECTED, reissue("C1", "1", "B1", "1", card_sn=SN[BEN])),
    ("payee_not_allowed", CORRECTED, reissue("C1", "1", "B1", "1", payee=BEN)),
    ("bank_account_mismatch", CORRECTED, reissue("C1", "1", "B1", "1", bank_account="f" * 64)),
    (
        "beneficiary_dead",
        [*CORRECTED, cancel_card(SN[ADA], "2025-06-20", "2025-05-31")],
        reissue("C1", "1", "B1", "1", payee=BEN, household_head=BEN),
    ),
    (
        "beneficiary_twice",
        [*CORRECTED, *sent("S1", batch_type="SUPPLEMENT"), give_back("S1"), reissue("C1", "1", "S1", "1")],
        reissue("C1", "2", "B1", "1"),
    ),
    ("benefit_already_claimed", [*CORRECTED, open_batch("B2"), add_line("B2")], reissue("C1", "1", "B1", "1")),
    # FindOverpayment
    ("overpayment_exists", OVERPAID, overpaid("O1", "B1")),
    ("batch_unknown", [], overpaid("O1", "B1")),
    ("line_unknown", paid(), overpaid("O1", "B1", "2")),
    ("line_not_paid", sent(), overpaid("O1", "B1")),
    ("overpayment_exceeds_paid", OVERPAID, overpaid("O2", "B1", fen=401)),
    # RecoverBenefit
    ("recovery_exists", [*OVERPAID, recover("R1", "O1")], recover("R1", "O1")),
    ("overpayment_unknown", [], recover("R1", "O1")),
    ("recovery_exceeds_outstanding", OVERPAID, recover("R1", "O1", 601)),
    # OffsetBenefit, in the order of 3.14
    ("offset_exists", [*LATER, offset("F1", "O1", "B2")], offset("F1", "O1", "B2")),
    ("overpayment_unknown", LATER, offset("F1", "O9", "B2")),
    ("batch_unknown", LATER, offset("F1", "O1", "B9")),
    ("line_unknown", LATER, offset("F1", "O1", "B2", "9")),
    ("line_not_pending", LATER, offset("F1", "O1", "B1")),
    ("offset_other_card", [*OVERPAID, open_batch("B2"), add_line("B2", "1", BEN)], offset("F1", "O1", "B2")),
    (
        "offset_other_card",
        [*OVERPAID, open_batch("B2"), add_line("B2", "1", BEN, payee=ADA, household_head=ADA)],
        offset("F1", "O1", "B2"),
    ),
    (
        "offset_other_programme",
        [*OVERPAID, open_batch("B2", programme="rent"), add_line("B2")],
        offset("F1", "O1", "B2"),
    ),
    ("recovery_exceeds_outstanding", LATER, offset("F1", "O1", "B2", fen=601)),
    (
        "offset_exceeds_line",
        [*OVERPAID, open_batch("B2", period="2025-07"), add_line("B2", fen=600)],
        offset("F1", "O1", "B2", fen=600),
    ),
    # CloseBatch
    ("batch_unknown", [], close("B1")),
    ("batch_not_sent", APPROVED, close("B1")),
    ("batch_not_sent", [*OPENED, close("B1")], close("B1")),
    ("lines_in_payment", sent(), close("B1")),
]


@pytest.mark.parametrize(("code", "history", "command"), REFUSALS, ids=[f"{c}-{d['command']}" for c, _, d in REFUSALS])
def test_the_command_is_refused(code: str, history: list[dict[str, Any]], command: dict[str, Any]) -> None:
    ledger = office()
    ledger.given(*history)
    before = dict(ledger.memory.rows)

    assert ledger.submit(command) == code
    assert ledger.memory.rows == before


def test_every_command_of_the_room_but_a_budget_can_be_refused() -> None:
    refused = {command["command"] for _, _, command in REFUSALS}
    assert refused == {command.name for command in room.COMMANDS} - {"IssueBudget"}


def test_gross_of_all_live_lines_of_the_year_counts_towards_the_ceiling() -> None:
    ledger = office(CEILING)
    ledger.given(*LINED, open_batch("S1", batch_type="SUPPLEMENT", period="2025-12"))
    assert ledger.submit(add_line("S1", fen=501)) == "ceiling_exceeded"
    ledger.given(add_line("S1", fen=500))

    ledger.given(open_batch("S2", batch_type="SUPPLEMENT", period="2026-01"), add_line("S2", fen=1_500))
    ledger.given(stop("S1"), open_batch("S3", batch_type="SUPPLEMENT", period="2025-12"), add_line("S3", fen=500))


def test_a_reissue_is_held_against_the_ceiling_without_its_source() -> None:
    ledger = office(CEILING)
    ledger.given(*CORRECTED, open_batch("S1", batch_type="SUPPLEMENT"), add_line("S1", fen=501))
    assert ledger.submit(reissue("C1", "1", "B1", "1")) == "ceiling_exceeded"
    ledger.given(reissue("C1", "1", "B1", "1", fen=999))


def test_disclosure_ends_with_its_last_working_day() -> None:
    ledger = office(WEEK)
    ledger.given(*PUBLISHED)
    assert ledger.submit(approve("B1", "2025-06-11T23:59:59+08:00")) == "disclosure_not_over"
    ledger.given(object_to("Q1", "B1", day="2025-06-11T23:59:59+08:00"))
    assert ledger.submit(object_to("Q2", "B1", day="2025-06-12T00:00:00+08:00")) == "disclosure_over"
    assert ledger.submit(approve("B1", "2025-06-12T00:00:00+08:00")) == "objection_open"
    ledger.given(resolve("Q1"), approve("B1", "2025-06-12T00:00:00+08:00"))


def test_the_working_calendar_of_the_command_moves_the_end_of_disclosure() -> None:
    holiday = {"key": "calendar.holidays", "effective_from": "2025-06-12", "value": ["2025-06-12"]}
    ledger = office({**WEEK, "value": 8}, holiday)
    ledger.given(*PUBLISHED)
    assert ledger.submit(approve("B1", "2025-06-12")) == "disclosure_not_over"
    assert ledger.submit(approve("B1", "2025-06-13")) == "disclosure_not_over"
    ledger.given(approve("B1", "2025-06-14"))


def test_a_disclosure_of_no_days_lets_a_published_batch_be_approved_at_once() -> None:
    ledger = office()
    ledger.given(*PUBLISHED, approve("B1", "2025-06-01"))


def test_an_upheld_objection_stops_the_line_and_a_stopped_line_stays_so() -> None:
    ledger = office()
    ledger.given(*PUBLISHED, object_to("Q1", "B1", day="2025-06-02"), object_to("Q2", "B1", day="2025-06-02"))
    ledger.given(resolve("Q1", "UPHELD"))
    assert ledger.submit(stop("B1")) == "line_not_pending"
    assert ledger.submit(approve("B1")) == "batch_empty"
    ledger.given(resolve("Q2", "UPHELD"))

    (closed,) = ledger.given(close("B1"))
    assert (closed["planned_fen"], closed["stopped_fen"], closed["stopped_count"]) == (1_000, 1_000, 1)


def test_without_a_known_maker_any_approver_passes() -> None:
    ledger = office()
    ledger.given(open_batch("B1", acting_person=None), add_line("B1"), approve("B1", person=APPROVER))


def test_a_supplement_is_paid_beside_the_normal_line_but_a_normal_line_not_beside_a_supplement() -> None:
    ledger = office()
    ledger.given(*LINED, open_batch("S1", batch_type="SUPPLEMENT"), add_line("S1"))
    ledger.given(stop("B1"), open_batch("B2"))
    assert ledger.submit(add_line("B2")) == "benefit_already_claimed"
    ledger.given(stop("S1"), add_line("B2"))


def test_a_reissue_of_a_supplement_is_not_held_against_the_normal_line() -> None:
    ledger = office()
    ledger.given(*sent("S1", batch_type="SUPPLEMENT"), give_back("S1"), *LINED, open_batch("C1", **CORRECTION))
    ledger.given(reissue("C1", "1", "S1", "1"))


def test_a_beneficiary_may_come_back_to_a_batch_after_being_struck() -> None:
    ledger = office()
    ledger.given(*LINED, stop("B1"), add_line("B1", "2"))
    assert ledger.submit(add_line("B1", "3")) == "beneficiary_twice"


def test_who_was_issued_a_card_after_a_cancellation_for_death_lives() -> None:
    ledger = office()
    ledger.given(*OPENED, cancel_card(SN[ADA], "2025-05-01", "2025-04-30"))
    ledger.given(issue_card(ADA, NEW_SN, "d" * 64, "2025-05-02"))
    ledger.given(add_line("B1", card_sn=NEW_SN, bank_account="d" * 64))


def test_death_within_the_period_does_not_stop_its_payout() -> None:
    ledger = office()
    ledger.given(*OPENED, cancel_card(SN[ADA], "2025-06-01", "2025-06-01"))
    ledger.given(add_line("B1", payee=BEN, household_head=BEN), approve("B1"), send("B1"))


def test_an_offset_leaves_at_least_one_fen_of_a_line() -> None:
    ledger = office()
    ledger.given(*paid(), overpaid("O1", "B1", fen=1_000), open_batch("B2", period="2025-07"), add_line("B2"))
    assert ledger.submit(offset("F1", "O1", "B2", fen=1_000)) == "offset_exceeds_line"
    ledger.given(offset("F1", "O1", "B2", fen=999))


def test_budgets_of_two_programmes_do_not_mix() -> None:
    ledger = office()
    ledger.given(budget(5_000, "rent"), *sent(programme="rent"))
    assert ledger.balances["budget:34:rent:available"] == 4_000
    assert ledger.balances["budget:34:pension:available"] == 100_000
