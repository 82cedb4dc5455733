"""Who follows now: every running follower holds a shared advisory lock named after its view, gone when it dies."""

from collections.abc import Iterable
from typing import Any

import psycopg

from ledger.store.lease import CLASS

FOLLOWERS = CLASS + 2
HELD = """
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND classid = %s AND objid = (hashtext(%s)::bigint & 4294967295)::oid
          AND objsubid = 2 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""


def announce(connection: psycopg.Connection[Any], views: Iterable[str]) -> None:
    """Follows these views from now on, as long as the connection lives."""
    for view in views:
        connection.execute("SELECT pg_advisory_lock_shared(%s, hashtext(%s))", (FOLLOWERS, view))


def is_followed(cursor: psycopg.Cursor[Any], view: str) -> bool:
    row = cursor.execute(HELD, (FOLLOWERS, view)).fetchone()
    return row is not None and bool(row[0])
