"""Ahead: while views apply a page, the next one is read, checked and decoded in a thread.

Half of the time of applying a page is waiting for the database, and nothing of the next page depends on it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from projections.feed.port import Broken, Feed, Record


class Ahead:
    """Any feed, one page ahead of who reads it. `decoded`: names of the events that views will want decoded.

    The feed is used by one thread at a time. What was read ahead and is not asked for is dropped and read again.
    `interrupt` tells the feed that nothing is to be waited for any more.
    """

    def __init__(self, feed: Feed, decoded: frozenset[str], interrupt: Callable[[], None] = lambda: None) -> None:
        self.source = feed.source
        self.lags = feed.lags
        self._feed = feed
        self._decoded = decoded
        self._interrupt = interrupt
        self._thread = ThreadPoolExecutor(1, "read-ahead")
        self._next: tuple[int, Future[Sequence[Record]]] | None = None

    def close(self) -> None:
        """Ends the thread; the feed stays open."""
        self._interrupt()
        self._settle()
        self._thread.shutdown()

    @property
    def store_id(self) -> str | None:
        return self._feed.store_id

    def head(self) -> int:
        self._settle()
        return self._feed.head()

    def wait(self, timeout_seconds: int) -> bool:
        self._settle()
        return self._feed.wait(timeout_seconds)

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        records = self._read_ahead(after)
        if records is None:
            records = self._feed.read(after, limit, since)
        if len(records) > limit:
            rest = records[limit:]
            records = records[:limit]
            ready: Future[Sequence[Record]] = Future()
            ready.set_result(rest)
            self._next = rest[0].position - 1, ready
        elif len(records) == limit:
            last = records[-1]
            self._next = last.position, self._thread.submit(self._prepared, last.position, limit, last.recorded_at)
        return records

    def _read_ahead(self, after: int) -> Sequence[Record] | None:
        if self._next is None:
            return None
        begin, future = self._next
        self._next = None
        if begin == after:
            return future.result() or None  # nothing then need not be nothing now
        future.exception()
        return None

    def _settle(self) -> None:
        """Wait until the thread has let go of the feed."""
        if self._next is not None:
            self._next[1].exception()

    def _prepared(self, after: int, limit: int, since: int) -> Sequence[Record]:
        records = self._feed.read(after, limit, since)
        wanted = self._decoded
        try:
            for record in records:
                if record.name in wanted:
                    _ = record.postings, record.event
        except Broken:
            return records  # the view that wants it will say so
        return records
