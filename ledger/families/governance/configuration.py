"""The store's configuration grew: the event that says by what, so that the rules of any day follow from the log.

No command of a submitter records it: the first process that writes with a longer list does, and never for the list that
a store begins with (`ledger.service.extending`). An entry is kept as the digest reads it, so that each digest can be
made again from the store's first list and these events alone.
"""

import json
from collections.abc import Iterator
from typing import ClassVar, Final

from ledger.core.configuration import Configuration, Entry
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.rows import StreamRow
from ledger.core.world import World

LEDGER: Final = "ledger"
EXTENDED: Final = "ConfigurationExtended"
# A record of Kafka's holds a million bytes as brokers come; entries are much smaller.
EVENT_CHARACTERS: Final = 200_000

# --- facts -----------------------------------------------------------------------------------------------------------


class Extended(StreamRow):
    """How far the log says the configuration has grown (key: ledger)."""

    kind: ClassVar[str] = "configuration"
    entries: int = 0
    configuration_digest: str = ""


def on_ledger(event: Event) -> StreamName:
    return Extended, LEDGER


# --- evolution -------------------------------------------------------------------------------------------------------


def extended(world: World, event: Event, position: int) -> None:
    row = world.edit(Extended, LEDGER)
    row.entries = event["entries_after"]
    row.configuration_digest = event["configuration_digest"]


def added(event: Event) -> list[Entry]:
    """The entries that an event added."""
    return [Entry.model_validate({**entry, "value": json.loads(entry["value"])}) for entry in event["added"]]


class NotGrown(Exception):
    """An event that does not say how the list before it became the list it names."""


def grown(before: Configuration, event: Event) -> Configuration:
    """The list with what an event added; NotGrown if the event contradicts the list or itself."""
    try:
        after = before.with_added(added(event))
    except (ValueError, TypeError, KeyError) as error:
        raise NotGrown("what it adds are no entries of a configuration") from error
    if (event["entries_before"], event["entries_after"]) != (len(before.entries), len(after.entries)):
        raise NotGrown(
            f"it says that it adds to {event['entries_before']} entries and makes them {event['entries_after']}, there"
            f" were {len(before.entries)} and it adds {len(event['added'])}"
        )
    if event["previous_configuration_digest"] != before.digest():
        raise NotGrown("its previous digest is not that of the list before it")
    if event["configuration_digest"] != after.digest():
        raise NotGrown("its digest is not that of the list before it and what it adds")
    return after


# --- decisions -------------------------------------------------------------------------------------------------------


def drafts(before: Configuration, after: Configuration) -> list[Draft]:
    """What to record when a list becomes a longer one that begins with it: one event, or a few if it is long."""
    made: list[Draft] = []
    stated = [{**entry, "value": json.dumps(entry["value"])} for entry in after.as_json()]
    reached = len(before.entries)
    for end in _ends(stated, reached):
        grown = after.first(end)
        derived = {
            "previous_configuration_digest": before.digest(),
            "configuration_digest": grown.digest(),
            "entries_before": reached,
            "entries_after": end,
            "added": stated[reached:end],
        }
        made.append(Draft(EXTENDED, derived))
        before, reached = grown, end
    return made


def _ends(stated: list[dict[str, str]], start: int) -> Iterator[int]:
    """Where events end, so that none grows too large."""
    size = 0
    for number in range(start, len(stated)):
        characters = sum(map(len, stated[number].values()))
        if size and size + characters > EVENT_CHARACTERS:
            yield number
            size = 0
        size += characters
    if size:
        yield len(stated)


def no_decision(command: Command, world: World) -> list[Draft]:
    raise LookupError("a configuration is extended by whoever brings a longer one, not by a line of a file")


# In no registry: a line that names it is refused as an unknown command.
EXTENSION: Final = CommandType("ExtendConfiguration", "governance", (), no_decision)
COMMANDS: Final[tuple[CommandType, ...]] = ()
EVENTS: Final = (EventType(EXTENDED, "governance", on_ledger, extended),)
