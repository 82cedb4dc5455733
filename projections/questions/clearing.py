"""What a cycle came to: its table, its notices and how far they are paid, who owes whom net (queries.md section 4)."""

from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ledger.core.calendar import last_day
from ledger.core.configuration import Configuration
from ledger.families.clearing.notice import Owed, is_set_off, notice_name, owed
from ledger.families.clearing.prepayment import usage
from ledger.families.clearing.table import TableRow
from ledger.store import lines as store_lines
from projections.questions.clearing_lines import Calendar, View, preview_limit, view_of
from projections.questions.reach import up_to
from projections.questions.snapshot import Cursor, Unknown
from projections.views.clearing.view import NAME

Pair = tuple[str, str, str]
"""book, home, treatment"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows or pairs: None means any."""

    book: str | None = None
    home: str | None = None
    treatment: str | None = None

    def takes(self, book: str, home: str, treatment: str) -> bool:
        return self.book in (None, book) and self.home in (None, home) and self.treatment in (None, treatment)


ALL = Wanted()


# --- table -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """What one ledger's cut-off of a month took, or would take now (state OPEN: no positions, no digest).

    `passed`: it can take nothing any more, because a later month was cut off.
    """

    state: str
    rows: list[TableRow]
    line_count: int
    deferred_count: int
    alarm_count: int
    after_position: int | None = None
    cut_off_position: int | None = None
    table_digest: str | None = None
    passed: bool = False


def taken(cursor: Cursor, view: View, month: str, config: Configuration) -> Taken:
    """The table of a cycle; of a month not cut off yet, what a cut-off now would take."""
    calendar = Calendar(cursor, view.own)
    state = calendar.state(month)
    if state == "OPEN":
        made = store_lines.cut_off_table(cursor, view.own, month, preview_limit(config, month))
        passed = bool(calendar.cycles) and month < calendar.cycles[-1]
        return Taken(state, made.rows, made.line_count, made.deferred_count, made.alarm_count, passed=passed)
    rows = store_lines.cycle_rows(cursor, view.own, month)
    cursor.execute(
        f"SELECT line_count, deferred_count, alarm_count, table_digest FROM {view.own.cycles} WHERE cycle = %s",
        (month,),
    )
    line_count, deferred_count, alarm_count, digest = cursor.fetchall()[0]
    index = calendar.cycles.index(month)
    after = calendar.positions[index - 1] if index else 0
    return Taken(state, rows, line_count, deferred_count, alarm_count, after, calendar.positions[index], digest)


def table(cursor: Cursor, source: str, month: str, config: Configuration, wanted: Wanted = ALL) -> dict[str, Any]:
    """One ledger's table of a month."""
    view = view_of(cursor, source)
    found = taken(cursor, view, month, config)
    rows = [row for row in found.rows if wanted.takes(row.book, row.home, row.treatment)]
    return {
        "rows": row_objects(rows),
        "cycle": month,
        "state": found.state,
        "after_position": found.after_position,
        "cut_off_position": found.cut_off_position,
        "line_count": found.line_count,
        "deferred_count": found.deferred_count,
        "alarm_count": found.alarm_count,
        "deduction_fen": sum(row.deduction_fen for row in rows),
        "payable_fen": sum(row.payable_fen for row in rows),
        "table_digest": found.table_digest,
        "position": view.position,
    }


# --- notices ---------------------------------------------------------------------------------------------------------


def notices(cursor: Cursor, source: str, month: str, config: Configuration, wanted: Wanted = ALL) -> dict[str, Any]:
    """What each pair has to pay for a closed cycle, and how far it did."""
    view = view_of(cursor, source)
    calendar = Calendar(cursor, view.own)
    found = notice_objects(cursor, view, calendar, month, config)
    return {
        "notices": [notice for notice in found if wanted.takes(notice["book"], notice["home"], notice["treatment"])],
        "cycle": month,
        "state": calendar.state(month),
        "position": view.position,
    }


