"""What a card is at a point of its history: its life made again from its own events, by the rules that decided them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from ledger.core.calendar import instant_text
from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.core.world import Unasked, World
from ledger.families.card import electronic, issue, lifecycle
from ledger.families.card.holder import TEMPORARY_LOSS, Card, card_of, span_at
from ledger.families.governance import restriction
from ledger.service.recording import apply
from projections.feed.port import Record

LIFE: Final = frozenset(event.name for room in (issue, lifecycle, electronic, restriction) for event in room.EVENTS)


def card_sns(life: Sequence[Record]) -> list[dict[str, Any]]:
    """Every card_sn the card has had, by the instant it was recorded for; `to` is null for the current one."""
    given = [
        (record.event["new_card_sn" if record.name == "CardReplaced" else "card_sn"], record.event["occurred_at"])
        for record in life
        if record.name in ("CardIssued", "EnterpriseCardIssued", "CardReplaced")
    ]
    ends: list[str | None] = [*(instant_text(since) for _, since in given[1:]), None]
    return [
        {"card_sn": card_sn, "from": instant_text(since), "to": end}
        for (card_sn, since), end in zip(given, ends, strict=True)
    ]


def card_object(
    life: Iterable[Record], config: Configuration, keyring: Keyring, as_of: int | None = None
) -> dict[str, Any]:
    """The card after these events; its state the last recorded, or that at an instant."""
    world = World(Unasked(), config, keyring, 0, 0)
    card_id = None
    for record in life:
        card_id = record.stream_id
        world.position = record.position
        apply(world, record.name, record.event, record.position, "")
    card = Card() if card_id is None else card_of(world, card_id)
    span = None
    if card_id is not None:
        span = card.span if as_of is None else span_at(world, card_id, card, as_of)
    state = None if span is None else span.state if as_of is None else span.at(as_of)
    expires = span.expires if span is not None and state == TEMPORARY_LOSS else None
    return {
        "state": state,
        "social_security_active": card.social_security_active,
        "bank_active": card.bank_active,
        "electronic_card": card.electronic,
        "loss_expires_at": None if expires is None else instant_text(expires),
        "restricted": card.restricted,
    }
