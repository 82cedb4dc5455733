"""What a cut-off takes and defers, told from units and lines by dates and positions alone (contract 7.1, 7.6).

With p, L position and last day of a cut-off and p', L' those of the one before: a unit not folded into a cycle yet is
taken if eligible_on <= L, unless the earlier cut-off had it (touched < p' and eligible_on <= L'). A contra line is
taken if its own date allows and its unit is taken by now, unless the earlier cut-off had it by the same test. So only
what was touched since p', what is dated after L' and contra lines of units taken now are read, not history.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import IsolationLevel

from ledger.core.calendar import last_day
from ledger.core.provinces import FUND_TYPES
from ledger.families.clearing.table import CutOffTable, Sums, TableRow, Tally
from ledger.store.line_tables import CONTRA, Tables

Cursor = psycopg.Cursor[Any]
NEVER: Final = 2**62
ANY_CYCLE: Final = "9999-99"
SLOTS: Final = len(FUND_TYPES)

TAKEN: Final = "(u.cycle <= %(cycle)s OR (u.cycle IS NULL AND u.touched < %(until)s AND u.eligible_on <= %(last)s))"
TAKEN_BEFORE: Final = (
    "(coalesce(u.cycle < %(cycle)s, false)"
    " OR coalesce(u.cycle IS NULL AND u.touched < %(after)s AND u.eligible_on <= %(last_before)s, false))"
)
# Units taken by exactly this cut-off: changed since the one before; unchanged but only now old enough; folded already.
EXACTLY: Final = (
    "u.cycle IS NULL AND u.touched > %(after)s AND u.touched < %(until)s AND u.eligible_on <= %(last)s",
    "u.cycle IS NULL AND u.touched < %(after)s AND u.eligible_on > %(last_before)s AND u.eligible_on <= %(last)s",
    "u.cycle = %(cycle)s",
)
DEFERRED: Final = (
    "u.cycle IS NULL AND NOT u.voided AND u.eligible_on IS NULL AND u.business_date <= %(last)s"
    " AND u.touched < %(until)s",
    "u.cycle IS NULL AND u.eligible_on > u.business_date AND u.eligible_on > %(last)s AND u.business_date <= %(last)s"
    " AND u.touched < %(until)s AND (u.touched > %(after)s OR u.eligible_on > %(last_before)s)",
)


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut-off and the one before it. `cycle`, `until`: of one that is recorded, else as if none were later.

    `before`: position of the cut-off two earlier; most lines taken were recorded after it.
    """

    last: int
    after: int
    last_before: int
    before: int
    cycle: str = ANY_CYCLE
    until: int = NEVER

    def values(self) -> dict[str, Any]:
        return {
            "last": self.last,
            "after": self.after,
            "last_before": self.last_before,
            "before": self.before,
            "cycle": self.cycle,
            "until": self.until,
        }


@dataclass(slots=True)
class Prepared:
    """A cut-off aggregated in a snapshot that stays open on `connection`; `position`: the last that it saw."""

    connection: psycopg.Connection[Any]
    tables: Tables
    month: str
    limit: int
    cut: Cut
    position: int
    tally: Tally

    def close(self) -> None:
        """Let the snapshot go."""
        self.connection.rollback()


# --- one phase -------------------------------------------------------------------------------------------------------


def cut_off_table(cursor: Cursor, tables: Tables, month: str, limit: int, until: int = NEVER) -> CutOffTable:
    """What a cut-off of `month` recorded now takes of what was recorded before position `until`, if nothing was changed
    or corrected since; `limit`: deferrals above it raise an alarm."""
    cut = _cut(cursor, tables, last_day(month), until)
    return _tally(cursor, tables, cut).table(month, limit)


def recomputed(cursor: Cursor, tables: Tables, month: str) -> list[TableRow]:
    """The table of a cycle that was cut off, made again from lines and units as they are now."""
    taken = Tally()
    _add_sums(cursor, _sums(taken_lines(tables)), past_cut(cursor, tables, month).values(), taken)
    return taken.table(month, 0).rows


def taken_by(cursor: Cursor, tables: Tables, month: str) -> Iterator[tuple[int, int]]:
    """(position, n) of the lines that a recorded cut-off took, in order."""
    lines = " UNION ALL ".join(f"SELECT l.position, l.n {part}" for part in taken_lines(tables))
    cursor.execute(f"{lines} ORDER BY 1, 2", past_cut(cursor, tables, month).values(), prepare=False)
    yield from cursor


