"""What a feed over topics has open: the partitions it reads together, and the relay's topic that tells how far they go.

Both are reached when they are first asked for, and again after `close`. What is wrong with a source's topics is told as
such, and what is wrong with the brokers as theirs.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeVar

from projections.feed.arrival import LOOK
from projections.feed.port import Broken
from projections.feed.strands import Strands, even_reader
from projections.kafka.access import Access, BrokerProblem
from projections.kafka.cluster import Cluster
from projections.kafka.reader import Corrupt, Reader, Truncated
from projections.relay.pause import pause
from projections.relay.progress import Foreign, Progress, Tail
from projections.topics.topology import Topology, sources_among

UNKNOWN_MS: Final = (200, 500, 1_000, 1_000)  # pauses between asking for a topic that is not known
T = TypeVar("T")


class Opened:
    """`numbers`: of the partitions, of every family. `store_id`: of the store that published, once that was asked.

    `at`: the position up to which the feed was read; None: where to read on must be sought.
    """

    def __init__(
        self, access: Access, topology: Topology, source: str, numbers: Sequence[int], is_stopped: Callable[[], bool]
    ) -> None:
        self.at: int | None = None
        self.store_id: str | None = None
        self._access = access
        self._topology = topology
        self._source = source
        self._numbers = numbers
        self._is_stopped = is_stopped
        self._strands: Strands | None = None
        self._tail: tuple[Reader, Tail] | None = None

    def close(self) -> None:
        """Let go of the brokers; the next question reaches them again."""
        self.at = None
        if self._strands is not None:
            self._strands.reader.close()
            self._strands = None
        if self._tail is not None:
            self._tail[0].close()
            self._tail = None

    def strands(self) -> Strands:
        if self._strands is None:
            self._strands = Strands(even_reader(self._access), self._topology, self._source, self._numbers)
        return self._strands

    def progress(self) -> Progress | None:
        """How far the source is published, and by which store; None before its first page."""
        if self._tail is None:
            reader = Reader(self._access)
            self._tail = reader, Tail(reader, self._topology, self._source)
        progress = newest(self._tail[1], self._source, self._is_stopped, self._sources)
        self.store_id = progress.store_id if progress is not None else None
        return progress

    def asked(self, ask: Callable[[], T]) -> T:
        """What reading or waiting gives. After a failure where to read on is sought anew."""
        try:
            return patiently(lambda: self._tried(ask), self._is_stopped)
        except BrokerProblem as problem:
            raise surroundings(problem, self._source, self._sources) from problem

    def _sources(self) -> set[str]:
        """Those that this Kafka shows us; none if it does not tell."""
        try:
            with Cluster(self._access) as cluster:
                return sources_among(cluster.topics())
        except BrokerProblem:
            return set()

    def _tried(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except (Broken, BrokerProblem):
            self.at = None
            raise


def patiently(ask: Callable[[], T], is_stopped: Callable[[], bool]) -> T:
    """A topic that was made just now is not known to every broker yet, nor while brokers start: asked some times."""
    for milliseconds in UNKNOWN_MS:
        try:
            return ask()
        except BrokerProblem as problem:
            if problem.code != "topic_unknown":
                raise
        pause(milliseconds, is_stopped)
    return ask()


def newest(
    tail: Tail,
    source: str,
    is_stopped: Callable[[], bool] = lambda: False,
    sources: Callable[[], Collection[str]] = tuple,
) -> Progress | None:
    """How far a source is published. What is wrong with that topic is wrong with this source and no other one."""
    try:
        return patiently(tail.newest, is_stopped)
    except BrokerProblem as problem:
        raise surroundings(problem, source, sources) from problem
    except Foreign as error:
        raise Broken(f"{error}: {LOOK}", "foreign_record") from error
    except (Corrupt, Truncated) as error:
        what = f"how far source {source} is published cannot be read: {error}: look at the broker's disk"
        raise Broken(what, "undecodable" if isinstance(error, Corrupt) else "topic_truncated") from error


def surroundings(problem: BrokerProblem, source: str, sources: Callable[[], Collection[str]]) -> Exception:
    """A topic that is not there or not for us stops the source; any other problem is not the source's."""
    if problem.code == "not_allowed":
        return Broken(f"source {source}: {problem}", "topic_forbidden")
    if problem.code == "topic_unknown":
        return Broken(_unknown(problem, source, sources()), "source_unknown")
    return problem


def _unknown(problem: BrokerProblem, source: str, sources: Collection[str]) -> str:
    """A topic of a source that is there is missing; or all of them are, and only somebody knows whether they come."""
    if source in sources:
        return f"source {source} lacks a topic: {problem}"
    which = f", which has {', '.join(sorted(sources))}" if sources else ""
    return (
        f"source {source} is not known to this Kafka{which}. If {source} is mistyped, `onecard incidents forget"
        f" --source {source}` takes it out again. If it is still to come, its own store makes its topics by `onecard"
        f" topics apply`, and the next `onecard follow --source {source}` reads them"
    )
