"""What the brokers can be asked about the ledger: how far sources are published, what views wait for, what is stuck.

Connections are made at the first question and kept until one fails; then the next question makes new ones.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from projections.topics.topology import Topology, parse, source_of_relay, sources_among

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


class OfOneSource(BrokerProblem):
    """Of one source the brokers tell nothing; of the others they do."""

    def __init__(self, source: str, problem: BrokerProblem | Foreign | Corrupt | Truncated) -> None:
        told = str(problem).removesuffix(".")
        if isinstance(problem, BrokerProblem):
            super().__init__(problem.code, f"{told}.")
        else:
            what = f"How far source {source} is published cannot be told ({told})"
            super().__init__("failed", f"{what}: run `onecard verify --against topics`.")
        self.source = source


# Not seeing a topic says something of its source; any other problem is one of the brokers or the way there.
OF_ITS_TOPICS: Final = frozenset({"topic_unknown", "not_allowed"})


@contextmanager
def telling_source(source: str) -> Iterator[None]:
    """What concerns this source only is raised as such."""
    try:
        yield
    except (Foreign, Corrupt, Truncated) as spoilt:
        raise OfOneSource(source, spoilt) from spoilt
    except BrokerProblem as problem:
        if problem.code not in OF_ITS_TOPICS:
            raise
        raise OfOneSource(source, problem) from problem


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
        return sorted(sources_among(self._cluster.topics()))

    def published(self, source: str) -> Progress | None:
        """How far a source is on its topics; None if nothing of it is."""
        with telling_source(source):
            return published(self._reader, self.topology, source)

    def waiting(self, progress: Progress, stood: Sequence[Stand], most_read: int = MOST_READ) -> list[Waiting]:
        """What each view has still to apply of each partition."""
        with telling_source(progress.source):
            return topic_lag.waiting(self._reader, self.topology, progress, stood, most_read)

    def ends(self, source: str) -> Mapping[Partition, Ends]:
        """The offsets of every partition of a source."""
        places = [(topic, one) for topic in self.topology.all_events(source) for one in range(self.topology.partitions)]
        places.append((self.topology.relay(source), 0))
        reader = self._reader
        # In this order, so that no end is before the one it must not be before.
        with telling_source(source):
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


def known(brokers: Brokers, sources: Iterable[str]) -> tuple[dict[str, Progress | None], dict[str, OfOneSource]]:
    """How far each of these sources is published, and of which of them that cannot be told.

    A source whose topics are not there yet is not published.
    """
    found: dict[str, Progress | None] = {}
    problems: dict[str, OfOneSource] = {}
    for source in sources:
        try:
            found[source] = brokers.published(source)
        except OfOneSource as problem:
            if problem.code == "topic_unknown":
                found[source] = None
            else:
                problems[source] = problem
    return found, problems
