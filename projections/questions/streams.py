"""Which stream a question is about, and its events as the log keeps them.

A query sees the log up to the position its view has reached, so an answer never mixes two moments.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.core.fields import CARD_SN
from projections import tracking
from projections.feed.port import Record
from projections.questions.snapshot import Cursor, Unknown
from projections.views import audit

STREAM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ISSUES = ("CardIssued", "EnterpriseCardIssued")


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream found: `version` of the audit view and the `position` it has reached."""

    source: str
    stream_id: str
    is_card: bool
    version: int
    position: int


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
        raise Unknown("card_unknown", f"no card is known by this name up to position {position}")
    return Stream(source, stream_id, row[0] in ISSUES, version, position)


def find_card(cursor: Cursor, source: str, name: str) -> Stream:
    """As `find`, for questions that only a card can answer."""
    stream = find(cursor, source, name)
    if not stream.is_card:
        raise Unknown("card_unknown", "this stream is not a card's: `onecard history` shows any stream")
    return stream


def events(cursor: Cursor, stream: Stream, at_version: int | None = None) -> list[Record]:
    """The stream's events by card_version, up to the view's position and, if given, up to a version."""
    cursor.execute(
        """
        SELECT notification_id, originator_version, state FROM ledger.events
        WHERE originator_id = %s AND notification_id <= %s AND originator_version <= %s ORDER BY originator_version
        """,
        (stream.stream_id, stream.position, 2**63 - 1 if at_version is None else at_version),
        binary=True,
    )
    return [_record(stream, *row) for row in cursor.fetchall()]


def events_named(cursor: Cursor, stream: Stream, names: Sequence[str]) -> list[Record]:
    """Those of the stream's events with one of these names, by card_version."""
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


def _record(stream: Stream, position: int, version: int, data: bytes) -> Record:
    return Record(stream.source, position, stream.stream_id, version, data)
