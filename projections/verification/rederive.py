"""Making every state row again from events alone, into scratch tables.

Rows stay in memory up to a bound; then they are let go and read back from the scratch tables when an event needs them.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from ledger.core.calendar import instant_text
from ledger.core.configuration import Configuration
from ledger.core.decider import Event
from ledger.core.identity import Keyring
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.clearing.lines import Line, lines_for
from ledger.families.clearing.units import Unit
from ledger.service.recording import apply
from ledger.store import lines, state
from projections.findings import Finding
from projections.verification.scratch import SEEN

ROWS_IN_MEMORY = 300_000
UPSERT = state.UPSERT.replace("ledger.state", "seen_rows")
SELECT = state.SELECT.replace("ledger.state", "seen_rows").replace("state.", "seen_rows.")


class Rederivation:
    """Feed it every event in order with `take`, then `flush`. `failed` holds the first event that could not be applied."""

    def __init__(self, connection: psycopg.Connection[Any], config: Configuration, keyring: Keyring) -> None:
        self._connection = connection
        self._config = config
        self._world = World(self, config, keyring, 0, 0)
        self._let_go = False
        self._lines: list[Line] = []
        self.failed: Finding | None = None
        self.findings: list[Finding] = []

    def load(self, names: Sequence[Name]) -> Iterable[tuple[Name, Row]]:
        if not self._let_go:
            return []
        found: list[tuple[Name, Row]] = []
        with self._connection.cursor() as cursor:
            for row_type, key in names:
                if row_type is Unit:
                    found.extend(((Unit, key), unit) for key, unit in lines.load_units(cursor, SEEN, [key]))
                else:
                    cursor.execute(SELECT, (row_type.kind, key), binary=True)
                    found.extend(((row_type, key), state.decode(row_type, data)) for _, data in cursor.fetchall())
        return found

    def recorded(self, submitter: str, reference: str) -> tuple[str, Event, int] | None:
        raise LookupError("evolution asks the log nothing")

    def cut_off(self, month: str, limit: int) -> Any:
        raise LookupError("evolution asks the log nothing")

    def pair_totals(self, month: str) -> Any:
        raise LookupError("evolution asks the log nothing")

    def take(self, name: str, event: Event, position: int, digest: str) -> None:
        if self.failed is not None:
            return
        try:
            if name == "CycleCutOff":
                self._check_cut_off(event, position)
            self._world.position = position
            apply(self._world, name, event, position, digest)
            self._lines.extend(lines_for(name, event, position))
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            detail = f"{name} of {instant_text(event['occurred_at'])} does not follow from the events before it: {error!r}"
            self.failed = Finding("state_differs", event.get("card_id") or event.get("stream_id", ""), position, detail)
            self.findings.append(self.failed)

    def flush(self) -> None:
        """Write what changed to the scratch tables."""
        rows: list[state.Encoded] = []
        units: list[tuple[str, Unit]] = []
        for (row_type, key), (row, revision) in self._world.take_changes().items():
            if isinstance(row, Unit):
                units.append((key, copy.copy(row)))
            else:
                rows.append(state.encoded(row_type.kind, key, revision, row))
        made, self._lines = self._lines, []
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for start in range(0, len(rows), state.ROWS_PER_STATEMENT):
                part = rows[start : start + state.ROWS_PER_STATEMENT]
                cursor.execute(UPSERT, state.columns(part))
            if made:
                lines.insert_lines(cursor, SEEN, made)
            if units:
                lines.upsert_units(cursor, SEEN, units)
        if len(self._world.rows) > ROWS_IN_MEMORY:
            self._world.rows.clear()
            self._let_go = True

    def _check_cut_off(self, event: Event, position: int) -> None:
        """The table that this cut-off takes by the lines before it, against what the event says."""
        self.flush()
        limit = self._config.value("clearing.max_deferrals", event["business_date"])
        with self._connection.cursor() as cursor:
            table = lines.cut_off_table(cursor, SEEN, event["cycle"], limit)
            lines.store_cycle_rows(cursor, SEEN, event["cycle"], table)
        ours = (table.table_digest, table.line_count, table.row_count, table.deferred_count, table.alarm_count)
        theirs = tuple(
            event[name] for name in ("table_digest", "line_count", "row_count", "deferred_count", "alarm_count")
        )
        if ours != theirs:
            detail = f"the log's lines give {ours}, the cut-off says {theirs}"
            self.findings.append(Finding("table_differs", event["cycle"], position, detail))
