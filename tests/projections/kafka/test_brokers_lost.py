"""Brokers that die, stand still or give back damaged bytes: told in time, and nothing half done afterwards."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import pytest

from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Cluster
from projections.kafka.publisher import Publisher
from projections.kafka.reader import Corrupt, Reader
from tests.fix_kafka import Kafka
from tests.projections.kafka.book import damage_batch, publish, send, values

pytestmark = pytest.mark.slow

TOPIC, OTHER = "onecard.card.lost.events.v1", "onecard.medical.lost.events.v1"
ID = "onecard-relay-lost"


@pytest.fixture
def lost(own_broker: Kafka) -> Kafka:
    with Cluster(own_broker.access()) as cluster:
        for topic in (TOPIC, OTHER):
            cluster.create(topic, 2, 1, {"retention.ms": "-1"})
    return own_broker


@contextmanager
def standing_still(kafka: Kafka) -> Iterator[None]:
    """The broker accepts and says nothing, as one whose machine has no time for it."""
    assert kafka.broker is not None
    pid = kafka.broker.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def problem_of(act: Callable[[], Any]) -> BrokerProblem:
    began = time.monotonic()
    with pytest.raises(BrokerProblem) as caught:
        act()
    assert time.monotonic() - began < 10, caught.value
    return caught.value


def poll_on(reader: Reader) -> None:
    while True:
        reader.poll(200)


def test_a_broker_killed_in_a_transaction_leaves_nothing_of_it(lost: Kafka) -> None:
    publisher = Publisher(lost.access(), ID)
    publisher.open()
    publisher.begin()
    send(publisher, TOPIC, [b"delivered"])
    publisher._settle()
    lost.kill()
    send(publisher, TOPIC, [b"in flight"])

    problem = problem_of(publisher.commit)
    assert problem.code in ("unreachable", "timed_out")
    assert problem_of(publisher.open).code == "unreachable"

    lost.revive()
    publisher.open()
    publisher.begin()
    send(publisher, TOPIC, [b"again"])
    publisher.commit()
    publisher.close()
    assert values(lost.access(), TOPIC) == [b"again"]


def test_a_broker_that_stands_still_ends_a_commit_in_time(lost: Kafka) -> None:
    publisher = Publisher(lost.access(), ID)
    publisher.open()
    publisher.begin()
    send(publisher, TOPIC, [b"delivered"])
    publisher._settle()

    with standing_still(lost):
        assert problem_of(publisher.commit).code in ("unreachable", "timed_out")

    # The commit may have arrived or not; whoever opens next knows, and goes on behind it.
    publisher.open()
    assert values(lost.access(), TOPIC) in ([], [b"delivered"])
    publisher.close()


def test_a_reader_tells_of_a_lost_broker_and_goes_on_when_it_is_back(lost: Kafka) -> None:
    publish(lost.access(), ID, TOPIC, [b"first"])
    with Reader(lost.access()) as reader:
        reader.assign({(TOPIC, 0): None})
        while not reader.poll(200):
            pass

        lost.kill()
        assert problem_of(lambda: poll_on(reader)).code == "unreachable"
        assert problem_of(lambda: reader.stable_ends([(TOPIC, 0)])).code in ("unreachable", "timed_out")

        lost.revive()
        publish(lost.access(), ID, TOPIC, [b"second"])
        found: list[bytes | None] = []
        deadline = time.monotonic() + 30
        while not found and time.monotonic() < deadline:
            with suppress(BrokerProblem):  # until the client tries to connect again, which it does by and by
                found = [raw.value for raw in reader.poll(200).get((TOPIC, 0), [])]
        assert found == [b"second"]


def test_a_reader_tells_of_a_broker_that_stands_still(lost: Kafka) -> None:
    with Reader(lost.access()) as reader:
        reader.assign({(TOPIC, 0): None})
        reader.poll(200)
        with standing_still(lost):
            assert problem_of(lambda: poll_on(reader)).code in ("unreachable", "timed_out")


def test_damaged_bytes_stop_their_partition_only_and_never_the_process(lost: Kafka) -> None:
    publish(lost.access(), ID, TOPIC, [b"sound before"], partition=0)
    publish(lost.access(), ID, TOPIC, [b"to be damaged" * 3], partition=0)
    publish(lost.access(), ID, TOPIC, [b"sound behind"], partition=0)
    publish(lost.access(), ID, TOPIC, [b"elsewhere"], partition=1)
    assert lost.broker is not None
    # Stopped in good order, it does not look through its logs when it starts.
    lost.broker.stop(lambda _: None)
    damage_batch(lost.broker.data / f"{TOPIC}-0", 2)
    lost.revive()

    with Reader(lost.access()) as reader:
        reader.assign({(TOPIC, 0): None, (TOPIC, 1): None})
        found: list[bytes | None] = []
        caught: list[Corrupt] = []
        deadline = time.monotonic() + 10
        while len(caught) < 3 and time.monotonic() < deadline:
            try:
                found += [raw.value for part in reader.poll(200).values() for raw in part]
            except Corrupt as corrupt:
                caught.append(corrupt)
        assert sorted(value for value in found if value) == [b"elsewhere", b"sound before"]
        assert {(one.topic, one.partition, one.offset) for one in caught} == {(TOPIC, 0, 2)}

        reader.pause([(TOPIC, 0)])
        assert reader.poll(500) == {}
        reader.resume([(TOPIC, 0)])
        with pytest.raises(Corrupt):
            poll_on(reader)

        reader.seek((TOPIC, 0), 4)
        assert [raw.value for raw in reader.poll(3_000).get((TOPIC, 0), [])] == [b"sound behind"]
