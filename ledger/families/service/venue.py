"""Entering a venue with the card; who is entitled pays less and local finance bears the rest (contract 6.5)."""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import optional, required
from ledger.core.postings import Posting
from ledger.core.provinces import province
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.entitlement import Entitlement
from ledger.families.card.holder import on_card

REDUCING: Final = ("VENUE", "ELDER_CARE", "STUDENT")

# --- facts -----------------------------------------------------------------------------------------------------------


class Entry(Row):
    """An entry_id used. Key: entry_id."""

    kind: ClassVar[str] = "venue_entry"
    card_id: str


# --- evolution -------------------------------------------------------------------------------------------------------


def entered(world: World, event: Event, position: int) -> None:
    world.add(event["entry_id"], Entry(event["card_id"]))


# --- decisions -------------------------------------------------------------------------------------------------------


def enter(command: Command, world: World) -> list[Draft]:
    if world.get(Entry, command["entry_id"]) is not None:
        raise Rejected("entry_exists", "this entry_id is in use: choose another", "entry_id")
    subsidy = command["price_due_fen"] - command["price_paid_fen"]
    if subsidy < 0:
        raise Rejected("paid_exceeds_due", "price_paid_fen is more than price_due_fen", "price_paid_fen")
    if subsidy and not is_entitled(command, world):
        raise Rejected(
            "entitlement_not_valid",
            "a reduced price needs an entitlement to venues that holds there on the business date: take the full price",
            "entitlement_id",
        )
    return [Draft("VenueEntered", {"subsidy_fen": subsidy}, command.card_id)]


def is_entitled(command: Command, world: World) -> bool:
    """Whether the entitlement named is the holder's and lowers prices at this venue on this day."""
    named = command.get("entitlement_id")
    found = world.get(Entitlement, named) if named is not None else None
    return (
        found is not None
        and found.card_id == command.card_id
        and found.purpose in REDUCING
        and found.holds(province(command["venue_area"]), command.bdate)
    )


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Entry, command["entry_id"]
    if command.get("entitlement_id") is not None:
        yield Entitlement, command["entitlement_id"]


# --- postings --------------------------------------------------------------------------------------------------------


def post(event: Event) -> Iterable[Posting]:
    yield f"venue:{event['venue']}", event["price_due_fen"]
    yield f"cash:{event['venue']}", -event["price_paid_fen"]
    yield f"subsidy:{province(event['venue_area'])}", -event["subsidy_fen"]


COMMANDS: Final = (
    CommandType(
        "EnterVenue",
        "service",
        (
            required("entry_id", types.identifier),
            required("venue", types.identifier),
            required("venue_area", types.area),
            optional("ticket_id", types.identifier),
            optional("group_size", types.count1, 1),
            required("price_due_fen", types.amount0),
            required("price_paid_fen", types.amount0),
            optional("entitlement_id", types.identifier),
        ),
        enter,
        card=True,
        use="SERVICE",
        states=IS_ACTIVE,
        keys=keys,
    ),
)
EVENTS: Final = (EventType("VenueEntered", "service", on_card, entered, post),)
