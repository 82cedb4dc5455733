"""The follow loop: read a page, apply it to every view that is due and move their tracking, in one transaction; wait.

Views that stand at the same position share one read, one decoding and one transaction. A view that lags catches up in
pages that end where the others stand. A crash between pages loses nothing; a page applied by somebody else meanwhile is
seen by its tracking, held for the transaction, and read again from there.

What is not as it must be becomes an incident of the views that cannot go on there; the others do.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from projections import applying, incidents, origins, tracking
from projections.feed.port import Broken, Feed, Page
from projections.incidents import Incident
from projections.relay.pause import pause
from projections.tracking import Standing
from projections.views.port import View

PAGE_RECORDS = 5_000
WAIT_SECONDS = 5


@dataclass(slots=True)
class Step:
    """What one page did: the views it was applied to and up to where; or the incident that stopped a view."""

    views: list[str]
    position: int
    records: int
    incident: Incident | None = None


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
) -> Generator[Step, None, bool]:
    """Apply everything the feed has now, but for views that an incident stops; at last whether any goes on."""
    by_name = {view.name: view for view in views}
    able: list[Standing] = []
    while True:
        able = able or [one for one in tracking.standing(connection, [*by_name], feed.source) if one.incident is None]
        if not able:
            return False
        stood, able = able, []
        first = min(stood, key=lambda one: one.position)
        start = first.position
        ahead = [one for one in stood if one.position > start]
        due = [one.view for one in stood if one.position == start]
        try:
            records = feed.read(start, min([limit, *(one.position - start for one in ahead)]), first.recorded_at)
        except Broken as broken:
            yield from stop(connection, due, feed.source, start, broken)
            continue
        if strange := origins.estranged(connection, stood, feed.source, feed.store_id, bool(records)):
            for name, why in strange.items():
                yield from stop(connection, [name], feed.source, 0, why)
            continue
        if not records:
            if ahead and not feed.lags:
                yield from stop(connection, [one.view for one in ahead], feed.source, start, _beyond(feed, start))
                continue
            return True
        page = Page(feed.source, records)
        try:
            applied = apply_page(connection, by_name, due, page, start)
        except applying.REFUSALS:
            for name in due:
                yield from _apply_alone(connection, by_name[name], page, start)
            continue
        if applied:
            yield Step(applied, page.last_position, len(records))
        if len(applied) == len(stood) and len(records) < limit and all(one.store_id for one in stood):
            # Most likely there is no more: where all of them stand need not be asked just to be told so.
            able = [one.moved(page.last_position, page.recorded_at) for one in stood]


def apply_page(
    connection: psycopg.Connection[Any], views: dict[str, View], due: list[str], page: Page, start: int
) -> list[str]:
    """One page into the views that still stand at `start`, in one transaction; their names."""
    with connection.transaction(), connection.cursor() as cursor:
        standing = [one for one in tracking.hold(cursor, due, page.source) if one.position == start]
        for tracked in standing:
            applying.apply(cursor, views[tracked.view], tracked, page)
        if standing:
            tracking.move(cursor, standing, page.source, page.last_position, page.recorded_at)
    return [one.view for one in standing]


def stop(
    connection: psycopg.Connection[Any], views: Sequence[str], source: str, at: int, broken: Broken
) -> Iterator[Step]:
    """An incident for each of the views that stands at this position, or beyond it."""
    for view in sorted(views):
        with connection.transaction(), connection.cursor() as cursor:
            for tracked in tracking.hold(cursor, [view], source):
                opened = None
                if tracked.position >= at:
                    opened = incidents.open_one(cursor, view, tracked.version, source, tracked.position, broken)
        if opened is not None:
            yield Step([view], tracked.position, 0, opened)


def _apply_alone(connection: psycopg.Connection[Any], view: View, page: Page, start: int) -> Iterator[Step]:
    """A page that one of several views refused: as much as this one takes, and the incident if that is not all."""
    taken, refusal = applying.furthest(connection, view, page, start)
    if taken:
        part = Page(page.source, page.records[:taken])
        applied = apply_page(connection, {view.name: view}, [view.name], part, start)
        if not applied:
            return
        yield Step(applied, part.last_position, taken)
    if refusal is not None:
        at = page.records[taken - 1].position if taken else start
        yield from stop(connection, [view.name], page.source, at, refusal)


def _beyond(feed: Feed, end: int) -> Broken:
    return Broken(
        f"the view stands beyond the end of source {feed.source}, which is at position {end}: was the store restored to"
        " an earlier day? rebuild the view: `onecard rebuild VIEW`",
        "store_behind_view",
    )


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
    incidents.look_again(connection, [view.name for view in views], feed.source)
    while not is_stopped():
        goes_on = yield from catch_up(connection, views, feed, limit)
        if until_caught_up:
            return
        if goes_on:
            try:
                feed.wait(WAIT_SECONDS)
            except Broken as broken:
                yield from stop(connection, [view.name for view in views], feed.source, 0, broken)
        else:
            # Nobody reads, so the feed would say at once that there is more. Who resumes a view is seen after a while.
            pause(WAIT_SECONDS * 1_000, is_stopped)
