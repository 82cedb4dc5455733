"""A view shared out by partition: each share applies its own partitions' events, whenever others apply theirs.

Only for views that add or insert, where order between streams does not matter. What is applied is told by one
number per partition beside the view's own: all events up to the tracking row's position are applied, and of some
partitions more. Whoever follows the whole takes that into account and folds it in; so shares and the whole may take
turns in any order, with other numbers of shares, over topics or over the log.

A partition is claimed by an advisory lock as long as its follower's connection lives.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from ledger.store.lease import CLASS
from projections import applying, incidents, origins, tracking
from projections.feed.port import Broken, Page
from projections.feed.share import Part, ShareFeed
from projections.follow import PAGE_RECORDS, Step
from projections.relay.pause import pause
from projections.tracking import Ahead, Tracked
from projections.views.port import Cursor, View

CLAIMS: Final = CLASS + 3
PATIENCE_SECONDS: Final = 1
PAUSE_MS: Final = 100
READ, WRITE, WRITE_IF_FREE = "SHARE OF tracking", "UPDATE OF tracking", "UPDATE OF tracking SKIP LOCKED"
HOLD: Final = """
    SELECT version, position, recorded_at FROM views.tracking JOIN views.live USING (view, version)
    WHERE view = %s AND source = %s FOR {lock}
"""
OPEN: Final = """
    INSERT INTO views.shares (view, version, source, partition, partitions, position, recorded_at)
    SELECT %s, %s, %s, number, %s, %s, %s FROM unnest(%s::int[]) AS number ON CONFLICT DO NOTHING
"""
OWN: Final = """
    SELECT partition, greatest(position, %s), partitions, recorded_at FROM views.shares
    WHERE view = %s AND version = %s AND source = %s AND partition = ANY(%s) ORDER BY partition FOR UPDATE
"""
MOVE: Final = """
    UPDATE views.shares SET position = %s, recorded_at = greatest(recorded_at, %s)
    WHERE view = %s AND version = %s AND source = %s AND partition = ANY(%s) AND position < %s
"""
LEAST: Final = """
    SELECT count(*), min(position), min(recorded_at) FROM views.shares WHERE view = %s AND version = %s AND source = %s
"""


class NotShared(Exception):
    """The view cannot be shared out, or the share is not to be had."""


@dataclass(frozen=True, slots=True)
class Share:
    """The `number`th of `of` shares: partitions p with p % of == number - 1."""

    number: int
    of: int

    @classmethod
    def of_text(cls, text: str) -> "Share":
        """From `2/8`; NotShared if it is none."""
        number, _, of = text.partition("/")
        if not (number.isascii() and number.isdigit() and of.isascii() and of.isdigit() and len(text) < 12):
            raise NotShared(f"{text!r} is no share: say 2/8 for the second of eight")
        if not 1 <= int(number) <= int(of):
            raise NotShared(f"{text!r} is no share: there are shares 1/{of} to {of}/{of}")
        return cls(int(number), int(of))

    def partitions(self, partitions: int) -> list[int]:
        """Which of so many partitions are this share's; NotShared if none is."""
        found = [one for one in range(partitions) if one % self.of == self.number - 1]
        if not found:
            raise NotShared(f"share {self} has no partition: there are {partitions}, so at most {partitions} shares")
        return found

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def refuse_unshared(views: Sequence[View]) -> None:
    """NotShared if any of the views depends on the order between streams."""
    whole = [view.name for view in views if not view.shareable]
    if whole:
        able = "name views that only add, such as `onecard follow audit balances --share 1/2`"
        raise NotShared(
            f"{', '.join(whole)} cannot be shared out by partition, since its events' order matters: {able}"
        )


def claim(
    connection: psycopg.Connection[Any], views: Sequence[View], source: str, share: Share, numbers: list[int]
) -> None:
    """These partitions are ours as long as the connection lives; NotShared if one is somebody else's.

    The server may take a moment to notice that the one before us is dead.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    for view in views:
        for number in numbers:
            while not _is_ours(connection, f"{view.name}:{source}:{number}"):
                if time.monotonic() < give_up:
                    pause(PAUSE_MS)
                    continue
                raise NotShared(
                    f"partition {number} of source {source} is followed for {view.name} by another process: share"
                    f" {share} overlaps with its share; end it first, or take another share"
                )


def _is_ours(connection: psycopg.Connection[Any], name: str) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (CLAIMS, name)).fetchone()
    return row is not None and bool(row[0])


def catch_up(
    connection: psycopg.Connection[Any],
    views: Sequence[View],
    feed: ShareFeed,
    share: Share,
    limit: int = PAGE_RECORDS,
) -> Generator[Step, None, bool]:
    """Apply everything the share's partitions have now, and raise the views' own positions where all have passed.

    At last whether any view goes on.
    """
    names = [view.name for view in views]
    while True:
        able = [one for one in tracking.standing(connection, names, feed.source) if one.incident is None]
        due = [view for view in views if view.name in {one.view for one in able}]
        if not due:
            return False
        positions = [_opened(connection, view, feed) for view in due]
        after, since = min(one[0] for one in positions), min(one[1] for one in positions)
        try:
            part = feed.read(after, limit, since)
        except Broken as broken:
            for view in due:
                yield from _stop(connection, view.name, feed.source, broken)
            continue
        if strange := origins.estranged(connection, able, feed.source, feed.store_id, bool(part.records)):
            for name, why in strange.items():
                yield from _stop(connection, name, feed.source, why)
            continue
        if part.through == after:
            break
        for view in due:
            yield from _apply(connection, view, feed, part, share)
    for view in due:
        raise_base(connection, view.name, feed, wait=True)
    return True


def _opened(connection: psycopg.Connection[Any], view: View, feed: ShareFeed) -> tuple[int, int]:
    """The first position that any of the share's partitions has not applied in a view, and since when to read."""
    with connection.transaction(), connection.cursor() as cursor:
        reached, since = _hold(cursor, view.name, feed)[1:]
    return min(reached.positions.values()), since


