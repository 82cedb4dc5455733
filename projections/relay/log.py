"""The store as the relay sees it: pages of whole commands, over one connection that also holds the lock and listens.

One on purpose: when it is lost, the lock is lost with it, and the next thing the relay does fails.
"""

import hashlib
from contextlib import suppress
from typing import Any, Final

import psycopg

from ledger.store import codec
from ledger.store.lease import CLASS
from ledger.store.recorder import CHANNEL, History, Row
from projections import presence
from projections.feed.port import Broken

NAME: Final = "relay"
RELAY: Final = 3  # beside the decider's lock and the one of appends


class Log:
    """`connection`: autocommit, of the relay alone; may read and nothing more."""

    def __init__(self, source: str, connection: psycopg.Connection[Any]) -> None:
        self.source = source
        self._connection = connection
        self._history = History(connection)
        connection.execute(f"LISTEN {CHANNEL}")

    def lock(self) -> bool:
        """Be the only relay of this store, as long as the connection lives; False if another one is."""
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (CLASS, RELAY)).fetchone()
        if row is None or not row[0]:
            return False
        presence.announce(self._connection, [NAME])
        return True

    def close(self) -> None:
        """Give the lock up at once: the server may take a moment to notice that we hung up."""
        with suppress(psycopg.Error):
            self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()

    def head(self) -> int:
        return self._history.head()

    def digest_at(self, position: int) -> str | None:
        """SHA-256 of the framed bytes at a position; None if the store has no such position."""
        found = self._history.rows(position - 1, 1)
        if not found or found[0][0] != position:
            return None
        return hashlib.sha256(found[0][3]).hexdigest()

    def recorded_at(self, position: int) -> int:
        """When the event at a position was recorded; 0 for position 0."""
        found = self._history.rows(position - 1, 1) if position else []
        return codec.instants_of(found[0][3])[1] if found else 0

    def page(self, after: int, limit: int) -> list[Row]:
        """About `limit` events behind `after`, never a part of what one command recorded; Broken at a hole.

        Whoever restores a store from the topics (`onecard restore-tail`) must not find half a command there. The log
        itself is only ever seen with whole commands, so just a page that is cut must look where.
        """
        rows = self._history.rows(after, limit + 1)
        for expected, row in enumerate(rows, after + 1):
            if row[0] != expected:
                message = f"source {self.source}: position {expected} is missing from the log: run `onecard verify`"
                raise Broken(message, "record_missing", expected)
        if len(rows) <= limit:
            return rows
        end = limit
        while end and _are_of_one_command(rows[end - 1][3], rows[end][3]):
            end -= 1
        return rows[:end] if end else self.page(after, limit * 2)

    def wait(self, seconds: int) -> None:
        """Until something may have been appended."""
        for _ in self._connection.notifies(timeout=seconds, stop_after=1):
            return


def _are_of_one_command(data: bytes, following: bytes) -> bool:
    try:
        return codec.origin_of(data) == codec.origin_of(following)
    except codec.Undecodable:  # told where records are made of them
        return False
