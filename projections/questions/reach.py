"""How far an answer reaches, and whether the log reaches further: who reads must be told, since queries never wait.

Only of the store's own source the log is here; how far another's reaches is asked of its topics (see `lag`).
"""

from collections.abc import Mapping
from typing import Final

from projections import tracking
from projections.questions import sources
from projections.questions.snapshot import Cursor

CATCH_UP: Final = "run `onecard follow --until-caught-up`"
HEAD: Final = "SELECT source, (SELECT coalesce(max(notification_id), 0) FROM ledger.events) FROM ledger.store"


def reached(cursor: Cursor, view: str, source: str) -> int | dict[str, int]:
    """The position of a view in a source; in every one it follows for `all`."""
    if source != sources.ALL:
        return tracking.position_of(cursor, view, source)[1]
    return {one: tracking.position_of(cursor, view, one)[1] for one in sources.every(cursor, view)}


def further(cursor: Cursor, positions: Mapping[str, int]) -> str | None:
    """Where the log is, if that is further than an answer with these positions by source; asked in its snapshot."""
    own, head = cursor.execute(HEAD).fetchone() or ("", 0)
    missing = head - positions.get(own, head)
    if missing <= 0:
        return None
    return f"the log is at position {head}, {missing:,} {'event' if missing == 1 else 'events'} further"


def up_to(cursor: Cursor, source: str, position: int) -> str:
    """How far somebody looked who found nothing, and what to do if the log is further."""
    return f"up to position {position}" + _advice(cursor, {source: position})


def in_all(cursor: Cursor, positions: Mapping[str, int]) -> str:
    """The same of several ledgers."""
    return f"in {', '.join(positions)}" + _advice(cursor, positions)


def _advice(cursor: Cursor, positions: Mapping[str, int]) -> str:
    more = further(cursor, positions)
    return f" ({more}: {CATCH_UP})" if more else ""
