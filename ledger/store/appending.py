"""One append transaction: events, submissions, rows, clearing lines and units, the run; in one pipeline, fsynced.

What a crash leaves behind: before the commit nothing; after it everything. A commit whose answer was lost is in doubt:
the references of its lines tell.
"""

from dataclasses import dataclass, field
from typing import Any

import psycopg

from ledger.core.configuration import Configuration
from ledger.families.clearing.lines import Line
from ledger.families.clearing.units import Unit
from ledger.store import identity, lines, recorder, runs, state
from ledger.store import submissions as receipts
from ledger.store.lease import BEGIN_APPEND, WAITING, LeaseLost

# Classes of SQLSTATE: connection exceptions, and a server that ends sessions or does not let any in yet.
LOST = ("08", "57P")
# What psycopg raises when a connection is gone; the last if it goes while somebody waits for an answer.
GONE = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)


@dataclass(slots=True)
class Append:
    """Everything one transaction writes, encoded already: nothing here is shared with the decisions that go on."""

    lease: int
    events: list[Any] = field(default_factory=list)
    submissions: list[tuple[receipts.Key, receipts.Submission]] = field(default_factory=list)
    rows: list[state.Encoded] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    units: list[tuple[str, Unit]] = field(default_factory=list)
    cycle: tuple[str, Any, int] | None = None
    progress: runs.Progress | None = None
    # (digest of the store's list before, the longer list)
    configuration: tuple[str, Configuration] | None = None


def commit(connection: psycopg.Connection[Any], append: Append) -> int:
    """Write and commit, or raise: LeaseLost if another process decides now, RowsDamaged if the log contradicts
    what was decided upon, psycopg errors otherwise.

    Returns how many processes wait for the lease: asked on this way, it costs whoever decides no way of its own.
    """
    try:
        with connection.pipeline(), connection.transaction(), connection.cursor() as cursor:
            cursor.execute(BEGIN_APPEND, (append.lease,))
            if append.events:
                recorder.append(cursor, append.events)
                receipts.insert(cursor, append.submissions)
                state.upsert(cursor, append.rows)
            if append.lines:
                lines.insert_lines(cursor, lines.STORE, append.lines)
            if append.units:
                lines.upsert_units(cursor, lines.STORE, append.units)
            if append.cycle is not None:
                lines.store_cycle_rows(cursor, lines.STORE, *append.cycle)
            if append.configuration is not None:
                identity.extend(cursor, *append.configuration)
            if append.progress is not None:
                runs.advance(cursor, append.progress)
            if append.events:
                cursor.execute(f"NOTIFY {recorder.CHANNEL}")
            waiting = connection.execute(WAITING)
        row = waiting.fetchone()
    except psycopg.errors.LockNotAvailable as error:
        raise LeaseLost(str(error)) from error
    except psycopg.errors.UniqueViolation as error:
        # A head that is older than its stream numbers the next event as one that is there.
        raise state.RowsDamaged(f"the log has what they say comes next: {error.diag.message_detail}") from error
    return row[0] if row is not None else 0


def is_lost_connection(error: BaseException | None, *connections: psycopg.Connection[Any]) -> bool:
    """Whether an error means that the server or the network is gone, not that a statement was wrong.

    A server that ends a session says so before it hangs up: the connection may look alive for a moment yet. And leaving
    a pipeline that was ended so fails, too, with an error that tells nothing but the one it came upon.
    """
    if not isinstance(error, GONE):
        return False
    told: BaseException | None = error
    while told is not None:
        if isinstance(told, psycopg.Error) and told.sqlstate is not None and told.sqlstate.startswith(LOST):
            return True
        told = told.__context__
    return any(connection.closed for connection in connections)
