"""The log in disjoint ranges of positions: only the events that somebody wants are read, yet a hole is noticed."""

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from ledger.families.registry import EVENTS
from ledger.store import codec
from ledger.store.recorder import History
from projections.feed.port import Broken, Page, Record


class Ranges:
    """Pages of some events. What is left out is told by its schema id, so unknown bytes are read, and refused."""

    def __init__(self, connection: psycopg.Connection[Any], source: str, wanted: Iterable[str]) -> None:
        self._history = History(connection)
        self._source = source
        self._without = codec.headers_of(EVENTS.keys() - frozenset(wanted))

    def page(self, after: int, last: int) -> Page:
        """The wanted events with `after` < position <= `last`, in order; Broken if any event is missing there."""
        count, rows = self._history.rows_between(after, last, self._without)
        if count != last - after:
            raise Broken(
                f"source {self._source}: of positions {after + 1} to {last}, {last - after - count} are missing from"
                " the log: run `onecard verify`"
            )
        return Page(self._source, [Record(self._source, *row) for row in rows])

    def pages(self, through: int, size: int) -> Iterator[Page]:
        """Everything wanted up to a position, in order."""
        for after in range(0, through, size):
            yield self.page(after, min(after + size, through))
