"""Rebuild: the next version of a view filled from position 0 beside the live one, compared with it, then swapped.

Most of it is loaded: by several processes, for all the views asked for at once, in whatever order is cheapest. What
came since is applied as ever. The live views go on being followed and read meanwhile; a tracking row is held only for
the last page, the comparison and the swap.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg

from ledger.store.lease import CLASS
from projections import applying, incidents, origins, tracking
from projections.feed.log import LogFeed
from projections.feed.port import Broken, Feed, Page
from projections.findings import Finding
from projections.follow import PAGE_RECORDS
from projections.loading.crew import Crew, Order, load
from projections.loading.ranges import Ranges
from projections.tracking import Ahead
from projections.views.port import View

ALONE = Crew()
ORDERED_RANGE = 50_000
REBUILDS = CLASS + 4


class UnderWay(Exception):
    """Somebody else rebuilds the view now."""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild came to. `differences`: rows of the live version that are not as rebuilt."""

    view: str
    source: str
    from_version: int
    to_version: int
    applied: int = 0
    position: int = 0
    swapped: bool = False
    differences: list[Finding] = field(default_factory=list)


def rebuild(
    connection: psycopg.Connection[Any],
    view: View,
    feed: Feed,
    force: bool = False,
    limit: int = PAGE_RECORDS,
    crew: Crew = ALONE,
) -> Iterator[Rebuilt]:
    """Yields the same Rebuilt after each page; its last state is the result. Swaps if nothing differs, or by force."""
    for (result,) in rebuild_together(connection, [view], feed, force, limit, crew):
        yield result


def rebuild_together(
    connection: psycopg.Connection[Any],
    views: Sequence[View],
    feed: Feed,
    force: bool = False,
    limit: int = PAGE_RECORDS,
    crew: Crew = ALONE,
) -> Iterator[list[Rebuilt]]:
    """The same for several views, which share one reading of the log; each is compared and swapped by itself."""
    with ExitStack() as held:
        for view in views:
            held.enter_context(_alone(connection, view))
        yield from _rebuild_all(connection, views, feed, force, limit, crew)


@contextmanager
def _alone(connection: psycopg.Connection[Any], view: View) -> Iterator[None]:
    """One rebuild of a view at a time, as long as the connection lives; UnderWay if there is one."""
    lock = REBUILDS, view.name
    row = connection.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", lock).fetchone()
    if row is None or not row[0]:
        raise UnderWay(f"{view.name} is being rebuilt by another process: wait until that ends, or end it")
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # a connection that is lost holds nothing
            connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", lock)


def _rebuild_all(
    connection: psycopg.Connection[Any], views: Sequence[View], feed: Feed, force: bool, limit: int, crew: Crew
) -> Iterator[list[Rebuilt]]:
    feed.head()  # tells whose events these are
    live = {view.name: tracking.position_of(connection, view.name, feed.source)[0] for view in views}
    results = [Rebuilt(view.name, feed.source, live[view.name], _begin(connection, view, feed)) for view in views]
    yield results
    through = min(_goal(connection, view, feed) for view in views)
    if isinstance(feed, LogFeed) and through:
        for _ in _load(connection, list(zip(views, results, strict=True)), feed, through, crew):
            yield results
    for view, result in zip(views, results, strict=True):
        for _ in _catch_up(connection, view, feed, result, limit):
            yield results
        _compare_and_swap(connection, view, feed, result, force, limit)
    yield results


def _load(
    connection: psycopg.Connection[Any],
    filled: Sequence[tuple[View, Rebuilt]],
    feed: LogFeed,
    through: int,
    crew: Crew,
) -> Iterator[None]:
    """Everything up to a position into new versions."""
    source = feed.source
    recorded_at = max((one.recorded_at for one in feed.read(through - 1, 1)), default=0)
    order = Order([(view, result.to_version) for view, result in filled], source)
    loaders = order.loaders()
    with connection.transaction(), connection.cursor() as cursor:
        for loader in loaders:
            loader.begin(cursor)
    for position in load(connection, order, loaders, through, crew):
        for _, result in filled:
            result.applied = result.position = position
        yield
    for loader, (view, result) in zip(loaders, filled, strict=True):
        with connection.transaction(), connection.cursor() as cursor:
            loader.finish(cursor, partial(_ordered, connection, source, through))
            tracking.move(cursor, [tracking.Tracked(view.name, result.to_version, 0)], source, through, recorded_at)
        result.applied = result.position = through
        yield


def _ordered(connection: psycopg.Connection[Any], source: str, through: int, wanted: frozenset[str]) -> Iterable[Page]:
    return Ranges(connection, source, wanted).pages(through, ORDERED_RANGE)


