"""Clearing lines and units in PostgreSQL: written with the events that make them, in plain arrays.

Reading them for a cut-off is in `cut_off`; both work on any set of tables (`line_tables`).
"""

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from operator import attrgetter
from typing import Any

import psycopg

from ledger.core.calendar import last_day
from ledger.families.clearing import table as cycle_table
from ledger.families.clearing.lines import CONTRA, Line
from ledger.families.clearing.table import CutOffTable, TableRow
from ledger.families.clearing.units import Unit
from ledger.store.arrays import Packed, column, unnested
from ledger.store.cut_off import Prepared, changed, cut_off_table, finish, prepare, recomputed, taken_by
from ledger.store.line_tables import STORE, Tables, definition

__all__ = [
    "STORE", "Prepared", "Tables", "ask_units", "changed", "cut_off_table", "cycle_rows", "definition", "finish",
    "insert_lines", "load_units", "mark_corrected", "pair_totals", "prepare", "recomputed", "store_cycle_rows",
    "taken_by", "told_units", "upsert_units",
]  # fmt: skip

Cursor = psycopg.Cursor[Any]
PER_STATEMENT = 2_000

UNIT_COLUMNS = (
    ("unit_key", "text"),
    ("position", "bigint"),
    ("business_date", "int"),
    ("lines", "int"),
    ("confirmed", "bool"),
    ("disputed", "bool"),
    ("held", "bool"),
    ("voided", "bool"),
    ("reversed_at", "bigint"),
    ("reversed_on", "int"),
    ("touched", "bigint"),
    ("cycle", "text"),
    ("deferrals", "int"),
)
LINE_COLUMNS = (
    ("position", "bigint"),
    ("n", "int"),
    ("kind", "text"),
    ("book", "text"),
    ("home", "text"),
    ("treatment", "text"),
    ("insutype", "text"),
    ("clr_type", "text"),
    ("unit_key", "text"),
    ("effective_date", "int"),
    ("total_fen", "bigint"),
    ("account_fen", "bigint"),
    ("other_fen", "bigint"),
    ("deduction_fen", "bigint"),
    ("fund_types", "text"),
)
DETAIL_COLUMNS = (
    ("occurred_at", "bigint"),
    ("business_date", "int"),
    ("card_id", "uuid"),
    ("institution", "text"),
    ("reverses_position", "bigint"),
    ("reverses_n", "int"),
)
ROW_COLUMNS = (
    ("cycle", "text"),
    ("book", "text"),
    ("home", "text"),
    ("treatment", "text"),
    ("insutype", "text"),
    ("clr_type", "text"),
    ("count", "bigint"),
    ("reversed_count", "bigint"),
    ("deduction_count", "bigint"),
    ("total_fen", "bigint"),
    ("fund_types", "text"),
    ("fund_fen", "bigint"),
    ("account_fen", "bigint"),
    ("other_fen", "bigint"),
    ("deduction_fen", "bigint"),
    ("payable_fen", "bigint"),
)
Columns = tuple[tuple[str, str], ...]

unit_values = attrgetter(*(name for name, _ in UNIT_COLUMNS[1:]))


def _names(columns: Columns) -> str:
    return ", ".join(name for name, _ in columns)


def _insert(table: str, columns: Columns, amounts: bool = False) -> str:
    """INSERT from plain arrays; `amounts`: and fund_amounts, an array a row, each given as text."""
    arrays = unnested(*(f"%s::{type}[]" for _, type in columns))
    if not amounts:
        return f"INSERT INTO {table} ({_names(columns)}) SELECT {arrays}"
    return f"INSERT INTO {table} ({_names(columns)}, fund_amounts) SELECT {arrays}, unnest(%s::text[])::bigint[]"


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(values), PER_STATEMENT):
        yield values[start : start + PER_STATEMENT]


def _arrays(columns: Columns, values: Iterable[tuple[Any, ...]]) -> list[Packed]:
    """Parameters of `_insert`; values behind those of the columns are text."""
    types = chain((type for _, type in columns), repeat("text"))
    return [column(type, given) for type, given in zip(types, zip(*values, strict=True), strict=False)]


def _funds(funds: dict[str, int]) -> tuple[str, str]:
    """Fund types and amounts as the tables keep them, and as text of an array."""
    return ",".join(funds), "{" + ",".join(map(str, funds.values())) + "}"


# --- writing ---------------------------------------------------------------------------------------------------------


def upsert_units(cursor: Cursor, tables: Tables, units: Sequence[tuple[str, Unit]]) -> None:
    """Units as they are now, each key once."""
    changes = ", ".join(f"{name} = excluded.{name}" for name, _ in UNIT_COLUMNS[1:])
    statement = f"{_insert(tables.units, UNIT_COLUMNS)} ON CONFLICT (unit_key) DO UPDATE SET {changes}"
    for part in _parts(units):
        cursor.execute(statement, _arrays(UNIT_COLUMNS, ((key, *unit_values(unit)) for key, unit in part)))


