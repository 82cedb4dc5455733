"""`restore-rows`: what decisions remember, made again from the log and put in the place of what the store has.

State rows and clearing units are a second form of what the log says. They are made again when they were damaged, or
when a new version of the program keeps them in another way. Nobody decides meanwhile, and nothing but rows that differ
is written:
 1. Take the lease; whoever submits waits.                                   A crash leaves nothing.
 2. Derive everything from the log, as `verify` does. Unless the log and     Nothing.
    the clearing lines of it are whole, no row can be trusted: end.
 3. In one transaction, under the lease still: remove, change and add        Nothing, or everything.
    rows, compare again, note how this program keeps them.
 4. Give the lease back.                                                     It dies with the process.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.store import identity
from ledger.store.lease import BEGIN_APPEND, LeaseLost, held
from ledger.store.line_tables import STORE
from ledger.store.lines import UNIT_COLUMNS
from projections.verification import kept, store
from projections.verification.report import Report
from projections.verification.scratch import SEEN, Cursor

# What is put right; and what is wrong for good, though every event is there as it was recorded. Not a receipt without
# its event: then the log has lost something, and rows may be all that still tells of it.
RESTORABLE: Final = frozenset(("state_differs", "state_missing", "state_extra", "head_stale", "unit_differs"))
LEFT: Final = frozenset(("invariant_broken", "recorded_at_falls", "submission_extra"))
# Killed amid a long statement, we would hold the lease until it ends: the server looks for us meanwhile.
LOOKS: Final = "SET client_connection_check_interval = '5s'"
ROWS: Final = ("kind", "key", "revision", "data")
UNITS: Final = (*(name for name, _ in UNIT_COLUMNS), "corrected")


class Differing(AssertionError):
    """Rows that were just put right differ from the log: a defect of ours. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Restored:
    """How many state rows and clearing units were removed, changed or added; `report`: what was found before.

    None and None: nothing was written, since the log or what was written with it is damaged.
    """

    report: Report
    rows: int | None = None
    units: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The document of `restore-rows`: findings that are put right, and those that remain."""
        found = self.report.findings
        is_done = self.rows is not None
        remaining = [one.as_json() for one in found if not is_done or one.kind not in RESTORABLE]
        return {
            "ok": is_done and not remaining,
            "position": self.report.position,
            "rows": self.rows,
            "units": self.units,
            "put_right": [one.as_json() for one in found if is_done and one.kind in RESTORABLE],
            "findings": remaining,
        }


def restore(
    connection: psycopg.Connection[Any], config: Configuration, keyring: Keyring, progress: Callable[[int], None]
) -> Restored:
    """On an autocommit connection that does nothing else, as the owner of the tables.

    LeaseLost if another process began to decide meanwhile, StoreMismatch for rows of a newer program: nothing was
    written then.
    """
    with suppress(psycopg.errors.InvalidParameterValue):  # a server on another system may not be able to
        connection.execute(LOOKS)
    with held(connection) as lease:
        identity.require_no_newer_rows(connection)
        report = store.check(connection, config, keyring, progress)
        if report.is_damaged or not {one.kind for one in report.findings} <= RESTORABLE | LEFT:
            return Restored(report)
        try:
            return _written(connection, lease.number, report)
        except psycopg.errors.LockNotAvailable as error:
            raise LeaseLost(str(error)) from error


def _written(connection: psycopg.Connection[Any], lease: int, report: Report) -> Restored:
    """Step 3."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(BEGIN_APPEND, (lease,))
        rows = _put_right(cursor, "ledger.state", "pg_temp.seen_state", ROWS, 2)
        units = _put_right(cursor, STORE.units, SEEN.units, UNITS, 1)
        if any(kept.rows(cursor)) or any(kept.units(cursor)):
            raise Differing("rows that were made from the log are not what the log makes")
        identity.note_rows(cursor)
    return Restored(report, rows, units)


def _put_right(cursor: Cursor, table: str, made: str, columns: tuple[str, ...], key_columns: int) -> int:
    """Make a table what another is, by its first columns; how many rows that took."""
    names, key = ", ".join(columns), ", ".join(columns[:key_columns])
    same = " AND ".join(f"made.{name} = kept.{name}" for name in columns[:key_columns])
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns[key_columns:])
    cursor.execute(f"DELETE FROM {table} AS kept WHERE NOT EXISTS (SELECT FROM {made} AS made WHERE {same})")
    removed = cursor.rowcount
    cursor.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {made} EXCEPT SELECT {names} FROM {table}"
        f" ON CONFLICT ({key}) DO UPDATE SET {changes}"
    )
    return removed + cursor.rowcount
