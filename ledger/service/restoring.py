"""Appending events that were recorded before: the end that a store lost when it was restored to an earlier point.

The bytes come from elsewhere (the topics). Everything the lost transactions wrote beside them is made again as the
writer makes it: state rows, clearing lines and units, cut-off tables, receipts. Only under the decider lease, only what
follows from what the store holds, whole commands at a time:

 1. Take the lease, or refuse: who decides now would record other events at these positions.
 2. Decode an event; its position, stream, version and chain must follow.   A crash leaves nothing of this page.
 3. Change the rows it changes, as its decision did.                        The same.
 4. Commit some hundred events with all of that in one transaction.         A shorter tail to restore: begin again.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.identity import NO_DIGEST, Keyring
from ledger.core.world import World
from ledger.families.clearing.lines import lines_for
from ledger.families.clearing.units import Unit
from ledger.families.governance.configuration import EXTENDED, NotGrown, grown
from ledger.families.registry import EVENTS
from ledger.service.recording import Recorded, apply, stream_id
from ledger.service.session import Session
from ledger.store import appending, codec, identity, state
from ledger.store.appending import Append
from ledger.store.submissions import RESTORED, Submission

EVENTS_A_COMMIT: Final = 500
ROWS_IN_MEMORY: Final = 100_000
CUT_OFF: Final = "CycleCutOff"
TABLE: Final = ("line_count", "row_count", "deferred_count", "alarm_count", "table_digest")
# (position, stream, framed bytes)
Lost = tuple[int, str, bytes]


class Busy(Exception):
    """Another process decides now."""


class Unfit(Exception):
    """The events are not what follows from what the store holds. Nothing of them was appended from there on."""


class Restorer:
    """Use as a context manager: it holds the lease."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], config: Configuration, keyring: Keyring) -> None:
        self._session = Session(connect)
        source = self._session.source
        self._world = World(source, config, keyring, 0, 0)
        self._held: list[Recorded] = []

    def __enter__(self) -> "Restorer":
        try:
            if not self._session.lease.take_now():
                raise Busy
            identity.require_rows(self._session.reading)
        except BaseException:
            self._session.close()
            raise
        self.head, self._recorded_at = self._session.source.head()
        kept = identity.kept(self._session.reading)
        if kept is not None:
            # A longer list that was brought need not be what the lost end made of it.
            self._world.config = kept.configuration()
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    def append(self, lost: Iterable[Lost]) -> Iterator[int]:
        """Append events from the head on; the position reached, after each commit."""
        for events in _pages(self._decoded(lost)):
            self._commit(events)
            self.head = events[-1].position
            yield self.head

    def _decoded(self, lost: Iterable[Lost]) -> Iterator[Recorded]:
        expected = self.head
        for position, stream, data in lost:
            expected += 1
            if position != expected:
                raise Unfit(f"position {expected} is missing: position {position} follows")
            try:
                name, event = codec.decode(data)
            except codec.Undecodable as error:
                raise Unfit(f"position {position}: {error}") from None
            yield Recorded(position, stream, event["card_version"], name, data, event)

    def _commit(self, events: Sequence[Recorded]) -> None:
        """One transaction: what the writer would have written for these commands."""
        append = Append(self._session.lease.number, events=list(events))
        world = self._world
        if len(world.rows) > ROWS_IN_MEMORY:
            world.rows.clear()
        world.load([EVENTS[one.name].stream(one.event) for one in events])
        for one in events:
            if one.name == CUT_OFF:
                append.cycle = self._cut_off(one)
            self._check(one)
            if one.name == EXTENDED:
                before = world.config.digest() if append.configuration is None else append.configuration[0]
                world.config = self._grown(one)
                append.configuration = before, world.config
            world.position = one.position
            apply(world, one.name, one.event, one.position, hashlib.sha256(one.data).hexdigest())
            append.lines.extend(lines_for(one.name, one.event, one.position))
        for (row_type, key), (row, revision) in world.take_changes().items():
            if isinstance(row, Unit):
                append.units.append((key, row))
            else:
                append.rows.append(state.encoded(row_type.kind, key, revision, row))
        append.rows.sort()
        append.units.sort(key=lambda unit: unit[0])
        append.submissions = [
            (key, Submission(RESTORED, first.stream_id, first.version, first.position))
            for key, (first, *_) in ((key, list(group)) for key, group in groupby(events, _origin))
        ]
        append.submissions.sort(key=lambda made: made[0])
        appending.commit(self._session.writing, append)

    def _check(self, one: Recorded) -> None:
        """That the event is the next of its stream and chained to the one before."""
        event = one.event
        stream = EVENTS[one.name].stream(event)
        head = self._world.get(*stream)
        version, digest = (0, NO_DIGEST) if head is None else (head.version, head.digest)
        if stream_id(stream) != one.stream_id or event.get("card_id", event.get("stream_id")) != one.stream_id:
            raise Unfit(f"position {one.position}: {one.name} does not belong to stream {one.stream_id}")
        if event["card_version"] != version + 1 or event["prev_digest"] != digest:
            raise Unfit(
                f"position {one.position}: version {event['card_version']} of stream {one.stream_id} does not follow"
                f" version {version} of the store"
            )
        if event["recorded_at"] < self._recorded_at:
            raise Unfit(f"position {one.position} was recorded before the position before it")
        self._recorded_at = event["recorded_at"]

    def _grown(self, one: Recorded) -> Configuration:
        """The configuration from this position on."""
        try:
            return grown(self._world.config, one.event)
        except NotGrown as error:
            raise Unfit(f"position {one.position}: {error}") from None

    def _cut_off(self, one: Recorded) -> tuple[str, Any, int]:
        """What the cut-off took: the store's lines give it again, everything before being committed."""
        month = one.event["cycle"]
        limit = self._world.config.value("clearing.max_deferrals", one.event["business_date"])
        table = self._session.source.cut_off(month, limit)
        differing = [name for name in TABLE if getattr(table, name) != one.event[name]]
        if differing:
            raise Unfit(f"position {one.position}: the store's lines give another {differing[0]} for cycle {month}")
        return month, table, one.position


def _origin(one: Recorded) -> tuple[str, str]:
    return one.event["submitter"], one.event["reference"]


def _pages(events: Iterable[Recorded]) -> Iterator[list[Recorded]]:
    """Events of whole commands, some hundred at a time; a cut-off by itself, as it was decided."""
    page: list[Recorded] = []
    for _, group in groupby(events, _origin):
        command = list(group)
        if command[0].name == CUT_OFF:
            if page:
                yield page
            yield command
            page = []
            continue
        page += command
        if len(page) >= EVENTS_A_COMMIT:
            yield page
            page = []
    if page:
        yield page
