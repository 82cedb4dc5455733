"""Making every state row and everything of clearing again from events alone, into scratch tables.

Rows stay in memory up to a bound and are written when they are let go, so most are written once. An event that cannot
follow from those before it is a finding once; after that, what it broke shows where rows are compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import psycopg

from ledger.core.decider import Event
from ledger.core.identity import Keyring
from ledger.core.rows import Row
from ledger.core.world import Name, Unasked, World
from ledger.families.clearing.lines import Line, lines_for
from ledger.families.clearing.units import Unit
from ledger.families.governance.configuration import EXTENDED
from ledger.families.registry import EVENTS
from ledger.service.recording import apply
from ledger.store import lines, state
from projections.verification.configuration import Rules
from projections.verification.memory import Generations
from projections.verification.report import DAMAGE, Report
from projections.verification.scratch import SEEN, Cursor, storable, write_each
from projections.views.clearing.view import COMPARED

ROWS_IN_MEMORY: Final = 200_000
UPSERT: Final = state.UPSERT.replace("ledger.state", "pg_temp.seen_state")
SELECT: Final = """
    SELECT wanted.n, found.data
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted (kind, key, n),
        LATERAL (SELECT data FROM pg_temp.seen_state AS s WHERE s.kind = wanted.kind AND s.key = wanted.key OFFSET 0)
            AS found
