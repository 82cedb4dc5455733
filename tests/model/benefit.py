"""Section 3: budgets, payout batches from the first line to the bank's answer, overpayments and their repayment."""

from typing import Any

from tests.model.batches import (
    Batch,
    Line,
    all_batches,
    batch_of,
    counted,
    disclosure_days,
    live,
    net,
    outstanding,
    overpaid_on,
    root_batch_type,
    same_programme,
    source_used,
    totals_differ,
)
from tests.model.card import bank_account, died_before
from tests.model.presence import BUT_CANCELLED, accept, holder, person_only, present, scheme_allowed, state_at
from tests.model.shape import Refused, refuse_if
from tests.model.state import Command, Log, Planned, legs, stream_id


def _stream(batch_id: str) -> str:
    return stream_id(f"payout_batch:{batch_id}")


def _budget(batch: Batch, part: str) -> str:
    return f"budget:{batch['opened']['province']}:{batch['opened']['programme']}:{part}"


def _programme(batch: Batch) -> str:
    return f"programme:{batch['opened']['province']}:{batch['opened']['programme']}"


def _bank(batch: Batch) -> str:
    return f"bank:{batch['opened']['bank']}"


def _batch(log: Log, batch_id: str) -> Batch:
    batch = batch_of(log, batch_id)
    if batch is None:
        raise Refused("batch_unknown")
    return batch


def _line(batch: Batch, line_id: str) -> Line:
    refuse_if(line_id not in batch["lines"], "line_unknown")
    line: Line = batch["lines"][line_id]
    return line


# 3.1 to 3.3, 3.11: what is to be paid


def issue_budget(log: Log, command: Command) -> list[Planned]:
    scheme_allowed(log, command)
    name, amount = f"{command['province']}:{command['programme']}", command["amount_fen"]
    postings = legs((f"budget:{name}:available", amount), (f"budget:{name}:issued", -amount))
    return [Planned(stream_id(f"budget:{name}"), "BudgetIssued", {}, postings)]


def open_payout_batch(log: Log, command: Command) -> list[Planned]:
    scheme_allowed(log, command)
    refuse_if(batch_of(log, command["batch_id"]), "batch_exists")
    return [Planned(_stream(command["batch_id"]), "PayoutBatchOpened")]


def _payee_card(log: Log, command: Command) -> str:
    card = present(log, command, command["card_sn"])
    accept(log, card, command, BUT_CANCELLED)
    scheme_allowed(log, command)
    person_only(log, card)
    return card


def _first_day(batch: Batch) -> str:
    return f"{batch['opened']['period']}-01"


def _check_payee(log: Log, command: Command, card: str, batch: Batch, beneficiary: str) -> None:
    """`village_required` to `beneficiary_twice`, shared by a new line and a re-issued one."""
    refuse_if(batch["opened"]["kind"] == "RURAL_SUBSIDY" and "village" not in command, "village_required")
    refuse_if(command["payee"] != holder(log, card), "payee_not_card_holder")
    refuse_if(command["payee"] not in (beneficiary, command.get("household_head")), "payee_not_allowed")
    refuse_if(command["bank_account"] != bank_account(log, card), "bank_account_mismatch")
    refuse_if(died_before(log, beneficiary, _first_day(batch)), "beneficiary_dead")
    refuse_if(any(line["beneficiary"] == beneficiary for line in live(batch)), "beneficiary_twice")


def _claims(log: Log, batch: Batch, beneficiary: str) -> list[tuple[str, str]]:
    """The live lines of other batches with the same beneficiary, province, programme and period."""
    return [
        (other["opened"]["batch_id"], line["line_id"])
        for other in all_batches(log)
        if other["opened"]["batch_id"] != batch["opened"]["batch_id"]
        and same_programme(other["opened"], batch["opened"], "period")
        for line in live(other)
        if line["beneficiary"] == beneficiary
    ]


def _check_ceiling(log: Log, command: Command, batch: Batch, beneficiary: str) -> None:
    opened = batch["opened"]
    ceiling = log.config("payout.ceiling_fen", command["bdate"], opened["province"], opened["programme"])
    if ceiling is None:
        return
    planned = sum(
        line["gross"]
        for other in all_batches(log)
        if same_programme(other["opened"], opened) and other["opened"]["period"][:4] == opened["period"][:4]
        for line in live(other)
        if line["beneficiary"] == beneficiary
    )
    refuse_if(planned + command["amount_fen"] > ceiling, "ceiling_exceeded")


