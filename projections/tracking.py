"""How far views have applied each source. A row moves in the same transaction as the work it stands for.

Partitions of a view that is shared out may be ahead of its row (projections/shares.py); who holds the row is told
which, so that nothing is applied twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

HOLD = """
    SELECT tracking.view, tracking.version, tracking.position FROM views.tracking JOIN views.live USING (view, version)
    WHERE tracking.view = ANY(%s) AND source = %s ORDER BY tracking.view FOR UPDATE OF tracking
"""
# A statement of its own behind the one that locks: that one may have waited for a share, and sees nothing of what
# came about meanwhile.
AHEAD = """
    SELECT view, array_agg(ARRAY[partition, partitions, shares.position]::bigint[])
    FROM views.shares JOIN views.tracking USING (view, version, source)
    WHERE (view, version) IN (SELECT * FROM unnest(%s::text[], %s::int[])) AND source = %s
        AND shares.position > tracking.position
    GROUP BY view
"""
MOVE = """
    UPDATE views.tracking SET position = %s, recorded_at = greatest(recorded_at, %s)
    WHERE (view, version) IN (SELECT * FROM unnest(%s::text[], %s::int[])) AND source = %s AND position < %s
"""
PASSED = """
    DELETE FROM views.shares
    WHERE (view, version) IN (SELECT * FROM unnest(%s::text[], %s::int[])) AND source = %s AND position <= %s
"""
STANDING = """
    SELECT tracking.view, tracking.version, tracking.position, recorded_at, incidents.number, store_id
    FROM views.tracking JOIN views.live USING (view, version) LEFT JOIN views.incidents
        ON (incidents.view, incidents.version, incidents.source) = (tracking.view, tracking.version, tracking.source)
        AND resumed_at IS NULL
    WHERE tracking.view = ANY(%s) AND tracking.source = %s ORDER BY tracking.view
"""


@dataclass(frozen=True, slots=True)
class Ahead:
    """Partitions of a source that a view has applied further than its tracking says: partition -> position."""

    positions: Mapping[int, int] = field(default_factory=dict)
    partitions: int = 0

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[int]] | None) -> "Ahead":
        """From (partition, partitions, position)."""
        return cls({row[0]: row[2] for row in rows}, rows[0][1]) if rows else cls()


@dataclass(frozen=True, slots=True)
class Tracked:
    """A view's version and the last position of a source that it has applied."""

    view: str
    version: int
    position: int
    ahead: Ahead = Ahead()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a view stands in a source; `incident`: the open one that stops it there.

    `store_id`: of the store whose events it has applied; None if that is not known.
    """

    view: str
    version: int
    position: int
    recorded_at: int
    incident: int | None
    store_id: str | None

    def moved(self, position: int, recorded_at: int) -> "Standing":
        return replace(self, position=position, recorded_at=max(self.recorded_at, recorded_at))


class NotBuilt(Exception):
    """No version of this view exists yet."""


def hold(cursor: psycopg.Cursor[Any], views: list[str], source: str) -> list[Tracked]:
    """Lock the live tracking rows of the views for this transaction."""
    held = [Tracked(*row) for row in cursor.execute(HOLD, (views, source)).fetchall()]
    found = dict(cursor.execute(AHEAD, (*_named(held), source)).fetchall())
    return [replace(one, ahead=Ahead.of_rows(found[one.view])) if one.view in found else one for one in held]


def move(
    cursor: psycopg.Cursor[Any], moved: Sequence[Tracked], source: str, position: int, recorded_at: int = 0
) -> None:
    """Advance these together; that a position only ever rises is what drops a page applied twice."""
    cursor.execute(MOVE, (position, recorded_at, *_named(moved), source, position))
    if cursor.rowcount != len(moved):
        raise AssertionError(f"tracking of {', '.join(one.view for one in moved)} did not rise to {position}")
    if ahead := [one for one in moved if one.ahead.positions]:
        cursor.execute(PASSED, (*_named(ahead), source, position))


def _named(versions: Sequence[Tracked]) -> tuple[list[str], list[int]]:
    return [one.view for one in versions], [one.version for one in versions]


def standing(
    connection: psycopg.Connection[Any] | psycopg.Cursor[Any], views: Sequence[str], source: str
) -> list[Standing]:
    """Where the live versions of these views stand, by name."""
    return [Standing(*row) for row in connection.execute(STANDING, (list(views), source)).fetchall()]


def ahead_of(cursor: psycopg.Cursor[Any], view: str, source: str) -> Ahead:
    """The partitions that are ahead of where the live version of a view stands."""
    rows = cursor.execute(
        "SELECT partition, partitions, shares.position FROM views.shares JOIN views.live USING (view, version)"
        " JOIN views.tracking USING (view, version, source)"
        " WHERE view = %s AND source = %s AND shares.position > tracking.position",
        (view, source),
    ).fetchall()
    return Ahead.of_rows(rows)


def add(cursor: psycopg.Cursor[Any], view: str, version: int, source: str, store_id: str | None = None) -> None:
    """A row at 0 for a source this version has not followed yet."""
    cursor.execute(
        "INSERT INTO views.tracking (view, version, source, position, store_id) VALUES (%s, %s, %s, 0, %s)"
        " ON CONFLICT DO NOTHING",
        (view, version, source, store_id),
    )


def begin_anew(cursor: psycopg.Cursor[Any], view: str, version: int, other: int, source: str) -> None:
    """A source is another store's now: a version stands where another one does that has read it from its beginning."""
    cursor.execute(
        "UPDATE views.tracking SET (position, recorded_at, store_id) = (SELECT position, recorded_at, store_id"
        " FROM views.tracking WHERE view = %s AND version = %s AND source = %s)"
        " WHERE view = %s AND version = %s AND source = %s",
        (view, other, source, view, version, source),
    )
    cursor.execute("DELETE FROM views.shares WHERE view = %s AND version = %s AND source = %s", (view, version, source))


