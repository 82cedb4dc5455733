"""Restricting the processing of a holder's data on a card (contract 8.3).

From then on, in recorded order, only what the law demands reaches the card; the tests are in `card.admission` and where
a command names another person. Nothing lifts a restriction.
"""

from collections.abc import Iterable
from typing import Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.card.holder import Card, Person, card_named, card_of, on_card

# --- evolution -------------------------------------------------------------------------------------------------------


def restricted(world: World, event: Event, position: int) -> None:
    card = world.edit(Card, event["card_id"])
    card.restricted = True
    if card.holder == "PERSON":
        world.edit(Person, card.person).restricted_cards += 1


# --- decisions -------------------------------------------------------------------------------------------------------


def restrict(command: Command, world: World) -> list[Draft]:
    if card_of(world, command.card_id).restricted:
        raise Rejected("already_restricted", "processing on this card was restricted before", "card_sn")
    return [Draft("ProcessingRestricted", card_id=command.card_id)]


def keys_then(command: Command, world: World) -> Iterable[Name]:
    """The holder."""
    found = card_named(command, world)
    if found is not None and found[1].holder == "PERSON":
        yield Person, found[1].person


COMMANDS: Final = (
    CommandType(
        "RestrictProcessing",
        "governance",
        (required("reason", types.one_of("WITHDRAWN", "PURPOSE_DONE", "COURT", "OTHER")),),
        restrict,
        card=True,
        always=True,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (EventType("ProcessingRestricted", "governance", on_card, restricted),)
