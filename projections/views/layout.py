"""Whether two versions of a view have the same tables: rows of different ones cannot be compared.

The live one may be of another version of the program, whose tables had other columns, or were others.
"""

from collections.abc import Iterable
from typing import Any

from projections.findings import Finding
from projections.views.port import Cursor

COLUMNS = """
    SELECT attname, atttypid::bigint, attnotnull FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
DETAIL = "another version of the program made it, with other columns: `onecard rebuild --force` makes it anew"


def columns(cursor: Cursor, table: str) -> list[tuple[Any, ...]]:
    """As the database has them; none if there is no such table."""
    cursor.execute(COLUMNS, (table,))
    return cursor.fetchall()


def other_layouts(cursor: Cursor, tables: Iterable[tuple[str, str, str]]) -> list[Finding]:
    """A finding for each (subject, table, the same in the other version) whose columns are not the same."""
    return [
        Finding("layout_differs", subject, None, DETAIL)
        for subject, mine, other in tables
        if columns(cursor, mine) != columns(cursor, other)
    ]
