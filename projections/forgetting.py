"""Taking a source out again of which nothing was ever applied: its name was mistyped, or it never came.

Its views stand at 0 and wait for topics that nobody will make. Whatever was applied once stays, as does a record that
stopped a view: that is another incident, and it is not closed by looking away.
"""

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from projections import incidents, presence
from projections.sources import own_source

# Held until the end, so that who resumes or rebuilds now is waited for, and what it applied is seen.
TRACKED: Final = "SELECT view, position FROM views.tracking WHERE source = %s ORDER BY view FOR UPDATE"
SHARED: Final = "SELECT view, position FROM views.shares WHERE source = %s"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The views that follow the source no longer, and the incidents that are closed by it."""

    source: str
    views: list[str]
    incidents: list[int]


class UnknownSource(LookupError):
    """No view follows a source of this name."""


class Kept(Exception):
    """The source is not to be forgotten."""


def forget(connection: psycopg.Connection[Any], source: str) -> Forgotten:
    """No view follows the source any more, as if it had never been named; Kept if there is anything to lose."""
    if source == own_source(connection):
        raise Kept(f"source {source} is this store's own: its topics are made by `onecard topics apply`")
    with connection.transaction(), connection.cursor() as cursor:
        if not presence.keep_away(cursor, source):
            raise Kept(f"source {source} is being followed now: end its `onecard follow`, then forget it")
        tracked = cursor.execute(TRACKED, (source,)).fetchall()
        applied = {view: at for view, at in [*tracked, *cursor.execute(SHARED, (source,)).fetchall()] if at}
        if applied:
            views = ", ".join(f"{view} up to position {at}" for view, at in sorted(applied.items()))
            raise Kept(f"source {source} is no mistake: events of it were applied ({views}), and they stay")
        _refuse_found(cursor, source)
        closed = incidents.close_source(cursor, source)
        if not tracked and not closed:
            raise UnknownSource(f"no view follows a source {source!r}: there is nothing to forget")
        cursor.execute("DELETE FROM views.shares WHERE source = %s", (source,))
        cursor.execute("DELETE FROM views.tracking WHERE source = %s", (source,))
    return Forgotten(source, sorted({view for view, _ in tracked}), closed)


def _refuse_found(cursor: psycopg.Cursor[Any], source: str) -> None:
    """Kept if something of the source was found and was wrong."""
    found = cursor.execute(
        "SELECT number, view, kind FROM views.incidents"
        " WHERE source = %s AND resumed_at IS NULL AND kind <> ALL(%s) ORDER BY number LIMIT 1",
        (source, list(incidents.OF_SURROUNDINGS)),
    ).fetchone()
    if found is not None:
        number, view, kind = found
        raise Kept(f"source {source} is there, and {view} stops at it ({kind}): `onecard incidents show {number}`")
