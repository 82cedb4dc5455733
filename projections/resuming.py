"""Going on after an incident: the place is read again and applied again; only what passes is passed.

Nothing is ever skipped. Whatever was wrong must be right now (the topic repaired, the program newer, the view mended),
or the source must come from elsewhere (the log instead of the topics): the cursor is the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg

from projections import applying, incidents, origins, tracking
from projections.feed.port import Broken, Feed, Page
from projections.follow import PAGE_RECORDS, apply_page
from projections.relay.log import NAME
from projections.views.port import View

FIND = "SELECT view, version, source, resumed_at IS NULL, kind FROM views.incidents WHERE number = %s"


@dataclass(frozen=True, slots=True)
class Resumed:
    """How it went. `still`: what is wrong yet; None if the view goes on. `position`: where the view stands."""

    number: int
    view: str
    source: str
    position: int
    applied: int = 0
    still: Broken | None = None


class UnknownIncident(LookupError):
    """There is no incident of this number."""


class Closed(Exception):
    """The incident is not to be resumed: it stops its view no more, or it is the relay's."""


def resume(
    connection: psycopg.Connection[Any],
    views: Sequence[View],
    number: int,
    feed_of: Callable[[str], Feed],
    limit: int = PAGE_RECORDS,
) -> Resumed:
    """Read and apply what comes after the place of an incident, and close it if that can be done.

    A foreign record has no position that a page could be known to have passed: all there is must be read without it.
    """
    row = connection.execute(FIND, (number,)).fetchone()
    if row is None:
        raise UnknownIncident(f"there is no incident {number}: `onecard incidents` lists them")
    name, version, source, is_open, kind = row
    if not is_open:
        raise Closed(f"incident {number} is closed: it stops {name} at source {source} no more")
    if name == NAME:
        raise Closed(f"incident {number} is the relay's: the next `onecard relay` that finds nothing wrong closes it")
    (view,) = [one for one in views if one.name == name]
    feed_of = cache(feed_of)
    taken, still, goes_on = 0, None, True
    while goes_on:
        (stood,) = tracking.standing(connection, [name], source)
        more, still = _go_on(connection, view, feed_of, stood, source, limit)
        taken += more
        goes_on = kind == "foreign_record" and more > 0 and still is None
    if still is None:
        with connection.transaction(), connection.cursor() as cursor:
            incidents.close(cursor, name, version, source)
    (stands,) = tracking.standing(connection, [name], source)
    return Resumed(number, name, source, stands.position, taken, still)


def _go_on(
    connection: psycopg.Connection[Any],
    view: View,
    feed_of: Callable[[str], Feed],
    stood: tracking.Standing,
    source: str,
    limit: int,
) -> tuple[int, Broken | None]:
    """How many events were applied, and what is wrong yet."""
    try:
        feed = feed_of(source)
        records = feed.read(stood.position, limit, stood.recorded_at)
        if strange := origins.estranged(connection, [stood], source, feed.store_id, bool(records)):
            return 0, strange[view.name]
        if not records:
            behind = not feed.lags and feed.head() < stood.position
            return 0, Broken("the view stands beyond the end of its source", "store_behind_view") if behind else None
    except Broken as broken:
        return 0, broken
    page = Page(source, records)
    taken, refusal = applying.furthest(connection, view, page, stood.position)
    if taken:
        apply_page(connection, {view.name: view}, [view.name], Page(source, page.records[:taken]), stood.position)
    return taken, refusal if not taken else None
