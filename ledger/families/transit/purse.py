"""Loading the transit purse (contract 5.1).

Its sums by the count the chip showed (`chip`) let a later tap check the chip's own arithmetic.
"""

from collections.abc import Iterable
from typing import Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import optional, required
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.holder import Card, card_of, on_card
from ledger.families.transit.chip import Counts, edit_counts

# --- evolution -------------------------------------------------------------------------------------------------------


def topped_up(world: World, event: Event, position: int) -> None:
    world.edit(Card, event["card_id"]).transit_purse += event["amount_fen"]
    if event["after_counter"] is not None:
        counter = event["after_counter"]
        loaded = edit_counts(world, world.keyring.card_sn(event["card_sn"]), counter).loaded
        loaded[counter] = loaded.get(counter, 0) + event["amount_fen"]


# --- decisions -------------------------------------------------------------------------------------------------------


def top_up(command: Command, world: World) -> list[Draft]:
    card = card_of(world, command.card_id)
    limit: int = world.config.value("transit.purse_max_fen", command.bdate, card.province)
    if card.transit_purse + command["amount_fen"] > limit:
        raise Rejected("purse_limit_exceeded", f"the purse may hold {limit} fen at most", "amount_fen")
    return [Draft("PurseToppedUp", card_id=command.card_id)]


def refuse_below_grace(command: Command, world: World, card: Card, more_paid: int) -> None:
    """A purse may go below zero only down to the grace that terminals out of reach allow."""
    if more_paid <= 0 or card.transit_purse >= more_paid:
        return
    grace: int = world.config.value("transit.offline_grace_fen", command.bdate, card.province)
    if card.transit_purse - more_paid < -grace:
        raise Rejected("insufficient_transit_purse", f"the purse would fall below -{grace} fen", "paid_fen")


def keys(command: Command, world: World) -> Iterable[Name]:
    counter = command.get("after_counter")
    if counter is not None:
        yield Counts, Counts.at(command.sn_key, counter)


# --- postings --------------------------------------------------------------------------------------------------------


def top_up_postings(event: Event) -> Iterable[Posting]:
    yield f"card:{event['card_id']}:transit_purse", event["amount_fen"]
    yield f"cash:{event['operator']}", -event["amount_fen"]


COMMANDS: Final = (
    CommandType(
        "TopUpPurse",
        "transit",
        (
            required("operator", types.identifier),
            required("amount_fen", types.amount),
            optional("after_counter", types.count),
        ),
        top_up,
        card=True,
        person=True,
        states=IS_ACTIVE,
        keys=keys,
    ),
)
EVENTS: Final = (EventType("PurseToppedUp", "transit", on_card, topped_up, top_up_postings),)
