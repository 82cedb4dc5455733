"""Switching an item of a regional scheme on in a province (contract 8.6); asking for it is in `families.scheme`."""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import optional, required
from ledger.core.provinces import SCHEMES
from ledger.core.rejection import Rejected
from ledger.core.rows import StreamRow
from ledger.core.world import Name, World
from ledger.families import scheme
from ledger.families.scheme import Enabled, EnabledPage, SchemeItem

# --- facts -----------------------------------------------------------------------------------------------------------


class Scheme(StreamRow):
    """What was switched on in a scheme (key: scheme)."""

    kind: ClassVar[str] = "scheme"


def on_scheme(event: Event) -> StreamName:
    return Scheme, event["item_scheme"]


def key_of(fields: Command | Event) -> str:
    return scheme.item_key(fields["item_scheme"], fields["item"], fields["province"])


# --- evolution -------------------------------------------------------------------------------------------------------


def enabled(world: World, event: Event, position: int) -> None:
    key = key_of(event)
    item = world.edit_or_add(SchemeItem, key)
    rows.append(world, EnabledPage, key, item.periods, Enabled(event["valid_from"], event["valid_to"]))
    item.periods += 1


# --- decisions -------------------------------------------------------------------------------------------------------


def enable(command: Command, world: World) -> list[Draft]:
    if command["province"] not in SCHEMES[command["item_scheme"]]:
        raise Rejected("province_not_in_scheme", f"not a member of {command['item_scheme']}", "province")
    wanted = Enabled(command["valid_from"], command.get("valid_to"))
    if wanted.valid_to is not None and wanted.valid_to < wanted.valid_from:
        raise Rejected("period_invalid", "valid_to must not be earlier than valid_from", "valid_to")
    if any(period.overlaps(wanted) for period in scheme.periods(world, key_of(command))):
        raise Rejected("scheme_item_overlaps", "the item is on already on a day of this period", "valid_from")
    return [Draft("SchemeItemEnabled")]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Scheme, command["item_scheme"]
    yield from scheme.keys(command["item_scheme"], command["item"], command["province"])


COMMANDS: Final = (
    CommandType(
        "EnableSchemeItem",
        "governance",
        (
            required("item_scheme", types.scheme),
            required("item", types.identifier),
            required("province", types.province),
            required("valid_from", types.day),
            optional("valid_to", types.day),
        ),
        enable,
        keys=keys,
    ),
)
EVENTS: Final = (EventType("SchemeItemEnabled", "governance", on_scheme, enabled),)
