"""Feed: what a follower reads from. Today the log itself; whatever comes later passes the same contract tests.

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


class Broken(Exception):
    """The source is not what it must be (a hole, bytes that do not decode): following it stops, nothing is skipped."""


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

    def digest(self) -> bytes:
        """SHA-256 of the framed bytes: what the stream's next event names as prev_digest."""
        return hashlib.sha256(self.data).digest()

    def _broken(self, error: Exception) -> Broken:
        return Broken(f"source {self.source}, position {self.position}: {error}: run `onecard verify`")


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive records of one source."""

    source: str
    records: Sequence[Record]

    @property
    def last_position(self) -> int:
        return self.records[-1].position


class Feed(Protocol):
    """One source's records in order."""

    source: str

    def read(self, after: int, limit: int) -> Sequence[Record]:
        """Up to `limit` records with position > `after`, dense and in order; Broken if that cannot be had."""

    def head(self) -> int:
        """Position of the last record there is."""

    def wait(self, timeout_seconds: int) -> bool:
        """Until something new may be there, or the time is over; True if woken."""
