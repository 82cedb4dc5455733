"""Figures of Kafka: publishing and following over topics, beside what the client does when no ledger is in the way.

On a broker started for it. Every run publishes the whole log under a source of its own: once the client alone, with the
very records and transactions of the relay made beforehand, once the relay.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Final

from ops.bench import delay
from ops.bench.figures import Figures, elapsed, micros, percentile, rate
from ops.bench.reading import Stretch
from ops.bench.rig import Rig
from ops.cli.opening import READER_ROLE
from ops.kafka.embedded import embedded_broker
from ops.kafka.properties import ADMIN
from ops.topics.declared import load_declared
from ops.topics.plan import LAPTOP
from ops.wiring import Ledger
from projections.feed.ahead import Ahead
from projections.feed.port import Record
from projections.feed.topic import TopicFeed
from projections.follow import catch_up, positions, prepare
from projections.kafka.cluster import Cluster
from projections.kafka.inside import Producer
from projections.kafka.publisher import COORDINATOR_MS
from projections.kafka.reader import Reader
from projections.relay.broker import Broker
from projections.relay.log import Log
from projections.relay.page import Page, Pages
from projections.relay.relay import MOST_RECORDS, Relay
from projections.views.registry import BOOKS, VIEWS

COMMITS: Final = 100
POLL_MS: Final = 100
# As our publisher has the client, but for its guards.
SETTINGS: Final[dict[str, Any]] = {
    "compression_type": "zstd",
    "linger_ms": 5,
    "batch_size": 256 << 10,
    "retry_backoff_ms": 5,
    "metrics_enabled": False,
}


class UpTo(TopicFeed):
    """The topics up to a position, as if nothing more had been published yet."""

    last = 0

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        return super().read(after, min(limit, self.last - after), since) if after < self.last else []


def kafka(rig: Rig, figures: Figures) -> None:
    """The relay, the views over topics, and how long after its commit an event is seen."""
    with rig.ledger.connect() as connection:
        prepare(connection, VIEWS, rig.ledger.source)
        followed = max(positions(connection, VIEWS, rig.ledger.source).values())
    rig.grow(followed - rig.first + 2 * rig.scale.chunk * rig.scale.chunks)
    with _over_topics(rig.ledger) as ledger:
        _publishing(ledger, rig, figures)
        _make_topics(ledger, ledger.source)
        _relayed(ledger, ledger.source)
        _reading(ledger, rig, figures)
        _following(ledger, rig, figures)
        _committing(ledger, rig, figures)
        delay.measure(ledger, rig, figures)


@contextmanager
def _over_topics(ledger: Ledger) -> Iterator[Ledger]:
    """The same ledger with a Kafka; its program files are kept where `make kafka-up` keeps them."""
    home = ledger.settings.home
    with embedded_broker(home, home.parent / "kafka" / "lib", lambda _: None) as broker:
        login = {"kafka_user": ADMIN, "kafka_password_file": broker.password_file(ADMIN)}
        settings = ledger.settings.model_copy(update={"kafka_bootstrap": broker.clients, **login})
        yield replace(ledger, settings=settings)


def _make_topics(ledger: Ledger, source: str) -> None:
    declared = load_declared(ledger.settings)
    with closing(Cluster(ledger.access())) as cluster:
        for name, topic in declared.topics(source, declared.profiles[LAPTOP]).items():
            cluster.create(name, topic.partitions, topic.replication, topic.configs)


# --- publishing ------------------------------------------------------------------------------------------------------


def _publishing(ledger: Ledger, rig: Rig, figures: Figures) -> None:
    """The first run warms up and does not count."""
    alone, ours = [], []
    count = rig.head()
    for run in range(rig.scale.passes + 1):
        raw, relay = f"{ledger.source}-raw{run}", f"{ledger.source}-relay{run}"
        _make_topics(ledger, raw)
        _make_topics(ledger, relay)
        took = _sent(ledger, raw), _relayed(ledger, relay)
        if run:
            alone.append(rate(count, took[0]))
            ours.append(rate(count, took[1]))
    figures.add("raw_kafka_publish", "events/s", alone)
    figures.add("relay", "events/s", ours, "raw_kafka_publish")


def _relayed(ledger: Ledger, source: str) -> int:
    """Nanoseconds the relay takes for the whole log, from its first look at it."""
    begun: list[int] = []
    broker = Broker(ledger.access(), source)
    with closing(Log(source, ledger.connect(READER_ROLE))) as log:
        relay = Relay(
            log, ledger.store_id, broker, ledger.topology, lambda _: None, lambda: begun.append(time.monotonic_ns())
        )
        for _ in relay.run(until_caught_up=True):
            pass
    return time.monotonic_ns() - begun[0]


def _sent(ledger: Ledger, source: str) -> int:
    """Nanoseconds the client takes for the same records, read and made beforehand."""
    pages = list(_pages(ledger, source))
    with _client(ledger, source) as producer:

        def send() -> None:
            for page in pages:
                producer.begin_transaction()
                for topic, partition, key, value, headers, timestamp_ms in page.messages:
                    producer.send(topic, value, key, headers, partition, timestamp_ms)
                producer.flush()
                producer.commit_transaction()

        return elapsed(send)


def _pages(ledger: Ledger, source: str) -> Iterator[Page]:
    """The log as the relay sends it."""
    pages = Pages(ledger.store_id, source, ledger.topology)
    progress = pages.nothing()
    with closing(Log(source, ledger.connect(READER_ROLE))) as log:
        while rows := log.page(progress.position, MOST_RECORDS):
            page = pages.page(rows, progress)
            yield page
            progress = page.progress


@contextmanager
def _client(ledger: Ledger, name: str) -> Iterator[Any]:
    producer = ledger.access().opened(Producer, transactional_id=f"onecard-relay-{name}", **SETTINGS)
    producer.ask_coordinator_every(COORDINATOR_MS)
    try:
        producer.init_transactions()
        yield producer
    finally:
        producer.close(timeout=10)


def _committing(ledger: Ledger, rig: Rig, figures: Figures) -> None:
    """The least that publishing can take: a transaction of one record, by the client alone."""
    page = next(_pages(ledger, ledger.source))
    source = f"{ledger.source}-raw0"
    (_, partition, key, value, headers, timestamp_ms), topic = page.messages[0], ledger.topology.events("card", source)
    medians, slow = [], []
    with _client(ledger, source) as producer:

        def publish() -> None:
            producer.begin_transaction()
            producer.send(topic, value, key, headers, partition, timestamp_ms)
            producer.flush()
            producer.commit_transaction()

        for _ in range(rig.scale.passes):
            durations = [elapsed(publish) for _ in range(COMMITS)]
            medians.append(micros(percentile(durations, 50)))
            slow.append(micros(percentile(durations, 99)))
    figures.add("raw_kafka_commit_p50", "us", medians)
    figures.add("raw_kafka_commit_p99", "us", slow)


# --- reading ---------------------------------------------------------------------------------------------------------


def _reading(ledger: Ledger, rig: Rig, figures: Figures) -> None:
    """Every record of the source polled, and nothing done with it."""
    topology = ledger.topology
    places = [(topic, number) for topic in topology.all_events(ledger.source) for number in range(topology.partitions)]
    count = rig.head()
    values = []
    for run in range(rig.scale.passes + 1):
        with closing(Reader(ledger.access())) as reader:
            reader.assign(dict.fromkeys(places))

            def poll() -> None:
                found = 0
                while found < count:
                    found += sum(map(len, reader.poll(POLL_MS).values()))

            took = elapsed(poll)
        if run:
            values.append(rate(count, took))
    figures.add("raw_kafka_poll", "events/s", values)


def _following(ledger: Ledger, rig: Rig, figures: Figures) -> None:
    """The books, and in turn with them all views, in one pass over a stretch of the day, read ahead as `onecard follow`
    does. The first stretch of each warms up."""
    chunk, chunks = rig.scale.chunk, 2 * rig.scale.chunks
    decoded = frozenset().union(*(view.loader(0, ledger.source).wants for view in VIEWS))
    with ledger.connect() as connection, closing(Stretch(ledger.source, ledger.connect)) as log:
        log.last = rig.head() - chunk * chunks
        list(catch_up(connection, VIEWS, log))
        values: dict[str, list[int]] = {"three": [], "all": []}
        with closing(UpTo(ledger.access(), ledger.topology, ledger.source)) as feed:
            for run in range(chunks):
                name, views = ("all", VIEWS) if run % 2 else ("three", BOOKS)
                feed.last = min(positions(connection, VIEWS, ledger.source).values()) + chunk
                with closing(Ahead(feed, decoded)) as ahead:
                    took = elapsed(lambda: list(catch_up(connection, views, ahead)))  # noqa: B023
                    list(catch_up(connection, VIEWS, ahead))
                if run > 1:
                    values[name].append(rate(chunk, took))
    for name, rates in values.items():
        figures.add(f"follow_topics_{name}_views", "events/s", rates, "raw_kafka_poll")
