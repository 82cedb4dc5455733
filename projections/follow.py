"""The follow loop: read a page, apply it to every view that is due and move their tracking, in one transaction; wait.

Views that stand at the same position share one read, one decoding and one transaction. A view that lags catches up in
pages that end where the others stand. A crash between pages loses nothing; a page applied by somebody else meanwhile is
seen by its tracking, held for the transaction, and read again from there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from projections import tracking
from projections.feed.port import Broken, Feed, Page
from projections.views.port import View

PAGE_RECORDS = 5_000
WAIT_SECONDS = 5


@dataclass(slots=True)
class Step:
    """What one page did: the views it was applied to and up to where."""

    views: list[str]
    position: int
    records: int


def prepare(connection: psycopg.Connection[Any], views: Sequence[View], source: str) -> None:
    """Make the first version of views that have none, and their tracking of this source."""
    for view in views:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('views.live'))")
            version = tracking.live_version(cursor, view.name)
            if version is None:
                version = 1
                view.create(cursor, version)
                cursor.execute("INSERT INTO views.live (view, version) VALUES (%s, %s)", (view.name, version))
            tracking.add(cursor, view.name, version, source)


def positions(connection: psycopg.Connection[Any], views: Sequence[View], source: str) -> dict[str, int]:
    """Where each view stands."""
    return {view.name: tracking.position_of(connection, view.name, source)[1] for view in views}


def catch_up(
    connection: psycopg.Connection[Any], views: Sequence[View], feed: Feed, limit: int = PAGE_RECORDS
) -> Iterator[Step]:
    """Apply everything the feed has now."""
    by_name = {view.name: view for view in views}
    while True:
        standing = positions(connection, views, feed.source)
        start = min(standing.values())
        ahead = [position - start for position in standing.values() if position > start]
        records = feed.read(start, min([limit, *ahead]))
        if not records:
            if ahead:
                raise Broken(
                    f"a view stands at position {max(standing.values())}, beyond the end of source {feed.source} at"
                    f" {start}: was the store restored to an earlier day? rebuild the view: `onecard rebuild VIEW`"
                )
            return
        page = Page(feed.source, records)
        due = sorted(name for name, position in standing.items() if position == start)
        applied = apply_page(connection, by_name, due, page, start)
        if applied:
            yield Step(applied, page.last_position, len(records))


def apply_page(
    connection: psycopg.Connection[Any], views: dict[str, View], due: list[str], page: Page, start: int
) -> list[str]:
    """One page into the views that still stand at `start`, in one transaction; their names."""
    applied = []
    with connection.transaction(), connection.cursor() as cursor:
        for tracked in tracking.hold(cursor, due, page.source):
            if tracked.position == start:
                views[tracked.view].apply(cursor, tracked.version, page)
                tracking.move(cursor, tracked, page.source, page.last_position)
                applied.append(tracked.view)
    return applied


def follow(
    connection: psycopg.Connection[Any],
    views: Sequence[View],
    feed: Feed,
    until_caught_up: bool,
    is_stopped: Callable[[], bool] = lambda: False,
    limit: int = PAGE_RECORDS,
) -> Iterator[Step]:
    """The loop: for ever, or until the feed has nothing more."""
    prepare(connection, views, feed.source)
    while not is_stopped():
        yield from catch_up(connection, views, feed, limit)
        if until_caught_up:
            return
        feed.wait(WAIT_SECONDS)
