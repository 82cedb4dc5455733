"""Which commands of the calendar are due, by the state rows alone.

No index and no column is kept for it: writing is what must be fast, and a timer may read for some seconds. Rows of a
kind are read in pages; of those that cannot be due, most are left out by the server, by a word that a due one must
contain as bytes (which a few others contain too: what a row says is always looked at).
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
import psycopg

from ledger.core.calendar import start_of
from ledger.core.rows import Row
from ledger.families.card.holder import TEMPORARY_LOSS, Card
from ledger.families.service.passes import ACTIVE, PURCHASED, Pass, last_day_of
from ledger.families.service.voucher import Voucher
from ledger.store import state

PAGE: Final = 5_000
KEPT: Final = 100_000
SCAN = """
    SELECT key, data FROM ledger.state
    WHERE kind = %s AND key > %s AND EXISTS (SELECT FROM unnest(%b::bytea[]) AS mark WHERE position(mark IN data) > 0)
    ORDER BY key LIMIT %s
"""


class Due(NamedTuple):
    """A command that has been due since `at`; in this order they are recorded."""

    at: int
    rank: int
    reference: str
    command: str
    card_id: str
    own: tuple[tuple[str, str], ...]


Dues = Iterator[tuple[int, str, str, tuple[tuple[str, str], ...]]]


def _of_card(card_id: str, card: Any) -> Dues:
    """A temporary loss that has run out."""
    span = card.span
    if span.state == TEMPORARY_LOSS and span.expires is not None:
        yield span.expires, f"loss-expired:{card_id}:{span.expires}", card_id, ()


def _of_sold_pass(pass_id: str, found: Any) -> Dues:
    """A pass nobody activated becomes active by itself."""
    if found.state == PURCHASED:
        yield start_of(found.auto_on), f"pass-activated:{pass_id}", found.card_id, (("pass_id", pass_id),)


def _of_ended_pass(pass_id: str, found: Any) -> Dues:
    """A pass ends a year after it became active, and its price is split."""
    if found.state in (PURCHASED, ACTIVE):
        end = start_of(last_day_of(found.valid_from()) + 1)
        yield end, f"pass-expired:{pass_id}", found.card_id, (("pass_id", pass_id),)


def _of_voucher(voucher_id: str, voucher: Any) -> Dues:
    """What is left of a voucher goes back after its last day."""
    if voucher.left and not voucher.expired:
        end = start_of(voucher.valid_to + 1)
        yield end, f"voucher-expired:{voucher_id}", voucher.card_id, (("voucher_id", voucher_id),)


@dataclass(frozen=True)
class Timer:
    """A command of the calendar: the rows it is found in, and the dues of one of them. `marks`: see above."""

    command: str
    row_type: type[Row]
    marks: tuple[bytes, ...]
    dues: Callable[[str, Any], Dues]


_packed: Final = msgspec.msgpack.encode
TIMERS: Final = (
    Timer("ExpireTemporaryLoss", Card, (_packed(TEMPORARY_LOSS),), _of_card),
    Timer("ActivatePass", Pass, (_packed(PURCHASED),), _of_sold_pass),
    Timer("ExpirePass", Pass, (_packed(PURCHASED), _packed(ACTIVE)), _of_ended_pass),
    Timer("ExpireVoucher", Voucher, (_packed(False),), _of_voucher),
)


def due_between(connection: psycopg.Connection[Any], after: Due | None, until: int) -> list[Due]:
    """The first KEPT commands behind `after` that are due at `until`, in order."""
    found = (due for rank, timer in enumerate(TIMERS) for due in _scanned(connection, rank, timer) if due.at <= until)
    return heapq.nsmallest(KEPT, (due for due in found if after is None or due > after))


def _scanned(connection: psycopg.Connection[Any], rank: int, timer: Timer) -> Iterator[Due]:
    for key, row in _rows(connection, timer.row_type, timer.marks):
        for at, reference, card_id, own in timer.dues(key, row):
            yield Due(at, rank, reference, timer.command, card_id, own)


def _rows(
    connection: psycopg.Connection[Any], row_type: type[Row], marks: Sequence[bytes]
) -> Iterator[tuple[str, Row]]:
    key = ""
    while page := connection.execute(SCAN, (row_type.kind, key, list(marks), PAGE), binary=True).fetchall():
        for key, data in page:
            yield key, state.decode(row_type, data)
