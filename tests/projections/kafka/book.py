"""A few records on a topic and back, in as few words as the tests of the client's package need."""

import time
from collections.abc import Iterable
from pathlib import Path

from projections.kafka.access import Access, BrokerProblem
from projections.kafka.cluster import Cluster
from projections.kafka.publisher import Publisher
from projections.kafka.reader import Partition, Raw, Reader
from tests.fix_kafka import Kafka

KEY = bytes(range(16))
HEADERS = [("ce_id", b"33/1"), ("ce_time", b"2025-06-30T16:00:10.000000Z")]
AT_MS = 1_750_000_000_000


def send(publisher: Publisher, topic: str, values: Iterable[bytes], partition: int = 0) -> None:
    for number, value in enumerate(values):
        publisher.send(topic, partition, KEY, value, HEADERS, AT_MS + number)


def publish(access: Access, transactional_id: str, topic: str, values: Iterable[bytes], partition: int = 0) -> None:
    """One committed transaction."""
    with Publisher(access, transactional_id) as publisher:
        publisher.begin()
        send(publisher, topic, values, partition)
        publisher.commit()


def records(access: Access, topic: str, partitions: Iterable[int] = (0,)) -> list[Raw]:
    """Every committed record of these partitions, partition by partition."""
    with Reader(access) as reader:
        return [raw for partition in partitions for raw in drain(reader, (topic, partition))]


def drain(reader: Reader, which: Partition) -> list[Raw]:
    """From the beginning of one partition up to its stable end."""
    reader.assign({which: None})
    end = reader.stable_ends([which])[which]
    found: list[Raw] = []
    while reader.position(which) < end:
        found += reader.poll(500).get(which, [])
    return found


def values(access: Access, topic: str, partitions: Iterable[int] = (0,)) -> list[bytes | None]:
    return [raw.value for raw in records(access, topic, partitions)]


def until_seen(access: Access, topics: Iterable[str]) -> None:
    """What was granted takes a moment to reach the brokers: wait until these topics may be seen."""
    wanted, deadline = list(topics), time.monotonic() + 10
    with Cluster(access) as cluster:
        while True:
            try:
                cluster.require(wanted)
                return
            except BrokerProblem:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def until_gone(kafka: Kafka, topic: str) -> None:
    """Delete a topic, and wait until the broker has let go of its files: until then it takes what is sent."""
    deadline = time.monotonic() + 10
    with Cluster(kafka.access()) as cluster:
        cluster.delete([topic])
        while topic in cluster.topics():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    if kafka.broker is None:
        time.sleep(2)
        return
    while (kafka.broker.data / f"{topic}-0").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def damage_batch(folder: Path, base_offset: int) -> None:
    """Turn over some bits in the batch that begins with an offset: a batch is its base offset, its length, and that."""
    for log in sorted(folder.glob("*.log")):
        content = bytearray(log.read_bytes())
        at = 0
        while at < len(content):
            if int.from_bytes(content[at : at + 8], "big") == base_offset:
                content[at + 70] ^= 0xFF
                log.write_bytes(content)
                return
            at += 12 + int.from_bytes(content[at + 8 : at + 12], "big")
    raise AssertionError(f"no batch begins with offset {base_offset}")
