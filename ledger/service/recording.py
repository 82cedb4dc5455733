"""From drafts to events: the envelope, the chain of digests, and the rows that change.

The stream's head (version, digest) is in the row the stream is named for, so one look-up serves decision and chain.
"""

from hashlib import sha256
from typing import Any, Final

import msgspec

from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.identity import stream_id_of
from ledger.core.rows import StreamRow
from ledger.core.shape import envelope
from ledger.core.world import World
from ledger.families.card.holder import Card
from ledger.families.registry import EVENTS
from ledger.store import codec

# Fields of the envelope that an event holds whether its command takes them or not.
ALWAYS: Final = dict.fromkeys(("acting_person", "channel", "scheme", "scheme_item"))


class Recorded(msgspec.Struct):
    """One event as the store keeps it. `data`: framed bytes; `event`: what they say."""

    position: int
    stream_id: str
    version: int
    name: str
    data: bytes
    event: Event


_templates: dict[str, tuple[dict[str, Any], tuple[tuple[str, str], ...]]] = {}


def _template(type: CommandType) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    """Values of fields left out, and (command field, event field) where the names differ."""
    made = _templates.get(type.name)
    if made is None:
        fields = envelope(type.card, type.fields) + type.fields
        renamed = tuple((field.name, field.event_name) for field in fields if field.event_name)
        defaults = {field.event_name or field.name: field.default for field in fields if not field.required}
        made = _templates[type.name] = (ALWAYS | defaults, renamed)
    return made


def stream_id(stream: StreamName) -> str:
    row_type, key = stream
    return key if row_type is Card else stream_id_of(row_type.kind, key)


def stated(command: Command) -> dict[str, Any]:
    """What an event holds of its command: the fields by the event's names, those left out as their defaults."""
    defaults, renamed = _template(command.type)
    fields = {**defaults, **command.fields}
    del fields["command"]
    for name, event_name in renamed:
        if name in fields:
            fields[event_name] = fields.pop(name)
    return fields


def record(command: Command, drafts: list[Draft], world: World, recorded_at: int) -> list[Recorded]:
    """Make the drafts events of the log at the world's next positions, and change the rows they change."""
    recorded = []
    for draft in drafts:
        type = EVENTS[draft.event]
        event: Event = stated(command)
        event["recorded_at"] = recorded_at
        event["business_date"] = command.bdate
        event.update(draft.derived)
        event["card_id"] = draft.card_id
        stream = row_type, key = type.stream(event)
        if row_type is Card:
            name = key
        else:
            name = stream_id(stream)
            del event["card_id"]
            event["stream_id"] = name
        head = world.edit_or_add(row_type, key)
        event["card_version"] = version = head.version + 1
        event["prev_digest"] = head.digest
        data = codec.encode(draft.event, event)
        position = world.position
        _evolve(world, head, type, event, position, sha256(data).hexdigest())
        world.position += 1
        recorded.append(Recorded(position, name, version, draft.event, data, event))
    return recorded


def apply(world: World, name: str, event: Event, position: int, digest: str) -> None:
    """Everything an event changes: its stream's head, then what its room says. Used by `verify` to make rows again."""
    type = EVENTS[name]
    _evolve(world, world.edit_or_add(*type.stream(event)), type, event, position, digest)


def _evolve(world: World, head: StreamRow, type: EventType, event: Event, position: int, digest: str) -> None:
    head.version = event["card_version"]
    head.digest = digest
    type.evolve(world, event, position)
