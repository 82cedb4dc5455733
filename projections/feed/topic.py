"""TopicFeed: the events of a source from its topics, merged into the order of the log.

Positions are dense, so the merge knows what comes next and never guesses: it takes last + 1 from whatever partition has
it. Where to read from is found by time (views keep when their last event was recorded), so no offsets are stored and
a cursor is the same as that of the log.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from projections.feed.arrival import LOOK, TopicRecord
from projections.feed.port import Broken, Record
from projections.feed.strands import Strands, even_reader
from projections.kafka.access import Access, BrokerProblem
from projections.kafka.reader import Corrupt, Partition, Reader, Truncated
from projections.relay.pause import pause
from projections.relay.progress import Foreign, Progress, Tail
from projections.topics.topology import Topology

POLL_MS: Final = 100
FORWARD: Final = 50_000  # positions that are read and dropped rather than sought
UNKNOWN_MS: Final = (200, 500, 1_000, 1_000)  # pauses between asking for a topic that is not known
T = TypeVar("T")


class TopicFeed:
    """One consumer of all partitions of a source. `certain`: a read says "no more" only after asking the relay's topic.

    A follower that is to end needs that; one that goes on is told by the next record. Once `is_stopped`, nothing is
    waited for any more, and a read may say "no more" though there is.
    """

    lags = True

    def __init__(
        self,
        access: Access,
        topology: Topology,
        source: str,
        certain: bool = True,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.source = source
        self.store_id: str | None = None
        self._access = access
        self._topology = topology
        self._certain = certain
        self._is_stopped = is_stopped
        self._at: int | None = None
        self._head = 0
        self._open_strands: Strands | None = None
        self._open_tail: tuple[Reader, Tail] | None = None

    def close(self) -> None:
        """Let go of the brokers; the next read reaches them again."""
        self._at = None
        if self._open_strands is not None:
            self._open_strands.reader.close()
            self._open_strands = None
        if self._open_tail is not None:
            self._open_tail[0].close()
            self._open_tail = None

    def head(self) -> int:
        """The last position whose publication is committed."""
        if self._open_tail is None:
            reader = Reader(self._access)
            self._open_tail = reader, Tail(reader, self._topology, self.source)
        progress = newest(self._open_tail[1], self.source, self._is_stopped)
        self._head = progress.position if progress is not None else 0
        self.store_id = progress.store_id if progress is not None else None
        return self._head

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        try:
            return patiently(lambda: self._read(after, limit, since), self._is_stopped)
        except BrokerProblem as problem:
            raise surroundings(problem, self.source) from problem

    def _read(self, after: int, limit: int, since: int) -> Sequence[Record]:
        try:
            return self._merged(self._strands_at(after, since), after, limit)
        except BrokerProblem:
            self._at = None
            raise

    def wait(self, timeout_seconds: int) -> bool:
        try:
            return self._woken(timeout_seconds)
        except BrokerProblem as problem:
            self._at = None
            raise surroundings(problem, self.source) from problem

    def _woken(self, timeout_seconds: int) -> bool:
        strands = self._open_strands
        if strands is None or self._at is None:
            return True
        until = time.monotonic_ns() + timeout_seconds * 1_000_000_000
        while self._at + 1 not in strands.waiting:
            if time.monotonic_ns() >= until:
                return self.head() > self._at
            if self._is_stopped():
                return True
            if strands.waiting or strands.first_broken() is not None:
                return strands.poll(POLL_MS)
            strands.poll(POLL_MS)
        return True

    def _merged(self, strands: Strands, after: int, limit: int) -> Sequence[Record]:
        ends: dict[Partition, int] | None = None
        strands.listen()
        while not self._is_stopped():
            strands.refuse_to_hang()
            taken = self._take(strands, after, limit)
            if taken:
                self._at = strands.floor = taken[-1].position
                strands.moved()
                return taken
            if strands.poll(0) or not self._is_exhausted(strands, after):
                continue
            if not self._certain:
                return []
            # What was put where it does not belong is committed too: see everything before saying that all is seen.
            if ends is None:
                ends = strands.ends()
            if strands.has_read(ends):
                return []
            strands.poll(POLL_MS)
        return []

    def _strands_at(self, after: int, since: int) -> Strands:
        """Reading on from where the cursor is, or from where it is sought."""
        if self._open_strands is None:
            numbers = range(self._topology.partitions)
            self._open_strands = Strands(even_reader(self._access), self._topology, self.source, numbers)
        strands = self._open_strands
        if self._at is None or not 0 <= after - self._at <= FORWARD:
            self.head()  # whose events these are is known before any of them is delivered
            strands.seek(after, since)
        elif after > self._at:
            strands.floor = after
            for position in [one for one in strands.waiting if one <= after]:
                del strands.waiting[position]
        self._at = after
        return strands

    def _take(self, strands: Strands, after: int, limit: int) -> list[TopicRecord]:
        """What comes next, as far as it has come."""
        taken: list[TopicRecord] = []
        pop = strands.waiting.pop
        while len(taken) < limit:
            record = pop(after + 1, None)
            if record is None:
                break
            after += 1
            taken.append(record)
        return taken

    def _is_exhausted(self, strands: Strands, at: int) -> bool:
        """Whether to say that there is no more now. Broken if what comes next will never come."""
        why = strands.first_broken()
        if not strands.waiting and why is None and not self._certain and self._head <= at:
            return True
        head = self._head if self._head > at else self.head()
        if head <= at and not strands.waiting:
            if why is not None:
                raise self._given_up(why)
            return True
        is_found = why is not None and why.position == at + 1 and why.kind != "record_missing"
        if is_found or strands.is_proven_missing(at + 1):
            raise self._given_up(why or self._missing(strands, at + 1))
        strands.poll(POLL_MS)
        return False

    def _missing(self, strands: Strands, needed: int) -> Broken:
        if needed <= self.head():
            what = f"position {needed} of source {self.source} is missing from its topics: {LOOK}"
            return Broken(what, "record_missing", needed)
        first = strands.waiting[min(strands.waiting)]
        what = f"position {first.position} is on a topic, and source {self.source} has published {self._head} events"
        return Broken(f"{what}: {LOOK}", "record_extra", first.position, first.evidence())

    def _given_up(self, why: Broken) -> Broken:
        """The next read looks at everything anew."""
        self._at = None
        return why


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


def newest(tail: Tail, source: str, is_stopped: Callable[[], bool] = lambda: False) -> Progress | None:
    """How far a source is published. What is wrong with that topic is wrong with this source and no other one."""
    try:
        return patiently(tail.newest, is_stopped)
    except BrokerProblem as problem:
        raise surroundings(problem, source) from problem
    except Foreign as error:
        raise Broken(f"{error}: {LOOK}", "foreign_record") from error
    except (Corrupt, Truncated) as error:
        what = f"how far source {source} is published cannot be read: {error}: look at the broker's disk"
        raise Broken(what, "undecodable" if isinstance(error, Corrupt) else "topic_truncated") from error


def surroundings(problem: BrokerProblem, source: str) -> Exception:
    """A topic that is not there or not for us stops the source; any other problem is not the source's."""
    if problem.code == "not_allowed":
        return Broken(f"source {source}: {problem}", "topic_forbidden")
    if problem.code == "topic_unknown":
        return Broken(f"source {source} is not known to this Kafka: {problem}", "source_unknown")
    return problem
