"""What a publisher holds, and leaves behind: a bounded window, no thread, no dead timer, no silenced logger."""

import gc
import threading
import time

import pytest
from kafka.producer import kafka as client_module

from projections.kafka import publisher as publisher_module
from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Cluster
from projections.kafka.publisher import Publisher
from tests.fix_kafka import Kafka
from tests.projections.kafka.book import AT_MS, HEADERS, KEY, send, values


def test_no_more_is_in_flight_than_the_window_holds(
    kafka: Kafka, publisher: Publisher, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "WINDOW_RECORDS", 10)
    publisher.begin()
    in_flight = []
    for number in range(35):
        publisher.send(topic, 0, KEY, b"%d" % number, HEADERS, AT_MS)
        in_flight.append(len(publisher._futures))
    publisher.commit()

    assert max(in_flight) < 10
    assert values(kafka.access(), topic) == [b"%d" % number for number in range(35)]


def test_the_window_counts_bytes_too(publisher: Publisher, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "WINDOW_BYTES", 1_000)
    publisher.begin()
    for _ in range(9):
        publisher.send(topic, 0, KEY, b"x" * 300, HEADERS, AT_MS)
        assert publisher._bytes < 1_000
    publisher.commit()


def test_waiting_for_more_records_of_a_batch_still_works_after_many_commits(publisher: Publisher, topic: str) -> None:
    for begun_before in (True, False, True):
        publisher.begin([(topic, 0)])
        send(publisher, topic, [b"value"])
        if begun_before:
            publisher.deliver()
        publisher.commit()

    assert publisher._producer is not None
    assert publisher._producer._accumulator._flushes_in_progress.get() == 0


def test_a_publisher_that_ends_does_not_silence_the_clients_logger(kafka: Kafka) -> None:
    before = client_module.log

    publisher = Publisher(kafka.access(), "onecard-test-logger")
    publisher.open()
    assert publisher._producer is not None
    publisher._producer._cleanup()
    publisher.close()
    del publisher
    dropped = Publisher(kafka.access(), "onecard-test-logger")
    dropped.open()
    del dropped
    gc.collect()

    assert client_module.log is before


def test_a_closed_publisher_says_that_it_is_closed(publisher: Publisher, topic: str) -> None:
    publisher.close()
    publisher.close()

    with pytest.raises(BrokerProblem, match="open it again"):
        publisher.begin()
    with pytest.raises(BrokerProblem, match="open it again"):
        publisher.send(topic, 0, KEY, b"value", [], AT_MS)


def test_a_record_outside_a_transaction_is_refused(publisher: Publisher, topic: str) -> None:
    publisher.begin()
    send(publisher, topic, [b"value"])
    publisher.commit()

    with pytest.raises(BrokerProblem):
        send(publisher, topic, [b"value"])


def test_no_thread_is_left_when_publisher_reader_and_cluster_are_closed(kafka: Kafka, topic: str) -> None:
    before = set(threading.enumerate())

    with Publisher(kafka.access(), "onecard-test-threads") as publisher:
        publisher.begin()
        send(publisher, topic, [b"value"])
        publisher.commit()
    assert values(kafka.access(), topic) == [b"value"]
    Cluster(kafka.access()).close()

    deadline = time.monotonic() + 5
    while left := {thread for thread in threading.enumerate() if thread.is_alive()} - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
