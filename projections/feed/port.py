"""Feed: what a follower reads from. Adapters: the log itself; Kafka topics later. The same contract tests run over both.

A record names an event of the nation by (source, position). Records of a source come in order and without a hole.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ledger.core.decider import Event
from ledger.core.postings import Posting
from ledger.families.registry import postings_for


@dataclass(slots=True)
class Record:
    """One event as read: its framed bytes and what they say."""

    source: str
    position: int
    stream_id: str
    version: int
    name: str
    event: Event
    data: bytes

    def digest(self) -> bytes:
        """SHA-256 of the framed bytes: what the stream's next event names as prev_digest."""
        return hashlib.sha256(self.data).digest()


@dataclass(slots=True)
class Page:
    """Consecutive records of one source, with their postings worked out once for all views."""

    source: str
    records: Sequence[Record]
    postings: list[list[Posting]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.postings = [postings_for(record.name, record.event) for record in self.records]

    @property
    def last_position(self) -> int:
        return self.records[-1].position


class Broken(Exception):
    """The source is not what it must be (a hole, bytes that do not decode): following it stops, nothing is skipped."""


class Feed(Protocol):
    """One source's records in order."""

    source: str

    def read(self, after: int, limit: int) -> Sequence[Record]:
        """Up to `limit` records with position > `after`, dense and in order; Broken if that cannot be had."""

    def head(self) -> int:
        """Position of the last record there is."""

    def wait(self, timeout_seconds: int) -> bool:
        """Until something new may be there, or the time is over; True if woken."""
