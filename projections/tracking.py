"""How far views have applied each source. A row moves in the same transaction as the work it stands for."""

from dataclasses import dataclass
from typing import Any

import psycopg

HOLD = """
    SELECT tracking.view, tracking.version, tracking.position
    FROM views.tracking JOIN views.live USING (view, version)
    WHERE tracking.view = ANY(%s) AND source = %s ORDER BY tracking.view FOR UPDATE OF tracking
"""
MOVE = "UPDATE views.tracking SET position = %s WHERE view = %s AND version = %s AND source = %s AND position < %s"


@dataclass(frozen=True, slots=True)
class Tracked:
    """A view's version and the last position of a source that it has applied."""

    view: str
    version: int
    position: int


class NotBuilt(Exception):
    """No version of this view exists yet."""


def hold(cursor: psycopg.Cursor[Any], views: list[str], source: str) -> list[Tracked]:
    """Lock the live tracking rows of the views for this transaction."""
    return [Tracked(*row) for row in cursor.execute(HOLD, (views, source)).fetchall()]


def move(cursor: psycopg.Cursor[Any], tracked: Tracked, source: str, position: int) -> None:
    """Advance; that a position only ever rises is what drops a page applied twice."""
    cursor.execute(MOVE, (position, tracked.view, tracked.version, source, position))
    if cursor.rowcount != 1:
        raise AssertionError(f"tracking of {tracked.view} did not rise to {position}")


def add(cursor: psycopg.Cursor[Any], view: str, version: int, source: str) -> None:
    """A row at 0 for a source this version has not followed yet."""
    cursor.execute(
        "INSERT INTO views.tracking (view, version, source, position) VALUES (%s, %s, %s, 0) ON CONFLICT DO NOTHING",
        (view, version, source),
    )


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
        raise NotBuilt(f"the view {view} is not built yet: run `onecard follow --until-caught-up`")
    return row[0], row[1]