def next_cut(cursor: Cursor, tables: Tables, month: str) -> Cut:
    """A cut-off of `month` as if recorded now."""
    return _cut(cursor, tables, last_day(month), NEVER)


def past_cut(cursor: Cursor, tables: Tables, month: str) -> Cut:
    """A recorded cut-off."""
    cursor.execute(f"SELECT position FROM {tables.cycles} WHERE cycle = %s", (month,))
    found = cursor.fetchone()
    if found is None:
        raise LookupError(f"{month} was never cut off")
    return _cut(cursor, tables, last_day(month), found[0], month)


def _cut(cursor: Cursor, tables: Tables, last: int, until: int, cycle: str = ANY_CYCLE) -> Cut:
    cursor.execute(
        f"SELECT position, last_day FROM {tables.cycles} WHERE position < %s ORDER BY position DESC LIMIT 2", (until,)
    )
    earlier = [*cursor.fetchall(), (0, -1), (0, -1)]
    return Cut(last, earlier[0][0], earlier[0][1], earlier[1][0], cycle, until)


# --- two phases ------------------------------------------------------------------------------------------------------


def prepare(connection: psycopg.Connection[Any], tables: Tables, month: str, limit: int) -> Prepared:
    """The long part of a cut-off, without the lease: in a snapshot of a connection that does nothing else."""
    connection.rollback()
    connection.autocommit = False
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    cursor = connection.cursor()
    cut = next_cut(cursor, tables, month)
    cursor.execute(
        "SELECT greatest("
        f"coalesce((SELECT max(touched) FROM {tables.units}), 0),"
        f" coalesce((SELECT max(position) FROM {tables.lines}), 0))"
    )
    (position,) = _one(cursor)
    return Prepared(connection, tables, month, limit, cut, position, _tally(cursor, tables, cut))


def changed(cursor: Cursor, prepared: Prepared) -> list[str]:
    """Units whose part in the table may have changed since the snapshot. When they are many, prepare again."""
    tables = prepared.tables
    cursor.execute(
        f"SELECT unit_key FROM {tables.units} WHERE touched > %(position)s"
        f" UNION SELECT unit_key FROM {tables.lines} WHERE {CONTRA} AND position > %(position)s",
        {"position": prepared.position},
        prepare=False,
    )
    return [key for (key,) in cursor.fetchall()]


def finish(cursor: Cursor, prepared: Prepared) -> CutOffTable:
    """The short part, under the lease: what changed since is taken out as the snapshot had it and put in as it is."""
    tables, month, cut = prepared.tables, prepared.month, prepared.cut
    if next_cut(cursor, tables, month) != cut:
        return cut_off_table(cursor, tables, month, prepared.limit)
    keys = changed(cursor, prepared)
    tally = Tally()
    tally.add(prepared.tally)
    tally.add(_tally_of(prepared.connection.cursor(), tables, cut, keys), -1)
    tally.add(_tally_of(cursor, tables, cut, keys))
    return tally.table(month, prepared.limit)


# --- statements ------------------------------------------------------------------------------------------------------


def _tally(cursor: Cursor, tables: Tables, cut: Cut) -> Tally:
    """Everything a cut-off takes and defers."""
    tally = Tally()
    _add_sums(cursor, _sums(taken_lines(tables)), cut.values(), tally)
    deferred = " UNION ALL ".join(f"SELECT u.* FROM {tables.units} u WHERE {condition}" for condition in DEFERRED)
    _add_deferrals(cursor, _deferrals(tables, deferred), cut.values(), tally)
    return tally


def _tally_of(cursor: Cursor, tables: Tables, cut: Cut, keys: Sequence[str]) -> Tally:
    """What a cut-off takes and defers of some units."""
    tally = Tally()
    if keys:
        values = {**cut.values(), "keys": list(keys)}
        _add_sums(cursor, _sums(_taken_of(tables)), values, tally)
        mine = "u.unit_key = ANY(%(keys)s)"
        deferred = " UNION ALL ".join(
            f"SELECT u.* FROM {tables.units} u WHERE {mine} AND {condition}" for condition in DEFERRED
        )
        _add_deferrals(cursor, _deferrals(tables, deferred), values, tally)
    return tally


