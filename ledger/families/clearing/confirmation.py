"""The treatment side confirms settlements, or takes that back (contract 7.2).

All or nothing: one settlement that cannot be confirmed refuses the whole list, and the first failing test of the first
failing id is told.
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import StreamRow
from ledger.core.world import Name, World
from ledger.families.clearing.lines import settlement_unit
from ledger.families.clearing.units import ALL, Calendar, Unit, cycle_of, edit_unit, latest_page
from ledger.families.medical.settlement import REVERSED, VOIDED, Settlement

# --- facts -----------------------------------------------------------------------------------------------------------


class Confirmations(StreamRow):
    """Head of the stream of a treatment province; what it says is in the units."""

    kind: ClassVar[str] = "confirmation"


def on_province(event: Event) -> StreamName:
    return Confirmations, event["treatment_province"]


# --- evolution -------------------------------------------------------------------------------------------------------


def confirmed(world: World, event: Event, position: int) -> None:
    for settlement_id in event["settlement_ids"]:
        edit_unit(world, settlement_unit(settlement_id), position).confirmed = True


def withdrawn(world: World, event: Event, position: int) -> None:
    for settlement_id in event["settlement_ids"]:
        edit_unit(world, settlement_unit(settlement_id), position).confirmed = False


# --- decisions -------------------------------------------------------------------------------------------------------


def open_settlement(world: World, settlement_id: str, field: str, treatment: str | None = None) -> Unit:
    """The unit of a settlement that still may change its clearing state; of `treatment`, if given."""
    settlement = world.get(Settlement, settlement_id)
    if settlement is None:
        raise Rejected("settlement_unknown", f"{settlement_id} is not recorded here", field)
    if treatment is not None and settlement.treatment_province != treatment:
        raise Rejected("treatment_province_differs", f"{settlement_id} was treated in another province", field)
    if settlement.state == VOIDED:
        raise Rejected("settlement_voided", f"{settlement_id} was voided", field)
    if settlement.state == REVERSED:
        raise Rejected("settlement_reversed", f"{settlement_id} was reversed", field)
    unit = world.get(Unit, settlement_unit(settlement_id))
    if unit is None:
        raise Rejected("no_clearing_line", f"{settlement_id} makes no province owe another anything", field)
    if cycle_of(world, settlement_unit(settlement_id)) is not None:
        raise Rejected("settlement_cut_off", f"a cycle has taken {settlement_id}", field)
    return unit


def confirm(command: Command, world: World) -> list[Draft]:
    for settlement_id in command["settlement_ids"]:
        if open_settlement(world, settlement_id, "settlement_ids", command["treatment_province"]).confirmed:
            raise Rejected("settlement_confirmed", f"{settlement_id} is confirmed already", "settlement_ids")
    return [Draft("SettlementsConfirmed")]


def withdraw(command: Command, world: World) -> list[Draft]:
    for settlement_id in command["settlement_ids"]:
        if not open_settlement(world, settlement_id, "settlement_ids", command["treatment_province"]).confirmed:
            raise Rejected("settlement_not_confirmed", f"{settlement_id} is not confirmed", "settlement_ids")
    return [Draft("ConfirmationWithdrawn")]


def keys(command: Command, world: World) -> Iterator[Name]:
    yield Confirmations, command["treatment_province"]
    yield Calendar, ALL
    for settlement_id in command["settlement_ids"]:
        yield from settlement_names(settlement_id)


def keys_then(command: Command, world: World) -> Iterator[Name]:
    return latest_page(world)


def settlement_names(settlement_id: str) -> Iterable[Name]:
    """The rows that say what may still happen to a settlement."""
    return (Settlement, settlement_id), (Unit, settlement_unit(settlement_id))


FIELDS: Final = (
    required("treatment_province", types.province),
    required("settlement_ids", types.list_of(types.identifier, 1, 100)),
)
COMMANDS: Final = (
    CommandType("ConfirmSettlements", "clearing", FIELDS, confirm, keys=keys, keys_then=keys_then),
    CommandType("WithdrawConfirmation", "clearing", FIELDS, withdraw, keys=keys, keys_then=keys_then),
)
EVENTS: Final = (
    EventType("SettlementsConfirmed", "clearing", on_province, confirmed),
    EventType("ConfirmationWithdrawn", "clearing", on_province, withdrawn),
)
