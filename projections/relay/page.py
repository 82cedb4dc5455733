"""A page of the log as records for Kafka. Pure: the bytes stay what they are, nothing is decoded."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.store import codec
from ledger.store.recorder import Row
from projections.feed.port import Broken, Evidence, kind_of_bytes
from projections.relay.progress import Progress
from projections.topics.envelope import Headers, headers_of
from projections.topics.partition import place_of
from projections.topics.topology import Topology

MILLISECOND = 1_000
# (topic, partition, key, value, headers, timestamp in ms): the arguments of Publisher.send.
Message = tuple[str, int, bytes, bytes, Headers, int]


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order of position, and the progress that holds once they are committed."""

    messages: list[Message]
    progress: Progress
    records: int


class Pages:
    """Makes pages of one source's rows."""

    def __init__(self, store_id: str, source: str, topology: Topology) -> None:
        self._store_id = store_id
        self._source = source
        self._topology = topology
        self._families: dict[bytes, tuple[str, str]] = {}

    def nothing(self) -> Progress:
        """Before the first page."""
        last = {family: [0] * self._topology.partitions for family in self._topology.families}
        return Progress(self._store_id, self._source, 0, "", last)

    def page(self, rows: Iterable[Row], before: Progress) -> Page:
        """The page that follows `before`; there is at least one row. The progress itself is its last message."""
        source, partitions = self._source, self._topology.partitions
        last = {family: list(positions) for family, positions in before.last.items()}
        messages: list[Message] = []
        position, data, recorded_at = 0, b"", 0
        for position, stream_id, _, data in rows:
            frame = data[: codec.HEADER_BYTES]
            try:
                family, topic = self._families.get(frame) or self._family(frame)
                occurred_at, recorded_at = codec.instants_of(data)
            except codec.Undecodable as error:
                raise self._broken(position, data, error) from error
            key, partition = place_of(stream_id, partitions)
            reached = last[family]
            headers = headers_of(source, position, reached[partition], data, occurred_at)
            reached[partition] = position
            messages.append((topic, partition, key, data, headers, recorded_at // MILLISECOND))
        progress = Progress(self._store_id, source, position, hashlib.sha256(data).hexdigest(), last)
        told: Message = (
            self._topology.relay(source),
            0,
            source.encode(),
            progress.encoded(),
            [],
            recorded_at // MILLISECOND,
        )
        return Page([*messages, told], progress, len(messages))

    def _broken(self, position: int, data: bytes, error: Exception) -> Broken:
        """Bytes of the log that are no event: nobody is to read them, and nothing behind them is published."""
        message = f"source {self._source}, position {position}: {error}: run `onecard verify`"
        return Broken(message, kind_of_bytes(data), position, Evidence(data))

    def _family(self, frame: bytes) -> tuple[str, str]:
        family = codec.subject_of(frame).split(".")[1]
        self._families[frame] = found = family, self._topology.events(family, self._source)
        return found
