"""Whose events a database holds: those of its own store, in its log, and those that its views follow from elsewhere.

Nobody but the ledger of a source keeps that source's log, so what a question wants of a foreign event must be kept by
a view. A store gets its name when it is made, by whoever opens it first.
"""

from typing import Any

import psycopg

OWN = "SELECT source FROM ledger.store"


def own_source(connection: psycopg.Connection[Any] | psycopg.Cursor[Any]) -> str | None:
    """The name of this database's own store; None if it has none yet."""
    row = connection.execute(OWN).fetchone()
    return None if row is None else str(row[0])


def is_foreign(connection: psycopg.Connection[Any] | psycopg.Cursor[Any], source: str) -> bool:
    """Whether the log of a source is kept elsewhere."""
    own = own_source(connection)
    return own is not None and own != source
