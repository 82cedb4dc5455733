"""The other side's file against our settlements, row by row, in the database (queries.md section 5).

The file goes into a table of its own without a log: it can be read again. One join over (setl_id, flag) finds the few
that are not the same on both sides; only those come into memory and are classified. A pair of equal rows may still
hide a second row of the file; the counts tell whether any does, and only then is the file searched for repetitions.

Over all sources (ADR 22) an id may be that of settlements of several ledgers: each ledger's is compared by itself.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import psycopg

from ledger.core.calendar import date_text
from projections.questions import snapshot, sources
from projections.questions.clearing_lines import view_of
from projections.questions.reconciliation_file import TOTALS, File, Row
from projections.questions.reconciliation_sides import Found, Side, apart, classified
from projections.questions.snapshot import Cursor
from projections.views.clearing.tables import Set
from projections.views.clearing.view import NAME

SUGGESTIONS: Final = {
    "DUPLICATE_CENTRE": "ASK_CENTRE",
    "ONLY_CENTRE": "VOID_AT_CENTRE",
    "ONLY_LOCAL": "RESEND_OR_REVERSE",
    "STATE_DIFF": "CHECK_REVERSAL",
    "AMOUNT_DIFF": "OPEN_DISPUTE",
}
SCOPES: Final = {
    "L1_DETAILS": "institution = %(counterparty)s",
    TOTALS: "institution = %(counterparty)s",
    "L2": "home <> treatment AND treatment = %(counterparty)s",
    "L3": "home <> treatment AND home = %(counterparty)s",
}
LOCAL: Final = """
    SELECT {ledger} AS ledger, settlement_id AS key, flag, visit_id, total_fen, fund_fen, account_fen, insutype,
        clr_type
    FROM {bills} WHERE {scope} AND business_date BETWEEN %(from)s AND %(to)s AND NOT voided
"""
WRITTEN_AT_ONCE: Final = 2_000
# More memory makes the planner give its workers up, and the join slower; it cannot know that few rows come out.
JOIN_SETTINGS: Final = "SET LOCAL work_mem = '64MB'; SET LOCAL parallel_tuple_cost = 0"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: the other side, and settlement business dates (days), both inclusive."""

    level: str
    counterparty: str
    first: int
    last: int

    def values(self) -> dict[str, Any]:
        return {"counterparty": self.counterparty, "from": self.first, "to": self.last}

    def local(self, *ledgers: Set) -> str:
        """The query for our rows; the column `ledger` is the number of the ledger they are of."""
        scope = SCOPES[self.level]
        return " UNION ALL ".join(
            LOCAL.format(ledger=number, bills=own.named("bills"), scope=scope) for number, own in enumerate(ledgers)
        )


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Whose settlements are compared. `names`: the sources, if discrepancies are to say whose they are.

    `positions`: how far each source's are known, by source.
    """

    sets: Sequence[Set]
    positions: Mapping[str, int]
    names: Sequence[str] | None = None

    @classmethod
    def of(cls, cursor: Cursor, source: str) -> "Ledgers":
        names = sources.every(cursor, NAME) if source == sources.ALL else [source]
        views = [view_of(cursor, name) for name in names]
        positions = {name: view.position for name, view in zip(names, views, strict=True)}
        return cls([view.own for view in views], positions, names if source == sources.ALL else None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is not the same on both sides, how many rows ours are, how many setl_ids are the same."""

    ledgers: Ledgers
    found: Sequence[Found]
    rows_local: int
    matched: int


def reconcile(
    connection: psycopg.Connection[Any], source: str, stream: BinaryIO, asked: Comparison
) -> tuple[dict[str, Any], Mapping[str, int]]:
    """The document, without a receipt, and how far our settlements in it are known. `source`: whose, or `all`.

    `connection`: autocommit, of a role that may make tables.
    """
    file = File(stream, asked.level)
    if asked.level == TOTALS:
        rows = list(file.rows())
        found = snapshot.ask(connection, lambda cursor: _totals(cursor, Ledgers.of(cursor, source), asked, rows))
        return _document(asked, file, len(rows), found), found.ledgers.positions
    with _table(connection) as centre:
        rows_centre = _load(connection, centre, file)
        found = snapshot.ask(
            connection, lambda cursor: _details(cursor, Ledgers.of(cursor, source), asked, centre, rows_centre)
        )
    return _document(asked, file, rows_centre, found), found.ledgers.positions


# --- the file as a table ---------------------------------------------------------------------------------------------


