"""ShareFeed: some partitions of a source, for who shares the work with others.

Positions of some partitions have gaps, so density proves nothing here. What does: positions of a partition rise, every
record names the one before it, and the relay writes down, with every page, the last position of each partition.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from projections.feed.arrival import LOOK, TopicRecord
from projections.feed.opened import Opened
from projections.feed.port import Broken
from projections.feed.strands import Strand, Strands
from projections.kafka.access import Access
from projections.kafka.reader import Partition
from projections.relay.progress import Progress
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
        self.numbers = numbers
        self.partitions = topology.partitions
        self._is_stopped = is_stopped
        self._families = {topology.events(family, source): family for family in topology.families}
        self._opened = Opened(access, topology, source, numbers, is_stopped)
        self._progress: Progress | None = None

    def close(self) -> None:
        self._opened.close()

    @property
    def store_id(self) -> str | None:
        return self._opened.store_id

    def head(self) -> int:
        """The last position of the source whose publication is committed."""
        self._progress = self._opened.progress()
        return self._progress.position if self._progress is not None else 0

    def read(self, after: int, limit: int, since: int = 0) -> Part:
        """What comes after a position, at most about `limit` records; Part([], after) if there is nothing more now."""
        return self._opened.asked(lambda: self._read(self._sought(after, since), after, limit))

    def wait(self, timeout_seconds: int) -> bool:
        """Until something may be there, or the time is over."""
        return self._opened.asked(lambda: self._woken(timeout_seconds))

    def _woken(self, timeout_seconds: int) -> bool:
        at = self._opened.at
        if at is None:
            return True
        strands = self._opened.strands()
        until = time.monotonic_ns() + timeout_seconds * 1_000_000_000
        while not self._is_stopped():
            if strands.waiting or strands.poll(POLL_MS):
                return True
            if time.monotonic_ns() >= until:
                return self.head() > at
        return True

    def _sought(self, after: int, since: int) -> Strands:
        strands = self._opened.strands()
        if self._opened.at != after:
            self.head()  # whose events these are is known before any of them is delivered
            strands.seek(after, since)
            self._opened.at = after
        return strands

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
        self._opened.at = strands.floor = through
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
