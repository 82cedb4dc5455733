"""What a record of a topic must be: in its partition, in its turn, with the headers that say the same as its bytes.

Every record is checked before anything is made of it. The relay's own rule is the measure: the headers must be those
that it gives these bytes. What somebody else has put on a topic, or changed, is told by kind, with the record kept.
"""

from functools import lru_cache
from typing import Final

from ledger.families.registry import EVENTS
from ledger.store import codec
from projections.feed.port import Broken, Evidence, Record, kind_of_bytes
from projections.kafka.reader import Raw
from projections.topics.envelope import Foreign, headers_of, stamp_of
from projections.topics.partition import partition_of
from projections.topics.topology import parse

POSITION, PREV_POSITION, HEADERS = 6, 7, 8
MILLISECOND: Final = 1_000
KEPT: Final = 65_536
LOOK: Final = "run `onecard verify --against topics` where the source's ledger is kept"


class TopicRecord(Record):
    """An event as it came from a topic, with the record that carried it."""

    __slots__ = ("raw",)

    def __init__(self, source: str, position: int, stream_id: str, version: int, raw: Raw) -> None:
        assert raw.value is not None
        self.raw = raw
        super().__init__(source, position, stream_id, version, raw.value)

    def evidence(self) -> Evidence:
        return evidence_of(self.raw)


def evidence_of(raw: Raw) -> Evidence:
    return Evidence(
        raw.value, raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, [(n, v) for n, v in raw.headers]
    )


def broken(raw: Raw, kind: str, what: str, position: int | None = None) -> Broken:
    """What is wrong with a record, and where it is."""
    place = f"topic {raw.topic}, partition {raw.partition}, offset {raw.offset}"
    return Broken(f"{place}: {what}: {LOOK}", kind, position, evidence_of(raw))


def position_of(raw: Raw) -> tuple[int, int]:
    """Position and prev_position that a record claims; Broken if it claims none that makes sense."""
    headers = raw.headers
    if len(headers) == HEADERS and headers[POSITION][0] == "position" and headers[PREV_POSITION][0] == "prev_position":
        first, second = headers[POSITION][1], headers[PREV_POSITION][1]
        if first is not None and second is not None and first.isdigit() and second.isdigit():
            if max(len(first), len(second)) < 20:
                return int(first), int(second)
    try:
        stamp = stamp_of(headers)
    except Foreign as error:
        raise broken(raw, "foreign_record", str(error)) from error
    return stamp.position, stamp.prev_position


def record_of(raw: Raw, source: str, position: int, prev_position: int, partitions: int) -> TopicRecord:
    """The event of a record that stands in its turn; Broken if anything about it contradicts anything else."""
    key, value = raw.key, raw.value
    if value is None or key is None or len(key) != codec.UUID_BYTES:
        raise broken(raw, "foreign_record", "a record without a value, or whose key is no stream's", position)
    if partition_of(key, partitions) != raw.partition:
        what = f"its key belongs into partition {partition_of(key, partitions)} of {partitions}"
        raise broken(raw, "foreign_record", what, position)
    try:
        stream, version, occurred_at, recorded_at = codec.envelope_of(value)
        name = codec.name_of(value)
        made = headers_of(source, position, prev_position, value, occurred_at)
    except codec.Undecodable as error:
        raise broken(raw, kind_of_bytes(value), str(error), position) from error
    except (OverflowError, ValueError) as error:
        raise broken(raw, "record_differs", f"its bytes tell no time of the ledger ({error})", position) from error
    if made != raw.headers:
        _require_headers(raw, made, source, position)
    if _parsed(raw.topic) != (EVENTS[name].family, source):
        raise broken(raw, "foreign_record", f"{name} belongs to family {EVENTS[name].family}", position)
    if stream != key:
        raise broken(raw, "record_differs", "its key is not the stream that its bytes name", position)
    if recorded_at // MILLISECOND != raw.timestamp:
        raise broken(raw, "record_differs", "its timestamp is not when its event was recorded", position)
    return TopicRecord(source, position, text_of(key), version, raw)


def _require_headers(raw: Raw, made: list[tuple[str, bytes]], source: str, position: int) -> None:
    """Headers of others may stand beside ours; ours must say what the bytes do."""
    try:
        stamp = stamp_of(raw.headers)
    except Foreign as error:
        raise broken(raw, "foreign_record", str(error), position) from error
    if stamp.source != source:
        raise broken(raw, "foreign_record", f"it is of source {stamp.source[:64]!r}", position)
    found = dict(raw.headers)
    for name, value in made:
        if found[name] != value:
            raise broken(raw, "record_differs", f"header {name} does not say what its bytes do", position)


_parsed = lru_cache(maxsize=1_024)(parse)


@lru_cache(maxsize=KEPT)
def text_of(key: bytes) -> str:
    """A stream's id as text."""
    digits = key.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