def add_payout_line(log: Log, command: Command) -> list[Planned]:
    card = _payee_card(log, command)
    batch = _batch(log, command["batch_id"])
    refuse_if(batch["state"] != "OPEN", "batch_not_open")
    refuse_if(batch["opened"]["batch_type"] == "CORRECTION", "batch_is_correction")
    refuse_if(command["line_id"] in batch["lines"], "line_exists")
    beneficiary = command["beneficiary"]
    _check_payee(log, command, card, batch, beneficiary)
    normal = batch["opened"]["batch_type"] == "NORMAL"
    refuse_if(normal and _claims(log, batch, beneficiary), "benefit_already_claimed")
    _check_ceiling(log, command, batch, beneficiary)
    derived = {"line_card_id": card, "retry_count": 0}
    return [Planned(_stream(command["batch_id"]), "PayoutLineAdded", derived)]


def reissue_benefit(log: Log, command: Command) -> list[Planned]:
    card = _payee_card(log, command)
    batch = _batch(log, command["batch_id"])
    refuse_if(batch["state"] != "OPEN", "batch_not_open")
    refuse_if(batch["opened"]["batch_type"] != "CORRECTION", "batch_not_correction")
    refuse_if(command["line_id"] in batch["lines"], "line_exists")
    source_batch_id, source_line_id = command["source_batch_id"], command["source_line_id"]
    source_batch = batch_of(log, source_batch_id)
    if source_batch is None or source_line_id not in source_batch["lines"]:
        raise Refused("source_line_unknown")
    source = source_batch["lines"][source_line_id]
    refuse_if(source_used(log, source_batch_id, source_line_id), "line_already_reissued")
    failed = source["state"] in ("STOPPED", "RETURNED") and not source["struck"]
    refuse_if(not failed or source_batch["state"] not in ("SENT", "CLOSED"), "source_line_not_failed")
    same = same_programme(batch["opened"], source_batch["opened"], "kind", "period")
    refuse_if(not same, "batch_programme_differs")
    refuse_if(command["amount_fen"] > source["gross"], "reissue_exceeds_source")
    beneficiary = source["beneficiary"]
    _check_payee(log, command, card, batch, beneficiary)
    if root_batch_type(log, source_batch_id, source_line_id) == "NORMAL":
        claims = [claim for claim in _claims(log, batch, beneficiary) if root_batch_type(log, *claim) == "NORMAL"]
        refuse_if(claims, "benefit_already_claimed")
    _check_ceiling(log, command, batch, beneficiary)
    derived = {"line_card_id": card, "beneficiary": beneficiary}
    return [Planned(_stream(command["batch_id"]), "BenefitReissued", derived)]


# 3.4 to 3.8, 3.15: the batch


def publish_roster(log: Log, command: Command) -> list[Planned]:
    batch = _batch(log, command["batch_id"])
    refuse_if(batch["state"] != "OPEN", "batch_not_open")
    refuse_if(not live(batch), "batch_empty")
    refuse_if(totals_differ(batch), "batch_totals_differ")
    derived = {"disclosure_days": disclosure_days(log, batch, command["bdate"])}
    return [Planned(_stream(command["batch_id"]), "RosterPublished", derived)]


def _disclosed_until(log: Log, batch: Batch, date: str) -> str:
    published = batch["published"]
    return log.working_day(published["business_date"], published["disclosure_days"], date)


def raise_objection(log: Log, command: Command) -> list[Planned]:
    batch = _batch(log, command["batch_id"])
    refuse_if(batch["state"] != "PUBLISHED", "batch_not_published")
    line = _line(batch, command["line_id"])
    refuse_if(line["state"] != "PENDING", "line_not_pending")
    refuse_if(log.first("ObjectionRaised", objection_id=command["objection_id"]), "objection_exists")
    refuse_if(command["bdate"] > _disclosed_until(log, batch, command["bdate"]), "disclosure_over")
    return [Planned(_stream(command["batch_id"]), "ObjectionRaised")]


def resolve_objection(log: Log, command: Command) -> list[Planned]:
    raised = log.first("ObjectionRaised", objection_id=command["objection_id"])
    if raised is None:
        raise Refused("objection_unknown")
    refuse_if(log.first("ObjectionResolved", objection_id=command["objection_id"]), "objection_resolved")
    derived = {"batch_id": raised["batch_id"], "line_id": raised["line_id"]}
    return [Planned(_stream(raised["batch_id"]), "ObjectionResolved", derived)]


