"""How far an answer reaches, and whether the log reaches further: who reads must be told, since queries never wait.

Only of the store's own source the log is here; how far another's reaches is asked of its topics (see `lag`). What to do
about it depends on why the views are behind: nobody follows, somebody does, or an incident stops them.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from projections import presence, tracking
from projections.questions import sources
from projections.questions.snapshot import Cursor

CATCH_UP: Final = "run `onecard follow --until-caught-up`"
FOLLOWED: Final = "a follower is running, and `onecard lag` tells how far it is"
HEAD: Final = "SELECT source, (SELECT coalesce(max(notification_id), 0) FROM ledger.events) FROM ledger.store"
STOPPED: Final = """
    SELECT source, string_agg(view, ', ' ORDER BY view) FROM views.incidents JOIN views.live USING (view, version)
    WHERE view = ANY(%s) AND source = ANY(%s) AND resumed_at IS NULL GROUP BY source ORDER BY source
"""


def reached(cursor: Cursor, view: str, source: str) -> int | dict[str, int]:
    """The position of a view in a source; in every one it follows for `all`."""
    if source != sources.ALL:
        return tracking.position_of(cursor, view, source)[1]
    return {one: tracking.position_of(cursor, view, one)[1] for one in sources.every(cursor, view)}


def further(cursor: Cursor, positions: Mapping[str, int], views: Sequence[str]) -> str | None:
    """What people are to know of an answer of these views that reaches up to these positions, by source.

    Where the log is, if that is further, and what to do; and which of the views an incident stops. Asked in its
    snapshot.
    """
    own, head = cursor.execute(HEAD).fetchone() or ("", 0)
    stopped = dict(cursor.execute(STOPPED, (list(views), list(positions))).fetchall())
    missing = head - positions.get(own, head)
    stopped_here = stopped.pop(own, None)
    said = [f"{_stopped(names)} at source {source}" for source, names in stopped.items()]
    if missing > 0:
        ahead = f"the log is at position {head}, {missing:,} {'event' if missing == 1 else 'events'} further"
        if stopped_here is None:
            return "; ".join([*said, f"{ahead}: {_advice(cursor, own, head, views)}"])
        said.append(f"{ahead}, and {_stopped(stopped_here)}")
    return f"{'; '.join(said)}: see `onecard incidents`" if said else None


def up_to(cursor: Cursor, source: str, position: int, *views: str) -> str:
    """How far somebody looked who found nothing in these views, and what to do if that is not all."""
    return f"up to position {position}" + _aside(cursor, {source: position}, views)


def in_all(cursor: Cursor, positions: Mapping[str, int], *views: str) -> str:
    """The same of several ledgers."""
    return f"in {', '.join(positions)}" + _aside(cursor, positions, views)


def _aside(cursor: Cursor, positions: Mapping[str, int], views: Sequence[str]) -> str:
    more = further(cursor, positions, views)
    return f" ({more})" if more else ""


def _stopped(views: str) -> str:
    return f"the {'views' if ', ' in views else 'view'} {views} stopped"


def _advice(cursor: Cursor, own: str, head: int, views: Sequence[str]) -> str:
    behind = [one.view for one in tracking.standing(cursor, views, own) if one.position < head]
    is_driven = all(presence.is_followed(cursor, view, presence.any_of(own)) for view in behind)
    return FOLLOWED if behind and is_driven else CATCH_UP
