"""Brings events of superseded schema versions up to the present one.

Stored bytes are never rewritten, so every version ever registered must still mean something. What an Avro default can
say is filled in from the schema; an upcaster says what only the event's own fields can tell. Each takes an event of
its version with the defaults filled in and makes it what it would be today.
"""

from collections.abc import Callable
from typing import Any

from schemas.registry import Registered

Event = dict[str, Any]
Upcaster = Callable[[Event], Event]


def _card_issued_v1(event: Event) -> Event:
    """Version 1 did not state the issuing area; it has always been the beginning of the first card_sn."""
    return {**event, "issuing_area": event["card_sn"][:6]}


UPCASTERS: dict[tuple[str, int], Upcaster] = {
    ("onecard.card.v1.CardIssued", 1): _card_issued_v1,
}


def upcaster_for(old: Registered, latest: Registered) -> Upcaster:
    """The function from an event of a superseded version to the present one, in the present field order."""
    names = [field["name"] for field in latest.definition["fields"]]
    defaults = {field["name"]: field["default"] for field in latest.definition["fields"] if "default" in field}
    known = {field["name"] for field in old.definition["fields"]}
    if unknown := set(names) - known - set(defaults):
        raise ValueError(f"{latest.line.subject}: version {old.line.version} cannot tell {sorted(unknown)}")
    meaning = UPCASTERS.get((old.line.subject, old.line.version))

    def upcast(event: Event) -> Event:
        filled = {name: event[name] if name in known else defaults[name] for name in names}
        return meaning(filled) if meaning else filled

    return upcast
