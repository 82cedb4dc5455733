"""Indexes taken off tables that are about to be filled, and built when they are full: sorting once is cheaper.

What they were is asked of the database, so a view says only once how its tables look.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg

CONSTRAINTS: Final = """
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
           format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u')
"""
INDEXES: Final = """
    SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid = %s::regclass
"""


def take_off(cursor: psycopg.Cursor[Any], tables: Iterable[str]) -> list[str]:
    """Drop every index of the tables; the statements that make them again."""
    again = []
    for table in tables:
        for found in (CONSTRAINTS, INDEXES):
            for drop, make in cursor.execute(found, (table,)).fetchall():
                cursor.execute(drop)
                again.append(make)
    return again


def put_back(cursor: psycopg.Cursor[Any], again: Sequence[str]) -> None:
    """Make the indexes; the planner learns by this how many rows there are."""
    for make in again:
        cursor.execute(make)
