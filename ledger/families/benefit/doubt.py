"""Lines whose payee card or beneficiary may be gone when the batch is sent (contract 3.8 `line_card_cancelled`).

Sending must not look at a million lines. So whoever is named by a line not yet sent has a short list of such lines,
and when a card of that person is cancelled they go on their batches' lists of doubt. Sending examines exactly those:
the lists may name too many lines, never too few.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from ledger.core import rows
from ledger.core.calendar import first_day
from ledger.core.rows import Page, Row, Rows
from ledger.core.world import Name, World
from ledger.families.benefit.payout import PENDING, Batch, PayoutLine, line_key
from ledger.families.card.holder import CANCELLED, Card, Person, is_dead, state_at

# --- facts -----------------------------------------------------------------------------------------------------------

PENDING_LIMIT: Final = 24


class PendingLines(Row):
    """Lines not yet sent that name a person as payee or beneficiary (key: person key), by line key.

    Lines of batches sent since then are dropped when one is added. A person with more than the limit has the older
    ones moved to pages.
    """

    kind: ClassVar[str] = "pending_lines"
    lines: list[str] = []  # noqa: RUF012 (msgspec gives every row a list of its own)
    older: int = 0


class OlderPending(Page):
    kind: ClassVar[str] = "older_pending"
    SIZE: ClassVar[int] = 24
    items: list[str]


class DoubtfulLines(Page):
    """Line ids of a batch (its row counts them)."""

    kind: ClassVar[str] = "doubtful_lines"
    SIZE: ClassVar[int] = 48
    items: list[str]


# --- evolution -------------------------------------------------------------------------------------------------------


def watch(world: World, batch_id: str, line_id: str, line: PayoutLine, payee: str) -> None:
    """A new line: remember whose fate may stop it. Its card may be cancelled already, at a later instant."""
    key = line_key(batch_id, line_id)
    remember(world, payee, key)
    if line.beneficiary != payee:
        remember(world, line.beneficiary, key)
    card = world.get(Card, line.card_id)
    if card is not None and card.state == CANCELLED:
        put_in_doubt(world, key)


def remember(world: World, person: str, key: str) -> None:
    pending = world.edit_or_add(PendingLines, person)
    pending.lines = [known for known in pending.lines if not batch_was_sent(world, known)]
    if len(pending.lines) == PENDING_LIMIT:
        rows.append(world, OlderPending, person, pending.older, pending.lines.pop(0))
        pending.older += 1
    pending.lines.append(key)


def card_cancelled(world: World, person: str) -> None:
    """A card of `person` was cancelled: every line not yet sent that names the person is in doubt.

    However many they are, what is needed to tell is loaded in three queries.
    """
    pending = world.get(PendingLines, person)
    if pending is None:
        return
    world.load((OlderPending, OlderPending.at(person, index)) for index in range(0, pending.older, OlderPending.SIZE))
    lines = [key for _, key in rows.scan(world, OlderPending, person, pending.older)] + pending.lines
    world.load((PayoutLine, key) for key in lines)
    world.load((Batch, key.split(":")[0]) for key in lines)
    for key in lines:
        put_in_doubt(world, key)


def put_in_doubt(world: World, key: str) -> None:
    """Once per line, and only while it may still be sent."""
    line = world.get(PayoutLine, key)
    if line is None or line.outcome != PENDING or line.doubtful or batch_was_sent(world, key):
        return
    batch_id, line_id = key.split(":")
    batch = world.edit(Batch, batch_id)
    world.edit(PayoutLine, key).doubtful = True
    rows.append(world, DoubtfulLines, batch_id, batch.doubtful, line_id)
    batch.doubtful += 1


# --- questions -------------------------------------------------------------------------------------------------------


def batch_was_sent(world: Rows, key: str) -> bool:
    batch = world.get(Batch, key.split(":")[0])
    return batch is not None and batch.is_sent_or_closed


def batches_of(world: Rows, *people: str) -> Iterator[Name]:
    """Rows that `remember` looks at, once the people's own are loaded."""
    for person in people:
        pending = world.get(PendingLines, person)
        for key in pending.lines if pending else ():
            yield Batch, key.split(":")[0]


def first_gone(world: World, batch_id: str, instant: int) -> str | None:
    """Lowest line_id whose card is CANCELLED at `instant` or whose beneficiary died before the period."""
    return min(_gone(world, batch_id, instant), default=None)


def _gone(world: World, batch_id: str, instant: int) -> Iterator[str]:
    batch = world.get(Batch, batch_id)
    if batch is None or not batch.doubtful:
        return
    begins = first_day(batch.period)
    for line_id, line in _doubtful(world, batch_id, batch.doubtful):
        card = world.get(Card, line.card_id)
        if card is not None and state_at(world, line.card_id, card, instant) == CANCELLED:
            yield line_id
        elif is_dead(world, line.beneficiary, begins):
            yield line_id


def _doubtful(world: World, batch_id: str, count: int) -> list[tuple[str, PayoutLine]]:
    """The live lines in doubt; everything to judge them by is loaded in three queries."""
    world.load((DoubtfulLines, DoubtfulLines.at(batch_id, index)) for index in range(0, count, DoubtfulLines.SIZE))
    line_ids = [line_id for _, line_id in rows.scan(world, DoubtfulLines, batch_id, count)]
    world.load((PayoutLine, line_key(batch_id, line_id)) for line_id in line_ids)
    found = ((line_id, world.get(PayoutLine, line_key(batch_id, line_id))) for line_id in line_ids)
    live = [(line_id, line) for line_id, line in found if line is not None and line.outcome == PENDING]
    world.load((Card, line.card_id) for _, line in live)
    world.load((Person, line.beneficiary) for _, line in live)
    return live
