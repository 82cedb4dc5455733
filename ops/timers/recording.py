"""Due commands of the calendar become lines to decide, and what came of them is counted.

A command is dated when it was due, whenever it is recorded, so that ticking late or often changes nothing. Its
reference names what is due: whoever ticks at the same time sends the same command.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from ledger.core.calendar import instant_text
from ledger.core.identity import Keyring
from ledger.core.rejection import Rejected
from ledger.families.card.holder import Card
from ledger.families.registry import TABLE
from ledger.service.batch import Line, Outcome
from ledger.service.writer import Batch, Writer
from ledger.store.state import Asked
from ops.timers.due import TIMERS, Due, due_between

SUBMITTER: Final = "onecard-tick"
BATCH_LINES: Final = 500


@dataclass
class Ticked:
    """What a tick did so far. `held`: by code, what is due and cannot be recorded as things are."""

    recorded: Counter[str] = field(default_factory=Counter)
    duplicate: int = 0
    held: Counter[str] = field(default_factory=Counter)
    first_position: int | None = None
    last_position: int | None = None

    def take(self, lines: Sequence[Line], outcomes: Sequence[Outcome]) -> None:
        for line, outcome in zip(lines, outcomes, strict=True):
            if isinstance(outcome, Rejected):
                self.held[outcome.code] += 1
            elif outcome.status == "duplicate":
                self.duplicate += 1
            else:
                assert line.command is not None
                self.recorded[line.command.type.name] += 1
                self.first_position = self.first_position or outcome.position
                self.last_position = outcome.position

    def as_json(self) -> dict[str, Any]:
        return {
            "due": self.recorded.total() + self.duplicate + self.held.total(),
            "recorded": self.recorded.total(),
            "duplicate": self.duplicate,
            "held": self.held.total(),
            "recorded_by_command": {timer.command: self.recorded[timer.command] for timer in TIMERS},
            "held_by_code": dict(sorted(self.held.items())),
            "first_position": self.first_position,
            "last_position": self.last_position,
        }


def tick(writer: Writer, connection: psycopg.Connection[Any], keyring: Keyring, until: int, ticked: Ticked) -> None:
    """Record everything that is due at `until`, in order of when; `ticked` grows with each commit."""
    for batch, outcomes in writer.run(_batches(connection, keyring, until)):
        ticked.take(batch.lines, outcomes)


def _batches(connection: psycopg.Connection[Any], keyring: Keyring, until: int) -> Iterator[Batch]:
    last: Due | None = None
    number = 0
    while dues := due_between(connection, last, until):
        last = dues[-1]
        for start in range(0, len(dues), BATCH_LINES):
            part = dues[start : start + BATCH_LINES]
            yield Batch(_lines(connection, keyring, part, number))
            number += len(part)


def _lines(connection: psycopg.Connection[Any], keyring: Keyring, dues: Sequence[Due], first: int) -> list[Line]:
    names = list(dict.fromkeys((Card, due.card_id) for due in dues))
    cards = {key: row for (_, key), row in Asked(connection, names).found() if isinstance(row, Card)}
    lines = []
    for number, due in enumerate(dues, first):
        card = cards[due.card_id]
        fields = command_of(due, card.card_sn, card.sn_since)
        lines.append(Line(number, TABLE.shape(fields, keyring)))
    return lines


def command_of(due: Due, card_sn: str, since: int) -> dict[str, Any]:
    """The command, dated when it was due; on a card_sn that came later, when that came."""
    return {
        "command": due.command,
        "submitter": SUBMITTER,
        "reference": due.reference,
        "occurred_at": instant_text(max(due.at, since)),
        "card_sn": card_sn,
        **dict(due.own),
    }
