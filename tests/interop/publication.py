"""What strangers are to read: every version of every event, published as the relay does, by a client that is not ours.

The second half comes after a transaction that was given up: a reader of committed records never sees that one.
"""

import json
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Producer

from ledger.store import codec
from projections.topics.envelope import headers_of
from projections.topics.partition import partition_of
from schemas.registry import registry
from tests.fix_kafka import Kafka
from tests.house.tree import ROOT

STREAMS = [str(uuid.UUID(int=number << 64)) for number in range(1, 8)]


@dataclass(frozen=True)
class Published:
    """One record that a reader must see."""

    id: str
    type: str
    topic: str
    position: int
    key: bytes
    value: bytes
    event: dict[str, Any]


@dataclass(frozen=True)
class Publication:
    """All records of a source, in order of position."""

    source: str
    topics: list[str]
    records: list[Published]


def publish(kafka: Kafka) -> Publication:
    """Every event of the golden bytes onto topics of a source of its own."""
    publication, producer = _begun(kafka)
    placed = _placed(publication, kafka.topology.partitions)
    half = len(placed) // 2
    _transaction(producer, publication.source, placed[:half])
    _transaction(producer, publication.source, placed[half:], commit=False)
    _transaction(producer, publication.source, placed[half:])
    return publication


def publish_spoilt(kafka: Kafka) -> list[Published]:
    """A partition as no relay leaves it: two records, both again, and the fourth without the third; gives all four."""
    publication, producer = _begun(kafka)
    placed = _placed(publication, kafka.topology.partitions)
    topic, partition = placed[0].record.topic, placed[0].partition
    first, second, third, fourth, *_ = [
        one for one in placed if (one.record.topic, one.partition) == (topic, partition)
    ]
    _transaction(producer, publication.source, [first, second, second, first, fourth])
    return [one.record for one in (first, second, third, fourth)]


@dataclass(frozen=True)
class _Placed:
    """A record, where it goes, and the position before it there."""

    record: Published
    partition: int
    prev_position: int


def _begun(kafka: Kafka) -> tuple[Publication, Producer]:
    source = kafka.source()
    topics = kafka.make_topics(source)[:-1]
    records = [_record(source, topics, position, *found) for position, found in enumerate(golden(), 1)]
    producer = Producer(
        {
            "bootstrap.servers": kafka.local,
            "transactional.id": f"onecard-relay-{source}",
            "compression.type": "zstd",
            "log_level": 0,
        }
    )
    producer.init_transactions(30)
    return Publication(source, topics, records), producer


def _placed(publication: Publication, partitions: int) -> list[_Placed]:
    last: dict[tuple[str, int], int] = defaultdict(int)
    found = []
    for record in publication.records:
        partition = partition_of(record.key, partitions)
        found.append(_Placed(record, partition, last[record.topic, partition]))
        last[record.topic, partition] = record.position
    return found


def golden() -> list[tuple[bytes, dict[str, Any]]]:
    """(framed bytes, what they say) of every registered version of every event."""
    files = sorted((ROOT / "tests" / "golden" / "events").rglob("*.json"))
    found = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    return [(bytes.fromhex(one["hex"]), one["decoded"]) for one in found]


def _record(source: str, topics: list[str], position: int, value: bytes, event: dict[str, Any]) -> Published:
    stream = STREAMS[position % len(STREAMS)]
    # The stream's id is the first field of every event, and fixed in length.
    value = value[: codec.HEADER_BYTES] + uuid.UUID(stream).bytes + value[codec.HEADER_BYTES + 16 :]
    subject = codec.subject_of(value[: codec.HEADER_BYTES])
    version = registry().by_id(int.from_bytes(value[1 : codec.HEADER_BYTES], "big"))
    assert version is not None
    # A reader of others brings no old version up to date: it sees the fields that were written.
    written = {field["name"] for field in version.definition["fields"]}
    event = {name: said for name, said in event.items() if name in written}
    first = version.definition["fields"][0]["name"]
    topic = next(topic for topic in topics if topic.split(".")[1] == subject.split(".")[1])
    key = uuid.UUID(stream).bytes
    return Published(f"{source}/{position}", subject, topic, position, key, value, {**event, first: stream})


def _transaction(producer: Producer, source: str, placed: list[_Placed], commit: bool = True) -> None:
    failures: list[Any] = []
    producer.begin_transaction()
    for one in placed:
        record = one.record
        producer.produce(
            record.topic,
            value=record.value,
            key=record.key,
            partition=one.partition,
            on_delivery=lambda error, _: failures.append(error) if error else None,
            timestamp=codec.instants_of(record.value)[1] // 1_000,
            headers=headers_of(source, record.position, one.prev_position, record.value),
        )
    producer.flush(30)
    assert failures == []
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)
