"""The whole store in one snapshot, beside whoever writes: the log, and everything that is kept because of it."""

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import IsolationLevel

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from projections.verification import books, kept, log, scratch
from projections.verification.configuration import Rules
from projections.verification.rederive import Rederivation
from projections.verification.report import Report


def check(
    connection: psycopg.Connection[Any], config: Configuration, keyring: Keyring, progress: Callable[[int], None]
) -> Report:
    """On an autocommit connection of its own; a reader's rights and temporary tables are enough."""
    scratch.make(connection)
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    report = Report()
    try:
        with connection.transaction():
            with connection.cursor() as cursor:
                rules = Rules(cursor, config, keyring)
            log.Reading(connection, Rederivation(connection, rules, keyring, report), report).read(progress)
            report.extend(rules.ended())
            with connection.cursor() as cursor:
                _compare(cursor, report)
    finally:
        if not connection.broken:
            connection.isolation_level = None
            connection.read_only = None
    return report


def _compare(cursor: scratch.Cursor, report: Report) -> None:
    cursor.execute("ANALYZE pg_temp.seen_events, pg_temp.seen_accounts, pg_temp.seen_state")
    cursor.execute("SELECT count(DISTINCT stream_id) FROM pg_temp.seen_events")
    (report.streams,) = cursor.fetchone() or (0,)
    report.accounts = books.add_up(cursor)
    report.extend(kept.beyond(cursor, report.position))
    for question in (log.chains, log.submissions, books.invariants, kept.rows, kept.units, kept.clearing):
        report.extend(question(cursor))