def sources_of(connection: psycopg.Connection[Any] | psycopg.Cursor[Any], view: str, version: int) -> list[str]:
    """The sources that a version follows, by name."""
    rows = connection.execute(
        "SELECT source FROM views.tracking WHERE view = %s AND version = %s ORDER BY source", (view, version)
    ).fetchall()
    return [source for (source,) in rows]


def followed(connection: psycopg.Connection[Any] | psycopg.Cursor[Any], views: Sequence[str]) -> list[str]:
    """The sources that the live version of every one of these views follows, by name."""
    rows = connection.execute(
        "SELECT source FROM views.tracking JOIN views.live USING (view, version) WHERE view = ANY(%s)"
        " GROUP BY source HAVING count(*) = %s ORDER BY source",
        (list(views), len(views)),
    ).fetchall()
    return [source for (source,) in rows]


def live_version(connection: psycopg.Connection[Any] | psycopg.Cursor[Any], view: str) -> int | None:
    row = connection.execute("SELECT version FROM views.live WHERE view = %s", (view,)).fetchone()
    return row[0] if row else None


def position_of(connection: psycopg.Connection[Any] | psycopg.Cursor[Any], view: str, source: str) -> tuple[int, int]:
    """(live version, position applied) of a view; NotBuilt if there is none."""
    row = connection.execute(
        "SELECT version, position FROM views.tracking JOIN views.live USING (view, version)"
        " WHERE view = %s AND source = %s",
        (view, source),
    ).fetchone()
    if row is None:
        others = ", ".join(followed(connection, [view]))
        if not others:
            raise NotBuilt(f"the view {view} is not built yet: run `onecard follow --until-caught-up`")
        raise NotBuilt(
            f"the view {view} is not built yet of source {source}, but of {others}: ask with --source, or run"
            f" `onecard follow --source {source} --until-caught-up`"
        )
    return row[0], row[1]
