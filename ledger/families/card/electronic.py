"""The electronic card: the card's twin in a phone, in force from its issue until it is revoked (contract 2.10).

At most one is in force. Its events, and the replacement or cancellation of the card, must rise in time (0.8, chain b),
so the intervals of a card are in order and do not overlap; a use is judged by the interval that covers its instant.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import Page, Row, Rows
from ledger.core.world import Name, World
from ledger.families.card.holder import ACTIVE, IN_FORCE, REVOKED, Card, card_named, card_of, on_card

# --- facts -----------------------------------------------------------------------------------------------------------


class Interval(Row):
    """In force from `since` to before `until`; None: not revoked."""

    since: int
    until: int | None = None


class Intervals(Page):
    kind: ClassVar[str] = "electronic_intervals"
    SIZE: ClassVar[int] = 64
    items: list[Interval]


# --- evolution -------------------------------------------------------------------------------------------------------


def issued(world: World, event: Event, position: int) -> None:
    card = world.edit(Card, event["card_id"])
    rows.append(world, Intervals, event["card_id"], card.electronic_spans, Interval(event["occurred_at"]))
    card.electronic_spans += 1
    card.electronic = IN_FORCE
    card.electronic_since = card.electronic_instant = event["occurred_at"]


def revoked(world: World, event: Event, position: int) -> None:
    """Also by a replacement or cancellation of the card, whether or not an electronic card is in force."""
    card = world.edit(Card, event["card_id"])
    card.electronic_instant = event["occurred_at"]
    if card.electronic == IN_FORCE:
        card.electronic = REVOKED
        rows.edit_item(world, Intervals, event["card_id"], card.electronic_spans - 1).until = event["occurred_at"]


# --- questions -------------------------------------------------------------------------------------------------------


def in_force(world: Rows, card_id: str, card: Card, instant: int) -> bool:
    """Whether an electronic card was issued at or before an instant and not revoked at or before it."""
    if card.electronic_since is None:
        return False
    if card.electronic == IN_FORCE and instant >= card.electronic_since:
        return True
    low, high = 0, card.electronic_spans
    while low < high:
        middle = (low + high) // 2
        if rows.item_at(world, Intervals, card_id, middle).since <= instant:
            low = middle + 1
        else:
            high = middle
    if not low:
        return False
    until = rows.item_at(world, Intervals, card_id, low - 1).until
    return until is None or instant < until


# --- decisions -------------------------------------------------------------------------------------------------------


def issue(command: Command, world: World) -> list[Draft]:
    card = card_of(world, command.card_id)
    if card.electronic == IN_FORCE:
        raise Rejected("electronic_card_exists", "an electronic card is in force: revoke it first", "card_sn")
    if command["level"] == "PAYMENT" and not card.bank_active:
        raise Rejected("bank_not_activated", "the payment level needs the bank application: activate it", "level")
    return [Draft("ElectronicCardIssued", card_id=command.card_id)]


def revoke(command: Command, world: World) -> list[Draft]:
    if card_of(world, command.card_id).electronic != IN_FORCE:
        raise Rejected("electronic_card_not_active", "no electronic card is in force", "card_sn")
    return [Draft("ElectronicCardRevoked", card_id=command.card_id)]


def last_interval(command: Command, world: World) -> Iterable[Name]:
    """Pages that an issue or a revocation changes."""
    if (found := card_named(command, world)) is not None:
        card_id, card = found
        yield Intervals, Intervals.at(card_id, card.electronic_spans)
        if card.electronic_spans:
            yield Intervals, Intervals.at(card_id, card.electronic_spans - 1)


COMMANDS: Final = (
    CommandType(
        "IssueElectronicCard",
        "card",
        (required("level", types.one_of("IDENTITY", "PAYMENT")),),
        issue,
        card=True,
        person=True,
        states=Accepts((ACTIVE,)),
        electronic_chain=True,
        keys_then=last_interval,
    ),
    CommandType(
        "RevokeElectronicCard",
        "card",
        (required("reason", types.one_of("HOLDER", "RISK", "REPLACED")),),
        revoke,
        card=True,
        electronic_chain=True,
        keys_then=last_interval,
    ),
)
EVENTS: Final = (
    EventType("ElectronicCardIssued", "card", on_card, issued),
    EventType("ElectronicCardRevoked", "card", on_card, revoked),
)
