"""TopicFeed: the events of a source from its topics, merged into the order of the log.

Positions are dense, so the merge knows what comes next and never guesses: it takes last + 1 from whatever partition has
it. Where to read from is found by time (views keep when their last event was recorded), so no offsets are stored and
a cursor is the same as that of the log.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from projections.feed.arrival import LOOK, TopicRecord
from projections.feed.opened import Opened
from projections.feed.port import Broken, Record
from projections.feed.strands import Strands
from projections.kafka.access import Access
from projections.kafka.reader import Partition
from projections.topics.topology import Topology

POLL_MS: Final = 100
FORWARD: Final = 50_000  # positions that are read and dropped rather than sought


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
        self._certain = certain
        self._is_stopped = is_stopped
        self._opened = Opened(access, topology, source, range(topology.partitions), is_stopped)
        self._head = 0

    def close(self) -> None:
        self._opened.close()

    @property
    def store_id(self) -> str | None:
        return self._opened.store_id

    def head(self) -> int:
        """The last position whose publication is committed."""
        progress = self._opened.progress()
        self._head = progress.position if progress is not None else 0
        return self._head

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        return self._opened.asked(lambda: self._merged(self._strands_at(after, since), after, limit))

    def wait(self, timeout_seconds: int) -> bool:
        return self._opened.asked(lambda: self._woken(timeout_seconds))

    def _woken(self, timeout_seconds: int) -> bool:
        at = self._opened.at
        if at is None:
            return True
        strands = self._opened.strands()
        until = time.monotonic_ns() + timeout_seconds * 1_000_000_000
        while at + 1 not in strands.waiting:
            if time.monotonic_ns() >= until:
                return self.head() > at
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
                self._opened.at = strands.floor = taken[-1].position
                strands.moved()
                return taken
            if self._is_told_of_more(strands, after):
                return []
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
        strands = self._opened.strands()
        at = self._opened.at
        if at is None or not 0 <= after - at <= FORWARD:
            self.head()  # whose events these are is known before any of them is delivered
            strands.seek(after, since)
        elif after > at:
            strands.floor = after
            for position in [one for one in strands.waiting if one <= after]:
                del strands.waiting[position]
        self._opened.at = after
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

    def _is_told_of_more(self, strands: Strands, at: int) -> bool:
        """Whether nothing is known that is still to come, and whoever asks goes on to `wait` for it."""
        return not self._certain and self._head <= at and not strands.waiting and strands.first_broken() is None

    def _is_exhausted(self, strands: Strands, at: int) -> bool:
        """Whether to say that there is no more now. Broken if what comes next will never come."""
        why = strands.first_broken()
        head = self._head if self._head > at else self.head()
        if head <= at and not strands.waiting:
            if why is not None:
                raise why
            return True
        is_found = why is not None and why.position == at + 1 and why.kind != "record_missing"
        if is_found or strands.is_proven_missing(at + 1):
            raise why or self._missing(strands, at + 1)
        strands.poll(POLL_MS)
        return False

    def _missing(self, strands: Strands, needed: int) -> Broken:
        if needed <= self.head():
            what = f"position {needed} of source {self.source} is missing from its topics: {LOOK}"
            return Broken(what, "record_missing", needed)
        first = strands.waiting[min(strands.waiting)]
        what = f"position {first.position} is on a topic, and source {self.source} has published {self._head} events"
        return Broken(f"{what}: {LOOK}", "record_extra", first.position, first.evidence())