@contextmanager
def _table(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """A table for one file, gone afterwards; so are those of processes that were killed."""
    left = connection.execute("""
        SELECT relname FROM pg_class WHERE relnamespace = 'views'::regnamespace AND relname ~ '^reconciling_[0-9]+$'
            AND substr(relname, 13)::int NOT IN (SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid())
    """).fetchall()
    for (name,) in left:
        connection.execute(f"DROP TABLE IF EXISTS views.{name}")
    name = f"views.reconciling_{connection.info.backend_pid}"
    connection.execute(f"""
        CREATE UNLOGGED TABLE {name} (
            line bigint NOT NULL, total_fen bigint NOT NULL, fund_fen bigint NOT NULL, account_fen bigint NOT NULL,
            flag smallint NOT NULL, key text COLLATE "C", visit_id text COLLATE "C"
        )
    """)
    try:
        yield name
    finally:
        connection.read_only = False
        connection.execute(f"DROP TABLE {name}")


def _load(connection: psycopg.Connection[Any], centre: str, file: File) -> int:
    """Copy the file's rows; how many they are."""
    count = 0
    waiting: list[bytes] = []
    columns = "line, key, flag, visit_id, total_fen, fund_fen, account_fen"
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {centre} ({columns}) FROM STDIN") as copy:
            for row in file.rows():
                waiting.append(_copied(row))
                if len(waiting) == WRITTEN_AT_ONCE:
                    copy.write(b"".join(waiting))
                    count += len(waiting)
                    waiting.clear()
            copy.write(b"".join(waiting))
            count += len(waiting)
        cursor.execute(f"ANALYZE {centre}")
    return count


def _copied(row: Row) -> bytes:
    key, visit = (b"\\N" if text is None else text.replace(b"\\", b"\\\\") for text in (row.key, row.visit_id))
    figures = b"%d\t%d\t%d" % (row.total_fen, row.fund_fen, row.account_fen)
    return b"%d\t%b\t%d\t%b\t%b\n" % (row.line, key, row.flag, visit, figures)


# --- details ---------------------------------------------------------------------------------------------------------


def _details(cursor: Cursor, ledgers: Ledgers, asked: Comparison, centre: str, rows_centre: int) -> Outcome:
    ours = asked.local(*ledgers.sets)
    cursor.execute(JOIN_SETTINGS)
    cursor.execute(differing(ours, centre), asked.values(), prepare=False)
    suspects: set[str] = set()
    nameless: list[int] = []
    only_local = only_centre = 0
    for key, line, is_local, is_centre in cursor:
        only_local += is_local
        only_centre += is_centre
        if key is None:
            nameless.append(line)
        else:
            suspects.add(key)
    shared = _shared(cursor, ledgers, ours, asked)
    suspects |= shared
    rows_local, ids_local = (sum(counts) for counts in zip(*_counts(cursor, ledgers, asked), strict=True))
    if shared or rows_centre - only_centre > rows_local - only_local:
        cursor.execute(
            f"SELECT key FROM {centre} WHERE key IS NOT NULL GROUP BY key, flag HAVING count(*) > 1", prepare=False
        )
        suspects.update(key for (key,) in cursor)
    names = sorted(suspects)
    local = _rows_of(cursor, f"({ours}) AS ours", "0", "ledger", "key = ANY(%(names)s)", asked, names)
    theirs = _rows_of(cursor, centre, "line", "0", "key = ANY(%(names)s)", asked, names)
    alone = _rows_of(cursor, centre, "line", "0", "key IS NULL", asked, names)[None] if nameless else []
    found: list[Found] = [(None, [], [side]) for side in sorted(alone, key=lambda side: side.line)]
    for name in names:
        found += ((name, *sides) for sides in apart(local.get(name, []), theirs.get(name, [])))
    return Outcome(ledgers, found, rows_local, ids_local - sum(bool(one[1]) for one in found))


def differing(local: str, centre: str) -> str:
    """The query for what is on one side only or not the same on both."""
    return f"""
        SELECT coalesce(ours.key, theirs.key), theirs.line, theirs.line IS NULL, ours.key IS NULL
        FROM ({local}) AS ours FULL JOIN {centre} AS theirs ON theirs.key = ours.key AND theirs.flag = ours.flag
        WHERE ours.key IS NULL OR theirs.line IS NULL OR ours.total_fen <> theirs.total_fen
            OR ours.fund_fen <> theirs.fund_fen OR ours.account_fen <> theirs.account_fen
            OR ours.visit_id <> theirs.visit_id
    """


def _shared(cursor: Cursor, ledgers: Ledgers, ours: str, asked: Comparison) -> set[str]:
    """Ids that several ledgers use."""
    if len(ledgers.sets) < 2:
        return set()
    cursor.execute(
        f"SELECT key FROM ({ours}) AS ours GROUP BY key HAVING min(ledger) < max(ledger)", asked.values(), prepare=False
    )
    return {key for (key,) in cursor}


def _counts(cursor: Cursor, ledgers: Ledgers, asked: Comparison) -> Iterator[tuple[int, int]]:
    """Of each ledger: (its rows, the setl_ids among them: a reversal may stand without its settlement, which is of
    other dates)"""
    for own in ledgers.sets:
        cursor.execute(
            f"""
            SELECT count(*), count(*) FILTER (WHERE flag = 0 OR NOT EXISTS (
                SELECT FROM {own.named("bills")} AS bill WHERE bill.settlement_id = ours.key AND bill.flag = 0
                    AND bill.business_date BETWEEN %(from)s AND %(to)s
            )) FROM ({asked.local(own)}) AS ours
            """,
            asked.values(),
            prepare=False,
        )
        ((rows, ids),) = cursor.fetchall()
        yield rows, ids


def _rows_of(
    cursor: Cursor, table: str, line: str, ledger: str, condition: str, asked: Comparison, names: Sequence[str]
) -> dict[str | None, list[Side]]:
    """Rows of one side by setl_id, each by flag, then line."""
    found: dict[str | None, list[Side]] = defaultdict(list)
    cursor.execute(
        f"SELECT key, {line}, flag, visit_id, total_fen, fund_fen, account_fen, 1, {ledger} FROM {table}"
        f" WHERE {condition} ORDER BY flag, 2, 9",
        {**asked.values(), "names": list(names)},
        prepare=False,
    )
    for key, *side in cursor:
        found[key].append(Side(*side))
    return found


# --- totals ----------------------------------------------------------------------------------------------------------


def _totals(cursor: Cursor, ledgers: Ledgers, asked: Comparison, rows: Sequence[Row]) -> Outcome:
    """As `_details`, for sums by insutype, clr_type and flag: those of all ledgers together."""
    cursor.execute(
        "SELECT insutype || '/' || clr_type || '/' || flag, flag, sum(total_fen)::bigint, sum(fund_fen)::bigint,"
        f" sum(account_fen)::bigint, count(*) FROM ({asked.local(*ledgers.sets)}) AS ours"
        " GROUP BY insutype, clr_type, flag",
        asked.values(),
    )
    local = {key: Side(0, flag, None, *figures) for key, flag, *figures in cursor.fetchall()}
    theirs: dict[str, list[Side]] = defaultdict(list)
    found: list[Found] = []
    for row in rows:
        side = Side(row.line, row.flag, None, row.total_fen, row.fund_fen, row.account_fen, row.settlements)
        if row.key is None:
            found.append((None, [], [side]))
        else:
            theirs[row.key.decode()].append(side)
    for key in sorted(local.keys() | theirs.keys()):
        ours = [local[key]] if key in local else []
        if [side.figures for side in ours] != [side.figures for side in theirs.get(key, [])]:
            found.append((key, ours, theirs.get(key, [])))
    return Outcome(ledgers, found, len(local), len(local) - sum(bool(ours) for _, ours, _ in found))


# --- the document ----------------------------------------------------------------------------------------------------


def _document(asked: Comparison, file: File, rows_centre: int, outcome: Outcome) -> dict[str, Any]:
    discrepancies = [_discrepancy(*one, asked.level == TOTALS, outcome.ledgers.names) for one in outcome.found]
    counted = Counter(discrepancy["class"] for discrepancy in discrepancies)
    return {
        "discrepancies": discrepancies,
        "level": asked.level,
        "counterparty": asked.counterparty,
        "from": date_text(asked.first),
        "to": date_text(asked.last),
        "file_sha256": file.sha256,
        "rows_local": outcome.rows_local,
        "rows_centre": rows_centre,
        "matched": outcome.matched,
        **{name.lower(): counted[name] for name in SUGGESTIONS},
        "receipt": None,
    }


def _discrepancy(
    key: str | None, ours: list[Side], theirs: list[Side], totals: bool, names: Sequence[str] | None
) -> dict[str, Any]:
    """`source` of a national one: null if nobody has the settlement, and of totals, which are the nation's."""
    name = classified(key, ours, theirs)
    whose = None if names is None or totals or not ours else names[ours[0].ledger]
    return {
        **({} if names is None else {"source": whose}),
        "class": name,
        "setl_id": key,
        "file_lines": sorted(side.line for side in theirs),
        "local": [_side(side, totals) for side in ours],
        "centre": [_side(side, totals) for side in theirs],
        "suggestion": SUGGESTIONS[name],
    }


def _side(side: Side, totals: bool) -> dict[str, Any]:
    shown = {
        "refd_setl_flag": side.flag,
        "total_fen": side.total_fen,
        "fund_fen": side.fund_fen,
        "account_fen": side.account_fen,
        "visit_id": side.visit_id,
    }
    return {**shown, "setl_cnt": side.count} if totals else shown
