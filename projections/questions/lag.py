"""How far each follower is behind the log, in events and in time (queries.md section 6: `lag`).

A follower is a view, or the relay, which copies the log to topics. Behind in events is exact, since positions are
dense. Behind in time is the age of the oldest event it has not applied: what somebody who reads the view misses.
"""

from dataclasses import dataclass
from typing import Any, Final

from ledger.core.calendar import SECOND
from ledger.store import codec
from projections.questions.progress import head_position, standings
from projections.questions.snapshot import Cursor

WHOLE: Final = "1/1"
RELAY: Final = "relay"
AT = "SELECT state FROM ledger.events WHERE notification_id = %s"


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
    waiting_since: int | None

    def seconds_behind(self, now: int) -> int:
        """Whole seconds since its next event was recorded."""
        return 0 if self.waiting_since is None else max(0, now - self.waiting_since) // SECOND

    def document(self) -> dict[str, Any]:
        """As `lag` shows it: the keys of the contract and no others."""
        shown = ("name", "share", "feed", "position", "behind", "running")
        return {key: getattr(self, key) for key in shown}


def followers(cursor: Cursor, source: str, feed: str) -> list[Follower]:
    """Every view of a store's own source, by name."""
    head = head_position(cursor)
    return [
        follower(cursor, standing.view, feed, source, standing.position, head, standing.running)
        for standing in standings(cursor, source)
    ]


def follower(cursor: Cursor, name: str, feed: str, source: str, position: int, head: int, running: bool) -> Follower:
    """One that has applied everything of the store's log up to `position`."""
    return Follower(name, WHOLE, feed, source, position, head - position, running, recorded_at(cursor, position + 1))


def recorded_at(cursor: Cursor, position: int) -> int | None:
    """When the event at a position was recorded; None if there is none, or its bytes say nothing (see `verify`)."""
    row = cursor.execute(AT, (position,)).fetchone()
    try:
        return codec.instants_of(bytes(row[0]))[1] if row else None
    except codec.Undecodable:
        return None


def lag(cursor: Cursor, source: str, feed: str, others: list[Follower]) -> dict[str, Any]:
    """The document of `lag`."""
    found = sorted([*followers(cursor, source, feed), *others], key=lambda one: (one.name, one.share))
    return {"head_position": head_position(cursor), "followers": [one.document() for one in found]}
