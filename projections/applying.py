"""Applying a page to one view: without what its partitions have already, and as far as it goes if it is refused.

A view refuses what contradicts its tables (a cut-off that is not the table its lines give, an event twice) and bytes
that say what no event says. The first record that it does not take is found by halves, so that the incident names it.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import psycopg

from projections import tracking
from projections.feed.port import Broken, Page, Record, refused_by
from projections.topics.partition import partition_of
from projections.tracking import Ahead, Tracked
from projections.views.port import Cursor, View

# What a view says of records that cannot be; a lost connection or a lock is none of it.
REFUSALS: Final = (
    Broken, LookupError, ValueError, TypeError, AttributeError, ArithmeticError,
    psycopg.DataError, psycopg.IntegrityError,
)  # fmt: skip


def apply(cursor: Cursor, view: View, tracked: Tracked, page: Page) -> None:
    """A page into a version of a view that holds its tracking."""
    if tracked.ahead.positions:
        page = Page(page.source, without(page.records, tracked.ahead), page.share)
    if page.records:
        view.apply(cursor, tracked.version, page)


def without(records: Sequence[Record], ahead: Ahead) -> list[Record]:
    """The records that partitions which are ahead have not applied."""
    reached = ahead.positions
    return [one for one in records if one.position > reached.get(partition_of(one.stream_id, ahead.partitions), 0)]


def only(records: Sequence[Record], ahead: Ahead) -> list[Record]:
    """The records that partitions which are ahead have applied."""
    reached = ahead.positions
    return [one for one in records if one.position <= reached.get(partition_of(one.stream_id, ahead.partitions), 0)]


def furthest(connection: psycopg.Connection[Any], view: View, page: Page, start: int) -> tuple[int, Broken | None]:
    """How many of a page's records the view takes, and why not the next; None if it takes all."""

    def attempt(part: Page) -> None:
        with connection.transaction(force_rollback=True), connection.cursor() as cursor:
            for tracked in tracking.hold(cursor, [view.name], page.source):
                if tracked.position == start:
                    apply(cursor, view, tracked, part)

    def refusal(count: int) -> Broken | None:
        part = Page(page.source, page.records[:count], page.share)
        return refusal_of(partial(attempt, part), view, part.records[-1])

    return halved(page.records, refusal)


def halved(records: Sequence[Record], refusal: Callable[[int], Broken | None]) -> tuple[int, Broken | None]:
    """How many of the records can be applied, and why not one more. `refusal`: of so many, None if they can."""
    taken, refused = 0, len(records) + 1
    reason: Broken | None = None
    trial = len(records)
    while refused - taken > 1:
        said = refusal(trial)
        if said is None:
            taken = trial
        else:
            refused, reason = trial, said
        trial = (taken + refused) // 2
        if reason is not None and reason.position is not None:
            before = bisect_left(records, reason.position, key=lambda one: one.position)
            trial = next((one for one in (before, before + 1) if taken < one < refused), trial)
    if reason is not None and reason.evidence is None:
        record = records[taken]
        reason = Broken(str(reason), reason.kind, record.position, record.evidence())
    return taken, reason


def refusal_of(attempt: Callable[[], object], view: View, last: Record) -> Broken | None:
    """Why a view does not take records of which this is the last; the attempt keeps nothing."""
    try:
        attempt()
    except Broken as broken:
        return broken
    except REFUSALS as error:
        said = str(error).partition("\n")[0]
        where = f"source {last.source}, position {last.position}"
        return refused_by(view.name, f"{where}: {view.name} cannot take {last.name} ({said})", last.position)
    return None
