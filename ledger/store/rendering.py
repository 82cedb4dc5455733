"""Shows an event's own fields to people: the `data` of queries.md section 3.

Which integers are instants and which are dates only the schema knows, so the schema is asked, once per event type.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from ledger.core.calendar import date_text, instant_text
from schemas.files import ENVELOPE, STREAM_FIELDS
from schemas.registry import registry

_TEXT_OF: dict[str, Callable[[int], str]] = {"timestamp-micros": instant_text, "date": date_text}


def to_json(event_name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Everything of the event but its envelope, in schema order, instants and dates as text."""
    return {
        name: value if text_of is None or value is None else text_of(value)
        for name, text_of in _own_fields(event_name)
        for value in (event[name],)
    }


@cache
def _own_fields(event_name: str) -> tuple[tuple[str, Callable[[int], str] | None], ...]:
    envelope = {*STREAM_FIELDS, *ENVELOPE}
    fields = registry().latest(event_name).definition["fields"]
    return tuple(
        (field["name"], _TEXT_OF.get(_logical_type(field["type"]))) for field in fields if field["name"] not in envelope
    )


def _logical_type(avro: object) -> str:
    if isinstance(avro, list):
        return _logical_type(avro[1])
    return str(avro.get("logicalType", "")) if isinstance(avro, dict) else ""
