"""What the store keeps beside the log, against what was made again from the log: rows, units, lines, cycles."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ledger.core.rows import Row, StreamRow
from ledger.service.recording import stream_id
from ledger.store.line_tables import STORE
from projections.findings import Finding
from projections.verification.report import MOST_OF_A_KIND
from projections.verification.scratch import SEEN, Cursor

# Each row of one side that the other has not; equal rows count as often as they are there.
DIFFERING: Final = """
    SELECT {key} AS key, max({position}), bool_or(mine), bool_or(NOT mine){more} FROM (
        SELECT true AS mine, extra.* FROM (TABLE {store} EXCEPT ALL TABLE {seen}) AS extra
        UNION ALL SELECT false, missing.* FROM (TABLE {seen} EXCEPT ALL TABLE {store}) AS missing
    ) AS differing GROUP BY {key} ORDER BY 2, 1 LIMIT %s
"""
SIDES: Final = (
    ", max(kind), max(key), (array_agg(data) FILTER (WHERE mine))[1], (array_agg(data) FILTER (WHERE NOT mine))[1]"
)


def differing(cursor: Cursor, store: str, seen: str, key: str, position: str, more: str = "") -> list[tuple[Any, ...]]:
    """(key, position, the store has such a row, the log makes such a row)."""
    statement = DIFFERING.format(store=store, seen=seen, key=key, position=position, more=more)
    cursor.execute(statement, (MOST_OF_A_KIND + 1,))
    return cursor.fetchall()


def rows(cursor: Cursor) -> Iterator[Finding]:
    """State rows."""
    heads: dict[str, type[StreamRow]] = {row_type.kind: row_type for row_type in StreamRow.__subclasses__()}
    found = differing(cursor, "ledger.state", "pg_temp.seen_state", "(kind || ' ' || key)", "revision", SIDES)
    for subject, revision, kept, made, kind, key, data, right in found:
        if not made:
            yield Finding("state_extra", subject, revision, "no event makes this row")
        elif not kept:
            yield Finding("state_missing", subject, revision, "the row that the log makes is not there")
        elif kind in heads and is_stale(data, right):
            detail = "the head's version or digest is not that of the stream's last event"
            yield Finding("head_stale", stream_id((heads[kind], key)), revision, detail)
        else:
            detail = f"the row is not what the log makes of it: {_fields(kind, data, right)}"
            yield Finding("state_differs", subject, revision, detail)


def beyond(cursor: Cursor, head: int) -> Iterator[Finding]:
    """What was changed by events behind the log's end: the log was longer once."""
    cursor.execute(f"SELECT (SELECT max(revision) FROM ledger.state), (SELECT max(touched) FROM {STORE.units})")
    last = max((position for position in cursor.fetchone() or () if position is not None), default=0)
    if last > head:
        detail = f"what decisions remember was changed at position {last}, and the log ends at {head}"
        yield Finding("position_gap", f"{head + 1}..{last}", head + 1, detail)


def is_stale(data: bytes, right: bytes) -> bool:
    """Whether two heads differ in version and digest, their first fields, and in nothing else."""
    mine, wanted = _items(data), _items(right)
    return len(mine) > 2 and mine[2:] == wanted[2:] and mine[:2] != wanted[:2]


def _items(data: bytes) -> list[Any]:
    try:
        found = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _fields(kind: str, data: bytes, right: bytes) -> str:
    """Which fields differ; never what they hold, which may be about a person."""
    mine, wanted = _items(data), _items(right)
    if data == right:
        return "revision"
    row_type = next((one for one in _all_rows(Row) if one.kind == kind), None)
    if row_type is None or len(mine) != len(wanted):
        return "bytes"
    names = row_type.__struct_fields__
    return ", ".join(name for name, a, b in zip(names, mine, wanted, strict=False) if a != b) or "bytes"


def _all_rows(row_type: type[Row]) -> Iterator[type[Row]]:
    for one in row_type.__subclasses__():
        yield one
        yield from _all_rows(one)


def units(cursor: Cursor) -> Iterator[Finding]:
    """Clearing units."""
    for subject, position, *_ in differing(cursor, STORE.units, SEEN.units, "unit_key", "touched"):
        yield Finding("unit_differs", subject, position, "the clearing unit is not what the log makes of it")


def clearing(cursor: Cursor) -> Iterator[Finding]:
    """Clearing lines, cut-offs and the tables they made."""
    line_id = "(position || '-' || n)"
    for subject, position, kept, made in differing(cursor, STORE.lines, SEEN.lines, line_id, "position"):
        detail = "is not what its event makes" if kept and made else "is made by no event" if kept else "is missing"
        yield Finding("line_differs", subject, position, f"the stored clearing line {detail}")
    for subject, position, *_ in differing(cursor, STORE.cycles, SEEN.cycles, "cycle", "position"):
        yield Finding("table_differs", subject, position, "the recorded cut-off is not what the log's lines give")
    key = "concat_ws(' ', cycle, book, home, treatment, insutype, clr_type)"
    for subject, *_ in differing(cursor, STORE.rows, SEEN.rows, key, "NULL::bigint"):
        yield Finding("table_differs", subject, None, "the stored row of the table is not what the log's lines give")
