"""Incidents as people ask about them: the list, and one with its record decoded as far as it can be."""

from dataclasses import dataclass
from typing import Any

from ledger.core.calendar import instant_text
from ledger.store import codec
from ledger.store.rendering import to_json
from projections.questions.snapshot import Cursor, Unknown
from projections.topics.envelope import Foreign, stamp_of

MICROS = "(extract(epoch FROM {column}) * 1000000)::bigint"
LIST = f"""
    SELECT number, view, source, kind, position, topic, partition, record_offset, message,
           {MICROS.format(column="found_at")}, {MICROS.format(column="resumed_at")}
    FROM views.incidents {{where}} ORDER BY number
"""
RECORD = "SELECT timestamp_ms, key, value, header_names, header_values FROM views.incidents WHERE number = %s"


@dataclass(frozen=True, slots=True)
class Listed:
    """One incident, as it is listed."""

    number: int
    view: str
    source: str
    kind: str
    position: int
    topic: str | None
    partition: int | None
    offset: int | None
    message: str
    found_at: int
    resumed_at: int | None

    def document(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "view": self.view,
            "source": self.source,
            "kind": self.kind,
            "state": "OPEN" if self.resumed_at is None else "CLOSED",
            "position": self.position,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "message": self.message,
            "found_at": instant_text(self.found_at),
            "resumed_at": None if self.resumed_at is None else instant_text(self.resumed_at),
        }


def listed(cursor: Cursor, every: bool) -> dict[str, Any]:
    """The open ones, or every one there ever was."""
    where = "" if every else "WHERE resumed_at IS NULL"
    rows = cursor.execute(LIST.format(where=where)).fetchall()
    return {"incidents": [Listed(*row).document() for row in rows]}


def shown(cursor: Cursor, number: int) -> dict[str, Any]:
    """One incident with its record: raw in hex, and decoded as far as it goes."""
    row = cursor.execute(LIST.format(where="WHERE number = %s"), (number,)).fetchone()
    if row is None:
        raise Unknown("incident_unknown", f"there is no incident {number}: `onecard incidents --all` lists them all")
    found = cursor.execute(RECORD, (number,)).fetchone()
    assert found is not None
    timestamp_ms, key, value, names, values = found
    pairs = zip(names or [], values or [], strict=True)
    headers = [(bytes(name).decode("utf-8", "replace"), one) for name, one in pairs]
    record = None
    if value is not None or key is not None or headers:
        record = {
            "timestamp_ms": timestamp_ms,
            "key": _hex(key),
            "value": _hex(value),
            "headers": [{"name": name, "value": _text(one), "hex": _hex(one)} for name, one in headers],
            "place": _place(headers),
            "decoded": _decoded(value),
        }
    return {**Listed(*row).document(), "record": record}


def _place(headers: list[tuple[str, bytes | None]]) -> dict[str, Any]:
    """Where the headers say that the record stands."""
    try:
        stamp = stamp_of([(name, None if one is None else bytes(one)) for name, one in headers])
    except Foreign as error:
        return {"source": None, "position": None, "prev_position": None, "problem": str(error)}
    return {
        "source": stamp.source,
        "position": stamp.position,
        "prev_position": stamp.prev_position,
        "problem": None,
    }


def _decoded(value: bytes | None) -> dict[str, Any]:
    """What the value says, step by step until it says nothing more."""
    said: dict[str, Any] = {"schema_id": None, "event": None, "recorded_at": None, "data": None, "problem": None}
    data = bytes(value or b"")
    if len(data) >= codec.HEADER_BYTES and data[0] == codec.MAGIC:
        said["schema_id"] = int.from_bytes(data[1 : codec.HEADER_BYTES], "big")
    try:
        said["event"] = codec.name_of(data)
        said["recorded_at"] = instant_text(codec.instants_of(data)[1])
        name, event = codec.decode(data)
        said["data"] = to_json(name, event)
    except (codec.Undecodable, ValueError, OverflowError) as error:
        said["problem"] = str(error)
    return said


def _hex(data: bytes | None) -> str | None:
    return None if data is None else bytes(data).hex()


def _text(data: bytes | None) -> str | None:
    return None if data is None else bytes(data).decode("utf-8", "replace")
