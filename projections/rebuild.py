"""Rebuild: the next version of a view filled from position 0 beside the live one, compared with it, then swapped.

The live view goes on being followed and read meanwhile; its tracking row is held only for the last page, the comparison
and the swap.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from projections import tracking
from projections.feed.port import Feed, Page
from projections.findings import Finding
from projections.follow import PAGE_RECORDS
from projections.views.port import View


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild came to. `differences`: rows of the live version that are not as rebuilt."""

    view: str
    from_version: int
    to_version: int
    applied: int = 0
    position: int = 0
    swapped: bool = False
    differences: list[Finding] = field(default_factory=list)


def rebuild(
    connection: psycopg.Connection[Any], view: View, feed: Feed, force: bool = False, limit: int = PAGE_RECORDS
) -> Iterator[Rebuilt]:
    """Yields the same Rebuilt after each page; its last state is the result. Swaps if nothing differs, or by force."""
    live = tracking.live_version(connection, view.name)
    if live is None:
        raise tracking.NotBuilt(f"the view {view.name} is not built yet: run `onecard follow --until-caught-up`")
    result = Rebuilt(view.name, live, _begin(connection, view, feed.source))
    behind = True
    while behind:
        yield result
        target = tracking.position_of(connection, view.name, feed.source)[1]
        _fill(connection, view, feed, result, target, limit)
        behind = tracking.position_of(connection, view.name, feed.source)[1] - result.position > limit
    with connection.transaction(), connection.cursor() as cursor:
        held = tracking.hold(cursor, [view.name], feed.source)[0]
        _apply_up_to(cursor, view, feed, result, held.position, limit)
        result.differences = view.differences(cursor, live, result.to_version, feed.source)
        if force or not result.differences:
            _swap(cursor, view, live, result, feed.source)
        else:
            _discard(cursor, view, result.to_version)
    yield result


def discard(connection: psycopg.Connection[Any], view: View, version: int) -> None:
    """Drop a version that is not live, with its tracking."""
    with connection.transaction(), connection.cursor() as cursor:
        _discard(cursor, view, version)


def _begin(connection: psycopg.Connection[Any], view: View, source: str) -> int:
    """A new, empty version; leftovers of a rebuild that was killed are dropped."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('views.live'))")
        live = tracking.live_version(cursor, view.name)
        cursor.execute(
            "SELECT DISTINCT version FROM views.tracking WHERE view = %s AND version <> %s", (view.name, live)
        )
        for (leftover,) in cursor.fetchall():
            _discard(cursor, view, leftover)
        version = (live or 0) + 1
        view.create(cursor, version)
        tracking.add(cursor, view.name, version, source)
    return version


def _fill(
    connection: psycopg.Connection[Any], view: View, feed: Feed, result: Rebuilt, target: int, limit: int
) -> None:
    while result.position < target:
        with connection.transaction(), connection.cursor() as cursor:
            _apply_page(cursor, view, feed, result, min(limit, target - result.position))


def _apply_up_to(cursor: psycopg.Cursor[Any], view: View, feed: Feed, result: Rebuilt, target: int, limit: int) -> None:
    while result.position < target:
        _apply_page(cursor, view, feed, result, min(limit, target - result.position))


def _apply_page(cursor: psycopg.Cursor[Any], view: View, feed: Feed, result: Rebuilt, limit: int) -> None:
    page = Page(feed.source, feed.read(result.position, limit))
    view.apply(cursor, result.to_version, page)
    tracked = tracking.Tracked(view.name, result.to_version, result.position)
    tracking.move(cursor, tracked, feed.source, page.last_position)
    result.applied += len(page.records)
    result.position = page.last_position


def _swap(cursor: psycopg.Cursor[Any], view: View, live: int, result: Rebuilt, source: str) -> None:
    cursor.execute("UPDATE views.live SET version = %s WHERE view = %s", (result.to_version, view.name))
    _discard(cursor, view, live)
    result.swapped = True


def _discard(cursor: psycopg.Cursor[Any], view: View, version: int) -> None:
    view.drop(cursor, version)
    cursor.execute("DELETE FROM views.tracking WHERE view = %s AND version = %s", (view.name, version))
