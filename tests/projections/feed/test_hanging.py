"""What never comes is told within a bounded time, and who is to end is not held up by it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import Producer

from projections.feed import opened, strands
from projections.feed.ahead import Ahead
from projections.feed.opened import newest
from projections.feed.port import Broken
from projections.feed.share import ShareFeed
from projections.feed.topic import TopicFeed
from projections.kafka.access import BrokerProblem
from tests.fix_stores import Store
from tests.projections.feed.planting import Planting
from tests.service.rivals import Rivals


@pytest.fixture
def held_up(store: Store, plant: Callable[[Store], Planting], tmp_path: Path) -> Iterator[Planting]:
    """Somebody's transaction stands before everything in every partition of the cards; then all is published.

    In each partition a card's issue comes first: what other topics hold comes after it.
    """
    rivals, path = Rivals(), tmp_path / "cards.jsonl"
    for _ in range(20):
        rivals.card()
    path.write_bytes(b"".join(line + b"\n" for line in rivals.before))
    store.submit(path)
    planting = plant(store)
    name = planting.kafka.topology.events("card", planting.source)
    producer = Producer(
        {"bootstrap.servers": planting.kafka.local, "transactional.id": f"x-{planting.source}", "log_level": 0}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(planting.kafka.topology.partitions):
        producer.produce(name, value=b"never committed", partition=number)
    producer.flush(10)
    planting.publish()
    yield planting
    producer.abort_transaction(10)


def feeds(planting: Planting) -> list[TopicFeed | ShareFeed]:
    share = ShareFeed(planting.kafka.access(), planting.kafka.topology, planting.source, [0])
    return [planting.feed(), planting.feed(certain=False), share]


def test_a_transaction_that_never_ends_is_told_with_its_partition(
    held_up: Planting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strands, "STUCK_SECONDS", 0.5)
    for feed in feeds(held_up):
        with closing(feed), pytest.raises(BrokerProblem, match=r"partition [0-2] ends at .* `onecard lag`") as told:
            feed.read(0, 1_000)
        assert told.value.code == "timed_out" and f"onecard.card.{held_up.source}.events.v1" in str(told.value)


def test_closing_what_reads_ahead_does_not_wait_for_what_never_comes(held_up: Planting) -> None:
    left = threading.Event()
    access = replace(held_up.kafka.access(), client_id="follower")
    feed = TopicFeed(access, held_up.kafka.topology, held_up.source, True, left.is_set)
    ahead = Ahead(feed, frozenset(), left.set)
    with closing(feed):
        ahead._next = 0, ahead._thread.submit(feed.read, 0, 1_000)
        time.sleep(2)
        begun = time.monotonic()
        ahead.close()
        assert time.monotonic() - begun < 5


class Shy:
    """A tail whose topic brokers do not know yet, so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def newest(self) -> None:
        self.times -= 1
        if self.times >= 0:
            raise BrokerProblem("topic_unknown", "not there")


def test_a_topic_that_is_not_known_yet_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "UNKNOWN_MS", (1, 1, 1))
    assert newest(cast(Any, Shy(3)), "33") is None
    with pytest.raises(Broken) as unknown:
        newest(cast(Any, Shy(4)), "33")
    assert unknown.value.kind == "source_unknown"
