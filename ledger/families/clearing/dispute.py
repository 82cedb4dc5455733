"""A disputed settlement waits: no cycle takes it until the dispute is over (contract 7.5).

Kept, its confirmation stands as it was. To be reversed, it is held until the reversal comes, or until a later dispute
of it ends otherwise. What became of the settlement meanwhile is final: then a resolution is recorded without effect.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import optional, required
from ledger.core.rejection import Rejected
from ledger.core.rows import StreamRow
from ledger.core.world import Name, World
from ledger.families.clearing.confirmation import open_settlement, settlement_names
from ledger.families.clearing.lines import settlement_unit
from ledger.families.clearing.reconciliation import Run
from ledger.families.clearing.units import ALL, Calendar, Unit, cycle_of, edit_unit, latest_page
from ledger.families.medical.settlement import Settlement

# --- facts -----------------------------------------------------------------------------------------------------------


class Dispute(StreamRow):
    """Key: dispute_id. The row exists once the dispute was opened."""

    kind: ClassVar[str] = "dispute"
    settlement_id: str = ""
    resolved: bool = False


def on_dispute(event: Event) -> StreamName:
    return Dispute, event["dispute_id"]


# --- evolution -------------------------------------------------------------------------------------------------------


def opened(world: World, event: Event, position: int) -> None:
    world.edit(Dispute, event["dispute_id"]).settlement_id = event["settlement_id"]
    edit_unit(world, settlement_unit(event["settlement_id"]), position).disputed = True


def resolved(world: World, event: Event, position: int) -> None:
    world.edit(Dispute, event["dispute_id"]).resolved = True
    key = settlement_unit(event["settlement_id"])
    if not _is_over(world, key):
        unit = edit_unit(world, key, position)
        unit.disputed = False
        unit.held = event["outcome"] == "REVERSE"


def _is_over(world: World, key: str) -> bool:
    """Whether the unit's settlement was voided, reversed or cut off."""
    unit = world.get(Unit, key)
    return unit is None or unit.voided or unit.reversed_at is not None or cycle_of(world, key) is not None


# --- decisions -------------------------------------------------------------------------------------------------------


def open_dispute(command: Command, world: World) -> list[Draft]:
    if world.get(Dispute, command["dispute_id"]) is not None:
        raise Rejected("dispute_exists", "this dispute_id was used before", "dispute_id")
    if open_settlement(world, command["settlement_id"], "settlement_id").disputed:
        raise Rejected("dispute_open", "a dispute of this settlement is open", "settlement_id")
    run_id = command.get("run_id")
    if run_id is not None and world.get(Run, run_id) is None:
        raise Rejected("run_unknown", "no such reconciliation run is recorded here", "run_id")
    return [Draft("DisputeOpened")]


def resolve_dispute(command: Command, world: World) -> list[Draft]:
    dispute = world.get(Dispute, command["dispute_id"])
    if dispute is None:
        raise Rejected("dispute_unknown", "no such dispute is recorded here", "dispute_id")
    if dispute.resolved:
        raise Rejected("dispute_resolved", "the dispute was resolved before", "dispute_id")
    settlement = world.get(Settlement, dispute.settlement_id)
    if command["outcome"] == "REVERSE" and settlement is not None and settlement.deductions:
        message = "audit deductions stand on the settlement: it could not be reversed"
        raise Rejected("settlement_has_deductions", message, "outcome")
    return [Draft("DisputeResolved", {"settlement_id": dispute.settlement_id})]


def keys(command: Command, world: World) -> Iterator[Name]:
    yield Dispute, command["dispute_id"]
    yield Calendar, ALL
    if "settlement_id" in command.fields:
        yield from settlement_names(command["settlement_id"])
    if "run_id" in command.fields:
        yield Run, command["run_id"]


def keys_then(command: Command, world: World) -> Iterator[Name]:
    yield from latest_page(world)
    dispute = world.get(Dispute, command["dispute_id"])
    if dispute is not None:
        yield from settlement_names(dispute.settlement_id)


COMMANDS: Final = (
    CommandType(
        "OpenDispute",
        "clearing",
        (
            required("dispute_id", types.identifier),
            required("settlement_id", types.identifier),
            required("discrepancy", types.one_of("ONLY_LOCAL", "AMOUNT_DIFF", "STATE_DIFF", "DUPLICATE_CENTRE")),
            optional("run_id", types.identifier),
            optional("claimed_fen", types.amount0),
            required("reason", types.text),
        ),
        open_dispute,
        keys=keys,
        keys_then=keys_then,
    ),
    CommandType(
        "ResolveDispute",
        "clearing",
        (
            required("dispute_id", types.identifier),
            required("outcome", types.one_of("KEEP", "REVERSE")),
            required("reason", types.text),
        ),
        resolve_dispute,
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (
    EventType("DisputeOpened", "clearing", on_dispute, opened),
    EventType("DisputeResolved", "clearing", on_dispute, resolved),
)
