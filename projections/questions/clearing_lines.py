"""Clearing lines as people ask for them, each with the state that cut-offs and closes have given it (queries.md 4).

The state is told from dates and positions like everything about cut-offs, so a line never had to be marked. A positive
line is deferred by every cut-off from the first that could have taken it to the one before that which did.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.core.calendar import date_text, instant_text, last_day
from ledger.core.configuration import Configuration
from ledger.families.clearing.lines import CONTRA
from ledger.store import cut_off
from projections import tracking
from projections.questions.snapshot import Cursor
from projections.views.clearing import tables
from projections.views.clearing.tables import Set
from projections.views.clearing.view import NAME

ROWS_AT_ONCE: Final = 5_000
STATES: Final = ("OPEN", "CONFIRMED", "CUT_OFF", "CLOSED")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: None means any. `settlement_id`: of a settlement, spend or pass."""

    cycle: str | None = None
    state: str | None = None
    deferred: bool = False
    book: str | None = None
    home: str | None = None
    treatment: str | None = None
    settlement_id: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """One source's clearing tables in this snapshot, and the position they have reached."""

    own: Set
    position: int


def view_of(cursor: Cursor, source: str) -> View:
    version, position = tracking.position_of(cursor, NAME, source)
    return View(tables.find(cursor, version, source), position)


class Calendar:
    """The cut-offs so far, in order, with what each raised an alarm above."""

    def __init__(self, cursor: Cursor, own: Set) -> None:
        cursor.execute(
            f"SELECT cycle, position, last_day, alarms_above, closed_at FROM {own.cycles} JOIN {own.named('calendar')}"
            " USING (cycle) ORDER BY position"
        )
        found = cursor.fetchall()
        self.cycles: list[str] = [row[0] for row in found]
        self.positions: list[int] = [row[1] for row in found]
        self.last_days: list[int] = [row[2] for row in found]
        self.alarms_above: list[int | None] = [row[3] for row in found]
        self.closed: dict[str, int] = {row[0]: row[4] for row in found if row[4] is not None}

    def state(self, cycle: str) -> str:
        if cycle in self.closed:
            return "CLOSED"
        return "CUT_OFF" if cycle in self.cycles else "OPEN"

    def deferrals(self, position: int, business_date: int, cycle: str | None) -> tuple[int, bool]:
        """How often a positive line of that position and date, taken by `cycle`, was deferred; whether in alarm."""
        first = max(bisect_right(self.positions, position), bisect_left(self.last_days, business_date))
        end = len(self.cycles) if cycle is None else self.cycles.index(cycle)
        count = max(0, end - first)
        above = self.alarms_above[end - 1] if count else None
        return count, above is not None and count > above


class Lines:
    """The lines wanted, read as they are written out; their sums grow with them."""

    def __init__(self, cursor: Cursor, source: str, wanted: Wanted) -> None:
        self._cursor = cursor
        self._name = f"clearing_lines_{source}"
        self._wanted = wanted
        self._view = view_of(cursor, source)
        self._calendar = Calendar(cursor, self._view.own)
        self.position = self._view.position
        self.count = self.amount_fen = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """The line objects, by position and number."""
        if self._wanted.cycle is not None and self._calendar.state(self._wanted.cycle) == "OPEN":
            return
        with self._cursor.connection.cursor(self._name) as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(*statement(self._cursor, self._view.own, self._wanted))
            for row in cursor:
                line = line_object(row, self._calendar)
                self.count += 1
                self.amount_fen += line["amount_fen"]
                yield line

    def rest(self) -> dict[str, Any]:
        """What the document says beside its lines; right once all of them were read."""
        return {"count": self.count, "amount_fen": self.amount_fen, "position": self.position}


def all_lines(cursor: Cursor, view: View, wanted: Wanted) -> list[dict[str, Any]]:
    """The line objects of a few lines."""
    calendar = Calendar(cursor, view.own)
    cursor.execute(*statement(cursor, view.own, wanted))
    return [line_object(row, calendar) for row in cursor.fetchall()]


COLUMNS: Final = """
    l.position, l.n, l.kind, l.book, l.home, l.treatment, l.insutype, l.clr_type, l.total_fen, l.account_fen,
    l.other_fen, l.deduction_fen, l.fund_types, l.fund_amounts, l.unit_key, l.reverses_position, l.reverses_n,
    l.business_date, l.occurred_at, l.institution, l.card_id::text, u.confirmed, u.disputed, u.held, taken.cycle
"""