def taken_lines(tables: Tables) -> tuple[str, ...]:
    """Where the lines a cut-off takes are, found through indexes on what is new: parts that have no line in common."""
    lines, units = tables.lines, tables.units
    exactly = " UNION ALL ".join(
        f"SELECT u.unit_key, u.position FROM {units} u WHERE {condition}" for condition in EXACTLY
    )
    corrected = " UNION ALL ".join(
        f"SELECT u.unit_key FROM {units} u WHERE u.corrected AND {condition}" for condition in EXACTLY
    )
    contra = f"FROM {lines} l JOIN {units} u USING (unit_key) WHERE l.{CONTRA} AND {TAKEN}"
    return (
        f"FROM ({exactly}) t JOIN {lines} l ON l.position = t.position"
        f" WHERE t.position > %(before)s AND l.position > %(before)s AND NOT l.{CONTRA}",
        f"FROM ({exactly}) t,"
        f" LATERAL (SELECT * FROM {lines} l WHERE l.position = t.position AND NOT l.{CONTRA} OFFSET 0) l"
        " WHERE t.position <= %(before)s",
        f"{contra} AND l.position > %(after)s AND l.position < %(until)s AND l.effective_date <= %(last)s",
        f"{contra} AND l.position < %(after)s AND l.effective_date > %(last_before)s AND l.effective_date <= %(last)s",
        f"FROM ({corrected}) t JOIN {lines} l USING (unit_key)"
        f" WHERE l.{CONTRA} AND l.position < %(after)s"
        " AND l.effective_date <= least(%(last_before)s::int, %(last)s::int)",
    )


def _taken_of(tables: Tables) -> tuple[str, ...]:
    """Where the lines of some units that a cut-off takes are."""
    lines, units = tables.lines, tables.units
    return (
        f"FROM {units} u JOIN {lines} l ON l.position = u.position"
        f" WHERE u.unit_key = ANY(%(keys)s) AND {TAKEN} AND NOT {TAKEN_BEFORE} AND NOT l.{CONTRA}",
        f"FROM {units} u JOIN {lines} l USING (unit_key)"
        f" WHERE u.unit_key = ANY(%(keys)s) AND l.{CONTRA} AND {TAKEN}"
        " AND l.position < %(until)s AND l.effective_date <= %(last)s"
        f" AND NOT (l.position < %(after)s AND l.effective_date <= %(last_before)s AND {TAKEN_BEFORE})",
    )


def _sums(parts: Iterable[str]) -> str:
    """Sums of lines by key and fund types: lines of equal types add up slot by slot, so no line is taken apart.

    One statement, so one snapshot; each part is summed by itself, so that workers can share the large one.
    """
    keys = "l.book, l.home, l.treatment, l.insutype, l.clr_type, l.fund_types"
    slots = ", ".join(f"sum(l.fund_amounts[{slot}])::bigint" for slot in range(1, SLOTS + 1))
    sums = f"""{keys},
            count(*) FILTER (WHERE NOT l.{CONTRA}),
            count(*) FILTER (WHERE l.kind = 'REVERSAL'),
            count(*) FILTER (WHERE l.kind = 'DEDUCTION'),
            sum(l.total_fen)::bigint, sum(l.account_fen)::bigint, sum(l.other_fen)::bigint,
            sum(l.deduction_fen)::bigint, {slots}"""
    return " UNION ALL ".join(f"SELECT {sums} {part} GROUP BY {keys}" for part in parts)


def _deferrals(tables: Tables, deferred: str) -> str:
    """How many lines a cut-off defers for the how-manieth time."""
    return f"""
        SELECT u.deferrals + 1 + (
                SELECT count(*) FROM {tables.cycles} c WHERE c.position > u.touched AND c.last_day >= u.business_date
            ), sum(u.lines)::bigint
        FROM ({deferred}) u
        GROUP BY 1
    """


def _add_sums(cursor: Cursor, statement: str, values: dict[str, Any], tally: Tally) -> None:
    cursor.execute(statement, values, prepare=False)
    for row in cursor.fetchall():
        key, types, counted, slots = row[:5], row[5], row[6:13], row[13:]
        sums = Sums(*counted)
        if types:
            sums.funds.update(zip(types.split(","), slots, strict=False))
        tally.add(Tally({key: sums}))


def _add_deferrals(cursor: Cursor, statement: str, values: dict[str, Any], tally: Tally) -> None:
    cursor.execute(statement, values, prepare=False)
    for deferrals, lines in cursor.fetchall():
        tally.defer(deferrals, lines)


def _one(cursor: Cursor) -> tuple[Any, ...]:
    found = cursor.fetchone()
    assert found is not None
    row: tuple[Any, ...] = found
    return row
