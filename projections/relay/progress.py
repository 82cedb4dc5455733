"""How far a source has been published, as its relay wrote it down in the same Kafka transaction as the events.

One record a page on the relay's topic, key = source. What it says is committed together with the page or not at all, so
it is the only truth about what is on the topics; nothing is kept in the database.
"""

import json
import re
import time
from dataclasses import dataclass
from typing import Any, Final

from projections.kafka.access import BrokerProblem
from projections.kafka.reader import Reader
from projections.topics.topology import Topology

POLL_MS: Final = 200
NEWEST: Final = 16  # records at the end that are looked at first; a page leaves two, its record and the commit marker
SETTLING_SECONDS: Final = 30
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Foreign(ValueError):
    """A record on the relay's topic that no relay of this source and topology has written."""

    def __init__(self, topic: str, offset: int, value: bytes | None, reason: str) -> None:
        super().__init__(f"topic {topic}, offset {offset}: {reason}")
        self.topic = topic
        self.offset = offset
        self.value = value


@dataclass(frozen=True, slots=True)
class Progress:
    """`digest`: SHA-256 of the framed bytes at `position`. `last`: last position in each partition, by family."""

    store_id: str
    source: str
    position: int
    digest: str
    last: dict[str, list[int]]

    def encoded(self) -> bytes:
        found = {
            "store_id": self.store_id,
            "source": self.source,
            "position": self.position,
            "digest": self.digest,
            "last": self.last,
        }
        return json.dumps(found, separators=(",", ":")).encode()


def decoded(value: bytes | None, source: str, topology: Topology) -> Progress:
    """What a record says; ValueError with a reason if it is not a progress of this source over these topics."""
    try:
        found: Any = json.loads(value or b"")
    except ValueError:
        raise ValueError("its value is not the JSON of a relay's progress") from None
    if not isinstance(found, dict) or found.keys() != {"store_id", "source", "position", "digest", "last"}:
        raise ValueError("its value has not the keys of a relay's progress")
    position, last = found["position"], found["last"]
    if type(position) is not int or position < 1 or not _DIGEST.fullmatch(str(found["digest"])):
        raise ValueError("its position or digest is none")
    if found["source"] != source:
        raise ValueError(f"it is the progress of source {found['source']!r}")
    if not isinstance(last, dict) or last.keys() != set(topology.families):
        raise ValueError("its families are not those of the topics")
    for family, positions in last.items():
        if not isinstance(positions, list) or len(positions) != topology.partitions:
            raise ValueError(f"family {family} does not have {topology.partitions} partitions")
        if any(type(one) is not int or not 0 <= one <= position for one in positions):
            raise ValueError(f"family {family} names a position beyond {position}")
    if max(max(positions) for positions in last.values()) != position:
        raise ValueError(f"no partition ends with position {position}")
    return Progress(str(found["store_id"]), source, position, found["digest"], last)


class Tail:
    """The newest committed progress, read on from where it was read last. `reader` is its alone."""

    def __init__(self, reader: Reader, topology: Topology, source: str) -> None:
        self._reader = reader
        self._topology = topology
        self._source = source
        self._place = (topology.relay(source), 0)
        self._newest: Progress | None = None
        self._reached: int | None = None

    def newest(self) -> Progress | None:
        """None before the first page was committed."""
        end = self._reader.stable_ends([self._place])[self._place]
        if self._reached is None:
            self._find(end)
        elif end > self._reached:
            self._reader.assign({self._place: self._reached})
            self._newest = self._last_before(end) or self._newest
        self._reached = end
        return self._newest

    def _find(self, end: int) -> None:
        """From the end backwards in growing steps: aborted pages and compaction leave offsets without a record."""
        begin = self._reader.beginning_offsets([self._place])[self._place]
        step, start = NEWEST, end
        while self._newest is None and start > begin:
            start = max(begin, end - step)
            self._reader.assign({self._place: start})
            self._newest = self._last_before(end)
            step *= 16

    def _last_before(self, end: int) -> Progress | None:
        newest = None
        last_moved = time.monotonic()
        position = -1
        while self._reader.position(self._place) < end:
            for raw in self._reader.poll(POLL_MS, 1_000).get(self._place, ()):
                if raw.offset < end:
                    newest = raw
            if self._reader.position(self._place) != position:
                position, last_moved = self._reader.position(self._place), time.monotonic()
            elif time.monotonic() - last_moved > SETTLING_SECONDS:
                raise BrokerProblem(
                    "timed_out",
                    f"Reading topic {self._place[0]} stops at offset {position} of {end}: look at the broker's log.",
                )
        if newest is None:
            return None
        try:
            return decoded(newest.value, self._source, self._topology)
        except ValueError as error:
            raise Foreign(self._place[0], newest.offset, newest.value, str(error)) from None


def published(reader: Reader, topology: Topology, source: str) -> Progress | None:
    """How far a source has been published; None if nothing of it has been. `reader` is assigned anew."""
    return Tail(reader, topology, source).newest()