def statement(cursor: Cursor, own: Set, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """The query for the wanted lines, and its values."""
    values: dict[str, Any] = {"wanted_cycle": wanted.cycle}
    conditions = ["NOT u.voided"]
    source = f"{own.lines} l"
    if wanted.cycle is not None:
        past = cut_off.past_cut(cursor, own, wanted.cycle)
        values.update(past.values())
        source = "(" + " UNION ALL ".join(f"SELECT l.* {part}" for part in cut_off.taken_lines(own)) + ") l"
    for name in ("book", "home", "treatment"):
        if getattr(wanted, name) is not None:
            conditions.append(f"l.{name} = %({name})s")
            values[name] = getattr(wanted, name)
    if wanted.settlement_id is not None:
        values["units"] = [f"{kind}:{wanted.settlement_id}" for kind in ("settlement", "spend", "pass")]
        mine = "unit_key = ANY(%(units)s)"
        source = (
            f"(SELECT l.* FROM {own.lines} l JOIN {own.units} u USING (position) WHERE u.{mine}"
            f" UNION ALL SELECT * FROM {own.lines} WHERE {mine} AND {cut_off.CONTRA}) l"
        )
    if wanted.deferred:
        conditions.append(f"NOT l.{cut_off.CONTRA} AND taken.cycle IS NULL")
        conditions.append(
            f"EXISTS (SELECT FROM {own.cycles} c WHERE c.position > u.position AND c.last_day >= u.business_date)"
        )
    if wanted.state is not None:
        closed = f"EXISTS (SELECT FROM {own.named('calendar')} c WHERE c.cycle = taken.cycle AND closed_at IS NOT NULL)"
        conditions.append(
            {
                "OPEN": f"taken.cycle IS NULL AND (l.{cut_off.CONTRA} OR NOT u.confirmed)",
                "CONFIRMED": f"taken.cycle IS NULL AND NOT l.{cut_off.CONTRA} AND u.confirmed",
                "CUT_OFF": f"taken.cycle IS NOT NULL AND NOT {closed}",
                "CLOSED": closed,
            }[wanted.state]
        )
    text = f"""
        SELECT {COLUMNS} FROM {source} JOIN {own.units} u USING (unit_key)
        CROSS JOIN LATERAL (SELECT coalesce(u.cycle, (
            SELECT min(c.cycle) FROM {own.cycles} c WHERE c.position > u.touched AND c.last_day >= u.eligible_on
        )) AS cycle) AS unit
        CROSS JOIN LATERAL (SELECT CASE WHEN l.{cut_off.CONTRA} THEN (
            SELECT min(c.cycle) FROM {own.cycles} c
            WHERE c.position > l.position AND c.last_day >= l.effective_date AND c.cycle >= unit.cycle
        ) ELSE unit.cycle END AS cycle) AS taken
        WHERE {" AND ".join(conditions)} ORDER BY l.position, l.n
    """
    return text, values


def line_object(row: Sequence[Any], calendar: Calendar) -> dict[str, Any]:
    position, n, kind, book, home, treatment, insutype, clr_type, total, account, other, deduction = row[:12]
    types, amounts, unit_key, reverses_position, reverses_n, business_date, occurred_at, institution, card_id = row[
        12:21
    ]
    confirmed, disputed, held, cycle = row[21:]
    contra = kind in CONTRA
    funds = dict(zip(types.split(","), amounts, strict=True)) if types else {}
    fund = sum(amounts)
    day = date_text(business_date)
    deferrals, alarm = (0, False) if contra else calendar.deferrals(position, business_date, cycle)
    return {
        "line_id": f"{position}-{n}",
        "kind": kind,
        "book": book,
        "home": home,
        "treatment": treatment,
        "insutype": insutype,
        "clr_type": clr_type,
        "amount_fen": fund + account + other - deduction,
        "total_fen": total,
        "fund_fen": fund,
        "account_fen": account,
        "other_fen": other,
        "deduction_fen": deduction,
        "funds": funds,
        "settlement_id": unit_key.partition(":")[2],
        "reverses": None if reverses_position is None else f"{reverses_position}-{reverses_n}",
        "business_date": day,
        "origin_period": day[:7],
        "occurred_at": instant_text(occurred_at),
        "institution": institution,
        "card_id": card_id,
        "state": calendar.state(cycle) if cycle else "CONFIRMED" if confirmed and not contra else "OPEN",
        "disputed": disputed and not contra,
        "held": held and not contra,
        "deferrals": deferrals,
        "alarm": alarm,
        "cycle": cycle,
        "position": position,
    }


def preview_limit(config: Configuration, month: str) -> int:
    """The limit of deferrals that a cut-off on the last day of the month would be decided under."""
    limit: int = config.value("clearing.max_deferrals", last_day(month))
    return limit
