"""Turns events into the bytes that are stored and published, and back.

Bytes are Confluent-framed Avro: 0x00, the schema id as 4 bytes big-endian, the body. Inside the ledger an event is a
dict of plain values: uuids, hashes and person keys as lower-case text, instants and dates as integers, so that no
rule and no view needs a library. An event is always written in its latest version and always read as that version,
whatever it was written in.
"""

from collections.abc import Iterable
from typing import Any

from ledger.store.upcasters import Upcaster, upcaster_for
from ledger.store.wire import numbers, reader, writer
from ledger.store.wire.source import UUID_BYTES
from schemas.registry import registry

MAGIC = 0
HEADER_BYTES = 5
Event = dict[str, Any]


class Undecodable(Exception):
    """These bytes are no event of ours: foreign, damaged, or of a schema that is not registered here."""


class Unencodable(Exception):
    """This dict is not the event its name says: a field is missing, unknown, or of the wrong kind."""


def _header(schema_id: int) -> bytes:
    return bytes([MAGIC]) + schema_id.to_bytes(HEADER_BYTES - 1, "big")


class _Writers(dict[str, writer.Writer]):
    """Event name -> function from event to framed bytes; compiled at the first use of each."""

    def __missing__(self, event_name: str) -> writer.Writer:
        latest = registry().latest(event_name)
        self[event_name] = compiled = writer.compiled_writer(latest.definition, _header(latest.id))
        return compiled


class _Readers(dict[bytes, tuple[str, reader.Reader, Upcaster | None]]):
    """First 5 bytes -> event name, function from bytes to event, and what brings that event up to date."""

    def __missing__(self, header: bytes) -> tuple[str, reader.Reader, Upcaster | None]:
        if len(header) < HEADER_BYTES or header[0] != MAGIC:
            raise Undecodable("not framed: no magic byte and schema id")
        schema_id = int.from_bytes(header[1:], "big")
        version = registry().by_id(schema_id)
        if version is None:
            raise Undecodable(f"schema id {schema_id} is not registered")
        latest = registry().latest(version.event)
        upcast = None if version is latest else upcaster_for(version, latest)
        self[header] = found = (version.event, reader.compiled_reader(version.definition), upcast)
        return found


_WRITERS = _Writers()
_READERS = _Readers()


def encode(event_name: str, event: Event) -> bytes:
    """The framed bytes of an event in its latest version; its fields must be exactly those of the schema."""
    try:
        return _WRITERS[event_name](event)
    except writer.REFUSALS as error:
        raise Unencodable(f"{event_name}: {error!r}") from error


def name_of(data: bytes) -> str:
    """Event name of framed bytes, by their schema id alone."""
    return _READERS[data[:HEADER_BYTES]][0]


def subject_of(data: bytes) -> str:
    """Avro full name of framed bytes, by their schema id alone."""
    return registry().latest(name_of(data)).line.subject


def instants_of(data: bytes) -> tuple[int, int]:
    """occurred_at and recorded_at of framed bytes: they stand behind the stream's id and version in every schema."""
    return envelope_of(data)[2:]


def envelope_of(data: bytes) -> tuple[bytes, int, int, int]:
    """The stream's id as 16 bytes, the event's version in it, occurred_at and recorded_at of framed bytes."""
    try:
        version, at = numbers.number_at(data, HEADER_BYTES + UUID_BYTES)
        occurred_at, at = numbers.instant_at(data, at)
        recorded_at, _ = numbers.instant_at(data, at)
    except (IndexError, numbers.Malformed) as error:
        raise Undecodable(f"{name_of(data)}: {error!r}") from error
    return data[HEADER_BYTES : HEADER_BYTES + UUID_BYTES], version, occurred_at, recorded_at


def origin_of(data: bytes) -> bytes:
    """Submitter and reference of framed bytes, as they are written: equal for events of one command only."""
    try:
        at = HEADER_BYTES + UUID_BYTES
        for _ in range(3):
            _, at = numbers.number_at(data, at)
        begin = at
        for _ in range(2):
            size, at = numbers.number_at(data, at)
            at += size
    except (IndexError, numbers.Malformed) as error:
        raise Undecodable(f"{name_of(data)}: {error!r}") from error
    return data[begin:at]


def headers_of(event_names: Iterable[str]) -> list[bytes]:
    """The first bytes of these events, in every version of theirs."""
    wanted = frozenset(event_names)
    return [_header(version.id) for version in registry().versions if version.event in wanted]


def decode(data: bytes) -> tuple[str, Event]:
    """Event name and event of framed bytes, old versions brought up to the present one."""
    name, read, upcast = _READERS[data[:HEADER_BYTES]]
    event: Event
    try:
        event, end = read(data, HEADER_BYTES)
    except reader.REFUSALS as error:
        raise Undecodable(f"{name}: {error!r}") from error
    if end != len(data):
        raise Undecodable(f"{name}: " + ("truncated" if end > len(data) else f"{len(data) - end} bytes too many"))
    return name, event if upcast is None else upcast(event)
