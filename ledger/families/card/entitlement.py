"""Entitlements of a holder: concessions in transit, free venues, care, study, libraries (contract 2.13).

Each holds in one province between two dates, unless it was ended. Concessions are looked up by class and province at
every tap, so they have an index of their own; the others are named by the command that uses them.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType, needed_only
from ledger.core.fields import optional, required
from ledger.core.rejection import Rejected
from ledger.core.rows import Page, Row, Rows
from ledger.core.world import Name, World
from ledger.families.card.holder import ALL_BUT_CANCELLED, card_id_named, on_card

CONCESSION: Final = "TRANSIT_CONCESSION"

# --- facts -----------------------------------------------------------------------------------------------------------


class Entitlement(Row):
    """Key: entitlement_id. `ended_on`: the first day it no longer holds. `index`: its place among concessions."""

    kind: ClassVar[str] = "entitlement"
    card_id: str
    purpose: str
    concession_class: str | None
    province: str
    valid_from: int
    valid_to: int
    ended_on: int | None = None
    index: int | None = None

    def holds(self, province: str, day: int) -> bool:
        return self.province == province and holds(self.valid_from, self.valid_to, self.ended_on, day)


class Concession(Row):
    """When one concession holds."""

    valid_from: int
    valid_to: int
    ended_on: int | None = None


class ConcessionPage(Page):
    kind: ClassVar[str] = "concession_page"
    SIZE: ClassVar[int] = 64
    items: list[Concession]


class Concessions(Row):
    """How many concessions were granted. Key: card_id:class:province."""

    kind: ClassVar[str] = "concessions"
    count: int = 0


# --- evolution -------------------------------------------------------------------------------------------------------


def granted(world: World, event: Event, position: int) -> None:
    entitlement = Entitlement(
        event["card_id"],
        event["kind"],
        event["concession_class"],
        event["province"],
        event["valid_from"],
        event["valid_to"],
    )
    if entitlement.concession_class is not None:
        owner = concessions_key(entitlement.card_id, entitlement.concession_class, entitlement.province)
        concessions = world.edit_or_add(Concessions, owner)
        entitlement.index = concessions.count
        item = Concession(entitlement.valid_from, entitlement.valid_to)
        rows.append(world, ConcessionPage, owner, concessions.count, item)
        concessions.count += 1
    world.add(event["entitlement_id"], entitlement)


def ended(world: World, event: Event, position: int) -> None:
    entitlement = world.edit(Entitlement, event["entitlement_id"])
    entitlement.ended_on = event["ended_on"]
    if entitlement.concession_class is not None and entitlement.index is not None:
        owner = concessions_key(entitlement.card_id, entitlement.concession_class, entitlement.province)
        rows.edit_item(world, ConcessionPage, owner, entitlement.index).ended_on = event["ended_on"]


# --- questions -------------------------------------------------------------------------------------------------------


def holds(valid_from: int, valid_to: int, ended_on: int | None, day: int) -> bool:
    return valid_from <= day <= valid_to and (ended_on is None or day < ended_on)


def concessions_key(card_id: str, concession_class: str, province: str) -> str:
    return f"{card_id}:{concession_class}:{province}"


def keys_of_concession(card_id: str, concession_class: str, province: str) -> Iterable[Name]:
    """What is read to tell whether it holds, unless it was granted very often."""
    owner = concessions_key(card_id, concession_class, province)
    yield Concessions, owner
    yield ConcessionPage, ConcessionPage.at(owner, 0)


def has_concession(world: Rows, card_id: str, concession_class: str, province: str, day: int) -> bool:
    """Whether a transit concession of a class holds on a date in a province."""
    owner = concessions_key(card_id, concession_class, province)
    found = world.get(Concessions, owner)
    return found is not None and any(
        holds(item.valid_from, item.valid_to, item.ended_on, day)
        for _, item in rows.scan(world, ConcessionPage, owner, found.count)
    )


# --- decisions -------------------------------------------------------------------------------------------------------


def grant(command: Command, world: World) -> list[Draft]:
    if command["valid_from"] > command["valid_to"]:
        raise Rejected("period_invalid", "valid_from must not be later than valid_to", "valid_from")
    if world.get(Entitlement, command["entitlement_id"]) is not None:
        raise Rejected("entitlement_exists", "this entitlement_id is in use: choose another", "entitlement_id")
    return [Draft("EntitlementGranted", card_id=command.card_id)]


def end(command: Command, world: World) -> list[Draft]:
    entitlement = world.get(Entitlement, command["entitlement_id"])
    if entitlement is None or entitlement.card_id != command.card_id:
        raise Rejected("entitlement_unknown", "no such entitlement on this card", "entitlement_id")
    if entitlement.ended_on is not None:
        raise Rejected("entitlement_ended", "this entitlement was ended before", "entitlement_id")
    return [Draft("EntitlementEnded", card_id=command.card_id)]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Entitlement, command["entitlement_id"]


def keys_of_grant(command: Command, world: World) -> Iterable[Name]:
    concession, card_id = command.get("concession_class"), card_id_named(world, command["card_sn"], command.sn_key)
    if concession is not None and card_id is not None:
        yield from keys_of_concession(card_id, concession, command["province"])


def keys_of_end(command: Command, world: World) -> Iterable[Name]:
    found = world.get(Entitlement, command["entitlement_id"])
    if found is not None and found.concession_class is not None and found.index is not None:
        owner = concessions_key(found.card_id, found.concession_class, found.province)
        yield ConcessionPage, ConcessionPage.at(owner, found.index)


ENTITLEMENT_ID: Final = required("entitlement_id", types.identifier)
COMMANDS: Final = (
    CommandType(
        "GrantEntitlement",
        "card",
        (
            ENTITLEMENT_ID,
            required("kind", types.one_of(CONCESSION, "VENUE", "ELDER_CARE", "STUDENT", "LIBRARY")),
            optional("concession_class", types.one_of("STUDENT", "ELDERLY", "MILITARY", "DISABLED")),
            required("province", types.province),
            required("valid_from", types.day),
            required("valid_to", types.day),
        ),
        grant,
        card=True,
        person=True,
        states=Accepts(ALL_BUT_CANCELLED),
        shape=(needed_only("concession_class", lambda fields: fields["kind"] == CONCESSION, "for a concession"),),
        keys=keys,
        keys_then=keys_of_grant,
    ),
    CommandType(
        "EndEntitlement",
        "card",
        (ENTITLEMENT_ID, required("ended_on", types.day)),
        end,
        card=True,
        keys=keys,
        keys_then=keys_of_end,
    ),
)
EVENTS: Final = (
    EventType("EntitlementGranted", "card", on_card, granted),
    EventType("EntitlementEnded", "card", on_card, ended),
)
