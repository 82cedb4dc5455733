"""A source's name that is given to another store: its events are not mixed with those of the one before."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from projections import shares
from projections.feed.share import ShareFeed
from projections.follow import prepare
from projections.kafka.cluster import Cluster
from projections.rebuild import rebuild_together
from projections.resuming import resume
from projections.shares import Share
from projections.views.audit import Audit
from projections.views.registry import BOOKS, VIEWS
from tests.fix_planting import fill
from tests.fix_stores import Store
from tests.projections.feed.planting import Planting
from tests.projections.feed.scenes import followed, incidents_of, positions_of, rows_of

OTHER = "99999999-2222-3333-4444-555555555555"
BEFORE, AFTER = 60, 40


@pytest.fixture
def exchanged(planting: Planting, stores: Callable[[], Store], tmp_path: Path, seed: int) -> Planting:
    """The views have applied one store; then its topics are made anew and another store publishes, less so far."""
    planting.publish(BEFORE)
    with closing(planting.feed()) as feed:
        followed(planting.store, feed)
    return anew(planting, fill(stores(), tmp_path, seed + 1, 120))


def anew(planting: Planting, store: Store) -> Planting:
    topology, source = planting.kafka.topology, planting.source
    with Cluster(planting.kafka.access()) as cluster:
        cluster.delete([*topology.all_events(source), topology.relay(source)])
        while any(source in topic for topic in cluster.topics()):
            pass
    planting.kafka.make_topics(source)
    other = Planting(store, planting.kafka, source, store_id=OTHER)
    other.publish(AFTER)
    return other


def test_a_source_that_is_another_store_stops_every_view_and_is_rebuilt_by_force(
    planting: Planting, exchanged: Planting
) -> None:
    source, store = planting.source, planting.store
    before = rows_of(store, source)
    exchanged.publish(60)  # what follows the place where the views stand must not be applied either
    with closing(exchanged.feed()) as feed:
        followed(store, feed)
    names = sorted(view.name for view in VIEWS)
    assert incidents_of(store, source) == [(name, "store_differs", BEFORE) for name in names]
    assert rows_of(store, source) == before
    ((message,),) = store.ask("SELECT message FROM views.incidents WHERE view = 'audit'")
    assert OTHER in message and f"onecard rebuild audit --source {source} --force" in message

    with closing(store.connect()) as connection, closing(exchanged.feed()) as feed:
        assert resume(connection, VIEWS, 1, lambda _: feed).still is not None
        *_, kept = rebuild_together(connection, VIEWS, feed)
        assert all(one.swapped != bool(one.differences) for one in kept)
        assert {one.view for one in kept if one.differences} >= {view.name for view in BOOKS}
        *_, forced = rebuild_together(connection, VIEWS, feed, force=True)
        assert all(one.swapped for one in forced)
    assert incidents_of(store, source) == []
    with closing(exchanged.feed()) as feed:
        followed(store, feed)
        followed(exchanged.store, feed)
    assert rows_of(store, source) == rows_of(exchanged.store, source)
    assert set(positions_of(store, source).values()) == {exchanged.position}


def test_one_source_of_several_is_put_in_place_where_the_other_store_ends(
    planting: Planting, exchanged: Planting, plant: Callable[[Store], Planting]
) -> None:
    """The new store is shorter than what was applied, and the view holds another source too."""
    other = plant(planting.store)
    other.publish(30)
    with closing(other.feed()) as feed:
        followed(planting.store, feed, [Audit()])
    with closing(exchanged.feed()) as feed:
        assert [step.incident is not None for step in followed(planting.store, feed, [Audit()])] == [True]
    with closing(planting.store.connect()) as connection, closing(exchanged.feed()) as feed:
        *_, (result,) = rebuild_together(connection, [Audit()], feed, force=True)
    assert (result.swapped, result.to_version) == (True, 1)
    stood = "SELECT position, store_id, recorded_at > 0 FROM views.tracking WHERE view = 'audit' AND source = %s"
    assert planting.store.ask(stood, planting.source) == [(AFTER, OTHER, True)]
    assert planting.store.ask(stood, other.source) == [(30, other.store_id, True)]


def test_a_share_is_stopped_too(planting: Planting, exchanged: Planting) -> None:
    exchanged.publish(60)
    share = Share(1, 3)
    kafka = planting.kafka
    feed = ShareFeed(kafka.access(), kafka.topology, planting.source, share.partitions(3))
    with closing(planting.store.connect()) as connection, closing(feed):
        prepare(connection, [Audit()], planting.source)
        list(shares.catch_up(connection, [Audit()], feed, share))
    assert incidents_of(planting.store, planting.source) == [("audit", "store_differs", BEFORE)]