def approve_batch(log: Log, command: Command) -> list[Planned]:
    batch = _batch(log, command["batch_id"])
    undisclosed = batch["state"] == "OPEN" and disclosure_days(log, batch, command["bdate"]) == 0
    refuse_if(batch["state"] != "PUBLISHED" and not undisclosed, "batch_not_published")
    refuse_if(not live(batch), "batch_empty")
    refuse_if(totals_differ(batch), "batch_totals_differ")
    if batch["state"] == "PUBLISHED" and batch["published"]["disclosure_days"] > 0:
        refuse_if(command["bdate"] <= _disclosed_until(log, batch, command["bdate"]), "disclosure_not_over")
    for raised in log.all("ObjectionRaised", batch_id=command["batch_id"]):
        resolved = log.first("ObjectionResolved", objection_id=raised["objection_id"])
        refuse_if(resolved is None, "objection_open")
    refuse_if(command["acting_person"] == batch["opened"].get("acting_person"), "approver_is_maker")
    return [Planned(_stream(command["batch_id"]), "BatchApproved")]


def stop_line(log: Log, command: Command) -> list[Planned]:
    line = _line(_batch(log, command["batch_id"]), command["line_id"])
    refuse_if(line["state"] != "PENDING", "line_not_pending")
    return [Planned(_stream(command["batch_id"]), "PayoutLineStopped")]


def send_batch(log: Log, command: Command) -> list[Planned]:
    batch = _batch(log, command["batch_id"])
    refuse_if(batch["state"] != "APPROVED", "batch_not_approved")
    refuse_if(not live(batch), "batch_empty")
    for line in live(batch):
        cancelled = state_at(log, line["card"], command["occurred_at"]) == "CANCELLED"
        dead = died_before(log, line["beneficiary"], _first_day(batch))
        refuse_if(cancelled or dead, "line_card_cancelled")
    gross = sum(line["gross"] for line in live(batch))
    net_sum = sum(net(line) for line in live(batch))
    refuse_if(log.balance(_budget(batch, "available")) < gross, "insufficient_budget")
    postings = legs(
        (_budget(batch, "frozen"), gross),
        (_budget(batch, "available"), -gross),
        (_bank(batch), net_sum),
        (_programme(batch), -net_sum),
    )
    derived = {"gross_fen": gross, "net_fen": net_sum, "line_count": len(live(batch))}
    return [Planned(_stream(command["batch_id"]), "BatchSent", derived, postings)]


def close_batch(log: Log, command: Command) -> list[Planned]:
    batch = _batch(log, command["batch_id"])
    abandoned = batch["state"] in ("OPEN", "PUBLISHED", "APPROVED") and not live(batch)
    refuse_if(batch["state"] != "SENT" and not abandoned, "batch_not_sent")
    refuse_if(any(line["state"] == "IN_PAYMENT" for line in live(batch)), "lines_in_payment")
    derived: dict[str, Any] = {"planned_fen": sum(line["gross"] for line in counted(batch))}
    for word in ("PAID", "RETURNED", "STOPPED"):
        derived[f"{word.lower()}_fen"] = sum(line["gross"] for line in counted(batch) if line["state"] == word)
    return [Planned(_stream(command["batch_id"]), "BatchClosed", derived)]


# 3.9, 3.10: the bank's answer


def credit_benefit(log: Log, command: Command) -> list[Planned]:
    batch = _batch(log, command["batch_id"])
    line = _line(batch, command["line_id"])
    refuse_if(line["state"] != "IN_PAYMENT", "line_not_in_payment")
    refuse_if(command["amount_fen"] != net(line), "amount_differs")
    postings = legs(
        (f"card:{line['card']}:benefits", line["gross"]),
        (_bank(batch), -net(line)),
        (f"card:{line['card']}:recovery", -line["offset"]),
        (_budget(batch, "paid"), line["gross"]),
        (_budget(batch, "frozen"), -line["gross"]),
    )
    return [Planned(line["card"], "BenefitCredited", {}, postings)]


