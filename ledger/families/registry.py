"""The one registry of families: every command and event by name, and the order in which a command is decided.

Adding a family means adding its room here and nothing else.
"""

from collections.abc import Iterable
from typing import Final

from ledger.core.calendar import SECOND
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, no_postings
from ledger.core.postings import Posting, balanced
from ledger.core.rejection import Rejected
from ledger.core.shape import CommandTable
from ledger.core.world import Name, World
from ledger.families.benefit import room as benefit
from ledger.families.card import admission
from ledger.families.card import room as card
from ledger.families.clearing import room as clearing
from ledger.families.governance import room as governance
from ledger.families.medical import room as medical
from ledger.families.service import room as service
from ledger.families.transit import room as transit

ROOMS: Final = (card, benefit, medical, transit, service, clearing, governance)
COMMANDS: Final[dict[str, CommandType]] = {command.name: command for room in ROOMS for command in room.COMMANDS}
EVENTS: Final[dict[str, EventType]] = {event.name: event for room in ROOMS for event in room.EVENTS}
# Events that may post something.
POSTING: Final = frozenset(name for name, event in EVENTS.items() if event.postings is not no_postings)
TABLE: Final = CommandTable(COMMANDS)


def names(commands: Iterable[Command], world: World) -> list[Name]:
    """Rows that deciding these commands will surely read; told without reading any."""
    found: list[Name] = []
    for command in commands:
        found += admission.keys(command, world)
        found += command.type.keys(command, world)
    return found


def decide(command: Command, world: World) -> list[Draft]:
    """Stages 2 (but duplicates) to 7 of contract 0.7, after shape: drafts of events, or Rejected."""
    type = command.type
    if type.stage_two is not None:
        type.stage_two(command, world)
    ahead = command.occurred_at - world.now
    if ahead > 0 and ahead > world.config.value("clock.future_tolerance_seconds", command.bdate) * SECOND:
        raise Rejected("occurred_at_in_future", "later than the ledger's clock allows", "occurred_at")
    admission.admit(command, world)
    return type.decide(command, world)


def postings_for(name: str, event: Event) -> list[Posting]:
    """The event's balanced postings, by account; a function of the event alone."""
    return balanced(EVENTS[name].postings(event))