def _hold(cursor: Cursor, view: str, feed: ShareFeed) -> tuple[int, Ahead, int]:
    """Lock the share's own rows, made if there are none, against rivals; and the view's against the whole only."""
    version, base, recorded_at = _live(cursor, view, feed.source)
    made = (view, version, feed.source, feed.partitions, base, recorded_at, list(feed.numbers))
    cursor.execute(OPEN, made)
    rows = cursor.execute(OWN, (base, view, version, feed.source, list(feed.numbers))).fetchall()
    if any(partitions != feed.partitions for _, _, partitions, _ in rows):
        raise NotShared(f"{view} was shared out by another number of partitions than {feed.partitions}")
    reached = Ahead({partition: position for partition, position, _, _ in rows}, feed.partitions)
    return version, reached, min(since for *_, since in rows)


def _live(cursor: Cursor, view: str, source: str) -> tuple[int, int, int]:
    """Lock the view's row against the whole only: its version, position and recorded_at."""
    held = HOLD.format(lock=READ), (view, source)
    # Whoever waited for a rebuild finds the row that it took away; the one that it put there is seen by asking again.
    row = cursor.execute(*held).fetchone() or cursor.execute(*held).fetchone()
    if row is None:
        raise tracking.NotBuilt(f"the view {view} is not built yet: run `onecard follow --until-caught-up`")
    version, base, recorded_at = row
    return version, base, recorded_at


def _apply(
    connection: psycopg.Connection[Any], view: View, feed: ShareFeed, part: Part, share: Share
) -> Iterator[Step]:
    """A part into one view, in a transaction; as far as the view takes it."""
    records, through = part.records, part.through
    try:
        applied = _write(connection, view, feed, part, share)
    except applying.REFUSALS:
        taken, refusal = _furthest(connection, view, feed, part, share)
        if refusal is None:
            return
        through = records[taken].position - 1
        applied = _write(connection, view, feed, Part(records[:taken], through), share)
        yield from _stop(connection, view.name, feed.source, refusal)
    if applied is not None:
        yield Step([view.name], through, applied)
    raise_base(connection, view.name, feed, wait=False)


def _write(
    connection: psycopg.Connection[Any], view: View, feed: ShareFeed, part: Part, share: Share, kept: bool = True
) -> int | None:
    """How many records were applied; None if somebody else has applied the part meanwhile."""
    with connection.transaction(force_rollback=not kept), connection.cursor() as cursor:
        version, reached, _ = _hold(cursor, view.name, feed)
        if min(reached.positions.values()) >= part.through:
            return None
        records = applying.without(part.records, reached)
        if records:
            view.apply(cursor, version, Page(feed.source, records, share.number))
        recorded_at = part.records[-1].recorded_at if part.records else 0
        cursor.execute(
            MOVE,
            (part.through, recorded_at, view.name, version, feed.source, list(feed.numbers), part.through),
        )
        return len(records)


def _furthest(
    connection: psycopg.Connection[Any], view: View, feed: ShareFeed, part: Part, share: Share
) -> tuple[int, Broken | None]:
    """How many of a part's records the view takes, and why not the next."""

    def refusal(count: int) -> Broken | None:
        records = part.records[:count]
        tried = Part(records, records[-1].position)
        return applying.refusal_of(lambda: _write(connection, view, feed, tried, share, kept=False), view, records[-1])

    return applying.halved(part.records, refusal)


def _stop(connection: psycopg.Connection[Any], view: str, source: str, broken: Broken) -> Iterator[Step]:
    with connection.transaction(), connection.cursor() as cursor:
        version, base, _ = _live(cursor, view, source)
        opened = incidents.open_one(cursor, view, version, source, base, broken)
    if opened is not None:
        yield Step([view], base, 0, opened)


def raise_base(connection: psycopg.Connection[Any], view: str, feed: ShareFeed, wait: bool) -> None:
    """The view's own position rises to where all partitions have come. Without `wait`, only if nobody is at work."""
    lock = WRITE if wait else WRITE_IF_FREE
    with connection.transaction(), connection.cursor() as cursor:
        row = cursor.execute(HOLD.format(lock=lock), (view, feed.source)).fetchone()
        if row is None:
            return
        version, base, _ = row
        counted = cursor.execute(LEAST, (view, version, feed.source)).fetchone()
        assert counted is not None
        count, least, recorded_at = counted
        if count == feed.partitions and least > base:
            ahead = Ahead({0: least}, feed.partitions)
            tracking.move(cursor, [Tracked(view, version, base, ahead)], feed.source, least, recorded_at)
