"""Feed: what a follower reads from, the log itself or the topics; both pass the same contract tests.

A record names an event of the nation by (source, position). Records of a source come in order and without a hole.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.core.decider import Event
from ledger.core.postings import Posting
from ledger.families.registry import POSTING, postings_for
from ledger.store import codec


@dataclass(frozen=True, slots=True)
class Evidence:
    """A record as it was read, byte by byte: what somebody needs who has to find out what happened to it."""

    value: bytes | None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    timestamp_ms: int | None = None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


class Broken(Exception):
    """The source is not what it must be (a hole, bytes that do not decode): following it stops, nothing is skipped.

    `kind` names what is wrong (docs/operating.md lists them); `position`: of the record that cannot be applied.
    """

    def __init__(
        self, message: str, kind: str = "record_differs", position: int | None = None, evidence: Evidence | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.position = position
        self.evidence = evidence


def refused_by(view: str, said: str, position: int) -> Broken:
    """A record is in order, and a view does not know what to do with what it says; `said`: what stops it, and where."""
    advice = f"run `onecard verify`; if it finds the log in order, `onecard rebuild {view}`"
    return Broken(f"{said}: {advice}", "view_refuses", position)


class Record:
    """One event as read: its framed bytes, and what they say once somebody asks (a view may want few of them)."""

    __slots__ = ("_event", "_postings", "data", "name", "position", "source", "stream_id", "version")

    def __init__(self, source: str, position: int, stream_id: str, version: int, data: bytes) -> None:
        self.source = source
        self.position = position
        self.stream_id = stream_id
        self.version = version
        self.data = data
        self._event: Event | None = None
        self._postings: list[Posting] | None = None
        try:
            self.name = codec.name_of(data)
        except codec.Undecodable as error:
            raise self._broken(error) from error

    @property
    def event(self) -> Event:
        """The event, decoded once for all views; Broken if its bytes say nothing."""
        if self._event is None:
            try:
                self._event = codec.decode(self.data)[1]
            except codec.Undecodable as error:
                raise self._broken(error) from error
        return self._event

    @property
    def postings(self) -> list[Posting]:
        """The event's balanced postings, worked out once for all views."""
        if self._postings is None:
            self._postings = postings_for(self.name, self.event) if self.name in POSTING else []
        return self._postings

    @property
    def recorded_at(self) -> int:
        """When it was recorded, without decoding the rest; 0 if the bytes do not say."""
        try:
            return codec.instants_of(self.data)[1]
        except codec.Undecodable:
            return 0

    def digest(self) -> bytes:
        """SHA-256 of the framed bytes: what the stream's next event names as prev_digest."""
        return hashlib.sha256(self.data).digest()

    def evidence(self) -> Evidence:
        return Evidence(self.data)

    def _broken(self, error: Exception) -> Broken:
        return Broken(
            f"source {self.source}, position {self.position}: {error}: run `onecard verify`",
            kind_of_bytes(self.data),
            self.position,
            self.evidence(),
        )


def kind_of_bytes(data: bytes) -> str:
    """What kind of Broken bytes that do not decode are."""
    try:
        codec.name_of(data)
    except codec.Undecodable:
        framed = len(data) >= codec.HEADER_BYTES and data[0] == codec.MAGIC
        return "foreign_schema" if framed else "undecodable"
    return "undecodable"


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive records of one source; `share`: whose part of the work they are, 0 if nobody shares it.

    A share's records are its partitions' only, so they have gaps.
    """

    source: str
    records: Sequence[Record]
    share: int = 0

    @property
    def last_position(self) -> int:
        return self.records[-1].position

    @property
    def recorded_at(self) -> int:
        return self.records[-1].recorded_at


class Feed(Protocol):
    """One source's records in order."""

    source: str
    lags: bool
    """Whether there may be events that it does not have yet: then a view may stand beyond its end."""

    @property
    def store_id(self) -> str | None:
        """The store whose events these are; of what was read last, or None if nothing has told yet."""

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        """Up to `limit` records with position > `after`, dense and in order; Broken if that cannot be had.

        None only if there is nothing more now. `since`: nothing after `after` was recorded before, in microseconds.
        """

    def head(self) -> int:
        """Position of the last record there is."""

    def wait(self, timeout_seconds: int) -> bool:
        """Until something new may be there, or the time is over; True if woken."""
