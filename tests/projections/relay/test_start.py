"""Where the relay may begin: nothing is published over topics that do not belong to the store."""

import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer

from projections.kafka.access import BrokerProblem
from projections.relay.progress import Tail
from projections.relay.start import Refused, settled_progress
from tests.fix_kafka import Kafka
from tests.fix_stores import Store
from tests.projections.relay.rig import Rig


@pytest.fixture
def rig(kafka: Kafka, store: Store, tmp_path: Path, seed: int) -> Rig:
    rig = Rig.of(kafka, store)
    rig.submit(tmp_path, seed, 150)
    return rig


def refusal(rig: Rig) -> Refused:
    with pytest.raises(Refused) as refused:
        rig.publish()
    return refused.value


def put(rig: Rig, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": rig.kafka.local})
    producer.produce(topic, value, key=rig.source.encode(), partition=0)
    assert producer.flush(10) == 0


def remade(rig: Rig, topic: str) -> None:
    """A topic removed and made anew."""
    with rig.kafka.admin() as admin:
        admin.delete_topics([topic])
        until = time.monotonic() + 20
        while topic in admin.list_topics():
            assert time.monotonic() < until
        partitions = 1 if topic == rig.kafka.topology.relay(rig.source) else rig.kafka.topology.partitions
        admin.create_topics({topic: {"num_partitions": partitions}})
        admin.wait_for_topics([topic])


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff", b"[1]", b'{"position":1}'])
def test_a_progress_that_nobody_can_read_stops_it_with_the_record(rig: Rig, value: bytes) -> None:
    rig.publish()
    before = len(rig.stored())
    put(rig, rig.kafka.topology.relay(rig.source), value)
    refused = refusal(rig)
    assert refused.kind == "foreign_record"
    assert refused.evidence is not None
    assert (refused.evidence.topic, refused.evidence.value) == (rig.kafka.topology.relay(rig.source), value)
    assert refused.evidence.offset is not None and refused.evidence.offset > 0
    assert len(rig.stored()) == before


def test_a_lost_progress_does_not_publish_everything_again(rig: Rig) -> None:
    rig.publish()
    remade(rig, rig.kafka.topology.relay(rig.source))
    refused = refusal(rig)
    assert refused.kind == "store_differs"
    assert "no progress" in str(refused)
    rig.assert_published()


def test_a_topic_that_was_removed_and_made_anew_is_told(rig: Rig) -> None:
    rig.publish()
    remade(rig, rig.kafka.topology.events("card", rig.source))
    refused = refusal(rig)
    assert refused.kind == "topic_truncated"


def test_pages_that_were_taken_back_are_no_obstacle(rig: Rig) -> None:
    topic = rig.kafka.topology.events("card", rig.source)
    for _ in range(3):
        with closing(rig.broker.publisher()) as publisher:
            publisher.open()
            publisher.begin()
            publisher.send(topic, 0, b"k" * 16, b"half a page", [], 0)
            publisher.send(rig.kafka.topology.relay(rig.source), 0, b"k", b"no progress", [], 0)
            publisher.abort()
    rig.publish()
    rig.assert_published()
    rig.assert_level()


def test_it_waits_for_another_producers_transaction_on_its_topic_and_tells_of_one_that_hangs(rig: Rig) -> None:
    rig.publish()
    topic = rig.kafka.topology.relay(rig.source)
    settings = {"bootstrap.servers": rig.kafka.local, "transactional.id": f"intruder-{rig.source}"}
    intruder = Producer(settings)
    intruder.init_transactions(10)
    intruder.begin_transaction()
    intruder.produce(topic, b"x", key=b"x", partition=0)
    intruder.flush(10)
    with closing(rig.broker.reader()) as reader:
        with pytest.raises(BrokerProblem, match="stays open") as hanging:
            settled_progress(reader, rig.kafka.topology, rig.source, seconds=1)
        assert topic in str(hanging.value)
        timer = threading.Timer(1, intruder.abort_transaction)
        timer.start()
        progress = settled_progress(reader, rig.kafka.topology, rig.source)
        timer.join()
    assert progress == rig.progress()


def test_a_transaction_that_hangs_on_a_topic_of_events_holds_up_readers_and_not_the_relay(rig: Rig) -> None:
    topic = rig.kafka.topology.events("card", rig.source)
    intruder = Producer({"bootstrap.servers": rig.kafka.local, "transactional.id": f"intruder-{rig.source}"})
    intruder.init_transactions(10)
    intruder.begin_transaction()
    intruder.produce(topic, b"x", key=b"x", partition=0)
    intruder.flush(10)
    rig.publish()
    rig.assert_level()
    intruder.abort_transaction()
    rig.assert_published()


def test_the_newest_progress_is_found_behind_any_number_of_pages_taken_back(rig: Rig, tmp_path: Path) -> None:
    rig.publish()
    found = rig.progress()
    topic = rig.kafka.topology.relay(rig.source)
    with closing(rig.broker.publisher()) as publisher:
        publisher.open()
        publisher.begin()
        for _ in range(40):
            publisher.send(topic, 0, b"k", b"taken back", [], 0)
        publisher.abort()
    assert rig.progress() == found
    with closing(rig.broker.reader()) as reader:
        tail = Tail(reader, rig.kafka.topology, rig.source)
        assert tail.newest() == found == tail.newest()
        rig.submit(tmp_path, 1, 50)
        rig.publish()
        settled = rig.progress()
        assert tail.newest() == settled
        assert settled is not None and settled.position == rig.head()
