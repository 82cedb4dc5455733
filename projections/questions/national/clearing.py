"""The nation's clearing: tables added up by key, lines and notices of every ledger under its name.

Each ledger cuts off and closes its own lines. A month of the nation is cut off when it is in every ledger that has it,
and closed likewise. A ledger has a month that it cut off, or of which it holds lines that it could still cut off: as
long as there is one of those, the sums may change, so the month is open.
"""

from collections.abc import Iterator
from typing import Any

from ledger.core.configuration import Configuration
from ledger.families.clearing.table import summed, table_digest
from projections.questions import clearing, clearing_lines, sources
from projections.questions.clearing import ALL, Taken, Wanted
from projections.questions.clearing_lines import Calendar, View, view_of
from projections.questions.national.marks import Element, marked
from projections.questions.reach import in_all
from projections.questions.snapshot import Cursor, Unknown
from projections.views.clearing.view import NAME

STATES = ("OPEN", "CUT_OFF", "CLOSED")


class Lines:
    """The lines wanted of all ledgers, by source, position and number."""

    def __init__(self, cursor: Cursor, wanted: clearing_lines.Wanted) -> None:
        self._parts = {source: clearing_lines.Lines(cursor, source, wanted) for source in sources.every(cursor, NAME)}

    def rows(self) -> Iterator[Element]:
        """The line objects, as they are read."""
        for source, part in self._parts.items():
            yield from marked(source, part.rows())

    def rest(self) -> dict[str, Any]:
        """What the document says beside its lines; right once all of them were read."""
        return {
            "count": sum(part.count for part in self._parts.values()),
            "amount_fen": sum(part.amount_fen for part in self._parts.values()),
            "position": {source: part.position for source, part in self._parts.items()},
        }


def table(cursor: Cursor, month: str, config: Configuration, wanted: Wanted = ALL) -> dict[str, Any]:
    """The rows of all ledgers added up by key; the digest is that of the sums."""
    views = views_of(cursor)
    having = {source: taken for source, taken in _taken(cursor, views, month, config).items() if _has(taken)}
    state = min((taken.state for taken in having.values()), key=STATES.index, default="OPEN")
    every = summed(month, (taken.rows for taken in having.values()))
    rows = [row for row in every if wanted.takes(row.book, row.home, row.treatment)]
    return {
        "rows": clearing.row_objects(rows),
        "cycle": month,
        "state": state,
        "after_position": {source: taken.after_position for source, taken in having.items()},
        "cut_off_position": {source: taken.cut_off_position for source, taken in having.items()},
        "line_count": sum(taken.line_count for taken in having.values()),
        "deferred_count": sum(taken.deferred_count for taken in having.values()),
        "alarm_count": sum(taken.alarm_count for taken in having.values()),
        "deduction_fen": sum(row.deduction_fen for row in rows),
        "payable_fen": sum(row.payable_fen for row in rows),
        "table_digest": None if state == "OPEN" else table_digest(every),
        "position": _positions(views),
    }


def notices(cursor: Cursor, month: str, config: Configuration, wanted: Wanted = ALL) -> dict[str, Any]:
    """The notices of every ledger that has closed the month: they were issued, whatever other ledgers still do."""
    views = views_of(cursor)
    found = {source: clearing.notices(cursor, source, month, config, wanted) for source in views}
    every = [one for source, said in found.items() for one in marked(source, said["notices"])]
    return {
        "notices": sorted(every, key=lambda one: (one["book"], one["home"], one["treatment"], one["source"])),
        "cycle": month,
        "state": state(cursor, views, month, config),
        "position": _positions(views),
    }


def net(cursor: Cursor, month: str, config: Configuration, book: str | None = None) -> dict[str, Any]:
    """Both directions of each two provinces set off, over all ledgers that have cut the month off."""
    views = views_of(cursor)
    cut = [taken.rows for taken in _taken(cursor, views, month, config).values() if taken.state != "OPEN"]
    if not cut:
        raise Unknown("cycle_unknown", f"{month} was never cut off {in_all(cursor, _positions(views), NAME)}")
    return {
        "pairs": clearing.set_off((row for rows in cut for row in rows), book),
        "cycle": month,
        "position": _positions(views),
        "information_only": True,
    }


def state(cursor: Cursor, views: dict[str, View], month: str, config: Configuration) -> str:
    """OPEN, CUT_OFF or CLOSED, as the last of the ledgers that have the month."""
    states = (_state(cursor, view, month, config) for view in views.values())
    return min((one for one in states if one is not None), key=STATES.index, default="OPEN")


def cycles(cursor: Cursor, views: dict[str, View], config: Configuration) -> list[dict[str, str]]:
    """Every month that some ledger has cut off, with its state in the nation."""
    months = {month for view in views.values() for month in Calendar(cursor, view.own).cycles}
    return [{"cycle": month, "state": state(cursor, views, month, config)} for month in sorted(months)]


def _state(cursor: Cursor, view: View, month: str, config: Configuration) -> str | None:
    """None if the ledger does not have the month."""
    found = Calendar(cursor, view.own).state(month)
    if found != "OPEN":
        return found
    return found if _has(clearing.taken(cursor, view, month, config)) else None


def views_of(cursor: Cursor) -> dict[str, View]:
    """Each ledger's clearing tables in this snapshot."""
    return {source: view_of(cursor, source) for source in sources.every(cursor, NAME)}


def _taken(cursor: Cursor, views: dict[str, View], month: str, config: Configuration) -> dict[str, Taken]:
    return {source: clearing.taken(cursor, view, month, config) for source, view in views.items()}


def _has(taken: Taken) -> bool:
    if taken.state != "OPEN":
        return True
    return not taken.passed and taken.line_count + taken.deferred_count > 0


def _positions(views: dict[str, View]) -> dict[str, int]:
    return {source: view.position for source, view in views.items()}
