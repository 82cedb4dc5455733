"""What the store holds, counted from what decisions remember: one row a stream, so nothing walks the log."""

from typing import Any

from ledger.core.rows import StreamRow
from ledger.families.card.holder import Card
from ledger.families.clearing.cycle import Cycle
from ledger.families.governance.seal import LOG, LastSeal
from ledger.store import state
from projections.questions.progress import Standing, head_position, standings
from projections.questions.snapshot import Cursor


def status(cursor: Cursor, source: str) -> dict[str, Any]:
    """The counts, the views and the cycles of `status`."""
    head = head_position(cursor)
    counts = _rows_by_kind(cursor)
    return {
        "source": source,
        "head_position": head,
        "events": head,
        "streams": sum(counts.values()),
        "cards": counts.get(Card.kind, 0),
        "views": [view_object(standing, head) for standing in standings(cursor, source)],
        "cycles": _cycles(cursor),
        "last_seal": _last_seal(cursor),
    }


def view_object(standing: Standing, head: int) -> dict[str, Any]:
    """How a view stands, for `status`."""
    return {
        "name": standing.view,
        "version": standing.version,
        "position": standing.position,
        "behind": head - standing.position,
    }


def _rows_by_kind(cursor: Cursor) -> dict[str, int]:
    """Streams by kind: every stream has one head row, every head row a stream."""
    kinds = sorted(row.kind for row in StreamRow.__subclasses__())
    cursor.execute("SELECT kind, count(*) FROM ledger.state WHERE kind = ANY(%s) GROUP BY kind", (kinds,))
    return dict(cursor.fetchall())


def _last_seal(cursor: Cursor) -> dict[str, Any] | None:
    cursor.execute("SELECT data FROM ledger.state WHERE kind = %s AND key = %s", (LastSeal.kind, LOG))
    row = cursor.fetchone()
    if row is None:
        return None
    last = state.decode(LastSeal, row[0])
    assert isinstance(last, LastSeal)
    return {"seal_id": last.seal_id, "through_position": last.through_position, "root": last.root}


def _cycles(cursor: Cursor) -> list[dict[str, str]]:
    cursor.execute("SELECT key, data FROM ledger.state WHERE kind = %s ORDER BY key", (Cycle.kind,))
    found = []
    for month, data in cursor.fetchall():
        cycle = state.decode(Cycle, data)
        assert isinstance(cycle, Cycle)
        found.append({"cycle": month, "state": "CLOSED" if cycle.closed else "CUT_OFF"})
    return found
