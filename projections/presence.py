"""Who follows now: every running follower holds a shared advisory lock named after its view, gone when it dies.

One that follows a source as a whole holds another one, named after both. And whoever follows any of a source holds
one named after it, so that the source is not forgotten meanwhile.
"""

from collections.abc import Iterable
from typing import Any

import psycopg

from ledger.store.lease import CLASS

FOLLOWERS = CLASS + 2
HELD = """
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted
          AND objid IN (SELECT (hashtext(name)::bigint & 4294967295)::oid FROM unnest(%s::text[]) AS name)
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        GROUP BY pid HAVING count(DISTINCT objid) = %s
    )
"""


def whole(view: str, source: str) -> str:
    """What is announced by who follows all of one source into a view; of many sources it may lose one."""
    return f"{view}@{source}"


def any_of(source: str) -> str:
    """What is announced by who follows anything of a source, before it makes its views' tracking."""
    return f"@{source}"


def announce(connection: psycopg.Connection[Any], views: Iterable[str]) -> None:
    """Follows these views from now on, as long as the connection lives."""
    for view in views:
        connection.execute("SELECT pg_advisory_lock_shared(%s, hashtext(%s))", (FOLLOWERS, view))


def is_followed(cursor: psycopg.Cursor[Any], *announced: str) -> bool:
    """Whether somebody has announced all of these: a view, or a view and `any_of` a source."""
    row = cursor.execute(HELD, (FOLLOWERS, list(announced), len(announced))).fetchone()
    return row is not None and bool(row[0])


def keep_away(cursor: psycopg.Cursor[Any], source: str) -> bool:
    """Whether nobody follows anything of a source, nor will before this transaction ends."""
    row = cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", (FOLLOWERS, any_of(source))).fetchone()
    return row is not None and bool(row[0])
