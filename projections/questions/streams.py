"""Which stream a question is about, and its events byte for byte: of the log, or as the audit view keeps foreign ones.

A query sees events up to the position its view has reached, so an answer never mixes two moments.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.fields import CARD_SN
from projections import sources, tracking
from projections.feed.port import Broken, Record
from projections.questions.naming import STREAM_ID, unknown_card
from projections.questions.reach import up_to
from projections.questions.snapshot import Cursor, Unknown
from projections.views import audit

ISSUES = ("CardIssued", "EnterpriseCardIssued")


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream found: `version` of the audit view and the `position` it has reached; whether its log is elsewhere."""

    source: str
    stream_id: str
    is_card: bool
    version: int
    position: int
    is_foreign: bool


def find(cursor: Cursor, source: str, name: str) -> Stream:
    """The stream a card_sn, a card_id or another stream's id names; Unknown if the audit view has none."""
    version, position = tracking.position_of(cursor, audit.NAME, source)
    stream_id: str | None = name.lower()
    if CARD_SN.fullmatch(name):
        stream_id = audit.card_id_of_sn(cursor, version, source, name)
    elif not STREAM_ID.fullmatch(name.lower()):
        stream_id = None
    row = None
    if stream_id is not None:
        cursor.execute(
            f"SELECT event FROM views.audit_v{version} WHERE stream_id = %s AND card_version = 1 AND source = %s",
            (stream_id, source),
        )
        row = cursor.fetchone()
    if stream_id is None or row is None:
        raise unknown_card(name, up_to(cursor, source, position, audit.NAME))
    return Stream(source, stream_id, row[0] in ISSUES, version, position, sources.is_foreign(cursor, source))


def find_card(cursor: Cursor, source: str, name: str) -> Stream:
    """As `find`, for questions that only a card can answer."""
    stream = find(cursor, source, name)
    if not stream.is_card:
        raise Unknown("card_unknown", "this stream is not a card's: `onecard history` shows any stream")
    return stream


def events(cursor: Cursor, stream: Stream, at_version: int | None = None) -> list[Record]:
    """The stream's events by card_version, up to the view's position and, if given, up to a version."""
    last = 2**63 - 1 if at_version is None else at_version
    if stream.is_foreign:
        return _kept(cursor, stream, "card_version <= %s", last)
    cursor.execute(
        """
        SELECT notification_id, originator_version, state FROM ledger.events
        WHERE originator_id = %s AND notification_id <= %s AND originator_version <= %s ORDER BY originator_version
        """,
        (stream.stream_id, stream.position, last),
        binary=True,
    )
    return [_record(stream, *row) for row in cursor.fetchall()]


def events_named(cursor: Cursor, stream: Stream, names: Sequence[str]) -> list[Record]:
    """Those of the stream's events with one of these names, by card_version."""
    if stream.is_foreign:
        return _kept(cursor, stream, "event = ANY(%s)", list(names))
    cursor.execute(
        f"""
        SELECT notification_id, originator_version, state FROM ledger.events
        WHERE notification_id = ANY(ARRAY(
            SELECT position FROM views.audit_v{stream.version}
            WHERE stream_id = %s AND source = %s AND position <= %s AND event = ANY(%s)
        )) ORDER BY originator_version
        """,
        (stream.stream_id, stream.source, stream.position, list(names)),
        binary=True,
    )
    return [_record(stream, *row) for row in cursor.fetchall()]


def _kept(cursor: Cursor, stream: Stream, condition: str, value: Any) -> list[Record]:
    """Events of a stream whose log is elsewhere."""
    condition = f"stream_id = %s AND position <= %s AND {condition}"
    values = (stream.stream_id, stream.position, value)
    return sorted(_foreign(cursor, stream.version, stream.source, condition, *values), key=lambda one: one.version)


def _foreign(cursor: Cursor, version: int, source: str, condition: str, *values: Any) -> list[Record]:
    """Events as the audit view keeps them, by position; Broken if they are not those that were applied."""
    cursor.execute(
        f"SELECT position, stream_id::text, card_version, data, digest FROM views.audit_v{version}"
        f" WHERE source = %s AND {condition} ORDER BY position",
        (source, *values),
        binary=True,
    )
    found = []
    for position, stream_id, card_version, data, digest in cursor.fetchall():
        if data is None or hashlib.sha256(data).digest() != digest:
            raise Broken(
                f"source {source}, position {position}: the bytes kept in the view {audit.NAME} are not those that were"
                f" applied: run `onecard rebuild {audit.NAME} --source {source} --force`",
                "audit_differs",
                position,
            )
        found.append(Record(source, position, stream_id, card_version, data))
    return found


def at_positions(cursor: Cursor, source: str, positions: Sequence[int]) -> list[Record]:
    """A source's events at these positions, in order."""
    if sources.is_foreign(cursor, source):
        version, reached = tracking.position_of(cursor, audit.NAME, source)
        if positions and reached < max(positions):
            raise tracking.NotBuilt(
                f"the view {audit.NAME}, which keeps the events of source {source}, stands at position {reached}, and"
                f" position {max(positions)} is asked for: run `onecard follow --until-caught-up --source {source}`"
            )
        return _foreign(cursor, version, source, "position = ANY(%s)", list(positions))
    cursor.execute(
        "SELECT notification_id, originator_id::text, originator_version, state FROM ledger.events"
        " WHERE notification_id = ANY(%s) ORDER BY notification_id",
        (list(positions),),
        binary=True,
    )
    return [Record(source, *row) for row in cursor.fetchall()]


def _record(stream: Stream, position: int, version: int, data: bytes) -> Record:
    return Record(stream.source, position, stream.stream_id, version, data)
