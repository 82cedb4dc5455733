"""Raw limits: what disk, PostgreSQL, Avro and JSON do on this machine when no ledger is in the way.

Nothing here is clever on purpose: the same bytes as the ledger's, by the plainest means.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import fastavro
import psycopg

from ledger.store.codec import HEADER_BYTES
from ledger.store.recorder import INSERT, History, columns
from ops.bench.figures import Figures, elapsed, micros, percentile, rate
from ops.bench.rig import BATCH, Rig
from schemas.registry import registry

BLOCK = 8_192
TABLE = "bench_rows"
MAKE = f"CREATE TABLE {TABLE} (LIKE ledger.events INCLUDING ALL)"
COPY = f"COPY {TABLE} (originator_id, originator_version, topic, state, notification_id) FROM STDIN"

Row = tuple[str, int, str, bytes, int]
"""stream, version, topic, framed bytes, position: as the log has them."""


def measure(rig: Rig, figures: Figures) -> None:
    """All raw limits, from events and lines of the day."""
    rig.grow(rig.scale.lines)
    _disk(rig, figures)
    with rig.ledger.connect() as connection:
        rows = rows_after(connection, rig.first, rig.scale.lines)
        for size, count in (*rig.scale.small, (BATCH, max(1, len(rows) // BATCH))):
            part = rows[: size * count]
            figures.add(f"raw_insert_{size}", "rows/s", _repeat(rig, connection, part, _inserter(size)))
        figures.add("raw_copy", "rows/s", _repeat(rig, connection, rows, _copied))
    _avro(rig, figures, [row[3] for row in rows])
    _json(rig, figures)


def _disk(rig: Rig, figures: Figures) -> None:
    """Writing 8 KiB over and over, each time until the disk has it."""
    path = rig.folder / "block"
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    block = os.urandom(BLOCK)
    medians, slow = [], []

    def write() -> None:
        os.pwrite(file, block, 0)
        os.fdatasync(file)

    try:
        for _ in range(rig.scale.runs):
            durations = [elapsed(write) for _ in range(rig.scale.writes)]
            medians.append(micros(percentile(durations, 50)))
            slow.append(micros(percentile(durations, 99)))
    finally:
        os.close(file)
        path.unlink()
    figures.add("raw_fsync_p50", "us", medians)
    figures.add("raw_fsync_p99", "us", slow)


def rows_after(connection: psycopg.Connection[Any], after: int, limit: int) -> list[Row]:
    """The log's rows behind a position."""
    page = History(connection).page(after, limit)
    return [(str(one.originator_id), one.originator_version, one.topic, one.state, one.id) for one in page]


def _repeat(
    rig: Rig, connection: psycopg.Connection[Any], rows: list[Row], work: Callable[[Any, list[Row]], None]
) -> list[int]:
    """Rows a second into a table of the log's shape, made anew for each run."""
    found = []
    for _ in range(rig.scale.runs):
        connection.execute(MAKE)
        found.append(rate(len(rows), elapsed(lambda: work(connection, rows))))
        connection.execute(f"DROP TABLE {TABLE}")
    return found


def _inserter(size: int) -> Callable[[Any, list[Row]], None]:
    """Arrays of so many rows, each committed: the log's own statement, without its triggers."""
    statement = INSERT.replace("ledger.events", TABLE)

    def insert(connection: psycopg.Connection[Any], rows: list[Row]) -> None:
        for start in range(0, len(rows), size):
            connection.execute(statement.encode(), columns(*zip(*rows[start : start + size], strict=True)))

    return insert


def _copied(connection: psycopg.Connection[Any], rows: list[Row]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for row in rows:
            copy.write_row(row)


def bodies(framed: Iterable[bytes]) -> list[tuple[Any, bytes]]:
    """(schema as the general Avro library wants it, bytes behind the frame) of events."""
    schemas: dict[int, Any] = {}
    found = []
    for data in framed:
        schema_id = int.from_bytes(data[1:HEADER_BYTES], "big")
        if schema_id not in schemas:
            version = registry().by_id(schema_id)
            assert version is not None
            schemas[schema_id] = fastavro.parse_schema(version.definition)
        found.append((schemas[schema_id], data[HEADER_BYTES:]))
    return found


def decoded(bodies: Iterable[tuple[Any, bytes]]) -> list[Any]:
    """The events, by the general library; the ledger's own readers are compiled from the schemas."""
    return [fastavro.schemaless_reader(io.BytesIO(body), schema, None) for schema, body in bodies]


def _avro(rig: Rig, figures: Figures, framed: Sequence[bytes]) -> None:
    packed = bodies(framed)
    events = [(schema, event) for (schema, _), event in zip(packed, decoded(packed), strict=True)]

    def encode() -> None:
        for schema, event in events:
            fastavro.schemaless_writer(io.BytesIO(), schema, event)

    for name, work in (("raw_avro_decode", lambda: decoded(packed)), ("raw_avro_encode", encode)):
        figures.add(name, "events/s", [rate(len(packed), elapsed(work)) for _ in range(rig.scale.runs)])


def _json(rig: Rig, figures: Figures) -> None:
    lines = rig.latest

    def parse() -> None:
        for line in lines:
            json.loads(line)

    def digest() -> None:
        for line in lines:
            hashlib.sha256(line).digest()

    for name, work in (("raw_json", parse), ("raw_sha256", digest)):
        figures.add(name, "lines/s", [rate(len(lines), elapsed(work)) for _ in range(rig.scale.runs)])
