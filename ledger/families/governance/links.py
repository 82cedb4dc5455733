"""Two person keys found to be of one person: their files are shown together (contract 8.5). No rule looks at links."""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import Row, StreamRow
from ledger.core.world import Name, World
from ledger.families.card.holder import Card, Person, is_restricted

# --- facts -----------------------------------------------------------------------------------------------------------


class PersonLink(StreamRow):
    """A link. Key: link_id. `pair`: key of the two it links."""

    kind: ClassVar[str] = "person_link"
    pair: str = ""
    ended: bool = False


class LinkedPair(Row):
    """Two persons ever linked (key: both, the lower first). `linked`: by a link that has not ended."""

    kind: ClassVar[str] = "linked_pair"
    linked: bool = False


def pair_key(person: str, other_person: str) -> str:
    return ":".join(sorted((person, other_person)))


def on_link(event: Event) -> StreamName:
    return PersonLink, event["link_id"]


# --- evolution -------------------------------------------------------------------------------------------------------


def linked(world: World, event: Event, position: int) -> None:
    pair = pair_key(event["person"], event["other_person"])
    world.edit(PersonLink, event["link_id"]).pair = pair
    world.edit_or_add(LinkedPair, pair).linked = True


def unlinked(world: World, event: Event, position: int) -> None:
    link = world.edit(PersonLink, event["link_id"])
    link.ended = True
    world.edit(LinkedPair, link.pair).linked = False


# --- decisions -------------------------------------------------------------------------------------------------------


def link(command: Command, world: World) -> list[Draft]:
    for field in ("person", "other_person"):
        if is_restricted(world, command[field]):
            raise Rejected("processing_restricted", f"processing of the {field}'s data is restricted", field)
    if command["person"] == command["other_person"]:
        raise Rejected("same_person", "two different persons are needed", "other_person")
    if world.get(PersonLink, command["link_id"]) is not None:
        raise Rejected("link_exists", "this link_id is in use: choose another", "link_id")
    pair = world.get(LinkedPair, pair_key(command["person"], command["other_person"]))
    if pair is not None and pair.linked:
        raise Rejected("already_linked", "the two are linked", "other_person")
    return [Draft("PersonRecordsLinked")]


def unlink(command: Command, world: World) -> list[Draft]:
    found = world.get(PersonLink, command["link_id"])
    if found is None:
        raise Rejected("link_unknown", "no such link is recorded here", "link_id")
    if found.ended:
        raise Rejected("link_ended", "this link was ended before", "link_id")
    return [Draft("PersonRecordsUnlinked")]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield PersonLink, command["link_id"]
    yield LinkedPair, pair_key(command["person"], command["other_person"])
    yield Person, command["person"]
    yield Person, command["other_person"]


def keys_then(command: Command, world: World) -> Iterable[Name]:
    """The restricted cards the two may hold."""
    for field in ("person", "other_person"):
        person = world.get(Person, command[field])
        if person is not None and person.last_card is not None and person.restricted_cards:
            yield Card, person.last_card


def keys_of_end(command: Command, world: World) -> Iterable[Name]:
    yield PersonLink, command["link_id"]


def keys_of_end_then(command: Command, world: World) -> Iterable[Name]:
    found = world.get(PersonLink, command["link_id"])
    if found is not None:
        yield LinkedPair, found.pair


LINK_ID: Final = required("link_id", types.identifier)
REASON: Final = required("reason", types.text)
COMMANDS: Final = (
    CommandType(
        "LinkPersonRecords",
        "governance",
        (LINK_ID, required("person", types.person), required("other_person", types.person), REASON),
        link,
        keys=keys,
        keys_then=keys_then,
    ),
    CommandType(
        "UnlinkPersonRecords",
        "governance",
        (LINK_ID, REASON),
        unlink,
        keys=keys_of_end,
        keys_then=keys_of_end_then,
    ),
)
EVENTS: Final = (
    EventType("PersonRecordsLinked", "governance", on_link, linked),
    EventType("PersonRecordsUnlinked", "governance", on_link, unlinked),
)
