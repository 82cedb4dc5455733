"""What the brokers can be asked about the ledger: how far sources are published, what views wait for, what is stuck.

Connections are made at the first question and kept until one fails; then the next question makes new ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from projections.kafka.access import Access, BrokerProblem
from projections.kafka.cluster import Cluster
from projections.kafka.reader import Corrupt, Partition, Reader, Truncated
from projections.questions import topic_lag
from projections.questions.lag import Stand
from projections.questions.topic_lag import MOST_READ, Waiting
from projections.relay.progress import Foreign, Progress, published
from projections.topics.topology import Topology, parse, source_of_relay

# A relay's transaction may last a minute; brokers end one that lasts longer, unless they have lost track of it.
LONGEST_TRANSACTION_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Hanging:
    """A transaction on our topics that should have ended long ago."""

    transactional_id: str
    state: str
    age_seconds: int
    partitions: tuple[Partition, ...]

    def advice(self) -> str:
        """What is wrong and what to do, in a sentence or two."""
        topic, number = self.partitions[0]
        others = f" and {len(self.partitions) - 1} more" if len(self.partitions) > 1 else ""
        return (
            f"Transaction {self.transactional_id} has been open for {self.age_seconds} seconds: no reader of committed"
            f" records gets past it in {topic} partition {number}{others}. Start the relay of that source, which ends"
            " the transaction of the one before; if it has none, end it by Kafka's kafka-transactions.sh abort."
        )


@dataclass(frozen=True, slots=True)
class Ends:
    """Offsets of a partition: the first there is, where committed reading ends, where everything ends."""

    beginning: int
    stable: int
    high: int


class Brokers:
    """One questioner; not for several threads."""

    def __init__(self, access: Access, topology: Topology) -> None:
        self.topology = topology
        self._access = access
        self._open_reader: Reader | None = None
        self._open_cluster: Cluster | None = None

    def __enter__(self) -> "Brokers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the brokers; the next question reaches them again."""
        reader, self._open_reader = self._open_reader, None
        cluster, self._open_cluster = self._open_cluster, None
        for one in (reader, cluster):
            if one is not None:
                one.close()

    def sources(self) -> list[str]:
        """Every source that has a relay's topic here."""
        return sorted(filter(None, map(source_of_relay, self._cluster.topics())))

    def published(self, source: str) -> Progress | None:
        """How far a source is on its topics; None if nothing of it is."""
        try:
            return published(self._reader, self.topology, source)
        except (Foreign, Corrupt, Truncated) as spoilt:
            what = f"How far source {source} is published cannot be told ({spoilt})"
            raise BrokerProblem("failed", f"{what}: run `onecard verify --against topics`.") from spoilt

    def waiting(self, progress: Progress, stood: Sequence[Stand], most_read: int = MOST_READ) -> list[Waiting]:
        """What each view has still to apply of each partition."""
        return topic_lag.waiting(self._reader, self.topology, progress, stood, most_read)

    def ends(self, source: str) -> Mapping[Partition, Ends]:
        """The offsets of every partition of a source."""
        places = [(topic, one) for topic in self.topology.all_events(source) for one in range(self.topology.partitions)]
        places.append((self.topology.relay(source), 0))
        reader = self._reader
        # In this order, so that no end is before the one it must not be before.
        beginnings, stable, high = (
            reader.beginning_offsets(places),
            reader.stable_ends(places),
            reader.high_watermarks(places),
        )
        return {place: Ends(beginnings[place], stable[place], high[place]) for place in places}

    def hanging(self) -> list[Hanging]:
        """Transactions that hold up our topics; of others' topics nothing is said."""
        found = []
        for one in self._cluster.hanging_transactions(LONGEST_TRANSACTION_SECONDS * 1_000):
            ours = tuple(sorted((topic, number) for topic, number in one["topic_partitions"] if _is_ours(topic)))
            if ours:
                age_seconds = one["age_ms"] // 1_000
                found.append(Hanging(one["transactional_id"], one["state"], age_seconds, ours))
        return found

    @property
    def _reader(self) -> Reader:
        if self._open_reader is None:
            self._open_reader = Reader(self._access)
        return self._open_reader

    @property
    def _cluster(self) -> Cluster:
        if self._open_cluster is None:
            self._open_cluster = Cluster(self._access)
        return self._open_cluster


def _is_ours(topic: str) -> bool:
    return parse(topic) is not None or source_of_relay(topic) is not None


def known(brokers: Brokers, sources: Iterable[str]) -> dict[str, Progress | None]:
    """How far each of these sources is published; a source whose topics are not there yet is not published."""
    found: dict[str, Progress | None] = {}
    for source in sources:
        try:
            found[source] = brokers.published(source)
        except BrokerProblem as problem:
            if problem.code != "topic_unknown":
                raise
            found[source] = None
    return found
