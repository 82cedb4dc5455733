"""The processes that fill new versions of views together: this one, and helpers that it starts and outlives.

Each takes the next range of positions as soon as it is done with one. A helper ends with the process that started it,
however that one ends; what it leaves behind are rows of versions that are not live, dropped by the next rebuild.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final

import psycopg

from ledger.store import connecting
from projections.feed.port import Broken
from projections.loading.ranges import Ranges
from projections.views.port import Loader, View

RANGE_RECORDS: Final = 10_000
MOST_PROCESSES: Final = 4
NEXT: Final = "next"
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Crew:
    """How many processes fill, this one included, in ranges of how many positions. `dsn`: None if alone."""

    dsn: str | None = None
    processes: int = 1
    size: int = RANGE_RECORDS

    @classmethod
    def of_machine(cls, dsn: str) -> "Crew":
        """A process a core."""
        return cls(dsn, min(len(os.sched_getaffinity(0)), MOST_PROCESSES))


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be filled: versions of views, from this source."""

    views: Sequence[tuple[View, int]]
    source: str

    def loaders(self) -> list[Loader]:
        return [view.loader(version, self.source) for view, version in self.views]


class Claims:
    """Ranges up to a position, each given once, in order, to whoever asks first."""

    def __init__(self, through: int, size: int) -> None:
        self._ranges = iter([(after, min(after + size, through)) for after in range(0, through, size)])
        self._lock = threading.Lock()

    def next(self) -> Range | None:
        with self._lock:
            return next(self._ranges, None)


def load(
    connection: psycopg.Connection[Any], order: Order, loaders: Sequence[Loader], through: int, crew: Crew
) -> Iterator[int]:
    """Gather everything up to a position; yields how far about it is. `loaders`: of the order, for this process."""
    claims = Claims(through, crew.size)
    ranges = -(-through // crew.size)
    helpers = min(crew.processes, ranges) - 1 if crew.dsn is not None else 0
    with _helpers(crew.dsn or "", order, claims, helpers) as failures:
        for claimed in _gather(connection, order.source, loaders, iter(claims.next, None)):
            _raise_first(failures)
            yield claimed
    _raise_first(failures)


def _gather(
    connection: psycopg.Connection[Any], source: str, loaders: Sequence[Loader], claimed: Iterator[Range]
) -> Iterator[int]:
    """One process's part."""
    ranges = Ranges(connection, source, frozenset().union(*(loader.wants for loader in loaders)))
    for after, last in claimed:
        with connection.transaction(), connection.cursor() as cursor:
            page = ranges.page(after, last)
            for loader in loaders:
                loader.gather(cursor, page)
        yield last
    with connection.transaction(), connection.cursor() as cursor:
        for loader in loaders:
            loader.flush(cursor)


def _raise_first(failures: Sequence[Exception]) -> None:
    if failures:
        raise failures[0]


# --- in the process that rebuilds ------------------------------------------------------------------------------------


@contextmanager
def _helpers(dsn: str, order: Order, claims: Claims, count: int) -> Iterator[Sequence[Exception]]:
    """Helpers at work inside the block, which waits for them at its end; what stopped any of them."""
    failures: list[Exception] = []
    context = multiprocessing.get_context("spawn")
    helpers: list[SpawnProcess] = []
    servants: list[threading.Thread] = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            helper = context.Process(target=_help, args=(dsn, order, theirs), daemon=True)
            with _without_the_command():
                helper.start()
            theirs.close()
            helpers.append(helper)
            servants.append(threading.Thread(target=_serve, args=(ours, claims, failures), daemon=True))
            servants[-1].start()
        yield failures
        for servant in servants:
            servant.join()
    finally:
        for helper in helpers:
            helper.terminate()
        for helper in helpers:
            helper.join()


@contextmanager
def _without_the_command() -> Iterator[None]:
    """A process started in here does not import the command that starts it: a helper needs nothing of that, and half of
    its first second would go into it."""
    main = vars(sys.modules["__main__"])
    file = main.pop("__file__", None)
    try:
        yield
    finally:
        if file is not None:
            main["__file__"] = file


def _serve(ours: Connection, claims: Claims, failures: list[Exception]) -> None:
    """Hand ranges to one helper until it says how it ended."""
    try:
        while (said := ours.recv()) == NEXT:
            ours.send(None if failures else claims.next())
    except (EOFError, OSError):
        said = Broken("a process that helped to rebuild was killed: nothing was swapped, start again")
    if said is not None:
        failures.append(said)


# --- in a helper -----------------------------------------------------------------------------------------------------


def _help(dsn: str, order: Order, theirs: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # hardly a cycle is made here, and looking for them would cost a third of the time
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def next_range() -> Range | None:
        theirs.send(NEXT)
        claimed: Range | None = theirs.recv()
        return claimed

    try:
        with connecting.connect(dsn) as connection:
            # A lost commit is a lost version: the swap, which is durable, comes after it in the same log.
            connection.execute("SET synchronous_commit = off")
            for _ in _gather(connection, order.source, order.loaders(), iter(next_range, None)):
                pass
    except (Broken, psycopg.Error) as error:
        theirs.send(Broken(str(error)) if isinstance(error, psycopg.Error) else error)
    else:
        theirs.send(None)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
