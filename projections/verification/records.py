"""One published record by itself: what it says must follow from its own bytes, and it must lie where they belong.

Whether those bytes are the store's, and whether anything is missing or twice, is for `topics` to say.
"""

import hashlib
from dataclasses import dataclass

from ledger.store import codec
from projections.kafka.reader import Raw
from projections.topics.envelope import Foreign, headers_of, stamp_of
from projections.topics.partition import partition_of
from projections.topics.topology import Topology

MILLISECOND = 1_000
LARGEST_POSITION = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Inspected:
    """`home`: the topic and partition that the bytes belong to. `wrong`: what contradicts them, in words."""

    position: int
    prev_position: int
    digest: str
    home: tuple[str, int]
    wrong: list[str]


class Inspector:
    """Looks at the records of one source's topics."""

    def __init__(self, source: str, topology: Topology) -> None:
        self._source = source
        self._topology = topology
        self._topics: dict[bytes, str] = {}

    def home(self, key: bytes, frame: bytes) -> tuple[str, int]:
        """Where a stream's event of a type belongs; Undecodable for a type there is none of."""
        topic = self._topics.get(frame)
        if topic is None:
            family = codec.subject_of(frame).split(".")[1]
            topic = self._topics[frame] = self._topology.events(family, self._source)
        return topic, partition_of(key, self._topology.partitions)

    def inspect(self, raw: Raw) -> Inspected:
        """Foreign if no relay of this source has written it."""
        stamp, value = stamp_of(raw.headers), raw.value
        if stamp.source != self._source:
            raise Foreign(f"its headers name source {stamp.source!r}")
        if stamp.position > LARGEST_POSITION:
            raise Foreign(f"{stamp.position} is no position")
        if value is None:
            raise Foreign("it has no value")
        digest, here = hashlib.sha256(value).hexdigest(), (raw.topic, raw.partition)
        try:
            key, _, occurred_at, recorded_at = codec.envelope_of(value)
            home = self.home(key, value[: codec.HEADER_BYTES])
            headers = headers_of(self._source, stamp.position, stamp.prev_position, value, occurred_at)
        except (codec.Undecodable, ValueError, OverflowError) as error:
            return Inspected(stamp.position, stamp.prev_position, digest, here, [f"its bytes are no event: {error}"])
        wrong: list[str] = []
        if home != here:
            wrong.append(f"it belongs to topic {home[0]}, partition {home[1]}")
        if raw.key != key:
            wrong.append("its key is not the id of its stream")
        if raw.headers != headers:
            wrong.append(_headers_differ(raw.headers, headers))
        if raw.timestamp != recorded_at // MILLISECOND:
            wrong.append("its timestamp is not when it was recorded")
        return Inspected(stamp.position, stamp.prev_position, digest, home, wrong)


def _headers_differ(found: list[tuple[str, bytes | None]], expected: list[tuple[str, bytes]]) -> str:
    by_name = dict(expected)
    names = [name for name, value in found if by_name.get(name) != value]
    return f"its headers do not follow from its bytes: {', '.join(names) or 'their order'}"
