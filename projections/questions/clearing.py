"""What a cycle came to: its table, its notices and how far they are paid, who owes whom net (queries.md section 4)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ledger.core.calendar import last_day
from ledger.core.configuration import Configuration
from ledger.families.clearing.notice import owed
from ledger.families.clearing.prepayment import usage
from ledger.families.clearing.table import TableRow
from ledger.store import lines as store_lines
from projections.questions.clearing_lines import Calendar, View, preview_limit, view_of
from projections.questions.snapshot import Cursor, Unknown

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


def table(cursor: Cursor, source: str, month: str, config: Configuration, wanted: Wanted = ALL) -> dict[str, Any]:
    """The table of a cycle; of a month not cut off yet, what a cut-off now would take."""
    view = view_of(cursor, source)
    calendar = Calendar(cursor, view.own, config)
    state = calendar.state(month)
    if state == "OPEN":
        made = store_lines.cut_off_table(cursor, view.own, month, preview_limit(config, month))
        rows, counts = made.rows, (made.line_count, made.deferred_count, made.alarm_count)
        after, position, digest = None, None, None
    else:
        rows = store_lines.cycle_rows(cursor, view.own, month)
        cursor.execute(
            f"SELECT line_count, deferred_count, alarm_count, table_digest FROM {view.own.cycles} WHERE cycle = %s",
            (month,),
        )
        *counts_found, digest = cursor.fetchall()[0]
        counts = tuple(counts_found)
        index = calendar.cycles.index(month)
        after, position = calendar.positions[index - 1] if index else 0, calendar.positions[index]
    rows = [row for row in rows if wanted.takes(row.book, row.home, row.treatment)]
    return {
        "rows": row_objects(rows),
        "cycle": month,
        "state": state,
        "after_position": after,
        "cut_off_position": position,
        "line_count": counts[0],
        "deferred_count": counts[1],
        "alarm_count": counts[2],
        "deduction_fen": sum(row.deduction_fen for row in rows),
        "payable_fen": sum(row.payable_fen for row in rows),
        "table_digest": digest,
        "position": view.position,
    }


# --- notices ---------------------------------------------------------------------------------------------------------


def notices(cursor: Cursor, source: str, month: str, config: Configuration, wanted: Wanted = ALL) -> dict[str, Any]:
    """What each pair has to pay for a closed cycle, and how far it did."""
    view = view_of(cursor, source)
    calendar = Calendar(cursor, view.own, config)
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
    totals, brought = _totals(cursor, view, month, calendar, config)
    issued = _issued(cursor, view, month)
    remitted = _remitted(cursor, view, month)
    bases = _bases(cursor, view, calendar.closed[month])
    cursor.execute(f"SELECT home, treatment FROM {view.own.named('alerts')} WHERE cycle = %s", (month,))
    alerts = set(cursor.fetchall())
    found = []
    for pair in sorted(totals.keys() | brought.keys()):
        book, home, treatment = pair
        notice_id = f"{month}-{book}-{home}-{treatment}"
        payable = totals.get(pair, 0)
        carries = _carries(config, month, home)
        due = owed(home, treatment, payable, brought.get(pair, 0), carries)
        figures = issued.get(notice_id) or (*due, due.amount_fen)
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
                "issued": notice_id in issued,
                "remitted_fen": paid,
                "outstanding_fen": figures[4] - paid,
                "prepayment": prepayment,
            }
        )
    return found


def _carries(config: Configuration, month: str, home: str) -> bool:
    return bool(config.value("clearing.negative_pair", last_day(month), home) == "CARRY")


def _totals(
    cursor: Cursor, view: View, month: str, calendar: Calendar, config: Configuration
) -> tuple[dict[Pair, int], dict[Pair, int]]:
    """Pair totals of the cycle, and what the closed cycles before it carried into it (not 0)."""
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
        carried = {pair: net for pair, net in nets.items() if net < 0 and _carries(config, cycle, pair[1])}
    return by_cycle[month], carried


def _issued(cursor: Cursor, view: View, month: str) -> dict[str, tuple[Any, ...]]:
    """What was issued stays as it was issued."""
    cursor.execute(
        "SELECT notice_id, payable_fen, brought_forward_fen, payer, payee, amount_fen"
        f" FROM {view.own.named('notices')} WHERE cycle = %s",
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


def net(cursor: Cursor, source: str, month: str, config: Configuration, book: str | None = None) -> dict[str, Any]:
    """Both directions of each two provinces set off: for information, nobody pays by it."""
    view = view_of(cursor, source)
    if Calendar(cursor, view.own, config).state(month) == "OPEN":
        raise Unknown("cycle_unknown", f"{month} was never cut off")
    pairs = store_lines.pair_totals(cursor, view.own, month)
    totals = {(pair["book"], pair["home"], pair["treatment"]): pair["payable_fen"] for pair in pairs}
    return {
        "pairs": list(_set_off({pair: total for pair, total in totals.items() if book in (None, pair[0])})),
        "cycle": month,
        "position": view.position,
        "information_only": True,
    }


def _set_off(totals: dict[Pair, int]) -> Iterable[dict[str, Any]]:
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
