"""What every feed must do, whatever carries the records: the log and the topics pass the same tests."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from ledger.families.registry import EVENTS
from ledger.store.recorder import History
from projections.feed import strands
from projections.feed.ahead import Ahead
from projections.feed.log import LogFeed
from projections.feed.port import Broken, Feed, Record
from projections.feed.topic import TopicFeed
from tests.fix_kafka import PARTITIONS
from tests.fix_planting import fill
from tests.fix_stores import Store
from tests.projections.feed.planting import Planting


class AheadOf(Ahead):
    """Closes what it reads ahead of."""

    def __init__(self, feed: LogFeed | TopicFeed) -> None:
        super().__init__(feed, frozenset(EVENTS))
        self._inner = feed

    def close(self) -> None:
        super().close()
        self._inner.close()


@dataclass
class Carrier:
    """A store's events, and a way to them."""

    store: Store
    open: Callable[[], LogFeed | TopicFeed | AheadOf]
    publish: Callable[[], None]
    lose: Callable[[int], None]


def read_all(feed: Feed, limit: int, after: int = 0) -> list[Record]:
    found: list[Record] = []
    while records := feed.read(found[-1].position if found else after, limit):
        assert len(records) <= limit
        found += records
    return found


def said(records: list[Record]) -> list[tuple[object, ...]]:
    return [(one.position, one.stream_id, one.version, one.name, one.data, one.recorded_at) for one in records]


@pytest.fixture(params=["log", "topics", "log ahead", "topics ahead"])
def carrier(request: pytest.FixtureRequest, filled: Store) -> Iterator[Carrier]:
    ahead: Callable[[Any], Any] = AheadOf if request.param.endswith("ahead") else lambda feed: feed
    if request.param.startswith("log"):
        yield Carrier(
            filled, lambda: ahead(LogFeed("33", filled.connect)), lambda: None, partial(delete_from_log, filled)
        )
        return
    planting: Planting = request.getfixturevalue("planting")

    def lose(position: int) -> None:
        planting.publish(
            change=lambda found: [one for one in found if dict(one[4]).get("position") != b"%d" % position]
        )

    yield Carrier(filled, lambda: ahead(planting.feed()), planting.publish, lose)


def delete_from_log(store: Store, position: int) -> None:
    with store.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM ledger.events WHERE notification_id = %s", (position,))


@pytest.mark.parametrize("limit", [1_000_000, 7])
def test_all_records_come_dense_and_in_order_with_what_the_log_says_of_them(carrier: Carrier, limit: int) -> None:
    carrier.publish()
    with closing(LogFeed("33", carrier.store.connect)) as log, closing(carrier.open()) as feed:
        wanted = said(read_all(log, 1_000))
        assert said(read_all(feed, limit)) == wanted and wanted
        assert feed.head() == len(wanted)
        assert feed.read(len(wanted), 10) == []


def test_reading_begins_after_any_position(carrier: Carrier) -> None:
    carrier.publish()
    with closing(LogFeed("33", carrier.store.connect)) as log, closing(carrier.open()) as feed:
        records = read_all(log, 1_000)
        for at in (len(records) // 2, len(records) - 1, 3, len(records), 0):
            since = records[at - 1].recorded_at if at else 0
            assert said(list(feed.read(at, 5, since))) == said(records[at : at + 5])


def test_nothing_is_read_before_anything_is_there(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(History, "rows", lambda self, after, limit: [])
    monkeypatch.setattr(History, "head", lambda self: 0)
    with closing(carrier.open()) as feed:
        assert feed.read(0, 10) == [] and feed.head() == 0
        assert feed.wait(0) in (True, False)


def test_what_comes_later_wakes_who_waits(carrier: Carrier, tmp_path) -> None:  # type: ignore[no-untyped-def]
    carrier.publish()
    with closing(carrier.open()) as feed:
        head = len(read_all(feed, 1_000))
        while feed.wait(0):
            assert feed.read(head, 10) == []
        fill(carrier.store, tmp_path, 77, 30)
        carrier.publish()
        assert feed.wait(20)
        assert [one.position for one in feed.read(head, 3)] == [head + 1, head + 2, head + 3]


@pytest.mark.parametrize("position", [1, 57])
def test_a_hole_is_never_passed(carrier: Carrier, position: int) -> None:
    carrier.lose(position)
    with closing(carrier.open()) as feed:
        if position > 1:
            assert [one.position for one in read_all_until_broken(feed)] == list(range(1, position))
        for _ in range(2):
            with pytest.raises(Broken) as broken:
                feed.read(position - 1, 1_000)
            assert (broken.value.kind, broken.value.position) == ("record_missing", position)
            assert "onecard verify" in str(broken.value)


def read_all_until_broken(feed: Feed) -> list[Record]:
    found: list[Record] = []
    try:
        while records := feed.read(len(found), 1_000):
            found += records
    except Broken:
        return found
    raise AssertionError("it is not broken")


@pytest.mark.parametrize("most", [1, 20, 100])
def test_partitions_that_are_ahead_are_held_back_and_what_waits_is_bounded(
    planting: Planting, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """A partition is paused in the middle of what was fetched, and goes on when its next record is needed."""
    monkeypatch.setattr(strands, "MOST_WAITING", most)
    monkeypatch.setattr(strands, "POLL_RECORDS", 10)
    planting.publish()
    waiting: list[int] = []

    def observed(self: strands.Strands, timeout_ms: int) -> bool:
        came = polled(self, timeout_ms)
        waiting.append(len(self.waiting))
        return came

    polled = strands.Strands.poll
    monkeypatch.setattr(strands.Strands, "poll", observed)
    with closing(planting.feed()) as feed:
        assert [one.position for one in read_all(feed, 50)] == list(range(1, planting.position + 1))
    assert max(waiting) <= most + 10 * (len(planting.kafka.topology.all_events("x")) * PARTITIONS)
