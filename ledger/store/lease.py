"""One decider at a time.

The lease is a session advisory lock (so a dead process gives it up by dying) plus a number that every append compares
(so a process that lost it without noticing cannot append). Whoever waits is served in turn.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

CLASS = 1663
DECIDER = 1
APPENDS = 2  # held by each append to its end; taken by the functions of the first migration
# How many other processes wait for the lease.
WAITING = f"""
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = {CLASS} AND objid = {DECIDER} AND objsubid = 2 AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# Whose turn it is: its number, and the server's processes that hold the lease or are in the middle of an append; not
# those that wait in turn for one of these.
TURN = f"""
    WITH ours AS (
        SELECT pid, granted FROM pg_locks
        WHERE locktype = 'advisory' AND classid = {CLASS} AND objid IN ({DECIDER}, {APPENDS}) AND objsubid = 2
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
    SELECT number, ARRAY(
        SELECT DISTINCT pid FROM ours WHERE granted AND pid NOT IN (SELECT pid FROM ours WHERE NOT granted) ORDER BY pid
    ) FROM ledger.lease
"""
# The lease's number must be read as it is now, whatever the database's default is.
READ_COMMITTED = "SET default_transaction_isolation = 'read committed'"
# First in a transaction that changes what is decided upon: who lost the lease without noticing changes nothing.
BEGIN_APPEND = "SELECT ledger.begin_append(%s)"
TAKE = f"SELECT ledger.take_lease(), ({WAITING})"


class LeaseLost(Exception):
    """Another process decides now; nothing of ours was appended after it took over."""


def turn(connection: psycopg.Connection[Any]) -> tuple[int, list[int]]:
    """Whose turn it is, asked by who waits for his own: the lease's number, and the server's processes in the way."""
    row = connection.execute(TURN).fetchone()
    assert row is not None
    return row[0], row[1]


class Lease:
    """Held by one autocommit connection; `number` is 0 while not held, `others` how many waited when last told."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.number = 0
        self.others = 0

    def take(self) -> None:
        """Waits for its turn, then fences every earlier holder. Interrupted, it leaves nobody waiting for us."""
        try:
            self._connection.execute("SELECT pg_advisory_lock(%s, %s)", (CLASS, DECIDER))
            row = self._connection.execute(TAKE).fetchone()
        except BaseException:
            with suppress(psycopg.Error):
                self._unlock()
            raise
        assert row is not None
        self.number, self.others = row

    def take_now(self) -> bool:
        """The same unless another process decides now: then False, and nothing is waited for."""
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (CLASS, DECIDER)).fetchone()
        if row is None or not row[0]:
            return False
        row = self._connection.execute(TAKE).fetchone()
        assert row is not None
        self.number, self.others = row
        return True

    def look(self) -> None:
        """Ask how many others wait. While commits are made they tell it."""
        row = self._connection.execute(WAITING).fetchone()
        self.others = row[0] if row is not None else 0

    def release(self) -> bool:
        """Give it up; whether it was still ours."""
        if not self.number:
            return False
        self.number = 0
        return self._unlock()

    def _unlock(self) -> bool:
        row = self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", (CLASS, DECIDER)).fetchone()
        return row is not None and bool(row[0])


@contextmanager
def held(connection: psycopg.Connection[Any]) -> Iterator[Lease]:
    """The lease for one act, on an autocommit connection that does nothing else."""
    connection.execute(READ_COMMITTED)
    lease = Lease(connection)
    lease.take()
    try:
        yield lease
    finally:
        if not connection.broken:
            lease.release()
