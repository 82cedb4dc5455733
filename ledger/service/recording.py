"""From drafts to events: the envelope, the chain of digests, and the rows that change.

The stream's head (version, digest) is in the row the stream is named for, so one look-up serves decision and chain.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from ledger.core.decider import Command, CommandType, Draft, Event, StreamName
from ledger.core.identity import NO_DIGEST, stream_id_of
from ledger.core.shape import envelope
from ledger.core.world import World
from ledger.families.card.holder import Card
from ledger.families.registry import EVENTS
from ledger.store import codec

ENVELOPE = frozenset("command submitter reference occurred_at acting_person channel scheme scheme_item".split())


@dataclass(slots=True)
class Recorded:
    """One event as the store keeps it. `data`: framed bytes; `event`: what they say."""

    position: int
    stream_id: str
    version: int
    name: str
    data: bytes
    event: Event


_templates: dict[str, tuple[dict[str, Any], tuple[tuple[str, str], ...]]] = {}


def _template(type: CommandType) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    """Values of optional fields left out, and (command field, event field) of all own fields."""
    made = _templates.get(type.name)
    if made is None:
        fields = tuple(field for field in envelope(type.card, type.fields) + type.fields if field.name not in ENVELOPE)
        names = tuple((field.name, field.event_name or field.name) for field in fields)
        defaults = {field.event_name or field.name: field.default for field in fields if not field.required}
        made = _templates[type.name] = (defaults, names)
    return made


def stream_id(stream: StreamName) -> str:
    row_type, key = stream
    return key if row_type is Card else stream_id_of(row_type.kind, key)


def own_fields(command: Command) -> dict[str, Any]:
    """What an event holds of its command's own fields, those left out as their defaults."""
    defaults, names = _template(command.type)
    given = command.fields
    own = dict(defaults)
    for name, event_name in names:
        if name in given:
            own[event_name] = given[name]
    return own


def record(command: Command, drafts: list[Draft], world: World, recorded_at: int) -> list[Recorded]:
    """Make the drafts events of the log at the world's next positions, and change the rows they change."""
    given = command.fields
    own = own_fields(command)
    recorded = []
    for draft in drafts:
        type = EVENTS[draft.event]
        event: Event = {
            "card_id": draft.card_id,
            "card_version": 1,
            "occurred_at": command.occurred_at,
            "recorded_at": recorded_at,
            "submitter": command.submitter,
            "reference": command.reference,
            "acting_person": command.acting_person,
            "prev_digest": NO_DIGEST,
            "channel": given.get("channel"),
            "scheme": given.get("scheme"),
            "scheme_item": given.get("scheme_item"),
            "business_date": command.bdate,
            **own,
            **draft.derived,
        }
        stream = type.stream(event)
        name = stream_id(stream)
        if stream[0] is not Card:
            del event["card_id"]
            event["stream_id"] = name
        version = 0
        head = world.get(*stream)
        if head is not None:
            version = head.version
            event["card_version"] = version + 1
            event["prev_digest"] = head.digest
        data = codec.encode(draft.event, event)
        position = world.position
        apply(world, draft.event, event, position, hashlib.sha256(data).hexdigest())
        world.position += 1
        recorded.append(Recorded(position, name, version + 1, draft.event, data, event))
    return recorded


def apply(world: World, name: str, event: Event, position: int, digest: str) -> None:
    """Everything an event changes: its stream's head, then what its room says. Used by `verify` to make rows again."""
    type = EVENTS[name]
    row_type, key = type.stream(event)
    head = world.edit_or_add(row_type, key)
    head.version = event["card_version"]
    head.digest = digest
    type.evolve(world, event, position)
