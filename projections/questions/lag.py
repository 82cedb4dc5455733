"""How far each follower is behind, in events and in time (queries.md section 6: `lag`).

A follower is a view of one source, a share of such a view, or the relay. Behind in events is exact, since positions are
dense. Behind in time is the age of the oldest event it has not applied: what somebody who reads the view misses.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ledger.core.calendar import SECOND
from ledger.store import codec
from projections import presence, tracking
from projections.questions import sources
from projections.questions.progress import head_position
from projections.questions.snapshot import Cursor
from projections.shares import CLAIMS
from projections.sources import is_foreign, own_source
from projections.views.registry import VIEWS

WHOLE: Final = "1/1"
RELAY: Final = "relay"
AT: Final = "SELECT state FROM ledger.events WHERE notification_id = %s"
SHARED: Final = """
    SELECT partition, position FROM views.shares
    WHERE view = %s AND version = %s AND source = %s ORDER BY partition
"""
CLAIMED: Final = """
    SELECT number - 1, pid FROM unnest(%s::text[]) WITH ORDINALITY AS claimed (name, number) JOIN pg_locks
        ON locktype = 'advisory' AND classid = %s AND objid = (hashtext(name)::bigint & 4294967295)::oid
        AND objsubid = 2 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a view stands in a source. `ahead`: partitions of which more is applied than up to `position`."""

    view: str
    source: str
    position: int
    recorded_at: int
    ahead: Mapping[int, int] = field(default_factory=dict)
    partitions: int = 0

    def reached(self, partition: int) -> int:
        """Of the events in a partition, all up to this position are applied."""
        return max(self.position, self.ahead.get(partition, 0))


@dataclass(frozen=True, slots=True)
class Follower:
    """Where a follower of one source stands. `waiting_since`: when its next event was recorded, if there is one."""

    name: str
    share: str
    feed: str
    source: str
    position: int
    behind: int
    running: bool
    waiting_since: int | None = None

    def seconds_behind(self, now: int) -> int:
        """Whole seconds since its next event was recorded."""
        return 0 if self.waiting_since is None else max(0, now - self.waiting_since) // SECOND

    def document(self) -> dict[str, Any]:
        """As `lag` shows it: the keys of the contract and no others."""
        shown = ("name", "share", "feed", "position", "behind", "running")
        return {key: getattr(self, key) for key in shown}


def stands(cursor: Cursor, source: str, partitions: int) -> list[Stand]:
    """Every view in a source, by name; a view that is not built, or does not follow it yet, stands at 0.

    `partitions`: how many the topics have; 0 where views follow the log, which is not shared out.
    """
    names = sorted(view.name for view in VIEWS)
    built = {one.view: one for one in tracking.standing(cursor, names, source)}
    found = []
    for name in names:
        if (one := built.get(name)) is None:
            found.append(Stand(name, source, 0, 0, {}, partitions))
            continue
        ahead = dict(cursor.execute(SHARED, (name, one.version, source)).fetchall())
        found.append(Stand(name, source, one.position, one.recorded_at, ahead, partitions))
    return found


def followed_here(cursor: Cursor) -> tuple[str, list[str]]:
    """The store's own source, and every source that some view follows, the own one included."""
    own = own_source(cursor)
    assert own is not None, "a store that is open has a name"
    return own, sorted({own}.union(*(sources.followed(cursor, view.name) for view in VIEWS)))


def head_of(cursor: Cursor, source: str, stood: Sequence[Stand], published: Mapping[str, int]) -> int:
    """The last position of a source: of its log, of its topics if the log is elsewhere, else as far as a view knows."""
    if not is_foreign(cursor, source):
        return head_position(cursor)
    return max([published.get(source, 0), *(stand.position for stand in stood)])


def followers(cursor: Cursor, stood: Sequence[Stand], head: int, feed: str) -> list[Follower]:
    """Who follows, by name and share. Of a view that is shared out the shares, also those that nobody drives."""
    found = []
    for stand in stood:
        found += _shares(cursor, stand, head, feed) or [_whole(cursor, stand, head, feed)]
    return found


def relay(cursor: Cursor, source: str, position: int) -> Follower:
    """The relay of the store's own source, as a follower of the log like any other."""
    running = presence.is_followed(cursor, RELAY)
    return _follower(cursor, RELAY, WHOLE, "log", source, position, head_position(cursor), running)


def _whole(cursor: Cursor, stand: Stand, head: int, feed: str) -> Follower:
    running = presence.is_followed(cursor, presence.whole(stand.view, stand.source))
    return _follower(cursor, stand.view, WHOLE, feed, stand.source, stand.position, head, running)


def _shares(cursor: Cursor, stand: Stand, head: int, feed: str) -> list[Follower]:
    """The shares of a view; none if nobody drives one."""
    claimed = [f"{stand.view}:{stand.source}:{number}" for number in range(stand.partitions)]
    by_process: dict[int, list[int]] = defaultdict(list)
    for partition, process in cursor.execute(CLAIMED, (claimed, CLAIMS)).fetchall():
        by_process[process].append(partition)
    driven = {_share(partitions, stand.partitions) for partitions in by_process.values()}
    splits = {of for _, of in driven}
    # Where all agree in how many shares there are, one that has died is missed.
    shown = driven if len(splits) != 1 else {(number, of) for of in splits for number in range(1, of + 1)}
    found = []
    for number, of in sorted(shown):
        position = min(stand.reached(one) for one in range(stand.partitions) if one % of == number - 1)
        running = (number, of) in driven
        found.append(_follower(cursor, stand.view, f"{number}/{of}", feed, stand.source, position, head, running))
    return [*found, _whole(cursor, stand, head, feed)] if len(splits) > 1 else found


def _share(claimed: Sequence[int], partitions: int) -> tuple[int, int]:
    """(k, n) of the share that has just these partitions: those p for which p % n == k - 1."""
    of = claimed[1] - claimed[0] if len(claimed) > 1 else partitions
    return claimed[0] % of + 1, of


def _follower(
    cursor: Cursor, name: str, share: str, feed: str, source: str, position: int, head: int, running: bool
) -> Follower:
    waiting_since = None if is_foreign(cursor, source) else recorded_at(cursor, position + 1)
    return Follower(name, share, feed, source, position, max(0, head - position), running, waiting_since)


def recorded_at(cursor: Cursor, position: int) -> int | None:
    """When the event at a position was recorded; None if there is none, or its bytes say nothing (see `verify`)."""
    row = cursor.execute(AT, (position,)).fetchone()
    try:
        return codec.instants_of(bytes(row[0]))[1] if row else None
    except codec.Undecodable:
        return None
