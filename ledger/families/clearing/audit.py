"""An audit takes part of a settlement's fund payment back, and may have to give it up again (contract 7.3).

Only fund parts are deducted: the money belongs to the home fund. A deduction is undone whole and once, by an event with
mirrored postings; while one stands, its settlement can be neither reversed nor voided. Both lie on the settlement's
card: an auditor reads one card in one stream.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.postings import Posting, mirrored, owed
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.card.holder import Card, on_card
from ledger.families.medical.settlement import REVERSED, VOIDED, Settlement, deduct, undeduct

# --- facts -----------------------------------------------------------------------------------------------------------


class Deduction(Row):
    """Key: deduction_id. `position`, `business_date`: of its AuditDeducted. `stands`: not reversed."""

    kind: ClassVar[str] = "deduction"
    settlement_id: str
    position: int
    business_date: int
    funds: dict[str, int]
    stands: bool = True


class DeductionReversal(Row):
    """A reversal_id used: it can name no deduction and no other reversal any more. Key: reversal_id."""

    kind: ClassVar[str] = "deduction_reversal"
    deduction_id: str


# --- evolution -------------------------------------------------------------------------------------------------------


def deducted(world: World, event: Event, position: int) -> None:
    settlement_id, funds = event["settlement_id"], event["funds"]
    world.add(event["deduction_id"], Deduction(settlement_id, position, event["business_date"], funds))
    deduct(world, settlement_id, funds)


def deduction_reversed(world: World, event: Event, position: int) -> None:
    world.edit(Deduction, event["deduction_id"]).stands = False
    world.add(event["reversal_id"], DeductionReversal(event["deduction_id"]))
    undeduct(world, event["settlement_id"], event["funds"])


# --- decisions -------------------------------------------------------------------------------------------------------


def require_unused(world: World, id: str, field: str) -> None:
    """Deductions and their reversals share one id space."""
    if world.get(Deduction, id) is not None or world.get(DeductionReversal, id) is not None:
        raise Rejected("deduction_exists", f"this {field} was used before", field)


def deduct_by_audit(command: Command, world: World) -> list[Draft]:
    require_unused(world, command["deduction_id"], "deduction_id")
    settlement = world.get(Settlement, command["settlement_id"])
    if settlement is None:
        raise Rejected("settlement_unknown", "the settlement is not recorded here", "settlement_id")
    if settlement.state == VOIDED:
        raise Rejected("settlement_voided", "the settlement was voided", "settlement_id")
    if settlement.state == REVERSED:
        raise Rejected("settlement_reversed", "the settlement was reversed", "settlement_id")
    for fund, amount in command["funds"].items():
        left = settlement.funds.get(fund, 0) - settlement.deducted.get(fund, 0)
        if amount > left:
            raise Rejected("deduction_exceeds_settlement", f"of {fund} at most {left} fen can be deducted", "funds")
    derived = {**_of_settlement(settlement, command["funds"]), "original_position": settlement.position}
    return [Draft("AuditDeducted", derived, settlement.card_id)]


def reverse_deduction(command: Command, world: World) -> list[Draft]:
    deduction = world.get(Deduction, command["deduction_id"])
    if deduction is None:
        raise Rejected("deduction_unknown", "no such deduction is recorded here", "deduction_id")
    if not deduction.stands:
        raise Rejected("deduction_reversed", "the deduction was reversed before", "deduction_id")
    require_unused(world, command["reversal_id"], "reversal_id")
    settlement = world.get(Settlement, deduction.settlement_id)
    if settlement is None:
        raise LookupError(f"settlement {deduction.settlement_id} has no row")
    derived = {
        **_of_settlement(settlement, deduction.funds),
        "settlement_id": deduction.settlement_id,
        "funds": deduction.funds,
        "deducted_on": deduction.business_date,
        "original_position": deduction.position,
    }
    return [Draft("AuditDeductionReversed", derived, settlement.card_id)]


def _of_settlement(settlement: Settlement, funds: dict[str, int]) -> dict[str, Any]:
    return {
        "institution": settlement.institution,
        "home_province": settlement.home_province,
        "treatment_province": settlement.treatment_province,
        "cross_province": settlement.cross_province,
        "insutype": settlement.insutype,
        "clr_type": settlement.clr_type,
        "amount_fen": sum(funds.values()),
    }


def keys(command: Command, world: World) -> Iterator[Name]:
    yield Deduction, command["deduction_id"]
    yield DeductionReversal, command["deduction_id"]
    yield Settlement, command["settlement_id"]


def keys_then(command: Command, world: World) -> Iterator[Name]:
    settlement = world.get(Settlement, command["settlement_id"])
    if settlement is not None:
        yield Card, settlement.card_id


def reversal_keys(command: Command, world: World) -> Iterator[Name]:
    yield Deduction, command["deduction_id"]
    yield Deduction, command["reversal_id"]
    yield DeductionReversal, command["reversal_id"]


def reversal_keys_then(command: Command, world: World) -> Iterator[Name]:
    deduction = world.get(Deduction, command["deduction_id"])
    if deduction is not None:
        yield Settlement, deduction.settlement_id


# --- postings --------------------------------------------------------------------------------------------------------


def post_deduction(event: Event) -> Iterable[Posting]:
    home, amount = event["home_province"], event["amount_fen"]
    for fund, part in event["funds"].items():
        yield f"fund:{home}:{fund}", part
    yield f"provider:{event['institution']}", -amount
    if event["cross_province"]:
        yield from owed("", home, event["treatment_province"], -amount)


def post_reversal(event: Event) -> Iterable[Posting]:
    return mirrored(post_deduction(event))


COMMANDS: Final = (
    CommandType(
        "DeductByAudit",
        "clearing",
        (
            required("deduction_id", types.identifier),
            required("settlement_id", types.identifier),
            required("funds", types.funds1),
            required("finding", types.text),
        ),
        deduct_by_audit,
        keys=keys,
        keys_then=keys_then,
    ),
    CommandType(
        "ReverseDeduction",
        "clearing",
        (
            required("deduction_id", types.identifier),
            required("reversal_id", types.identifier),
            required("reason", types.text),
        ),
        reverse_deduction,
        keys=reversal_keys,
        keys_then=reversal_keys_then,
    ),
)
EVENTS: Final = (
    EventType("AuditDeducted", "clearing", on_card, deducted, post_deduction),
    EventType("AuditDeductionReversed", "clearing", on_card, deduction_reversed, post_reversal),
)
