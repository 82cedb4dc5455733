"""The clearing view: pages become lines, units, bills and, at a cut-off, the table of the cycle.

A cut-off divides a page, since it takes what was recorded before it and nothing later. The view then makes the table
from its own lines; if that is not the table the ledger recorded, the source is broken and following it stops.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ledger.families.clearing.table import CutOffTable, alarms
from ledger.store import lines as store_lines
from projections.feed.port import Broken, Page, Record, refused_by
from projections.findings import Finding
from projections.views.clearing import tables
from projections.views.clearing.loader import ClearingLoader
from projections.views.clearing.stretch import Stretch
from projections.views.clearing.tables import Set
from projections.views.clearing.units import CutOff, Unnamed
from projections.views.layout import other_layouts
from projections.views.port import Cursor

NAME = "clearing"
COMPARED = ("line_count", "row_count", "deferred_count", "table_digest")


class Clearing:
    name = NAME
    shareable = False

    def create(self, cursor: Cursor, version: int) -> None:
        tables.create(cursor, version)

    def drop(self, cursor: Cursor, version: int) -> None:
        tables.drop(cursor, version)

    def apply(self, cursor: Cursor, version: int, page: Page) -> None:
        own = tables.open_set(cursor, version, page.source)
        for stretch, cut_off in _stretches(own, page):
            try:
                stretch.write(cursor, partial(cut_offs, cursor, own))
            except Unnamed as error:
                raise refused_by(NAME, f"source {page.source}: {error}", error.position) from error
            if cut_off is not None:
                _cut_off(cursor, own, cut_off)

    def loader(self, version: int, source: str) -> ClearingLoader:
        return ClearingLoader(partial(self.apply, version=version), version, source)

    def differences(self, cursor: Cursor, version: int, other: int, source: str) -> list[Finding]:
        mine, right = tables.find(cursor, version, source), tables.find(cursor, other, source)
        subjects = (f"{NAME}_{name.removeprefix(right.prefix)}" for name in right.names)
        if found := other_layouts(cursor, zip(subjects, mine.names, right.names, strict=True)):
            return found
        for table, table_right in zip(mine.names, right.names, strict=True):
            name = table.removeprefix(mine.prefix)
            kind = "table_differs" if name in ("cycles", "rows", "calendar") else "line_differs"
            cursor.execute(
                f"""
                SELECT position, subject, bool_or(mine), bool_or(NOT mine) FROM (
                    SELECT {SUBJECT[name]}, true AS mine FROM (TABLE {table} EXCEPT ALL TABLE {table_right}) AS extra
                    UNION ALL
                    SELECT {SUBJECT[name]}, false FROM (TABLE {table_right} EXCEPT ALL TABLE {table}) AS missing
                ) AS differing GROUP BY 1, 2 ORDER BY 1, 2
                """,
                prepare=False,
            )
            for position, subject, extra, missing in cursor.fetchall():
                said = (
                    "is not what"
                    if extra and missing
                    else "is there, but not by what"
                    if extra
                    else "is missing by what"
                )
                found.append(Finding(kind, f"{name} {subject}", position, f"it {said} the log says"))
        return found

    def replace(self, cursor: Cursor, version: int, other: int, source: str) -> None:
        mine, right = tables.open_set(cursor, version, source), tables.find(cursor, other, source)
        for table, table_right in zip(mine.names, right.names, strict=True):
            columns = tables.written_columns(cursor, table)
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table_right}")


# table -> position and name of the thing a differing row is about
SUBJECT = {
    "lines": "position, position || '-' || n AS subject",
    "units": "position, unit_key AS subject",
    "cycles": "position, cycle AS subject",
    "rows": "NULL::bigint AS position, concat_ws(' ', cycle, book, home, treatment, insutype, clr_type) AS subject",
    "bills": "position, settlement_id AS subject",
    "acts": "position, unit_key AS subject",
    "calendar": "NULL::bigint AS position, cycle AS subject",
    "notices": "NULL::bigint AS position, notice_id AS subject",
    "remittances": "position, remittance_id AS subject",
    "prepayments": "position, home || ':' || treatment AS subject",
    "alerts": "NULL::bigint AS position, concat_ws(' ', cycle, home, treatment) AS subject",
}


def cut_offs(cursor: Cursor, own: Set) -> list[CutOff]:
    """Every cut-off recorded so far, in order."""
    cursor.execute(f"SELECT cycle, last_day, position FROM {own.cycles} ORDER BY position")
    return [CutOff(*row) for row in cursor.fetchall()]


def _stretches(own: Set, page: Page) -> Iterator[tuple[Stretch, Record | None]]:
    """The page cut at its cut-offs: each stretch with the CycleCutOff that ends it, if one does."""
    stretch = Stretch(own)
    for record in page.records:
        if record.name == "CycleCutOff":
            yield stretch, record
            stretch = Stretch(own)
        else:
            stretch.take(record)
    yield stretch, None


def _cut_off(cursor: Cursor, own: Set, record: Record) -> None:
    """Make the table from the view's own lines, compare it with what the ledger recorded, keep it.

    Units opened later may be there already: a loader opens all of them before anything that depends on order.
    """
    event, month = record.event, record.event["cycle"]
    cursor.execute(f"ANALYZE {own.lines}, {own.units}")
    table = store_lines.cut_off_table(cursor, own, month, 0, record.position)
    differing = [name for name in COMPARED if getattr(table, name) != event[name]]
    above = alarms_above(table, event["alarm_count"])
    if event["alarm_count"] != (0 if above is None else alarms(table.deferrals, above)):
        differing.append("alarm_count")
    if differing:
        told = "; ".join(f"{name} {getattr(table, name)}, recorded {event[name]}" for name in differing)
        raise Broken(
            f"source {record.source}, position {record.position}: the lines of cycle {month} do not give the table that"
            f" was cut off ({told}): run `onecard verify --against views`",
            "table_differs",
            record.position,
            record.evidence(),
        )
    table = replace(table, alarm_count=event["alarm_count"])
    store_lines.store_cycle_rows(cursor, own, month, table, record.position)
    cursor.execute(
        f"INSERT INTO {own.named('calendar')} (cycle, alarms_above) VALUES (%s, %s)",
        (month, above),
    )


def alarms_above(table: CutOffTable, alarm_count: int) -> int | None:
    """How often a line was deferred at the most that is not in alarm, where so many are; None if none is.

    Which limit was in force is configuration of the ledger that cut off, and not here: its alarms tell as much of it as
    anybody needs. Another number of alarms than this gives is one that no limit does.
    """
    if alarm_count == 0:
        return None
    return max(
        (deferred for deferred, _ in table.deferrals if alarms(table.deferrals, deferred) >= alarm_count), default=0
    )