def notice_objects(
    cursor: Cursor, view: View, calendar: Calendar, month: str, config: Configuration
) -> list[dict[str, Any]]:
    """Every notice of a cycle, issued or not, by pair; none unless the cycle is closed."""
    if calendar.state(month) != "CLOSED":
        return []
    issued = _issued(cursor, view, month)
    totals, brought = _totals(cursor, view, month, calendar, config, issued.keys())
    remitted = _remitted(cursor, view, month)
    bases = _bases(cursor, view, calendar.closed[month])
    cursor.execute(f"SELECT home, treatment FROM {view.own.named('alerts')} WHERE cycle = %s", (month,))
    alerts = set(cursor.fetchall())
    found = []
    of_month = {pair_of(name): figures for name, figures in issued.items() if name.startswith(month)}
    for pair in sorted(totals.keys() | brought.keys() | of_month.keys()):
        book, home, treatment = pair
        notice_id = notice_name(month, *pair)
        payable = totals.get(pair, 0)
        carries = _carries(config, month, home)
        due = owed(home, treatment, payable, brought.get(pair, 0), carries)
        if due.payer == treatment and _is_set_off(cursor, view, calendar, month, pair, due):
            due = due._replace(payer=None, payee=None)
        figures = of_month.get(pair) or (*due, due.amount_fen)
        paid = remitted.get(notice_id, 0)
        prepayment = None
        if book == "MEDICAL":
            base = bases.get((home, treatment), 0)
            level, per_mille = usage(config, month, payable, base)
            raised = (home, treatment) in alerts
            prepayment = {"base_fen": base, "usage_per_mille": per_mille, "level": level, "alert_raised": raised}
        found.append(
            {
                "notice_id": notice_id,
                "book": book,
                "home": home,
                "treatment": treatment,
                "payable_fen": figures[0],
                "brought_forward_fen": figures[1],
                "payer": figures[2],
                "payee": figures[3],
                "amount_fen": figures[4],
                "issued": pair in of_month,
                "remitted_fen": paid,
                "outstanding_fen": figures[4] - paid,
                "prepayment": prepayment,
            }
        )
    return found


def pair_of(notice_id: str) -> Pair:
    """The pair that a notice_id names."""
    *_, book, home, treatment = notice_id.split("-")
    return book, home, treatment


def _carries(config: Configuration, month: str, home: str) -> bool:
    return bool(config.value("clearing.negative_pair", last_day(month), home) == "CARRY")


def _totals(
    cursor: Cursor, view: View, month: str, calendar: Calendar, config: Configuration, issued: Container[str]
) -> tuple[dict[Pair, int], dict[Pair, int]]:
    """Pair totals of the cycle, and what the closed cycles before it carried into it (not 0).

    Nothing is carried that a notice was issued for.
    """
    cursor.execute(
        f"SELECT cycle, book, home, treatment, sum(payable_fen)::bigint FROM {view.own.rows}"
        " WHERE cycle <= %s GROUP BY 1, 2, 3, 4",
        (month,),
    )
    by_cycle: dict[str, dict[Pair, int]] = defaultdict(dict)
    for cycle, book, home, treatment, payable in cursor.fetchall():
        by_cycle[cycle][book, home, treatment] = payable
    carried: dict[Pair, int] = {}
    for cycle in (one for one in calendar.cycles if one < month):
        totals = by_cycle[cycle]
        nets = {pair: totals.get(pair, 0) + carried.get(pair, 0) for pair in totals.keys() | carried.keys()}
        carried = {
            pair: net
            for pair, net in nets.items()
            if net < 0 and _carries(config, cycle, pair[1]) and notice_name(cycle, *pair) not in issued
        }
    return by_cycle[month], carried