"""


class Rederivation(Unasked):
    """Feed it pages of decoded events in order with `take`; `finish` writes the rest."""

    def __init__(self, connection: psycopg.Connection[Any], rules: Rules, keyring: Keyring, report: Report) -> None:
        self._connection = connection
        self._rules = rules
        self._report = report
        self._rows = Generations()
        self._world = World(self, rules.config, keyring, 0, 0)
        self._world.rows = self._rows
        self._units: dict[str, Unit] = {}
        self._changed: dict[Name, tuple[Row, int]] = {}
        self._lines: list[Line] = []

    # --- the World's source ------------------------------------------------------------------------------------------

    def load(self, names: Sequence[Name]) -> Iterable[tuple[Name, Row]]:
        """Rows that were let go; a name that was never written costs no question."""
        if not self._rows.has_aged:
            return
        wanted = [name for name in names if name in self._rows.stored]
        units = [key for row_type, key in wanted if row_type is Unit]
        others = [name for name in wanted if name[0] is not Unit]
        with self._connection.cursor() as cursor:
            if units:
                for key, unit in lines.load_units(cursor, SEEN, units):
                    yield (Unit, key), unit
            if others:
                kinds, keys = [name[0].kind for name in others], [storable(name[1]) for name in others]
                cursor.execute(SELECT, (kinds, keys), binary=True)
                for n, data in cursor.fetchall():
                    name = others[n - 1]
                    yield name, state.decode(name[0], data)

    # --- events ------------------------------------------------------------------------------------------------------

    def begin_page(self, events: Iterable[tuple[str, Event]]) -> None:
        """Read back the heads that a page will need, if any were let go."""
        if self._rows.has_aged:
            self._world.load(_heads(events))

    def take(self, name: str, event: Event, position: int, digest: str) -> None:
        """Everything one event changes."""
        try:
            if name == "CycleCutOff":
                self._cut_off(event, position)
            elif name == "CycleClosed":
                self._closed(event, position)
            elif name == EXTENDED:
                self._report.extend(self._rules.take(event, position))
                self._world.config = self._rules.config
            self._world.position = position
            apply(self._world, name, event, position, digest)
        except DAMAGE as error:
            self._broken(name, event, position, error)
        try:
            self._lines.extend(lines_for(name, event, position))
        except DAMAGE as error:
            self._broken(name, event, position, error)

    def end_page(self) -> None:
        """Keep memory bounded."""
        self._write_lines()
        if len(self._rows) > ROWS_IN_MEMORY // 2:
            self._write_units()
            for name in self._write_rows():
                self._rows.stored.add(name)
            self._rows.age()
            self._connection.execute("ANALYZE pg_temp.seen_state")

    def finish(self) -> None:
        self._write_lines()
        self._write_units()
        self._write_rows()

    def _broken(self, name: str, event: Event, position: int, error: Exception) -> None:
        if not self._report.is_damaged:
            detail = f"{name} does not follow from the events before it: {error!r}"
            self._report.add("state_differs", event.get("card_id") or event.get("stream_id", ""), position, detail)
        self._report.is_damaged = True

    # --- writing -----------------------------------------------------------------------------------------------------

    def _sort_changes(self) -> None:
        for name, (row, revision) in self._world.take_changes().items():
            if isinstance(row, Unit):
                self._units[name[1]] = row
            else:
                self._changed[name] = (row, revision)

    def _write_rows(self) -> Iterable[Name]:
        self._sort_changes()
        rows: list[state.Encoded] = []
        for name, (row, revision) in self._changed.items():
            try:
                rows.append(state.encoded(name[0].kind, storable(name[1]), revision, row))
            except DAMAGE as error:
                self._absurd("state_differs", f"{name[0].kind} {name[1]}", revision, f"its row is absurd: {error}")
        written, self._changed = self._changed, {}
        rows.sort()
        for start in range(0, len(rows), state.ROWS_PER_STATEMENT):
            part = rows[start : start + state.ROWS_PER_STATEMENT]
            for (kind, key, revision, _), refusal in write_each(self._connection, _upsert, part):
                self._absurd("state_differs", f"{kind} {key}", revision, f"its row is absurd: {refusal}")
        return written

    def _write_lines(self) -> None:
        made, self._lines = self._lines, []
        if made:
            for line, error in write_each(self._connection, _insert_lines, made):
                self._report.add("line_differs", line.line_id, line.position, f"its amounts are absurd: {error}")

    def _write_units(self) -> None:
        self._sort_changes()
        units = sorted(self._units.items(), key=lambda unit: unit[0])
        self._units = {}
        for key, _ in units:
            self._rows.stored.add((Unit, key))
        if units:
            for (key, unit), error in write_each(self._connection, _upsert_units, units):
                self._absurd("unit_differs", key, unit.touched, f"its unit is absurd: {error}")

    def _absurd(self, kind: str, subject: str, position: int, detail: str) -> None:
        """What the log makes cannot even be kept."""
        self._report.add(kind, subject, position, detail)
        self._report.is_damaged = True

    # --- cycles ------------------------------------------------------------------------------------------------------

    def _cut_off(self, event: Event, position: int) -> None:
        """The table that this cut-off takes by the lines before it, against what the event says."""
        self._write_lines()
        self._write_units()
        month = event["cycle"]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {SEEN.lines}, {SEEN.units}")
            limit = self._rules.config.value("clearing.max_deferrals", event["business_date"])
            table = lines.cut_off_table(cursor, SEEN, month, limit)
            lines.store_cycle_rows(cursor, SEEN, month, table, position)
        differing = [
            f"{name} {getattr(table, name)}, recorded {event[name]}"
            for name in (*COMPARED, "alarm_count")
            if getattr(table, name) != event[name]
        ]
        if differing:
            self._report.add("table_differs", month, position, "the log's lines give " + "; ".join(differing))

    def _closed(self, event: Event, position: int) -> None:
        """What a closed cycle says everybody owes, against the table that was cut off."""
        with self._connection.cursor() as cursor:
            pairs = lines.pair_totals(cursor, SEEN, event["cycle"])
            digests = _digests(cursor, event["cycle"])
        if pairs != event["pairs"] or digests != [event["table_digest"]]:
            detail = "the totals that were closed are not those of the table that was cut off"
            self._report.add("table_differs", event["cycle"], position, detail)


def _digests(cursor: Cursor, month: str) -> list[str]:
    cursor.execute(f"SELECT table_digest FROM {SEEN.cycles} WHERE cycle = %s", (month,))
    return [digest for (digest,) in cursor.fetchall()]


def _heads(events: Iterable[tuple[str, Event]]) -> Iterator[Name]:
    for name, event in events:
        try:
            yield EVENTS[name].stream(event)
        except DAMAGE:
            continue


def _upsert(cursor: Cursor, rows: Sequence[state.Encoded]) -> None:
    cursor.execute(UPSERT, state.columns(rows))


def _insert_lines(cursor: Cursor, made: Sequence[Line]) -> None:
    lines.insert_lines(cursor, SEEN, made)


def _upsert_units(cursor: Cursor, units: Sequence[tuple[str, Unit]]) -> None:
    lines.upsert_units(cursor, SEEN, units)
