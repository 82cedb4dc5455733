"""A store, a broker and the relay between them; and a witness that reads the topics with another client than ours."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from ledger.core.calendar import instant_text
from ledger.core.configuration import Configuration
from ledger.store import codec, identity
from projections.kafka.reader import Reader
from projections.relay.broker import Broker
from projections.relay.log import Log
from projections.relay.progress import Progress
from projections.relay.relay import Published, Relay
from projections.relay.start import settled_progress
from projections.topics.partition import partition_of
from tests.fix_kafka import Kafka
from tests.fix_stores import Store
from tests.model.histories import history

READER_ROLE = "onecard_reader"
LOG = "SELECT notification_id, originator_id::text, state FROM ledger.events ORDER BY 1"


@dataclass
class Rig:
    """`source` is the store's and has its topics."""

    kafka: Kafka
    store: Store
    source: str
    store_id: str

    @classmethod
    def of(cls, kafka: Kafka, store: Store, topics: bool = True, source: str | None = None) -> "Rig":
        source = source or kafka.source()
        with closing(store.connect()) as connection:
            config = Configuration.load(store.config)
            row = connection.execute("SELECT store_id::text FROM ledger.store").fetchone()
            store_id = row[0] if row else identity.check(connection, source, source, config, store.keyring()).store_id
        if topics:
            kafka.make_topics(source)
        return cls(kafka, store, source, store_id)

    def submit(self, folder: Path, seed: int, lines: int) -> int:
        """The head after a history was submitted."""
        path = folder / f"history-{seed}.jsonl"
        path.write_bytes(b"\n".join(history(seed, lines)) + b"\n")
        self.store.submit(path)
        return self.head()

    def head(self) -> int:
        ((head,),) = self.store.ask("SELECT coalesce(max(notification_id), 0) FROM ledger.events")
        return int(head)

    @property
    def broker(self) -> Broker:
        return Broker(self.kafka.access(), self.source)

    @contextmanager
    def log(self) -> Iterator[Log]:
        with closing(Log(self.source, self.store.connect(READER_ROLE))) as log:
            yield log

    @contextmanager
    def relay(self, tell: Callable[[str], None] = lambda _: None) -> Iterator[Relay]:
        with self.log() as log:
            assert log.lock()
            yield Relay(log, self.store_id, self.broker, self.kafka.topology, tell)

    def publish(self) -> list[Published]:
        """Everything there is."""
        with self.relay() as relay:
            return list(relay.run(until_caught_up=True))

    def progress(self) -> Progress | None:
        """Of every commit that was answered: its markers may come behind the answer."""
        with closing(self.broker.reader()) as reader:
            return settled_progress(reader, self.kafka.topology, self.source)

    def stored(self) -> list[tuple[int, str, bytes]]:
        """(position, stream, framed bytes) of the log."""
        return self.store.ask(LOG)

    def assert_published(self) -> None:
        """The topics hold the log: every event exactly once, in order, at its place, with its headers."""
        seen: dict[int, tuple[str, int, Any]] = {}
        for (topic, partition), messages in read_all(self.kafka, self.kafka.topology.all_events(self.source)).items():
            before = 0
            for message in messages:
                headers = dict(message.headers())
                position = int(headers["position"])
                assert position not in seen, f"position {position} is published twice"
                assert int(headers["prev_position"]) == before < position
                seen[position] = topic, partition, message
                before = position
        for position, stream_id, data in self.stored():
            topic, partition, message = seen.pop(position)
            name, event = codec.decode(data)
            family = codec.subject_of(data).split(".")[1]
            assert message.value() == data
            assert (topic, partition) == (self.kafka.topology.events(family, self.source), self._partition(stream_id))
            assert message.key().hex() == stream_id.replace("-", "")
            assert message.timestamp()[1] == event["recorded_at"] // 1_000
            headers = dict(message.headers())
            assert headers["ce_id"].decode() == f"{self.source}/{position}"
            assert headers["ce_type"].decode() == f"onecard.{family}.v1.{name}"
            assert headers["ce_time"].decode() == instant_text(event["occurred_at"])
        assert not seen, f"positions {sorted(seen)[:5]} are published but not in the store"

    def _partition(self, stream_id: str) -> int:
        return partition_of(stream_id, self.kafka.topology.partitions)

    def assert_level(self) -> None:
        """The progress names the store's head, its digest and where each partition ends."""
        progress = self.progress()
        assert progress is not None
        *_, (position, _, data) = self.stored()
        assert (progress.position, progress.digest) == (position, hashlib.sha256(data).hexdigest())
        assert (progress.store_id, progress.source) == (self.store_id, self.source)


def settle(kafka: Kafka, topics: list[str]) -> None:
    """Wait for the markers of what is committed: they reach the partitions a moment after the commit is answered."""
    until = time.monotonic() + 30
    with closing(Reader(kafka.access())) as reader:
        places = [(topic, number) for topic, count in reader.partitions(topics).items() for number in range(count)]
        while reader.stable_ends(places) != reader.high_watermarks(places):
            assert time.monotonic() < until, "a transaction stays open"
            time.sleep(0.02)


def read_all(kafka: Kafka, topics: list[str], isolation: str = "read_committed") -> dict[tuple[str, int], list[Any]]:
    """Every record of these topics by partition, read by librdkafka."""
    settle(kafka, topics)
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.local,
            "group.id": "witness",
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "enable.partition.eof": True,
        }
    )
    try:
        listed = consumer.list_topics(timeout=10).topics
        places = [(topic, number) for topic in topics for number in listed[topic].partitions]
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for topic, number in places])
        found: dict[tuple[str, int], list[Any]] = {place: [] for place in places}
        ended: set[tuple[str, int]] = set()
        while len(ended) < len(places):
            message = consumer.poll(20)
            assert message is not None, "a topic is not read to its end: is a transaction open?"
            place = message.topic(), message.partition()
            if message.error():
                assert message.error().name() == "_PARTITION_EOF", message.error()
                ended.add(place)
            else:
                found[place].append(message)
        return found
    finally:
        consumer.close()
