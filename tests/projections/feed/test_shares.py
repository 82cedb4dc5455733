"""Views shared out by partition: whoever applies what, in whatever order, the views are those of the log."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Timer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections import shares
from projections.feed.log import LogFeed
from projections.feed.share import ShareFeed
from projections.follow import catch_up, prepare
from projections.rebuild import rebuild_together
from projections.shares import NotShared, Share
from projections.views.audit import Audit
from projections.views.balances import Balances
from projections.views.clearing.view import Clearing
from projections.views.port import View
from tests.fix_planting import LINES
from tests.fix_stores import Store, soak
from tests.projections.feed.planting import Planting
from tests.projections.feed.scenes import followed, incidents_of, positions_of, rows_of
from tests.projections.feed.test_faults import with_successor
from tests.projections.feed.test_following import over_the_log, undisturbed

SHARED: tuple[View, ...] = (Audit(), Balances())
PARTITIONS = 3


def feed_of(planting: Planting, share: Share) -> ShareFeed:
    topology = planting.kafka.topology
    numbers = share.partitions(topology.partitions)
    return ShareFeed(planting.kafka.access(), topology, planting.source, numbers)


def shared(planting: Planting, share: Share, pages: int = 1_000, limit: int = 1_000) -> None:
    """Some pages by one share, as a process does that is killed then."""
    with closing(planting.store.connect()) as connection, closing(feed_of(planting, share)) as feed:
        prepare(connection, SHARED, planting.source)
        shares.claim(connection, SHARED, planting.source, share, list(feed.numbers))
        for _ in zip(range(pages), shares.catch_up(connection, SHARED, feed, share, limit), strict=False):
            pass


def whole(planting: Planting, over_log: bool, pages: int, limit: int) -> None:
    feed = over_the_log(planting) if over_log else planting.feed()
    with closing(planting.store.connect()) as connection, closing(feed):
        prepare(connection, SHARED, planting.source)
        for _ in zip(range(pages), catch_up(connection, SHARED, feed, limit), strict=False):
            pass


def begin_again(store: Store) -> None:
    """No view has been built."""
    with store.connect() as connection, connection.cursor() as cursor:
        for view, version in cursor.execute("SELECT view, version FROM views.live").fetchall():
            next(one for one in SHARED if one.name == view).drop(cursor, version)
        for table in ("live", "tracking", "shares", "incidents"):
            cursor.execute(f"DELETE FROM views.{table}")


Turn = tuple[str, int, int, int]
TURNS = st.lists(
    st.tuples(
        st.sampled_from(["log", "topics", "1/2", "2/2", "1/3", "2/3", "3/3", "1/1", "rebuild"]),
        st.integers(1, 4),
        st.sampled_from([3, 20, 70]),
        st.integers(0, 60),
    ),
    min_size=2,
    max_size=6,
)


@pytest.fixture
def wanted(planting: Planting, stores: Callable[[], Store], tmp_path: Path, seed: int) -> Iterator[Store]:
    other = undisturbed(planting, stores(), tmp_path, seed, LINES)
    yield other


def test_the_whole_and_shares_take_turns_in_any_order(planting: Planting, wanted: Store) -> None:
    head = planting.store.positions()[-1]
    planting.publish(head // 3)
    right = {name: rows for name, rows in rows_of(wanted, planting.source).items() if not name.startswith("clearing")}

    @settings(max_examples=soak(4, 100), suppress_health_check=list(HealthCheck), deadline=None)
    @given(TURNS)
    def take_turns(turns: list[Turn]) -> None:
        begin_again(planting.store)
        for who, pages, limit, more in turns:
            if more > 40 and planting.position < head:
                planting.publish(more)
            if who == "rebuild":
                if positions_of(planting.store, planting.source):
                    rebuilt(planting)
            elif who in ("log", "topics"):
                whole(planting, who == "log", pages, limit)
            else:
                shared(planting, Share.of_text(who), pages, limit)
        whole(planting, True, 1_000, 1_000)
        assert {k: v for k, v in rows_of(planting.store, planting.source).items() if k in right} == right
        assert set(positions_of(planting.store, planting.source).values()) == {head}
        # A share that had nothing to do may leave a row where the whole stands: it says nothing that is not so.
        assert planting.store.ask("SELECT * FROM views.shares WHERE position > %s", head) == []
        assert incidents_of(planting.store, planting.source) == []

    take_turns()


def rebuilt(planting: Planting) -> None:
    """Beside shares that are ahead, from the log."""
    with closing(planting.store.connect()) as connection, closing(over_the_log(planting)) as feed:
        *_, results = rebuild_together(connection, SHARED, feed, limit=50)
    assert [(one.swapped, one.differences) for one in results] == [(True, [])] * 2


def test_shares_of_all_partitions_raise_the_views_position_to_the_end(planting: Planting, wanted: Store) -> None:
    planting.publish()
    for number in (1, 2, 3):
        shared(planting, Share(number, 3), limit=40)
        standing = set(positions_of(planting.store, planting.source).values())
        assert standing == ({planting.position} if number == 3 else {0})
    found = rows_of(planting.store, planting.source)
    right = rows_of(wanted, planting.source)
    assert {name: found[name] for name in found} == {name: right[name] for name in found}
    hot = planting.store.ask("SELECT DISTINCT share FROM views.balances_v1 WHERE account NOT LIKE 'card:%%'")
    assert len(hot) > 1, "hot accounts have a row a share"


def test_a_record_that_is_missing_stops_the_share(planting: Planting) -> None:
    position = with_successor(planting)
    messages = planting.next()
    gone = next(one for one in messages if dict(one[4]).get("position") == b"%d" % position)
    planting.send([one for one in messages if one is not gone])
    for number in (1, 2, 3):
        shared(planting, Share(number, 3), limit=40)
    assert {kind for _, kind, _ in incidents_of(planting.store, planting.source)} == {"record_missing"}
    applied = {row[0] for row in planting.store.ask("SELECT position FROM views.audit_v1")}
    assert position not in applied
    assert all(standing < position for standing in positions_of(planting.store, planting.source).values())


def test_the_last_record_of_a_partition_that_is_missing_stops_the_share(planting: Planting) -> None:
    messages = planting.next()
    planting.send([one for one in messages if one is not messages[-2]])
    shared(planting, Share(messages[-2][1] + 1, 3))
    assert {kind for _, kind, _ in incidents_of(planting.store, planting.source)} == {"record_missing"}


def test_a_partition_is_claimed_once(planting: Planting) -> None:
    planting.publish(20)
    with ExitStack() as stack:
        first, second = (stack.enter_context(closing(planting.store.connect())) for _ in range(2))
        shares.claim(first, SHARED, planting.source, Share(1, 2), [0, 2])
        shares.claim(second, SHARED, planting.source, Share(2, 2), [1])
        with pytest.raises(NotShared, match=r"partition 2 .* followed for audit by another process"):
            shares.claim(second, SHARED, planting.source, Share(3, 3), [2])
        shares.claim(second, SHARED, "elsewhere", Share(3, 3), [2])


def test_clearing_is_refused(planting: Planting) -> None:
    with pytest.raises(NotShared, match="clearing cannot be shared out by partition"):
        shares.refuse_unshared([Audit(), Clearing()])
    shares.refuse_unshared(SHARED)


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "²/3", "1/99999999999"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(NotShared, match="is no share"):
        Share.of_text(text)


def test_every_partition_is_in_one_share() -> None:
    for of in range(1, 13):
        found = [one for number in range(1, of + 1) for one in Share(number, of).partitions(12)]
        assert sorted(found) == list(range(12))
    with pytest.raises(NotShared, match="no partition"):
        Share(13, 13).partitions(12)


def test_other_views_than_the_shared_go_on_as_a_whole(planting: Planting) -> None:
    planting.publish()
    shared(planting, Share(1, 1))
    with closing(LogFeed(planting.source, planting.store.connect)) as log:
        followed(planting.store, log)
    assert set(positions_of(planting.store, planting.source).values()) == {planting.position}


def test_a_share_of_who_has_just_died_is_waited_for(store: Store) -> None:
    """The server may take a moment to notice."""
    with closing(store.connect()) as dead, closing(store.connect()) as heir:
        shares.claim(dead, SHARED, "33", Share(1, 2), [0])
        noticed = Timer(0.4, dead.close)
        noticed.start()
        shares.claim(heir, SHARED, "33", Share(1, 2), [0])
        noticed.join()
