"""Turns events into the bytes that are stored and published, and back.

Bytes are Confluent-framed Avro: 0x00, the schema id as 4 bytes big-endian, the body. Inside the ledger an event is a
dict of plain values, uuids and hashes as text; schemas are therefore compiled without their logical types (the bytes
are the same) and only the fixed fields are converted, by name.
"""

import io
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from ledger.store.upcasters import upcast
from schemas.files import Definition
from schemas.registry import Registered, registry

MAGIC = b"\x00"
HEADER_BYTES = 5
Event = dict[str, Any]


class Undecodable(Exception):
    """These bytes are no event of ours: foreign, damaged, or of a schema nobody registered here."""


def _without_logical_types(node: object) -> Any:
    """The schema as plain numbers: the same bytes, no conversions."""
    if isinstance(node, dict):
        return {key: _without_logical_types(value) for key, value in node.items() if key != "logicalType"}
    if isinstance(node, list):
        return [_without_logical_types(value) for value in node]
    return node


def _fixed_name(avro: object) -> str:
    if isinstance(avro, list):
        return _fixed_name(next(one for one in avro if one != "null"))
    if isinstance(avro, dict) and avro["type"] == "fixed":
        return str(avro["name"])
    return avro.removeprefix("onecard.") if isinstance(avro, str) else ""


class _Codec:
    """One registered version, ready to read and write."""

    def __init__(self, registered: Registered) -> None:
        definition: Definition = registered.definition
        self.line = registered.line
        self.event = registered.event
        self.header = MAGIC + registered.id.to_bytes(4, "big")
        self.schema = parse_schema(_without_logical_types(definition))
        self.names = frozenset(field["name"] for field in definition["fields"])
        self.uuids = tuple(f["name"] for f in definition["fields"] if _fixed_name(f["type"]) == "Uuid")
        self.hashes = tuple(f["name"] for f in definition["fields"] if _fixed_name(f["type"]) == "Hash")

    def encode(self, event: Event) -> bytes:
        if event.keys() != self.names:
            raise ValueError(f"{self.event}: fields {sorted(event.keys() ^ self.names)} missing or unknown")
        values = dict(event)
        for name in self.uuids:
            if (text := values[name]) is not None:
                values[name] = bytes.fromhex(text.replace("-", ""))
        for name in self.hashes:
            if (text := values[name]) is not None:
                values[name] = bytes.fromhex(text)
        buffer = io.BytesIO()
        buffer.write(self.header)
        schemaless_writer(buffer, self.schema, values)
        return buffer.getvalue()

    def decode(self, data: bytes) -> Event:
        buffer = io.BytesIO(data)
        buffer.seek(HEADER_BYTES)
        try:
            event: Event = schemaless_reader(buffer, self.schema, None)  # type: ignore[assignment]
        except (EOFError, ValueError, IndexError, OverflowError) as error:
            raise Undecodable(f"{self.line.subject} version {self.line.version}: {error!r}") from error
        if left := len(data) - buffer.tell():
            raise Undecodable(f"{self.line.subject} version {self.line.version}: {left} bytes after the event")
        for name in self.uuids:
            if (raw := event[name]) is not None:
                text = raw.hex()
                event[name] = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        for name in self.hashes:
            if (raw := event[name]) is not None:
                event[name] = raw.hex()
        return event


_CODECS = {one.id: _Codec(one) for one in registry().versions}
_LATEST = {event: _CODECS[registry().latest(event).id] for event in registry().events()}


def encode(event_name: str, event: Event) -> bytes:
    """The framed bytes of an event in its latest version; the fields must be exactly those of the schema."""
    return _LATEST[event_name].encode(event)


def decode(data: bytes) -> tuple[str, Event]:
    """Event name and event of framed bytes, old versions brought up to the present one."""
    if len(data) < HEADER_BYTES or data[:1] != MAGIC:
        raise Undecodable("not framed: no magic byte and schema id")
    codec = _CODECS.get(int.from_bytes(data[1:HEADER_BYTES], "big"))
    if codec is None:
        raise Undecodable(f"schema id {int.from_bytes(data[1:HEADER_BYTES], 'big')} is not registered")
    event = codec.decode(data)
    if codec is not _LATEST[codec.event]:
        event = upcast(codec.line.subject, codec.line.version, event)
    return codec.event, event
