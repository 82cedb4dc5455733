"""Scratch tables of one verification: what the log says, set beside what the store holds. Gone with the session.

They are made before the snapshot is taken: a read-only transaction may fill temporary tables but not make any.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import psycopg

from ledger.store.line_tables import Tables, definition

Cursor = psycopg.Cursor[Any]
T = TypeVar("T")
SEEN: Final = Tables("pg_temp.seen_")
DDL: Final = """
    CREATE TABLE pg_temp.seen_events (
        position bigint, stream_id uuid, version bigint, digest bytea, prev_digest bytea,
        submitter text COLLATE "C", reference text COLLATE "C"
    );
    CREATE TABLE pg_temp.seen_accounts (account text COLLATE "C", debit numeric, credit numeric, entries bigint);
    CREATE TABLE pg_temp.seen_books (account text COLLATE "C", balance numeric);
    CREATE TABLE pg_temp.seen_state (
        kind text COLLATE "C", key text COLLATE "C", revision bigint, data bytea, PRIMARY KEY (kind, key)
    );
"""
# What COPY and arrays of text cannot hold; only damaged bytes say such things.
UNSPEAKABLE: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\ufffd"}
_ESCAPES: Final = str.maketrans(UNSPEAKABLE)
_MARKS: Final = str.maketrans({"\0": "\ufffd", "\x1f": "\ufffd"})


def make(connection: psycopg.Connection[Any]) -> None:
    """On an autocommit connection that does nothing else."""
    connection.execute("DISCARD TEMP")
    connection.execute("SET temp_buffers = '64MB'")
    connection.execute("SET work_mem = '64MB'")
    connection.execute(DDL + definition(SEEN))


def copied(text: str) -> str:
    """A text as COPY reads it."""
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)


def storable(text: str) -> str:
    """A text as an array of text can hold it."""
    return text if text.isprintable() else text.translate(_MARKS)


def copy(cursor: Cursor, table: str, lines: Sequence[str]) -> None:
    """Lines in COPY's text format."""
    if lines:
        with cursor.copy(f"COPY pg_temp.{table} FROM STDIN") as into:
            into.write("".join(lines))


def write_each(
    connection: psycopg.Connection[Any], write: Callable[[Cursor, Sequence[T]], None], things: Sequence[T]
) -> Iterable[tuple[T, Exception]]:
    """Write many at once; those that the database cannot hold are found by halves and told."""
    try:
        with connection.transaction(), connection.cursor() as cursor:
            write(cursor, things)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(things) == 1:
            yield things[0], error
            return
        middle = len(things) // 2
        yield from write_each(connection, write, things[:middle])
        yield from write_each(connection, write, things[middle:])
