"""State rows in PostgreSQL: loaded for a whole batch in one query, upserted in the appending transaction."""

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from ledger.core.rows import ROW_LIMIT, Row
from ledger.core.world import Name
from ledger.families.clearing.units import Unit
from ledger.store import lines
from ledger.store.arrays import BIGINTS, BYTES, TEXTS, Packed, bigints, byteas, texts, unnested

ROWS_PER_STATEMENT = 2_000
UPSERT = f"""
    INSERT INTO ledger.state (kind, key, revision, data)
    SELECT {unnested(TEXTS, TEXTS, BIGINTS, BYTES)}
    ON CONFLICT (kind, key) DO UPDATE SET revision = excluded.revision, data = excluded.data
"""
# One index probe a name, whatever the planner believes of the table's size.
SELECT = f"""
    SELECT wanted.n, found.data
    FROM (SELECT {unnested(TEXTS, TEXTS)}, generate_series(1, %s::int)) AS wanted (kind, key, n),
        LATERAL (
            SELECT data FROM ledger.state WHERE state.kind = wanted.kind AND state.key = wanted.key OFFSET 0
        ) AS found
"""

encode = msgspec.msgpack.Encoder().encode
_decoders: dict[type[Row], msgspec.msgpack.Decoder[Any]] = {}

# (kind, key, revision, bytes)
Encoded = tuple[str, str, int, bytes]


class RowsDamaged(ValueError):
    """State rows are not what the log makes of them: somebody else wrote to the table, or a disk lost something."""


class RowTooLarge(AssertionError):
    """A state row over 4 KB: a collection in it grows with history, which is a defect of ours."""


def decode(row_type: type[Row], data: bytes) -> Row:
    decoder = _decoders.get(row_type)
    if decoder is None:
        decoder = _decoders[row_type] = msgspec.msgpack.Decoder(row_type)
    try:
        row: Row = decoder.decode(data)
    except msgspec.DecodeError as error:
        raise RowsDamaged(f"a row of kind {row_type.kind}: {error}") from None
    return row


def encoded(kind: str, key: str, revision: int, row: Row) -> Encoded:
    data = encode(row)
    if len(data) > ROW_LIMIT:
        raise RowTooLarge(f"{kind} {key} has {len(data)} bytes")
    return kind, key, revision, data


class Asked:
    """Rows by name, clearing units included; in a pipeline they are only sent for, and waited for when taken."""

    def __init__(self, connection: psycopg.Connection[Any], names: Sequence[Name]) -> None:
        units = [key for row_type, key in names if row_type is Unit]
        others = [name for name in names if name[0] is not Unit]
        self._units = lines.ask_units(connection.cursor(), lines.STORE, units) if units else None
        self._parts: list[tuple[Sequence[Name], psycopg.Cursor[Any]]] = []
        for start in range(0, len(others), ROWS_PER_STATEMENT * 4):
            part = others[start : start + ROWS_PER_STATEMENT * 4]
            cursor = connection.cursor()
            cursor.execute(SELECT, question([name[0].kind for name in part], [name[1] for name in part]), binary=True)
            self._parts.append((part, cursor))

    def found(self) -> list[tuple[Name, Row]]:
        """Those that exist."""
        found: list[tuple[Name, Row]] = []
        if self._units is not None:
            found.extend(((Unit, key), unit) for key, unit in lines.told_units(self._units))
        for part, cursor in self._parts:
            for n, data in cursor.fetchall():
                name = part[n - 1]
                found.append((name, decode(name[0], data)))
        return found


def question(kinds: Sequence[str], keys: Sequence[str]) -> tuple[str, str, int]:
    """Parameters of SELECT."""
    return texts(kinds), texts(keys), len(keys)


def columns(rows: Sequence[Encoded]) -> tuple[str, str, Packed, Packed]:
    """Parameters of UPSERT."""
    kinds, keys, revisions, data = zip(*rows, strict=True)
    return texts(kinds), texts(keys), bigints(revisions), byteas(data)


def upsert(cursor: psycopg.Cursor[Any], rows: Sequence[Encoded]) -> None:
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        cursor.execute(UPSERT, columns(rows[start : start + ROWS_PER_STATEMENT]))
