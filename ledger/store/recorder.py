"""The event store: the eventsourcing library's PostgreSQL recorder under our table, our bytes and our insert.

The recorder reads (a stream, the notification log); appending is ours, because a batch must go in with dense positions,
its submissions and its rows in one transaction, as plain arrays in one pipeline (limits: composite arrays are slower
and one of 5,000 rows inside a pipeline never returned). Nothing of the library's retries wraps an append.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.rows import dict_row

from ledger.core.decider import Event
from ledger.store import codec
from ledger.store.arrays import BIGINTS, BYTES, TEXTS, UUIDS, Packed, bigints, byteas, texts, unnested, uuids
from schemas.registry import registry

SCHEMA = "ledger"
TABLE = "events"
CHANNEL = "ledger_events"
ROWS_PER_STATEMENT = 2_000

TOPICS = {name: registry().latest(name).line.subject for name in registry().events()}

LAST = "SELECT notification_id, state FROM ledger.events ORDER BY notification_id DESC LIMIT 1"
AT_POSITIONS = "SELECT notification_id, state FROM ledger.events WHERE notification_id = ANY(%s)"
INSERT = f"""
    INSERT INTO ledger.events (originator_id, originator_version, topic, state, notification_id)
    SELECT {unnested(UUIDS, BIGINTS, TEXTS, BYTES, BIGINTS)}
"""


# The library's page carries what no view asks for and costs as much as the work it is read for.
PAGE = """
    SELECT notification_id, originator_id::text, originator_version, state FROM ledger.events
    WHERE notification_id > %s ORDER BY notification_id LIMIT %s
"""
RANGE = """
    SELECT notification_id, originator_id::text, originator_version, state FROM ledger.events
    WHERE notification_id > %s AND notification_id <= %s AND substring(state FROM 1 FOR %s) <> ALL (%b::bytea[])
    ORDER BY notification_id
"""
BACKWARDS = """
    SELECT notification_id, originator_version, state FROM ledger.events
    WHERE originator_id = %s::uuid AND originator_version < %s ORDER BY originator_version DESC LIMIT 100
"""
MOST_VERSIONS = 2**62
COUNT = "SELECT count(*) FROM ledger.events WHERE notification_id > %s AND notification_id <= %s"
# (position, stream, version, framed bytes) of an event.
Row = tuple[int, str, int, bytes]


class LedgerDatastore(PostgresDatastore):
    """One autocommit connection instead of the library's pool: the caller owns it and its role."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.schema = SCHEMA
        self.originator_id_type = "uuid"
        self.lock_timeout = 0
        self.enable_db_functions = False
        self.db_type_names = set()
        self.psycopg_type_adapters = {}
        self.psycopg_python_types = {}

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[Any]]:
        before, self.connection.row_factory = self.connection.row_factory, dict_row
        try:
            yield self.connection
        finally:
            self.connection.row_factory = before

    def close(self) -> None:
        """The connection is closed by whoever opened it."""

    def __del__(self) -> None:
        """Nothing to release."""


class LedgerRecorder(PostgresApplicationRecorder):
    """Reads by the library's statements; refuses its way of writing."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(LedgerDatastore(connection), events_table_name=TABLE)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        raise TypeError("events are appended by a batch with its submissions and rows, never alone")


def append(cursor: psycopg.Cursor[Any], events: Sequence[Any]) -> None:
    """Insert `Recorded` events; inside an append transaction that holds the lease."""
    for start in range(0, len(events), ROWS_PER_STATEMENT):
        part = events[start : start + ROWS_PER_STATEMENT]
        cursor.execute(
            INSERT,
            columns(
                [event.stream_id for event in part],
                [event.version for event in part],
                [TOPICS[event.name] for event in part],
                [event.data for event in part],
                [event.position for event in part],
            ),
        )


def columns(
    streams: Sequence[str],
    versions: Sequence[int],
    topics: Sequence[str],
    data: Sequence[bytes],
    positions: Sequence[int],
) -> tuple[Packed, Packed, str, Packed, Packed]:
    """Parameters of INSERT."""
    return uuids(streams), bigints(versions), texts(topics), byteas(data), bigints(positions)


class History:
    """Reading the log: pages by position, one stream by version, the head."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.recorder = LedgerRecorder(connection)

    def page(self, after: int, limit: int) -> Sequence[Notification]:
        """Up to `limit` stored events with position > `after`, in order."""
        page: Sequence[Notification] = self.recorder.select_notifications(after, limit, inclusive_of_start=False)
        return page

    def rows(self, after: int, limit: int) -> list[Row]:
        """The same, plain."""
        return self.connection.execute(PAGE, (after, limit), binary=True).fetchall()

    def rows_between(self, after: int, last: int, without: list[bytes]) -> tuple[int, list[Row]]:
        """How many events there are with `after` < position <= `last`, and those not headed by any of `without`."""
        found = self.connection.execute(RANGE, (after, last, codec.HEADER_BYTES, without), binary=True).fetchall()
        if not without:
            return len(found), found
        counted = self.connection.execute(COUNT, (after, last)).fetchone()
        assert counted is not None
        return counted[0], found

    def stream(self, stream_id: str) -> Sequence[StoredEvent]:
        found: Sequence[StoredEvent] = self.recorder.select_events(UUID(stream_id))
        return found

    def backwards(self, stream_id: str) -> Iterator[tuple[int, str, Event]]:
        """(position, name, event) of a stream, the last one first, read a few at a time."""
        version = MOST_VERSIONS
        while page := self.connection.execute(BACKWARDS, (stream_id, version), binary=True).fetchall():
            for position, version, data in page:  # noqa: B007 (the next page begins below the last version)
                yield position, *codec.decode(data)

    def head(self) -> int:
        """Position of the last event, 0 for an empty store."""
        return self.recorder.max_notification_id() or 0

    def last(self) -> tuple[int, str, Event] | None:
        """(position, name, event) of the last one; None for an empty store."""
        found = self.connection.execute(LAST, binary=True).fetchone()
        return None if found is None else (found[0], *codec.decode(found[1]))

    def at_positions(self, positions: Sequence[int]) -> dict[int, tuple[str, Event]]:
        """Events by position, as many as there are."""
        found = self.connection.execute(AT_POSITIONS, (list(positions),), binary=True).fetchall()
        return {position: codec.decode(data) for position, data in found}

    def at(self, position: int) -> tuple[str, Event]:
        found = self.at_positions([position])
        if not found:
            raise LookupError(f"no event at position {position}")
        return found[position]
