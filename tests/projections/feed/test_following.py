"""The views over topics are the views over the log; a fault stops one source in the views that meet it."""

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from projections.feed.log import LogFeed
from projections.follow import catch_up, follow, prepare
from projections.resuming import Closed, Resumed, resume
from projections.views.registry import VIEWS
from tests.fix_planting import LINES, fill
from tests.fix_stores import Store, soak
from tests.projections.feed.planting import Planting
from tests.projections.feed.scenes import followed, incidents_of, positions_of, rows_of
from tests.projections.feed.test_faults import replaced

TURNS = soak(6, 60)


def over_the_log(planting: Planting) -> LogFeed:
    """The same source, from the store's log."""
    return LogFeed(planting.source, planting.store.connect)


def undisturbed(planting: Planting, store: Store, folder: Path, seed: int, lines: int) -> Store:
    """Another store with the same events, followed over its log in one go."""
    fill(store, folder, seed, lines)
    with closing(LogFeed(planting.source, store.connect)) as feed:
        followed(store, feed)
    return store


def test_views_over_topics_are_the_views_over_the_log(
    planting: Planting, stores: Callable[[], Store], tmp_path: Path, seed: int
) -> None:
    planting.publish()
    with closing(planting.feed()) as feed:
        steps = followed(planting.store, feed)
    assert {step.incident for step in steps} == {None}
    other = undisturbed(planting, stores(), tmp_path, seed, LINES)
    assert rows_of(planting.store, planting.source) == rows_of(other, planting.source)
    assert positions_of(planting.store, planting.source) == positions_of(other, planting.source)


