"""Section 7 without its money: confirmations, audit deductions, reconciliation runs, disputes, cycles.

Notices, remittances and prepayment are in remit.py."""

from typing import Any

from tests.model.medical import (
    is_cut_off,
    is_reversed,
    is_voided,
    settlement_of,
    standing_deductions,
)
from tests.model.obligations import confirmed_settlements, cut, made_lines
from tests.model.shape import Refused, refuse_if
from tests.model.state import Command, Event, Log, Planned, last_day, legs, mirrored, stream_id

# 7.2


def _agreement(log: Log, command: Command, confirm: bool) -> None:
    confirmed = confirmed_settlements(log)
    for settlement_id in command["settlement_ids"]:
        settlement = settlement_of(log, settlement_id)
        if settlement is None:
            raise Refused("settlement_unknown")
        elsewhere = settlement["treatment_province"] != command["treatment_province"]
        refuse_if(elsewhere, "treatment_province_differs")
        refuse_if(is_voided(log, settlement), "settlement_voided")
        refuse_if(is_reversed(log, settlement_id), "settlement_reversed")
        refuse_if(not made_lines(settlement), "no_clearing_line")
        refuse_if(is_cut_off(log, settlement), "settlement_cut_off")
        if confirm:
            refuse_if(settlement_id in confirmed, "settlement_confirmed")
        else:
            refuse_if(settlement_id not in confirmed, "settlement_not_confirmed")


def confirm_settlements(log: Log, command: Command) -> list[Planned]:
    _agreement(log, command, confirm=True)
    return [Planned(stream_id(f"confirmation:{command['treatment_province']}"), "SettlementsConfirmed")]


def withdraw_confirmation(log: Log, command: Command) -> list[Planned]:
    _agreement(log, command, confirm=False)
    return [Planned(stream_id(f"confirmation:{command['treatment_province']}"), "ConfirmationWithdrawn")]


# 7.3


def _deduction_id_used(log: Log, deduction_id: str) -> bool:
    deduction = log.first("AuditDeducted", deduction_id=deduction_id)
    reversal = log.first("AuditDeductionReversed", reversal_id=deduction_id)
    return deduction is not None or reversal is not None


def deduct_by_audit(log: Log, command: Command) -> list[Planned]:
    refuse_if(_deduction_id_used(log, command["deduction_id"]), "deduction_exists")
    settlement_id = command["settlement_id"]
    settlement = settlement_of(log, settlement_id)
    if settlement is None:
        raise Refused("settlement_unknown")
    refuse_if(is_voided(log, settlement), "settlement_voided")
    refuse_if(is_reversed(log, settlement_id), "settlement_reversed")
    standing = standing_deductions(log, settlement_id)
    for kind, amount in command["funds"].items():
        so_far = sum(deduction["funds"].get(kind, 0) for deduction in standing)
        refuse_if(so_far + amount > settlement["funds"].get(kind, 0), "deduction_exceeds_settlement")
    home, treatment = settlement["home_province"], settlement["treatment_province"]
    total = sum(command["funds"].values())
    cleared = total if settlement["cross_province"] else 0
    postings = legs(
        *[(f"fund:{home}:{kind}", amount) for kind, amount in command["funds"].items()],
        (f"provider:{settlement['institution']}", -total),
        (f"advance:{treatment}", cleared),
        (f"clearing:{home}:{treatment}", -cleared),
    )
    return [Planned(settlement["stream"], "AuditDeducted", {"amount_fen": total}, postings)]


def reverse_deduction(log: Log, command: Command) -> list[Planned]:
    deduction = log.first("AuditDeducted", deduction_id=command["deduction_id"])
    if deduction is None:
        raise Refused("deduction_unknown")
    known = log.first("AuditDeductionReversed", deduction_id=command["deduction_id"])
    refuse_if(known, "deduction_reversed")
    refuse_if(_deduction_id_used(log, command["reversal_id"]), "deduction_exists")
    derived = {field: deduction[field] for field in ("settlement_id", "funds", "amount_fen")}
    return [Planned(deduction["stream"], "AuditDeductionReversed", derived, mirrored(deduction["postings"]))]


# 7.4, 7.5


def run_reconciliation(log: Log, command: Command) -> list[Planned]:
    refuse_if(log.first("ReconciliationRun", run_id=command["run_id"]), "run_exists")
    refuse_if(command["from"] > command["to"], "period_invalid")
    return [Planned(stream_id(f"reconciliation:{command['run_id']}"), "ReconciliationRun")]


def _resolution(log: Log, dispute_id: str) -> Event | None:
    return log.first("DisputeResolved", dispute_id=dispute_id)