def insert_lines(cursor: Cursor, tables: Tables, lines: Sequence[Line]) -> None:
    """New lines; before or after their units in the same transaction."""
    columns = LINE_COLUMNS + DETAIL_COLUMNS if tables.details else LINE_COLUMNS
    statement = _insert(tables.lines, columns, amounts=True)
    for part in _parts(lines):
        cursor.execute(statement, _arrays(columns, (_line_values(line, tables.details) for line in part)))
    mark_corrected(cursor, tables, lines)


def mark_corrected(cursor: Cursor, tables: Tables, lines: Iterable[Line]) -> None:
    """Remember of the units of new contra lines that they have some."""
    contra = sorted({line.unit for line in lines if line.kind in CONTRA})
    if contra:
        cursor.execute(
            f"INSERT INTO {tables.units} (unit_key, corrected) SELECT key, true FROM unnest(%s::text[]) AS key"
            f" ON CONFLICT (unit_key) DO UPDATE SET corrected = true WHERE NOT {tables.units}.corrected",
            (contra,),
        )


def _line_values(line: Line, details: bool) -> tuple[Any, ...]:
    types, amounts = _funds(line.funds)
    values = (
        line.position,
        line.n,
        line.kind,
        line.book,
        line.home,
        line.treatment,
        line.insutype,
        line.clr_type,
        line.unit,
        line.effective_date,
        line.total_fen,
        line.account_fen,
        line.other_fen,
        line.deduction_fen,
        types,
    )
    if not details:
        return (*values, amounts)
    reverses = line.reverses or (None, None)
    return (*values, line.occurred_at, line.business_date, line.card_id, line.institution, *reverses, amounts)


def store_cycle_rows(cursor: Cursor, tables: Tables, month: str, table: CutOffTable, position: int) -> None:
    """A cut-off recorded at `position`: what it took, for ever."""
    cursor.execute(
        f"INSERT INTO {tables.cycles} (cycle, position, last_day, line_count, row_count, deferred_count, alarm_count,"
        " table_digest) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            month,
            position,
            last_day(month),
            table.line_count,
            table.row_count,
            table.deferred_count,
            table.alarm_count,
            table.table_digest,
        ),
    )
    statement = _insert(tables.rows, ROW_COLUMNS, amounts=True)
    for part in _parts(table.rows):
        cursor.execute(statement, _arrays(ROW_COLUMNS, (_row_values(row) for row in part)))


def _row_values(row: TableRow) -> tuple[Any, ...]:
    types, amounts = _funds(row.funds)
    counts = row.count, row.reversed_count, row.deduction_count
    sums = row.fund_fen, row.account_fen, row.other_fen, row.deduction_fen, row.payable_fen
    return (*row.key, *counts, row.total_fen, types, *sums, amounts)


# --- reading ---------------------------------------------------------------------------------------------------------


def load_units(cursor: Cursor, tables: Tables, keys: Sequence[str]) -> list[tuple[str, Unit]]:
    """The units that exist among `keys`."""
    return told_units(ask_units(cursor, tables, keys))


def ask_units(cursor: Cursor, tables: Tables, keys: Sequence[str]) -> Cursor:
    """The question of `load_units`; `told_units` takes the answer from the cursor."""
    question = f"SELECT {_names(UNIT_COLUMNS)} FROM {tables.units} WHERE unit_key = ANY(%s::text[])"
    return cursor.execute(question, (column("text", keys),), binary=True)


def told_units(cursor: Cursor) -> list[tuple[str, Unit]]:
    return [(key, Unit(*values)) for key, *values in cursor.fetchall()]


def cycle_rows(cursor: Cursor, tables: Tables, month: str) -> list[TableRow]:
    """The table of a cycle that was cut off, in the order of its digest."""
    names = _names(ROW_COLUMNS)
    cursor.execute(
        f"SELECT {names}, fund_amounts FROM {tables.rows} WHERE cycle = %s"
        " ORDER BY cycle, book, home, treatment, insutype, clr_type",
        (month,),
    )
    found = []
    for *values, amounts in cursor.fetchall():
        types = values[10].split(",") if values[10] else []
        values[10] = dict(zip(types, amounts, strict=True))
        found.append(TableRow(*values))
    return found


def pair_totals(cursor: Cursor, tables: Tables, month: str) -> list[dict[str, Any]]:
    """payable_fen of every pair with rows in a cycle that was cut off, sorted by book, home, treatment."""
    return list(cycle_table.pair_totals(cycle_rows(cursor, tables, month)))