def test_views_switch_between_log_and_topics_at_any_moment(
    planting: Planting, stores: Callable[[], Store], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    head = planting.store.positions()[-1]
    for _ in range(TURNS):
        if chance.random() < 0.5 and planting.position < head:
            planting.publish(chance.randrange(1, head - planting.position + 1))
        feed = over_the_log(planting) if chance.random() < 0.5 else planting.feed()
        with closing(feed), closing(planting.store.connect()) as connection:
            prepare(connection, VIEWS, planting.source)
            views = chance.sample(VIEWS, chance.randrange(1, 4))
            steps = catch_up(connection, views, feed, chance.choice([1, 7, 60, 1_000]))
            for _ in zip(range(chance.randrange(1, 30)), steps, strict=False):
                pass
    if planting.position < head:
        planting.publish()
    with closing(planting.feed()) as feed:
        followed(planting.store, feed)
    other = undisturbed(planting, stores(), tmp_path, seed, LINES)
    assert rows_of(planting.store, planting.source) == rows_of(other, planting.source), seed
    assert incidents_of(planting.store, planting.source) == []


def resumed(planting: Planting, over_log: bool) -> list[Resumed]:
    """Every open incident."""
    found = []
    with closing(planting.store.connect()) as connection:
        open_ones = connection.execute("SELECT number FROM views.incidents WHERE resumed_at IS NULL").fetchall()
        for (number,) in open_ones:
            with closing(over_the_log(planting) if over_log else planting.feed()) as feed:
                found.append(resume(connection, VIEWS, number, lambda _, feed=feed: feed))  # type: ignore[misc]
    return found


def test_a_fault_is_an_incident_of_every_view_that_keeps_the_record_as_it_was_read(planting: Planting) -> None:
    position = 40
    planting.publish(change=lambda found: replaced(found, position, value=b"\0\0\1\0\0what?", headers=found[50][4]))
    with closing(planting.feed()) as feed:
        steps = followed(planting.store, feed)
        assert followed(planting.store, feed) == []
    found = incidents_of(planting.store, planting.source)
    assert {(view, at < 40) for view, _, at in found} == {(view.name, True) for view in VIEWS}
    assert sorted(step.incident.view for step in steps if step.incident) == sorted(view.name for view in VIEWS)
    ((topic, offset, key, value, names, message),) = planting.store.ask(
        "SELECT DISTINCT topic, record_offset, key, value, header_names, message FROM views.incidents"
    )
    assert topic.endswith(f".{planting.source}.events.v1") and offset >= 0 and len(key) == 16
    assert value == b"\0\0\1\0\0what?" and [bytes(name) for name in names][-1] == b"prev_position"
    assert "onecard verify" in message
    assert [(one.still is None, one.applied) for one in resumed(planting, over_log=False)] == [(False, 0)] * len(VIEWS)


def test_a_foreign_record_keeps_its_incident_open_whatever_came_after_it(planting: Planting) -> None:
    """It has no position, so events that come after it can be applied before it is met."""
    planting.publish(20)
    topic, partition, _, _, _, timestamp = planting.next(1)[0]
    planting.send([(topic, partition, b"k" * 16, b"strange", [("x", b"y")], timestamp)])
    with closing(planting.feed()) as feed:
        followed(planting.store, feed)
    assert {kind for _, kind, _ in incidents_of(planting.store, planting.source)} == {"foreign_record"}
    planting.publish()
    with closing(planting.store.connect()) as connection:
        for (number,) in connection.execute("SELECT number FROM views.incidents ORDER BY number").fetchall():
            with closing(planting.feed()) as feed:
                done = resume(connection, VIEWS, number, lambda _, feed=feed: feed, limit=5)  # type: ignore[misc]
            assert done.still is not None and done.still.kind == "foreign_record"
    assert len(incidents_of(planting.store, planting.source)) == len(VIEWS)


def test_a_view_goes_on_over_the_log_after_a_fault_on_the_topics(
    planting: Planting, stores: Callable[[], Store], tmp_path: Path, seed: int
) -> None:
    planting.publish(change=lambda found: [one for one in found if one is not found[60]])
    with closing(planting.feed()) as feed:
        followed(planting.store, feed)
    assert {kind for _, kind, _ in incidents_of(planting.store, planting.source)} == {"record_missing"}
    with closing(over_the_log(planting)) as log:
        assert followed(planting.store, log) == [], "an open incident stops the view, wherever its events come from"
        for one in resumed(planting, over_log=True):
            assert one.still is None and one.applied
        followed(planting.store, log)
    assert incidents_of(planting.store, planting.source) == []
    other = undisturbed(planting, stores(), tmp_path, seed, LINES)
    assert rows_of(planting.store, planting.source) == rows_of(other, planting.source)
    with (
        closing(planting.store.connect()) as connection,
        pytest.raises(Closed, match=r" stops audit .* no more"),
    ):
        resume(connection, VIEWS, 1, lambda _: planting.feed())


def test_bytes_that_only_one_view_reads_stop_only_that_view(planting: Planting) -> None:
    """Clearing does not read what happens to cards; audit reads everything."""
    with closing(planting.store.connect()) as connection:
        connection.execute("SET session_replication_role = replica")
        ((position, data),) = connection.execute(
            "SELECT notification_id, state FROM ledger.events WHERE topic LIKE '%%CardIssued' ORDER BY 1 DESC LIMIT 1"
        ).fetchall()
        damaged = bytes(data)[:-3]
        connection.execute("UPDATE ledger.events SET state = %s WHERE notification_id = %s", (damaged, position))
    with closing(over_the_log(planting)) as log:
        followed(planting.store, log)
    head = planting.store.positions()[-1]
    standing = positions_of(planting.store, planting.source)
    assert standing["clearing"] == head and standing["audit"] == position - 1
    assert incidents_of(planting.store, planting.source)[0] == ("audit", "undecodable", position - 1)
    ((value, topic),) = planting.store.ask("SELECT value, topic FROM views.incidents WHERE view = 'audit'")
    assert (bytes(value), topic) == (damaged, None)
    with planting.store.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE ledger.events SET state = %s WHERE notification_id = %s", (data, position))
    assert all(one.still is None for one in resumed(planting, over_log=True))
    with closing(over_the_log(planting)) as log:
        followed(planting.store, log)
    assert set(positions_of(planting.store, planting.source).values()) == {head}


def test_what_is_found_wrong_while_waiting_is_an_incident_too(planting: Planting) -> None:
    """Nothing comes any more, and the relay's topic says what no relay says."""
    planting.publish()
    planting.send([(planting.kafka.topology.relay(planting.source), 0, b"x", b"{}", [], 1)])
    with closing(planting.feed(certain=False)) as feed, closing(planting.store.connect()) as connection:
        for step in follow(connection, VIEWS, feed, until_caught_up=False):
            if step.incident is not None and step.incident.view == "clearing":
                break
    assert {kind for _, kind, _ in incidents_of(planting.store, planting.source)} == {"foreign_record"}