def _catch_up(
    connection: psycopg.Connection[Any], view: View, feed: Feed, result: Rebuilt, limit: int
) -> Iterator[None]:
    """Page by page until hardly anything is left."""
    behind = True
    while behind:
        target = _goal(connection, view, feed)
        while result.position < target:
            with connection.transaction(), connection.cursor() as cursor:
                _apply_page(cursor, view, feed, result, min(limit, target - result.position))
            yield
        behind = _goal(connection, view, feed) - result.position > limit


def _goal(connection: psycopg.Connection[Any], view: View, feed: Feed) -> int:
    """How far to go: where the live version stands; of another store's events, as far as there are any."""
    (stood,) = tracking.standing(connection, [view.name], feed.source)
    return feed.head() if origins.is_another(stood, feed.store_id) else stood.position


def _compare_and_swap(
    connection: psycopg.Connection[Any], view: View, feed: Feed, result: Rebuilt, force: bool, limit: int
) -> None:
    """Followers of the view wait while this lasts."""
    with connection.transaction(), connection.cursor() as cursor:
        held = tracking.hold(cursor, [view.name], feed.source)[0]
        (stood,) = tracking.standing(cursor, [view.name], feed.source)
        is_another = origins.is_another(stood, feed.store_id)
        goal = feed.head() if is_another else held.position
        while result.position < goal:
            _apply_page(cursor, view, feed, result, min(limit, goal - result.position))
        if not is_another:
            _apply_ahead(cursor, view, feed, result, held.ahead, limit)
        result.differences = view.differences(cursor, result.from_version, result.to_version, feed.source)
        if not force and result.differences:
            _discard(cursor, view, result.to_version)
            return
        if is_another:
            tracking.begin_anew(cursor, view.name, result.from_version, result.to_version, feed.source)
        others = [one for one in tracking.sources_of(cursor, view.name, result.from_version) if one != feed.source]
        if others and not any(one.kind == "layout_differs" for one in result.differences):
            _put_in_place(cursor, view, result)
            return
        _swap(cursor, view, result.from_version, result)
        for (
            other
        ) in others:  # their rows cannot stand in tables of another layout: they are followed from the beginning
            tracking.add(cursor, view.name, result.to_version, other)


def discard(connection: psycopg.Connection[Any], view: View, version: int) -> None:
    """Drop a version that is not live, with its tracking."""
    with connection.transaction(), connection.cursor() as cursor:
        _discard(cursor, view, version)


def _begin(connection: psycopg.Connection[Any], view: View, feed: Feed) -> int:
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
        tracking.add(cursor, view.name, version, feed.source, feed.store_id)
    return version


def _apply_page(cursor: psycopg.Cursor[Any], view: View, feed: Feed, result: Rebuilt, limit: int) -> None:
    page = _page(feed, result.position, limit)
    view.apply(cursor, result.to_version, page)
    tracked = tracking.Tracked(view.name, result.to_version, result.position)
    tracking.move(cursor, [tracked], feed.source, page.last_position, page.recorded_at)
    result.applied += len(page.records)
    result.position = page.last_position


def _apply_ahead(
    cursor: psycopg.Cursor[Any], view: View, feed: Feed, result: Rebuilt, ahead: Ahead, limit: int
) -> None:
    """What partitions that are ahead of the live version have applied."""
    at = result.position
    while at < max(ahead.positions.values(), default=0):
        page = _page(feed, at, limit)
        records = applying.only(page.records, ahead)
        if records:
            view.apply(cursor, result.to_version, Page(feed.source, records))
        result.applied += len(records)
        at = page.last_position


def _page(feed: Feed, after: int, limit: int) -> Page:
    records = feed.read(after, limit)
    if not records:
        message = f"the view has applied events of source {feed.source} after position {after}, where the source ends"
        raise Broken(message, "store_behind_view")
    return Page(feed.source, records)


def _swap(cursor: psycopg.Cursor[Any], view: View, live: int, result: Rebuilt) -> None:
    cursor.execute("UPDATE views.live SET version = %s WHERE view = %s", (result.to_version, view.name))
    cursor.execute(
        "UPDATE views.shares SET version = %s WHERE view = %s AND version = %s", (result.to_version, view.name, live)
    )
    _discard(cursor, view, live)
    result.swapped = True


def _put_in_place(cursor: psycopg.Cursor[Any], view: View, result: Rebuilt) -> None:
    """Other sources live in the same version: only this one's rows are exchanged, where any differ."""
    if result.differences:
        view.replace(cursor, result.from_version, result.to_version, result.source)
    incidents.close(cursor, view.name, result.from_version, result.source)
    _discard(cursor, view, result.to_version)
    result.to_version = result.from_version
    result.swapped = True


def _discard(cursor: psycopg.Cursor[Any], view: View, version: int) -> None:
    view.drop(cursor, version)
    for table in ("tracking", "shares"):
        cursor.execute(f"DELETE FROM views.{table} WHERE view = %s AND version = %s", (view.name, version))
    incidents.close_version(cursor, view.name, version)
