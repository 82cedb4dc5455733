"""Who looked at a card, and why (contract 8.2). Recorded beside the card's stream: looking changes no card."""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import required
from ledger.core.identity import card_id_of
from ledger.core.rejection import Rejected
from ledger.core.rows import Row, StreamRow
from ledger.core.world import Name, World
from ledger.families.card.holder import card_id_named, card_of

# --- facts -----------------------------------------------------------------------------------------------------------


class AccessLog(StreamRow):
    """The accesses to a card (key: card_id)."""

    kind: ClassVar[str] = "access"


class Access(Row):
    """An access_id used. Key: access_id."""

    kind: ClassVar[str] = "access_id"
    card_id: str


def on_access_log(event: Event) -> StreamName:
    return AccessLog, event["subject_card_id"]


# --- evolution -------------------------------------------------------------------------------------------------------


def accessed(world: World, event: Event, position: int) -> None:
    world.add(event["access_id"], Access(event["subject_card_id"]))


# --- decisions -------------------------------------------------------------------------------------------------------


def record_access(command: Command, world: World) -> list[Draft]:
    if world.get(Access, command["access_id"]) is not None:
        raise Rejected("access_exists", "this access_id is in use: choose another", "access_id")
    cross_province = command["from_province"] != card_of(world, command.card_id).province
    derived = {"subject_card_id": command.card_id, "cross_province": cross_province}
    return [Draft("AuditAccessed", derived)]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Access, command["access_id"]
    yield AccessLog, card_id_of(command["card_sn"])


def keys_then(command: Command, world: World) -> Iterable[Name]:
    """The stream of a card under another card_sn than its first."""
    card_id = card_id_named(world, command["card_sn"], command.sn_key)
    if card_id is not None:
        yield AccessLog, card_id


QUERIES: Final = types.one_of("BALANCE", "HISTORY", "EXPLAIN", "STATEMENT", "PERSON_FILE", "EXPORT")
COMMANDS: Final = (
    CommandType(
        "RecordAccess",
        "governance",
        (
            required("access_id", types.identifier),
            required("accessor", types.identifier),
            required("purpose", types.text),
            required("query", QUERIES),
            required("from_province", types.province),
            required("records", types.count),
        ),
        record_access,
        card=True,
        always=True,
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (EventType("AuditAccessed", "governance", on_access_log, accessed),)
