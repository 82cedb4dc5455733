"""A settlement is undone by an event that names it and mirrors it, once and whole (contract 4.5).

Allowed in every clearing state: what a cycle has taken stays taken, and the mirrored lines go to a later one.
"""

from collections.abc import Iterator
from typing import Any, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.card.holder import on_card
from ledger.families.clearing.units import ALL, Calendar, Unit, cycle_of, edit_unit
from ledger.families.medical import aid_lots, stays
from ledger.families.medical.settlement import (
    REVERSED,
    VOIDED,
    Settlement,
    SettlementReversal,
    post,
    require_unused,
    undo,
    unit_key,
)  # fmt: skip

# --- evolution -------------------------------------------------------------------------------------------------------


def undone(world: World, event: Event, position: int) -> None:
    settlement_id = event["settlement_id"]
    settlement = undo(world, settlement_id, REVERSED)
    world.add(event["reversal_id"], SettlementReversal(settlement_id))
    if settlement.lines:
        unit = edit_unit(world, unit_key(settlement_id), position)
        unit.reversed_at, unit.reversed_on = position, event["business_date"]


# --- decisions -------------------------------------------------------------------------------------------------------


def negated(settlement: Settlement) -> dict[str, Any]:
    """What an event that undoes a settlement says of it: whose it was, and its amounts with the opposite sign."""
    return {
        "institution": settlement.institution,
        "home_province": settlement.home_province,
        "treatment_province": settlement.treatment_province,
        "insutype": settlement.insutype,
        "clr_type": settlement.clr_type,
        "total_fen": -settlement.total_fen,
        "funds": {fund: -amount for fund, amount in settlement.funds.items()},
        "account_fen": -settlement.account_fen,
        "account_mutual_aid_fen": -settlement.account_mutual_aid_fen,
        "wallet_fen": -settlement.wallet_fen,
        "cash_fen": -settlement.cash_fen,
        "hospital_fen": -settlement.hospital_fen,
        "cleared_fen": -settlement.cleared_fen,
        "cross_province": settlement.cross_province,
        "wallet_cleared": {giver: -amount for giver, amount in settlement.wallet_cleared.items()},
        "original_position": settlement.position,
    }


def keys(command: Command, world: World) -> Iterator[Name]:
    yield Settlement, command["settlement_id"]
    yield SettlementReversal, command["settlement_id"]
    yield Settlement, command["reversal_id"]
    yield SettlementReversal, command["reversal_id"]
    yield Unit, unit_key(command["settlement_id"])
    yield Calendar, ALL


def keys_then(command: Command, world: World) -> Iterator[Name]:
    settlement = world.get(Settlement, command["settlement_id"])
    if settlement is not None:
        yield from rows_to_undo(world, command["settlement_id"], settlement)


def rows_to_undo(world: World, settlement_id: str, settlement: Settlement) -> Iterator[Name]:
    """Rows that undoing a settlement changes, beside its own and its unit's."""
    if settlement.lots:
        yield aid_lots.UsedLots, aid_lots.UsedLots.at(unit_key(settlement_id), 0)
        for purse in aid_lots.ACCOUNTS:
            yield aid_lots.Purse, aid_lots.owner(settlement.card_id, purse)
    if settlement.admitted_on is not None and settlement.discharged_on is not None:
        yield from stays.keys(
            settlement.card_id, settlement.institution, settlement.admitted_on, settlement.discharged_on
        )


def reverse(command: Command, world: World) -> list[Draft]:
    settlement_id = command["settlement_id"]
    settlement = world.get(Settlement, settlement_id)
    if settlement is None or settlement.card_id != command.card_id:
        raise Rejected("settlement_unknown", "no such settlement on this card", "settlement_id")
    if settlement.state == VOIDED:
        raise Rejected("settlement_voided", "it was voided: nothing is left to reverse", "settlement_id")
    if settlement.state == REVERSED:
        raise Rejected("settlement_reversed", "it was reversed before", "settlement_id")
    require_unused(world, command["reversal_id"], "reversal_id")
    require_no_deductions(settlement, "settlement_id")
    if command.occurred_at < settlement.occurred_at:
        raise Rejected("before_settlement", "occurred_at is before that of the settlement", "occurred_at")
    derived = {
        **negated(settlement),
        "original_occurred_at": settlement.occurred_at,
        "original_cycle": cycle_of(world, unit_key(settlement_id)) if settlement.lines else None,
    }
    return [Draft("MedicalReversed", derived, command.card_id)]


def require_no_deductions(settlement: Settlement, field: str) -> None:
    if settlement.deductions:
        raise Rejected("settlement_has_deductions", "take its audit deductions back first: ReverseDeduction", field)


COMMANDS: Final = (
    CommandType(
        "ReverseMedical",
        "medical",
        (
            required("settlement_id", types.identifier),
            required("reversal_id", types.identifier),
            required("reason", types.one_of("CANCELLED", "REFUND", "DISPUTE", "OTHER")),
        ),
        reverse,
        card=True,
        always=True,
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (EventType("MedicalReversed", "medical", on_card, undone, post),)
