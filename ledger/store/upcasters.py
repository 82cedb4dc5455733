"""Brings events of superseded schema versions up to the present one.

Stored bytes are never rewritten, so every version ever registered must still mean something. What an Avro default can
say needs no code; an upcaster says what only the event's own fields can tell. One function per (subject, version)
takes the old event straight to the present version.
"""

from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
Upcaster = Callable[[Event], Event]


def _card_issued_v1(event: Event) -> Event:
    """Version 1 did not state the issuing area; it has always been the beginning of the first card_sn."""
    return {**event, "issuing_area": event["card_sn"][:6]}


UPCASTERS: dict[tuple[str, int], Upcaster] = {
    ("onecard.card.v1.CardIssued", 1): _card_issued_v1,
}


def upcast(subject: str, version: int, event: Event) -> Event:
    """The event as the present version has it; KeyError when nobody wrote the upcaster."""
    return UPCASTERS[subject, version](event)
