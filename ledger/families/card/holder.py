"""The card and its holder: the rows every family reads.

A card is one holder's relationship, named by card_id; card_sns come and go on it. Its states lie on a timeline of
effective instants (contract 0.8), so that a late fact is judged by the state of its day. The current state stands in
the card's own row, older ones in pages.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec

from ledger.core import rows
from ledger.core.decider import Command, Event, StreamName
from ledger.core.identity import card_id_of
from ledger.core.rows import Page, Row, Rows, StreamRow

ISSUED: Final = "ISSUED"
ACTIVE: Final = "ACTIVE"
FORMAL_LOSS: Final = "FORMAL_LOSS"
LOCKED: Final = "LOCKED"
TEMPORARY_LOSS: Final = "TEMPORARY_LOSS"
CANCELLED: Final = "CANCELLED"
IN_FORCE: Final = "IN_FORCE"
REVOKED: Final = "REVOKED"
ALL_BUT_CANCELLED: Final = (ISSUED, ACTIVE, FORMAL_LOSS, LOCKED, TEMPORARY_LOSS)

# --- facts -----------------------------------------------------------------------------------------------------------


class Span(Row):
    """A state from an effective instant on.

    `expires`: end of a temporary loss. `run`: for a state other than ACTIVE the start of the unbroken run of such
    states it belongs to; for ACTIVE the start of the run that reaches `since`, if one does (contract 5.2).
    """

    state: str = ISSUED
    since: int = 0
    expires: int | None = None
    run: int | None = None

    def at(self, instant: int) -> str:
        """State at an instant this span covers: a temporary loss that has run out reads as ACTIVE."""
        if self.expires is not None and self.expires <= instant:
            return ACTIVE
        return self.state

    def run_reaching(self, instant: int) -> int | None:
        """Start of the run of states other than ACTIVE that lasts up to `instant`, if one does."""
        if self.state == ACTIVE:
            return self.run if self.since == instant else None
        if self.expires is not None and self.expires < instant:
            return None
        return self.run


class Spans(Page):
    kind: ClassVar[str] = "card_spans"
    SIZE: ClassVar[int] = 48
    items: list[Span]


class Card(StreamRow):
    """One card. `holder`: PERSON or ORGANISATION; `person`: person key or credit code. Purses in fen.

    `sn_since`: when its present card_sn was issued; `highest_counter`: of taps recorded for that card_sn.
    `life_instant`: latest effective instant of its life-cycle events; `electronic_instant`: of the last event of
    chain (b). `electronic`: NONE, IN_FORCE or REVOKED; `electronic_since`: start of its last interval. `previous_card`:
    the card its holder was issued before it.
    """

    kind: ClassVar[str] = "card"
    holder: str = "PERSON"
    person: str = ""
    card_sn: str = ""
    issuing_area: str = ""
    bank: str = ""
    bank_account: str = ""
    social_security_active: bool = False
    bank_active: bool = False
    bank_loss_reported: bool = False
    restricted: bool = False
    span: Span = msgspec.field(default_factory=Span)
    spans: int = 0
    life_instant: int = 0
    electronic: str = "NONE"
    electronic_instant: int | None = None
    electronic_spans: int = 0
    medical_account: int = 0
    transit_purse: int = 0
    family_aid: int = 0
    wallet: int = 0
    benefits: int = 0
    recovery: int = 0
    registrations: int = 0
    electronic_since: int | None = None
    previous_card: str | None = None
    sn_since: int = 0
    highest_counter: int = 0

    @property
    def state(self) -> str:
        """Last recorded state."""
        return self.span.state

    @property
    def province(self) -> str:
        return self.issuing_area[:2]


class CardSn(Row):
    """A card_sn that is not its card's first, or not any more (key: its keyed hash). Valid from `since` until
    `retired_at`. Of the first card_sn, while it is the present one, the card's own row tells all (`card_id_named`).

    `blocked_since`: for a retired card_sn the start of the run of states other than ACTIVE that its retirement
    continues. `highest_counter`: of taps recorded for a retired one.
    """

    kind: ClassVar[str] = "card_sn"
    card_id: str
    since: int
    retired_at: int | None = None
    blocked_since: int | None = None
    highest_counter: int = 0


class Person(Row):
    """A holder (key: person key). `died_on`: the card recorded last was cancelled for death (contract 3.3).

    `live_card`: the card that keeps the person from another one; none once the person's key was destroyed (8.4).
    `last_card`: the card issued last; from it `previous_card` leads to all others. `cards`, `restricted_cards`: how
    many there are, and how many of them are restricted.
    """

    kind: ClassVar[str] = "person"
    live_card: str | None = None
    died_on: int | None = None
    last_card: str | None = None
    cards: int = 0
    restricted_cards: int = 0
    key_destroyed: bool = False


class Enterprise(Row):
    """An organisation (key: credit code)."""

    kind: ClassVar[str] = "enterprise"
    live_card: str | None = None


# --- evolution -------------------------------------------------------------------------------------------------------


def enter(world: Rows, card_id: str, state: str, since: int, expires: int | None = None) -> None:
    """The card is in `state` from the effective instant `since` on."""
    card = world.edit(Card, card_id)
    run = card.span.run_reaching(since) if card.spans else None
    if state != ACTIVE and run is None:
        run = since
    card.span = Span(state, since, expires, run)
    rows.append(world, Spans, card_id, card.spans, card.span)
    card.spans += 1


def next_span(card_id: str, spans: int) -> tuple[type[Row], str]:
    """The page that the next state of a card goes to."""
    return Spans, Spans.at(card_id, spans)


def next_span_named(command: Command, world: Rows) -> Iterator[tuple[type[Row], str]]:
    """That page of the card a command names."""
    if (found := card_named(command, world)) is not None:
        yield next_span(found[0], found[1].spans)


# --- questions -------------------------------------------------------------------------------------------------------


def on_card(event: Event) -> StreamName:
    """The stream of events on a card."""
    return Card, event["card_id"]


def card_id_named(world: Rows, card_sn: str, sn_key: str) -> str | None:
    """The card that a card_sn was ever recorded for. Two rows tell, both named by it."""
    card_id = card_id_of(card_sn)
    card = world.get(Card, card_id)
    if card is not None and card.card_sn == card_sn:
        return card_id
    found = world.get(CardSn, sn_key)
    return None if found is None else found.card_id


def card_named(command: Command, world: Rows) -> tuple[str, Card] | None:
    """Before stage 4: the card that a command names, and its row."""
    card_id = card_id_named(world, command["card_sn"], command.sn_key)
    card = None if card_id is None else world.get(Card, card_id)
    return None if card_id is None or card is None else (card_id, card)


def keys_of_card_sn(card_sn: str, sn_key: str) -> tuple[tuple[type[Row], str], ...]:
    """The rows that `card_id_named` reads."""
    return (Card, card_id_of(card_sn)), (CardSn, sn_key)


def card_of(world: Rows, card_id: str) -> Card:
    """The row of a card known to exist."""
    card = world.get(Card, card_id)
    if card is None:
        raise LookupError(f"card {card_id} has no row")
    return card


def span_at(world: Rows, card_id: str, card: Card, instant: int) -> Span | None:
    """The span that covers an instant; None before the card was issued."""
    if instant >= card.span.since:
        return card.span
    low, high = 0, card.spans
    while low < high:
        middle = (low + high) // 2
        if rows.item_at(world, Spans, card_id, middle).since <= instant:
            low = middle + 1
        else:
            high = middle
    found: Span | None = rows.item_at(world, Spans, card_id, low - 1) if low else None
    return found


def state_at(world: Rows, card_id: str, card: Card, instant: int) -> str | None:
    """state_at(t) of contract 0.8; None before the card was issued."""
    span = span_at(world, card_id, card, instant)
    return span.at(instant) if span else None


def is_dead(world: Rows, person: str, before: int) -> bool:
    """Whether the person's card recorded last was cancelled for a death earlier than the date `before`."""
    found = world.get(Person, person)
    return found is not None and found.died_on is not None and found.died_on < before


def is_restricted(world: Rows, person: str) -> bool:
    """Whether the person holds a restricted card that is not CANCELLED (last recorded state)."""
    found = world.get(Person, person)
    if found is None or not found.restricted_cards:
        return False
    cards = (card_of(world, card_id) for card_id in cards_of(world, found))
    return any(card.restricted and card.state != CANCELLED for card in cards)


def cards_of(world: Rows, person: Person) -> Iterator[str]:
    """card_ids of a person, the last one first."""
    card_id = person.last_card
    while card_id is not None:
        yield card_id
        card_id = card_of(world, card_id).previous_card
