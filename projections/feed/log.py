"""LogFeed: the notification log of a store, read in pages and woken by NOTIFY."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from ledger.store.recorder import CHANNEL, History
from projections.feed.port import Broken, Record

OWN_STORE = "SELECT store_id::text FROM ledger.store WHERE source = %s"


class LogFeed:
    """Reads through one connection of its own; a second one listens once somebody waits."""

    lags = False

    def __init__(self, source: str, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self.source = source
        self._connect = connect
        self._history = History(connect())
        self._listening: psycopg.Connection[Any] | None = None
        self.store_id = self._own_store()

    def close(self) -> None:
        self._history.connection.close()
        if self._listening is not None:
            self._listening.close()

    def _own_store(self) -> str | None:
        row = self._history.connection.execute(OWN_STORE, (self.source,)).fetchone()
        return None if row is None else str(row[0])

    def head(self) -> int:
        return self._history.head()

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        records: list[Record] = []
        for position, stream_id, version, data in self._history.rows(after, limit):
            after += 1
            if position != after:
                message = f"source {self.source}: position {after} is missing from the log: run `onecard verify`"
                if records:
                    return records
                raise Broken(message, "record_missing", after)
            try:
                records.append(Record(self.source, after, stream_id, version, data))
            except Broken:
                if records:
                    return records
                raise
        return records

    def wait(self, timeout_seconds: int) -> bool:
        if self._listening is None:
            self._listening = self._connect()
            self._listening.execute(f"LISTEN {CHANNEL}")
            return True
        return any(True for _ in self._listening.notifies(timeout=timeout_seconds, stop_after=1))
