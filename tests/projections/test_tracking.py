"""Who holds a view's tracking knows what its shares have applied by then, however long it waited for it."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

import psycopg
import pytest

from projections import tracking
from projections.feed.share import ShareFeed
from projections.shares import HOLD, READ, _hold
from projections.tracking import Ahead
from tests.fix_stores import Store

WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class ThirdOfThree:
    """As much of a share's feed as its holding needs."""

    source, partitions, numbers = "33", 3, (2,)


def begin(store: Store) -> None:
    with store.connect() as connection:
        connection.execute("INSERT INTO views.live (view, version) VALUES ('balances', 1)")
        connection.execute(
            "INSERT INTO views.tracking (view, version, source, position) VALUES ('balances', 1, '33', 0)"
        )
        connection.execute("INSERT INTO views.shares VALUES ('balances', 1, '33', 2, 3, 0, 0)")


def held_after_waiting(
    store: Store, hold: Callable[[psycopg.Cursor[Any]], Any], other: psycopg.Connection[Any], act: Callable[[], None]
) -> Any:
    """What `hold` finds that began before `other` acts, and had to wait until it had committed."""
    found: list[Any] = []

    def wait() -> None:
        with closing(store.connect()) as connection, connection.transaction(), connection.cursor() as cursor:
            found.append(hold(cursor))

    thread = threading.Thread(target=wait)
    with other.transaction():
        act()
        thread.start()
        until = time.monotonic() + 20
        while not store.ask(WAITING):
            assert time.monotonic() < until, "nobody had to wait"
            time.sleep(0.01)
    thread.join()
    return found[0]


def test_the_whole_that_waited_for_a_share_knows_what_it_has_applied(store: Store) -> None:
    begin(store)
    with closing(store.connect()) as share:

        def applies() -> None:
            share.execute(HOLD.format(lock=READ), ("balances", "33"))
            share.execute("UPDATE views.shares SET position = 50")

        (held,) = held_after_waiting(store, lambda cursor: tracking.hold(cursor, ["balances"], "33"), share, applies)
    assert held == tracking.Tracked("balances", 1, 0, Ahead({2: 50}, 3))


def test_a_share_that_waited_for_a_rebuild_goes_on_in_the_new_version(store: Store) -> None:
    begin(store)
    feed = cast(ShareFeed, ThirdOfThree())
    with closing(store.connect()) as rebuild:

        def swaps() -> None:
            tracking.hold(rebuild.cursor(), ["balances"], "33")
            rebuild.execute("INSERT INTO views.tracking VALUES ('balances', 2, '33', 7)")
            rebuild.execute("UPDATE views.live SET version = 2")
            rebuild.execute("UPDATE views.shares SET version = 2, position = 9")
            rebuild.execute("DELETE FROM views.tracking WHERE version = 1")

        version, reached, _ = held_after_waiting(store, lambda cursor: _hold(cursor, "balances", feed), rebuild, swaps)
    assert (version, reached) == (2, Ahead({2: 9}, 3))


def test_views_move_together_and_none_does_if_one_stands_further(store: Store) -> None:
    begin(store)
    with closing(store.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO views.live VALUES ('audit', 1), ('clearing', 1)")
        cursor.execute("INSERT INTO views.tracking VALUES ('audit', 1, '33', 0), ('clearing', 1, '33', 9)")
        cursor.execute("UPDATE views.shares SET position = 5")
        audit, balances = tracking.hold(cursor, ["audit", "balances"], "33")
        assert balances.ahead == Ahead({2: 5}, 3)

        tracking.move(cursor, [audit, balances], "33", 7, 1_000)

        standing = tracking.standing(cursor, ["audit", "balances", "clearing"], "33")
        assert [(one.position, one.recorded_at) for one in standing] == [(7, 1_000), (7, 1_000), (9, 0)]
        assert cursor.execute("SELECT count(*) FROM views.shares").fetchone() == (0,)
        with pytest.raises(AssertionError, match="audit, balances, clearing"), connection.transaction():
            tracking.move(cursor, tracking.hold(cursor, ["audit", "balances", "clearing"], "33"), "33", 8)
        assert [one.position for one in tracking.standing(cursor, ["audit", "balances", "clearing"], "33")] == [7, 7, 9]