def open_dispute(log: Log, command: Command) -> list[Planned]:
    refuse_if(log.first("DisputeOpened", dispute_id=command["dispute_id"]), "dispute_exists")
    settlement_id = command["settlement_id"]
    settlement = settlement_of(log, settlement_id)
    if settlement is None:
        raise Refused("settlement_unknown")
    refuse_if(is_voided(log, settlement), "settlement_voided")
    refuse_if(is_reversed(log, settlement_id), "settlement_reversed")
    refuse_if(not made_lines(settlement), "no_clearing_line")
    refuse_if(is_cut_off(log, settlement), "settlement_cut_off")
    earlier = log.all("DisputeOpened", settlement_id=settlement_id)
    refuse_if(any(_resolution(log, other["dispute_id"]) is None for other in earlier), "dispute_open")
    if "run_id" in command:
        refuse_if(log.first("ReconciliationRun", run_id=command["run_id"]) is None, "run_unknown")
    return [Planned(stream_id(f"dispute:{command['dispute_id']}"), "DisputeOpened")]


def resolve_dispute(log: Log, command: Command) -> list[Planned]:
    dispute = log.first("DisputeOpened", dispute_id=command["dispute_id"])
    if dispute is None:
        raise Refused("dispute_unknown")
    refuse_if(_resolution(log, command["dispute_id"]), "dispute_resolved")
    settlement_id = dispute["settlement_id"]
    deducted = standing_deductions(log, settlement_id)
    refuse_if(command["outcome"] == "REVERSE" and deducted, "settlement_has_deductions")
    settlement = settlement_of(log, settlement_id)
    if settlement is None:
        raise AssertionError(settlement_id)
    over = is_voided(log, settlement) or is_reversed(log, settlement_id) or is_cut_off(log, settlement)
    derived = {"settlement_id": settlement_id, "has_effect": not over}
    return [Planned(stream_id(f"dispute:{command['dispute_id']}"), "DisputeResolved", derived)]


# 7.6, 7.7


def cycle_state(log: Log, cycle: str) -> str:
    if log.first("CycleClosed", cycle=cycle):
        return "CLOSED"
    return "CUT_OFF" if log.first("CycleCutOff", cycle=cycle) else "OPEN"


def closed_cycles(log: Log) -> list[str]:
    return sorted(event["cycle"] for event in log.of("CycleClosed"))


def cut_off_cycle(log: Log, command: Command) -> list[Planned]:
    cycle, state = command["cycle"], cycle_state(log, command["cycle"])
    refuse_if(state == "CLOSED", "cycle_closed")
    refuse_if(state == "CUT_OFF", "cycle_cut_off")
    cuts = log.of("CycleCutOff")
    refuse_if(any(cycle_state(log, other["cycle"]) == "CUT_OFF" for other in cuts), "previous_cycle_open")
    closed = closed_cycles(log)
    refuse_if(closed and cycle <= closed[-1], "cycle_out_of_order")
    refuse_if(command["bdate"] <= last_day(cycle), "cycle_not_over")
    derived = cut(log, cycle, command["bdate"])
    derived["after_position"] = cuts[-1]["position"] if cuts else 0
    return [Planned(stream_id(f"cycle:{cycle}"), "CycleCutOff", derived)]


def pair_totals(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], int]:
    totals: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = (row["book"], row["home"], row["treatment"])
        totals[key] = totals.get(key, 0) + row["payable_fen"]
    return totals


def close_cycle(log: Log, command: Command) -> list[Planned]:
    cycle = command["cycle"]
    cut_off = log.first("CycleCutOff", cycle=cycle)
    if cut_off is None:
        raise Refused("cycle_unknown")
    refuse_if(cycle_state(log, cycle) == "CLOSED", "cycle_closed")
    digest = cut_off["table_digest"]
    refuse_if(command.get("table_digest", digest) != digest, "table_digest_differs")
    totals = pair_totals(cut_off["rows"])
    positive = sum(max(0, total) for (book, _, _), total in totals.items() if book == "MEDICAL")
    derived = {"table_digest": digest, "row_count": cut_off["row_count"], "payable_fen": positive}
    return [Planned(stream_id(f"cycle:{cycle}"), "CycleClosed", derived)]


DECISIONS = {
    "ConfirmSettlements": confirm_settlements,
    "WithdrawConfirmation": withdraw_confirmation,
    "DeductByAudit": deduct_by_audit,
    "ReverseDeduction": reverse_deduction,
    "RunReconciliation": run_reconciliation,
    "OpenDispute": open_dispute,
    "ResolveDispute": resolve_dispute,
    "CutOffCycle": cut_off_cycle,
    "CloseCycle": close_cycle,
}
