"""Taking turns at deciding: how long the lease is kept when others want it, and what is done while they have it.

A turn is several batches long. At the end of each the last commit is waited for and the next decider reads everything
anew, so short turns would cost more than they share out. While another process decides, this one reads and checks its
input and finds out which rows it names: that needs no lease, and the processor has time for it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from ledger.store.containers import Damaged

if TYPE_CHECKING:
    from ledger.service.writer import Batch

MILLISECOND: Final = 1_000_000
TURN: Final = 200 * MILLISECOND  # shared among those who wait, so that nobody waits much longer
LINES_AHEAD: Final = 4_000
STANDSTILL_SECONDS: Final = 15
STANDSTILL: Final = (
    "another command has been deciding for {seconds} seconds and more, and this one waits for it. It is at a long"
    " cut-off or `onecard restore-rows`, or stands still: stopped by Ctrl-Z (`fg` lets it go on) or hanging. In the"
    " database, `SELECT * FROM pg_stat_activity WHERE pid IN ({pids})` tells where it runs, and `SELECT {ends}`"
    " takes its turn away and loses nothing."
)


class Turn:
    """One process's time with the lease."""

    def __init__(self) -> None:
        self._begun = 0

    def begin(self) -> None:
        self._begun = time.monotonic_ns()

    def is_over(self, others: int) -> bool:
        """Whether it was long enough for as many as wait."""
        return others > 0 and time.monotonic_ns() >= self._begun + TURN // others


class StandstillWatch:
    """Notices, for who waits, that another process's turn goes on and on: one that was stopped (Ctrl-Z) keeps its lock,
    and nothing but the end of its session takes that away."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._seen = self._told = (0, [0])

    def look(self, number: int, processes: list[int]) -> None:
        """Whose turn it is, every STANDSTILL_SECONDS; each turn that stands still is told once."""
        turn = number, processes
        if turn == self._seen != self._told and processes:
            self._told = turn
            pids = ", ".join(map(str, processes))
            ends = ", ".join(f"pg_terminate_backend({one})" for one in processes)
            self._tell(STANDSTILL.format(seconds=STANDSTILL_SECONDS, pids=pids, ends=ends))
        self._seen = turn


class Reading(Iterator["Batch"]):
    """The batches of an input, some of them read before they are asked for, and then `prepared`, too."""

    def __init__(self, batches: Iterable["Batch"], prepared: Callable[["Batch"], object]) -> None:
        self._batches = iter(batches)
        self._prepared = prepared
        self._read: deque[Batch] = deque()
        self._lines = 0
        self._failure: OSError | Damaged | None = None
        self._is_over = False

    def __next__(self) -> "Batch":
        if self._read:
            batch = self._read.popleft()
            self._lines -= len(batch.lines)
            return batch
        if self._failure is not None:
            raise self._failure
        return next(self._batches)

    def more(self) -> bool:
        """Read one more ahead; False if that is enough, or all there is. Input that cannot be read on is told in its
        turn: what lies before it is decided first."""
        if self._is_over or self._lines >= LINES_AHEAD:
            return False
        batch = None
        try:
            batch = next(self._batches, None)
        except (OSError, Damaged) as error:
            self._failure = error
        if batch is None:
            self._is_over = True
            return False
        self._prepared(batch)
        self._read.append(batch)
        self._lines += len(batch.lines)
        return True
