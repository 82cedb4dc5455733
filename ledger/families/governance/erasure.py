"""Destroying a person's data key when the time to keep is over (contract 8.4).

It is once per person, for all cards at once, and only when every card is restricted. Hashes, postings and proofs stay
valid; whoever holds only cards known by then is a stranger to the rule of one live card. The log is asked when money of
the person moved last, so this is decided alone, when everything before it can be read.
"""

from typing import Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.calendar import add_months, business_date, date_text
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.world import World
from ledger.families.card.holder import Person, Spans, card_of, cards_of, on_card

# --- evolution -------------------------------------------------------------------------------------------------------


def destroyed(world: World, event: Event, position: int) -> None:
    person = world.edit(Person, card_of(world, event["card_id"]).person)
    person.key_destroyed = True
    person.live_card = None


# --- decisions -------------------------------------------------------------------------------------------------------


def destroy(command: Command, world: World) -> list[Draft]:
    person = holder_of(world, command.card_id)
    if person.restricted_cards < person.cards:
        raise Rejected("not_restricted", "restrict processing on every card of this person first", "card_sn")
    if person.key_destroyed:
        raise Rejected("key_destroyed", "this person's key was destroyed before", "card_sn")
    years: int = world.config.value("retention.years", command.bdate)
    until = add_months(last_act(world, person), 12 * years)
    if command.bdate < until:
        raise Rejected("retention_not_over", f"the data is kept until {date_text(until)}", "occurred_at")
    return [Draft("PersonKeyDestroyed", card_id=command.card_id)]


def holder_of(world: World, card_id: str) -> Person:
    found = world.get(Person, card_of(world, card_id).person)
    if found is None:
        raise LookupError(f"the holder of card {card_id} has no row")
    return found


def last_act(world: World, person: Person) -> int:
    """Business date from which retention runs: the last event that moved money of the person, else the last issue."""
    cards = list(cards_of(world, person))
    posted = world.last_posted(cards)
    if posted is not None:
        return posted
    return business_date(rows.item_at(world, Spans, cards[0], 0).since)


COMMANDS: Final = (
    CommandType(
        "DestroyPersonKey",
        "governance",
        (required("authority", types.text),),
        destroy,
        card=True,
        always=True,
        person=True,
        alone=True,
    ),
)
EVENTS: Final = (EventType("PersonKeyDestroyed", "governance", on_card, destroyed),)
