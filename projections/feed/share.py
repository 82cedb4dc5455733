"""ShareFeed: some partitions of a source, for who shares the work with others.

Positions of some partitions have gaps, so density proves nothing here. What does: positions of a partition rise, every
record names the one before it, and the relay writes down, with every page, the last position of each partition.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from projections.feed.arrival import LOOK, TopicRecord
from projections.feed.port import Broken
from projections.feed.strands import Strand, Strands, even_reader
from projections.feed.topic import newest, patiently, surroundings
from projections.kafka.access import Access, BrokerProblem
from projections.kafka.reader import Partition, Reader
from projections.relay.progress import Progress, Tail
from projections.topics.topology import Topology

POLL_MS: Final = 100


@dataclass(frozen=True, slots=True)
class Part:
    """Records of these partitions: all there are after the cursor and up to `through`, in order."""

    records: Sequence[TopicRecord]
    through: int


class ShareFeed:
    """One consumer of the partitions with these numbers, of every family."""

    def __init__(
        self,
        access: Access,
        topology: Topology,
        source: str,
        numbers: Sequence[int],
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.source = source
        self.store_id: str | None = None
        self.numbers = numbers
        self.partitions = topology.partitions
        self._is_stopped = is_stopped
        self._access = access
        self._topology = topology
        self._families = {topology.events(family, source): family for family in topology.families}
        self._at: int | None = None
        self._progress: Progress | None = None
        self._strands: Strands | None = None
        self._tail: tuple[Reader, Tail] | None = None

    def close(self) -> None:
        """Let go of the brokers; the next read reaches them again."""
        self._at = None
        if self._strands is not None:
            self._strands.reader.close()
            self._strands = None
        if self._tail is not None:
            self._tail[0].close()
            self._tail = None

    def head(self) -> int:
        """The last position of the source whose publication is committed."""
        if self._tail is None:
            reader = Reader(self._access)
            self._tail = reader, Tail(reader, self._topology, self.source)
        self._progress = newest(self._tail[1], self.source, self._is_stopped)
        self.store_id = self._progress.store_id if self._progress is not None else None
        return self._progress.position if self._progress is not None else 0

    def read(self, after: int, limit: int, since: int = 0) -> Part:
        """What comes after a position, at most about `limit` records; Part([], after) if there is nothing more now."""
        try:
            return patiently(lambda: self._read_anew(after, limit, since), self._is_stopped)
        except BrokerProblem as problem:
            raise surroundings(problem, self.source) from problem

    def _read_anew(self, after: int, limit: int, since: int) -> Part:
        try:
            return self._read(self._sought(after, since), after, limit)
        except (Broken, BrokerProblem):
            self._at = None
            raise

    def wait(self, timeout_seconds: int) -> bool:
        """Until something may be there, or the time is over."""
        try:
            return self._woken(timeout_seconds)
        except BrokerProblem as problem:
            self._at = None
            raise surroundings(problem, self.source) from problem

    def _woken(self, timeout_seconds: int) -> bool:
        until = time.monotonic_ns() + timeout_seconds * 1_000_000_000
        while self._strands is not None and self._at is not None and not self._is_stopped():
            if self._strands.waiting or self._strands.poll(POLL_MS):
                return True
            if time.monotonic_ns() >= until:
                return self.head() > self._at
        return True

    def _sought(self, after: int, since: int) -> Strands:
        if self._strands is None:
            self._strands = Strands(even_reader(self._access), self._topology, self.source, self.numbers)
        if self._at != after:
            self.head()  # whose events these are is known before any of them is delivered
            self._strands.seek(after, since)
            self._at = after
        return self._strands

    def _read(self, strands: Strands, after: int, limit: int) -> Part:
        ends: dict[Partition, int] | None = None
        strands.listen()
        while not self._is_stopped():
            strands.refuse_to_hang()
            through = self._through(strands, after)
            if through > after:
                return self._taken(strands, through, limit)
            came = strands.poll(0)
            if came and self._progress is not None and self._progress.position > after:
                continue
            head = self.head()
            if self._through(strands, after) > after:
                continue
            if head > after:
                self._wait_or_give_up(strands, after)
            elif (why := strands.first_broken()) is not None:
                raise why
            elif strands.has_read(ends := ends or strands.ends()):
                return Part([], after)
            else:
                strands.poll(POLL_MS)
        return Part([], after)

    def _taken(self, strands: Strands, through: int, limit: int) -> Part:
        found = [strands.waiting[one] for one in sorted(strands.waiting) if one <= through]
        if len(found) > limit:
            found = found[:limit]
            through = found[-1].position
        for record in found:
            del strands.waiting[record.position]
        self._at = strands.floor = through
        strands.moved()
        return Part(found, through)

    def _through(self, strands: Strands, after: int) -> int:
        """Up to where everything is here: as far as the relay has come, but for partitions that are behind it."""
        if self._progress is None:
            return after
        through = self._progress.position
        for strand in strands.strands.values():
            if max(strand.last, after) < self._wanted(strand):
                through = min(through, max(strand.last, after))
        return through

    def _wanted(self, strand: Strand) -> int:
        """The last position that the relay has put on a partition."""
        assert self._progress is not None
        topic, number = strand.place
        return self._progress.last[self._families[topic]][number]

    def _wait_or_give_up(self, strands: Strands, after: int) -> None:
        """Some partition has nothing after the cursor yet, and the relay has put something there."""
        stuck = [one for one in strands.strands.values() if one.last <= after < self._wanted(one)]
        if faults := [one.broken for one in stuck if one.broken is not None]:
            raise min(faults, key=lambda one: one.position or 0)
        if stuck and strands.is_proven_missing(after + 1):
            topic, number = stuck[0].place
            wanted = self._wanted(stuck[0])
            what = f"topic {topic}, partition {number}: position {wanted} is missing"
            raise Broken(f"{what}: {LOOK}", "record_missing", wanted)
        strands.poll(POLL_MS)
