"""Deciding one batch, in order, against the world as the lines before left it (contract 0.1, 0.7).

Nothing here writes. What comes out is an outcome for every line and one Append that holds whatever they recorded.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import msgspec

from ledger.core.decider import Command
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Fact, Name, World
from ledger.families import registry
from ledger.families.card import admission
from ledger.families.clearing.lines import lines_for
from ledger.families.clearing.units import Unit
from ledger.service.content import is_restored
from ledger.service.recording import record
from ledger.store import state
from ledger.store.appending import Append
from ledger.store.submissions import RESTORED, Key, Submission

ASKED_AGAIN = 50


@dataclass(slots=True)
class Line:
    """A line of input after its shape check. `number` counts over all files of the input."""

    number: int
    command: Command | None
    rejected: Rejected | None = None

    @property
    def is_alone(self) -> bool:
        """Whether it must be decided with nothing beside it."""
        return self.command is not None and self.command.type.alone


class Receipt(msgspec.Struct):
    """`status`: recorded or duplicate; then the stream and version of the first event, and its position."""

    status: str
    card_id: str
    card_version: int
    position: int


Outcome = Receipt | Rejected
# what a reference recorded first: (event name, event, position)
InFlight = dict[Key, Fact]


@dataclass(slots=True)
class Decided:
    """A batch decided: one outcome a line, and what is to be written."""

    lines: Sequence[Line]
    outcomes: list[Outcome]
    append: Append
    submissions: dict[Key, Submission] = field(default_factory=dict)
    recorded: InFlight = field(default_factory=dict)
    rows: dict[Name, Row] = field(default_factory=dict)


def commands_of(lines: Sequence[Line]) -> list[Command]:
    """The commands of the lines whose shape is right."""
    return [line.command for line in lines if line.command is not None]


def keys_of(lines: Sequence[Line]) -> list[Key]:
    """(submitter, reference) of the lines whose shape is right."""
    return [(command.submitter, command.reference) for command in commands_of(lines)]


class Foresight:
    """Loads what a batch will surely read in a few queries: rows named by commands, then rows named by those.

    Some names only show once earlier commands of the batch are decided (lines of a batch opened just before), so when a
    command misses a row, those of its type that remain are asked again, a number of times.
    """

    def __init__(self, lines: Sequence[Line], world: World, known: dict[Key, Submission], read: bool) -> None:
        self._world = world
        self._commands = [
            command for command in commands_of(lines) if (command.submitter, command.reference) not in known
        ]
        self._asked = 0
        self._begun = 0
        if not read:
            world.load(registry.names(self._commands, world))
        world.recall(key for command in self._commands for key in command.type.recalls(command))
        self._load_then(self._commands)
        world.foresee = self._again

    def _load_then(self, waiting: Sequence[Command]) -> None:
        world = self._world
        world.load(name for command in waiting for name in admission.keys_then(command, world))
        world.load(name for command in waiting for name in command.type.keys_then(command, world))

    def begin(self, command: Command) -> None:
        """This command is decided now."""
        if self._begun < len(self._commands) and self._commands[self._begun] is command:
            self._begun += 1

    def _again(self) -> None:
        if self._begun and self._asked < ASKED_AGAIN:
            self._asked += 1
            present = self._commands[self._begun - 1].type
            self._load_then([one for one in self._commands[self._begun - 1 :] if one.type is present])


def decide_batch(
    lines: Sequence[Line],
    world: World,
    known: dict[Key, Submission],
    recorded_at: int,
    lease: int,
    in_flight: InFlight,
    read: bool = False,
) -> Decided:
    """`known`: submissions found for the lines' references, in the store or in flight; both grow by those made here.
    `read`: the world has read the rows that the commands name.
    """
    append = Append(lease)
    decided = Decided(lines, [], append)
    world.in_flight = in_flight
    world.recall(key for key, first in known.items() if first.digest == RESTORED)
    foresight = Foresight(lines, world, known, read)
    for line in lines:
        if line.command is None:
            assert line.rejected is not None
            decided.outcomes.append(line.rejected)
            continue
        foresight.begin(line.command)
        try:
            outcome: Outcome = _answer(line.command, world, known, recorded_at, decided, in_flight)
        except Rejected as rejected:
            outcome = rejected.kept()
        decided.outcomes.append(outcome)
    world.foresee = None  # the two would hold each other
    for event in append.events:
        append.lines.extend(lines_for(event.name, event.event, event.position))
    for name, (row, revision) in world.take_changes().items():
        row_type, key = name
        decided.rows[name] = row
        if isinstance(row, Unit):
            append.units.append((key, copy.copy(row)))
        else:
            append.rows.append(state.encoded(row_type.kind, key, revision, row))
    append.rows.sort(key=itemgetter(1))  # by key, then by kind: text by text is half the work of pair by pair
    append.rows.sort(key=itemgetter(0))
    append.units.sort(key=itemgetter(0))
    append.submissions = sorted(decided.submissions.items(), key=itemgetter(0))
    return decided


def _answer(
    command: Command,
    world: World,
    known: dict[Key, Submission],
    recorded_at: int,
    decided: Decided,
    in_flight: InFlight,
) -> Receipt:
    key = (command.submitter, command.reference)
    first = known.get(key)
    if first is not None:
        if first.digest != command.digest and not (first.digest == RESTORED and is_restored(command, world)):
            raise Rejected(
                "reference_reused", "this submitter used the reference for other content: choose a new one", "reference"
            )
        return Receipt("duplicate", first.stream_id, first.version, first.position)
    recorded = record(command, registry.decide(command, world), world, recorded_at)
    head = recorded[0]
    known[key] = decided.submissions[key] = Submission(command.digest, head.stream_id, head.version, head.position)
    in_flight[key] = decided.recorded[key] = (head.name, head.event, head.position)
    decided.append.events.extend(recorded)
    if head.name == "CycleCutOff":
        decided.append.cycle = (head.event["cycle"], world.taken, head.position)
    return Receipt("recorded", head.stream_id, head.version, head.position)