def return_benefit(log: Log, command: Command) -> list[Planned]:
    batch = _batch(log, command["batch_id"])
    line = _line(batch, command["line_id"])
    refuse_if(line["state"] not in ("IN_PAYMENT", "PAID"), "line_not_in_payment")
    paid = line["state"] == "PAID"
    refuse_if(paid and overpaid_on(log, command["batch_id"], command["line_id"]), "line_has_overpayment")
    if paid:
        postings = legs(
            (_programme(batch), net(line)),
            (f"card:{line['card']}:recovery", line["offset"]),
            (f"card:{line['card']}:benefits", -line["gross"]),
            (_budget(batch, "available"), line["gross"]),
            (_budget(batch, "paid"), -line["gross"]),
        )
    else:
        postings = legs(
            (_programme(batch), net(line)),
            (_bank(batch), -net(line)),
            (_budget(batch, "available"), line["gross"]),
            (_budget(batch, "frozen"), -line["gross"]),
        )
    return [Planned(line["card"], "BenefitReturned", {"was_paid": paid}, postings)]


# 3.12 to 3.14: overpayments


def find_overpayment(log: Log, command: Command) -> list[Planned]:
    refuse_if(log.first("OverpaymentFound", overpayment_id=command["overpayment_id"]), "overpayment_exists")
    line = _line(_batch(log, command["batch_id"]), command["line_id"])
    refuse_if(line["state"] != "PAID", "line_not_paid")
    found = overpaid_on(log, command["batch_id"], command["line_id"])
    amount = command["amount_fen"]
    refuse_if(found + amount > line["gross"], "overpayment_exceeds_paid")
    postings = legs((f"card:{line['card']}:recovery", amount), (f"card:{line['card']}:benefits", -amount))
    return [Planned(line["card"], "OverpaymentFound", {}, postings)]


def recover_benefit(log: Log, command: Command) -> list[Planned]:
    refuse_if(log.first("BenefitRecovered", recovery_id=command["recovery_id"]), "recovery_exists")
    overpayment = log.first("OverpaymentFound", overpayment_id=command["overpayment_id"])
    if overpayment is None:
        raise Refused("overpayment_unknown")
    amount = command["amount_fen"]
    left = outstanding(log, overpayment) - amount
    refuse_if(left < 0, "recovery_exceeds_outstanding")
    card = overpayment["stream"]
    postings = legs(
        (_programme(_batch(log, overpayment["batch_id"])), amount),
        (f"card:{card}:recovery", -amount),
    )
    return [Planned(card, "BenefitRecovered", {"outstanding_fen": left}, postings)]


def offset_benefit(log: Log, command: Command) -> list[Planned]:
    refuse_if(log.first("BenefitOffset", offset_id=command["offset_id"]), "offset_exists")
    overpayment = log.first("OverpaymentFound", overpayment_id=command["overpayment_id"])
    if overpayment is None:
        raise Refused("overpayment_unknown")
    batch = _batch(log, command["batch_id"])
    line = _line(batch, command["line_id"])
    refuse_if(line["state"] != "PENDING", "line_not_pending")
    overpaid_batch = _batch(log, overpayment["batch_id"])
    overpaid = overpaid_batch["lines"][overpayment["line_id"]]
    same = (line["card"], line["beneficiary"]) == (overpaid["card"], overpaid["beneficiary"])
    refuse_if(not same, "offset_other_card")
    refuse_if(not same_programme(batch["opened"], overpaid_batch["opened"]), "offset_other_programme")
    refuse_if(command["amount_fen"] > outstanding(log, overpayment), "recovery_exceeds_outstanding")
    refuse_if(net(line) - command["amount_fen"] < 1, "offset_exceeds_line")
    return [Planned(_stream(command["batch_id"]), "BenefitOffset")]


DECISIONS = {
    "IssueBudget": issue_budget,
    "OpenPayoutBatch": open_payout_batch,
    "AddPayoutLine": add_payout_line,
    "PublishRoster": publish_roster,
    "RaiseObjection": raise_objection,
    "ResolveObjection": resolve_objection,
    "ApproveBatch": approve_batch,
    "StopLine": stop_line,
    "SendBatch": send_batch,
    "CreditBenefit": credit_benefit,
    "ReturnBenefit": return_benefit,
    "ReissueBenefit": reissue_benefit,
    "FindOverpayment": find_overpayment,
    "RecoverBenefit": recover_benefit,
    "OffsetBenefit": offset_benefit,
    "CloseBatch": close_batch,
}