def _is_set_off(cursor: Cursor, view: View, calendar: Calendar, month: str, pair: Pair, due: Owed) -> bool:
    """Whether a later notice has what the cycle came to, below zero, in what was brought forward to it."""
    values = {"month": month, "book": pair[0], "home": pair[1], "treatment": pair[2]}
    cursor.execute(
        f"SELECT cycle, sum(payable_fen)::bigint FROM {view.own.rows} WHERE cycle > %(month)s AND book = %(book)s"
        " AND home = %(home)s AND treatment = %(treatment)s GROUP BY cycle",
        values,
    )
    payable = dict(cursor.fetchall())
    later = [cycle for cycle in calendar.cycles if cycle > month]
    cursor.execute(
        "SELECT cycle, CASE payer WHEN %(home)s THEN amount_fen ELSE -amount_fen END"
        f" FROM {view.own.named('notices')} WHERE notice_id = ANY(%(names)s)",
        {**values, "names": [notice_name(cycle, *pair) for cycle in later]},
    )
    asked = dict(cursor.fetchall())
    net = due.payable_fen + due.brought_forward_fen
    return is_set_off(net, ((payable.get(cycle, 0), asked.get(cycle)) for cycle in later))


def _issued(cursor: Cursor, view: View, month: str) -> dict[str, tuple[Any, ...]]:
    """Notices up to a cycle: what was issued stays as it was issued."""
    cursor.execute(
        "SELECT notice_id, payable_fen, brought_forward_fen, payer, payee, amount_fen"
        f" FROM {view.own.named('notices')} WHERE cycle <= %s",
        (month,),
    )
    return {notice_id: tuple(figures) for notice_id, *figures in cursor.fetchall()}


def _remitted(cursor: Cursor, view: View, month: str) -> dict[str, int]:
    """Remittances less returned ones."""
    cursor.execute(
        "SELECT notice_id, sum(CASE method WHEN 'RETURN' THEN -paid.amount_fen ELSE paid.amount_fen END)::bigint"
        f" FROM {view.own.named('remittances')} AS paid JOIN {view.own.named('notices')} USING (notice_id)"
        " WHERE cycle = %s GROUP BY notice_id",
        (month,),
    )
    return dict(cursor.fetchall())


def _bases(cursor: Cursor, view: View, closed_at: int) -> dict[tuple[str, str], int]:
    """Balances of prepayments from events earlier than the close."""
    cursor.execute(
        f"SELECT home, treatment, sum(amount_fen)::bigint FROM {view.own.named('prepayments')}"
        " WHERE position < %s GROUP BY 1, 2",
        (closed_at,),
    )
    return {(home, treatment): base for home, treatment, base in cursor.fetchall()}


# --- net -------------------------------------------------------------------------------------------------------------


def net(cursor: Cursor, source: str, month: str, book: str | None = None) -> dict[str, Any]:
    """Both directions of each two provinces set off: for information, nobody pays by it."""
    view = view_of(cursor, source)
    if Calendar(cursor, view.own).state(month) == "OPEN":
        raise Unknown("cycle_unknown", f"{month} was never cut off {up_to(cursor, source, view.position, NAME)}")
    return {
        "pairs": set_off(store_lines.cycle_rows(cursor, view.own, month), book),
        "cycle": month,
        "position": view.position,
        "information_only": True,
    }


def set_off(rows: Iterable[TableRow], wanted: str | None) -> list[dict[str, Any]]:
    """The pair objects of a table's rows, of one book or of both."""
    totals: dict[Pair, int] = defaultdict(int)
    for row in rows:
        if wanted in (None, row.book):
            totals[row.book, row.home, row.treatment] += row.payable_fen
    return list(_pairs(totals))


def _pairs(totals: dict[Pair, int]) -> Iterable[dict[str, Any]]:
    for book, a, b in sorted({(book, min(pair), max(pair)) for book, *pair in totals}):
        a_owes_b, b_owes_a = totals.get((book, a, b), 0), totals.get((book, b, a), 0)
        balance = a_owes_b - b_owes_a
        payer, payee = (a, b) if balance > 0 else (b, a) if balance else (None, None)
        yield {
            "book": book,
            "a": a,
            "b": b,
            "a_owes_b_fen": a_owes_b,
            "b_owes_a_fen": b_owes_a,
            "net_payer": payer,
            "net_payee": payee,
            "net_fen": abs(balance),
        }


def row_objects(rows: Iterable[TableRow]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]
