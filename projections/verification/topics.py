"""Store bytes = topic bytes: every published record read from the beginning, and set beside the store's events.

What is published is a set of positions; any disorder may have befallen it. So each partition is read by itself, in the
order of its offsets; what each record says goes to a scratch table, and the database compares the two sets. Memory does
not grow with the log. A relay may publish meanwhile: what must be there is what its progress named before the reading,
and what may be there is what it names afterwards.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import IsolationLevel

from ledger.store import codec
from projections.kafka.access import Access, BrokerProblem
from projections.kafka.reader import Corrupt, Partition, Raw, Reader, Truncated
from projections.relay.pause import pause
from projections.relay.progress import Progress
from projections.relay.start import Refused, Unready, check_topics, settled_progress
from projections.topics.envelope import Foreign
from projections.topics.partition import key_of, partition_of
from projections.topics.topology import Topology
from projections.verification.records import Inspector
from projections.verification.report import MOST_OF_A_KIND, Report
from projections.verification.scratch import copy

POLL_MS: Final = 300
POLL_RECORDS: Final = 10_000
FETCH_BYTES: Final = 32 << 20
LOOK_MS: Final = 50
SETTLED_SECONDS: Final = 90  # longer than a transaction may stay open
MOST: Final = MOST_OF_A_KIND + 1
DDL: Final = """
    CREATE TABLE pg_temp.seen_records (
        position bigint, place integer, record_offset bigint, home integer, prev bigint, before bigint, digest bytea
    )
"""
# Of several records of one position the first one at its place is the record, and the others are too many.
FIRSTS: Final = """
    CREATE TABLE pg_temp.first_records AS SELECT DISTINCT ON (position) * FROM pg_temp.seen_records
        ORDER BY position, home <> place, before > position, place, record_offset
"""
DOUBLED: Final = """
    SELECT s.position, s.place, s.record_offset, f.place, f.record_offset
    FROM pg_temp.seen_records AS s JOIN pg_temp.first_records AS f USING (position)
    WHERE (s.place, s.record_offset) <> (f.place, f.record_offset) ORDER BY 1, 2, 3 LIMIT %s
"""
COMPARED: Final = """
    SELECT coalesce(e.notification_id, f.position), e.notification_id IS NOT NULL, uuid_send(e.originator_id),
           substring(e.state FOR %(frame)s), f.place, f.record_offset
    FROM (
        SELECT notification_id, originator_id, state FROM ledger.events
        WHERE originator_id = %(stream)s OR %(stream)s IS NULL
    ) AS e FULL JOIN pg_temp.first_records AS f ON e.notification_id = f.position
    WHERE f.position IS NULL AND e.notification_id <= %(published)s OR e.notification_id IS NULL
        OR sha256(e.state) <> f.digest
    ORDER BY 1 LIMIT %(most)s
"""
DIGEST: Final = "SELECT encode(sha256(state), 'hex') FROM ledger.events WHERE notification_id = %s"
ENDS: Final = """
    SELECT (SELECT coalesce(max(notification_id), 0) FROM ledger.events),
           (SELECT coalesce(max(position), 0) FROM pg_temp.first_records)
"""
DISORDERED: Final = """
    SELECT position, place, record_offset, before FROM pg_temp.first_records
    WHERE before > position AND home = place ORDER BY 1 LIMIT %s
"""
# `strangers` are not the store's events, and about `known` the store was asked: neither is to be believed here.
PREVIOUS: Final = """
    SELECT position, place, record_offset, prev, should FROM (
        SELECT *, coalesce(lag(position) OVER (PARTITION BY home ORDER BY position), 0) AS should FROM (
            SELECT position, place, record_offset, home, prev FROM pg_temp.first_records
            WHERE position <> ALL (%(strangers)s::bigint[]) AND position <> ALL (%(known)s::bigint[])
            UNION ALL
            SELECT position, NULL, NULL, home, NULL
            FROM unnest(%(known)s::bigint[], %(homes)s::integer[]) AS known (position, home)
        ) AS records
    ) AS chained
    WHERE prev <> should ORDER BY 1 LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Published:
    """How far the relay has come, and where the store ends."""

    position: int
    head: int


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one source, as we reach them."""

    access: Access
    topology: Topology
    source: str

    @property
    def places(self) -> list[Partition]:
        return [(topic, n) for topic in self.topology.all_events(self.source) for n in range(self.topology.partitions)]

    def places_of(self, key: bytes) -> list[Partition]:
        """Where a stream's records are."""
        partition = partition_of(key, self.topology.partitions)
        return [(topic, partition) for topic in self.topology.all_events(self.source)]

    def require_readable(self) -> None:
        """BrokerProblem, before long work has begun, if one of them is missing, cut otherwise, or not for us."""
        with Reader(self.access) as reader:
            try:
                check_topics(reader, self.topology, self.source)
            except Unready as unready:
                raise BrokerProblem("failed", str(unready)) from None
            reader.assign(dict.fromkeys([*self.places, (self.topology.relay(self.source), 0)], None))


def check(
    connection: psycopg.Connection[Any],
    topics: Topics,
    store_id: str,
    report: Report,
    progress: Callable[[int], None],
    stream: str | None = None,
) -> Published:
    """On an autocommit connection of its own; a reader's rights are enough. BrokerProblem if topics cannot be read.

    `stream`: only its events. Its partition is read all the same, since topics have no index.
    """
    connection.execute("DISCARD TEMP")
    connection.execute("SET work_mem = '64MB'")
    connection.execute(DDL)
    with Reader(topics.access, fetch_bytes=FETCH_BYTES) as reader:
        reading = _Reading(reader, topics, report, key_of(stream) if stream else None)
        before = reading.relays_progress()
        with connection.cursor() as cursor:
            reading.read(cursor, progress)
        after = reading.relays_progress()
    connection.execute(FIRSTS)
    connection.execute("ANALYZE pg_temp.seen_records, pg_temp.first_records")
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction(), connection.cursor() as cursor:
        comparing = _Comparing(cursor, reading, report, stream)
        return comparing.compare(store_id, before, after)


class _Reading:
    """Everything on the topics of a source, partition by partition, into the scratch table."""

    def __init__(self, reader: Reader, topics: Topics, report: Report, key: bytes | None) -> None:
        self.source = topics.source
        self.topology = topics.topology
        self.inspector = Inspector(self.source, self.topology)
        self.places = topics.places if key is None else topics.places_of(key)
        self.number = {place: number for number, place in enumerate(self.places)}
        self._key = key
        self._reader = reader
        self._report = report
        self._highest: dict[Partition, int] = dict.fromkeys(self.places, 0)

    def relays_progress(self) -> Progress | None:
        """What the relay last committed; a record there that is none is a finding."""
        try:
            return settled_progress(self._reader, self.topology, self.source)
        except Refused as refused:
            kind = "record_differs" if refused.kind == "undecodable" else "record_extra"
            self._report.add(kind, self.topology.relay(self.source), None, str(refused))
            return None

    def read(self, cursor: psycopg.Cursor[Any], progress: Callable[[int], None]) -> None:
        """Up to what is decided now. An open transaction is waited for, since it may be the relay's."""
        reader, report = self._reader, self._report
        begins, ends = reader.beginning_offsets(self.places), self._settled_ends()
        for place, begin in begins.items():
            if begin:
                detail = f"the partition begins with offset {begin}: what was published before it was deleted"
                report.add("record_missing", _name(place), None, detail)
        unread = {place for place in self.places if ends[place] > begins[place]}
        reader.assign({place: begins[place] for place in unread})
        while unread:
            try:
                found = reader.poll(POLL_MS, POLL_RECORDS)
            except (Corrupt, Truncated) as damage:
                place = damage.topic, damage.partition
                report.add("record_differs", f"{_name(place)}@{damage.offset}", None, f"it cannot be read: {damage}")
                unread.discard(place)
                reader.pause([place])
                continue
            for place, records in found.items():
                if place in unread:
                    copy(cursor, "seen_records", list(self._lines(place, records, ends[place])))
            progress(report.records)
            # A partition ends with the marker of a commit, which is no record: only its position tells.
            asked = unread.intersection(found) if found else unread
            done = [place for place in asked if reader.position(place) >= ends[place]]
            reader.pause(done)
            unread.difference_update(done)

    def _settled_ends(self) -> dict[Partition, int]:
        """The ends of now, once every transaction before them is decided."""
        ends = self._reader.high_watermarks(self.places)
        deadline = time.monotonic() + SETTLED_SECONDS
        while True:
            stable = self._reader.stable_ends(self.places)
            open_ones = [place for place in self.places if stable[place] < ends[place]]
            if not open_ones:
                return ends
            if time.monotonic() > deadline:
                raise BrokerProblem(
                    "timed_out",
                    f"A transaction stays open on {_name(open_ones[0])}, and what lies behind it cannot be read: "
                    "`onecard lag` names it.",
                )
            pause(LOOK_MS)

    def _lines(self, place: Partition, records: list[Raw], end: int) -> Iterator[str]:
        number, highest, report = self.number[place], self._highest[place], self._report
        inspect = self.inspector.inspect
        for raw in records:
            if raw.offset >= end:
                break
            if self._key is not None and raw.key != self._key:
                continue
            report.records += 1
            try:
                found = inspect(raw)
            except Foreign as foreign:
                detail = f"the relay of source {self.source} has not written it: {foreign}"
                report.add("record_extra", f"{_name(place)}@{raw.offset}", None, detail)
                continue
            position = found.position
            if found.wrong:
                detail = "; ".join(found.wrong)
                report.add("record_differs", f"{_name(place)}@{raw.offset}", position, detail)
            home = self.number.get(found.home, number)
            yield (
                f"{position}\t{number}\t{raw.offset}\t{home}\t{found.prev_position}\t{highest}\t\\\\x{found.digest}\n"
            )
            highest = max(highest, position)
        self._highest[place] = highest


class _Comparing:
    """The two sets side by side, in one snapshot of the store."""

    def __init__(self, cursor: psycopg.Cursor[Any], reading: _Reading, report: Report, stream: str | None) -> None:
        self._stream = stream
        self._cursor = cursor
        self._reading = reading
        self._report = report

    def compare(self, store_id: str, before: Progress | None, after: Progress | None) -> Published:
        head, highest = self._ask(ENDS)[0]
        told = after.position if after else 0
        self._progress(store_id, told, after, head, highest)
        must_be_there = before.position if before else 0
        if told < highest:
            # Nobody can say from there what is published, so the topics do.
            must_be_there = min(highest, head)
        self._doubled()
        self._compared(must_be_there, head)
        for position, place, offset, behind in self._ask(DISORDERED, (MOST,)):
            detail = f"it stands behind position {behind} in its partition"
            self._add("record_out_of_order", place, offset, position, detail)
        return Published(told, head)

    def _progress(self, store_id: str, told: int, after: Progress | None, head: int, highest: int) -> None:
        """That the relay's progress and the topics speak of the same, and of this store."""
        topic = self._reading.topology.relay(self._reading.source)
        if told < highest:
            detail = f"the relay's progress is {told}, and its topics hold position {highest}: it would publish again"
            self._report.add("record_missing", topic, None, detail)
        if after is None:
            return
        if after.store_id != store_id:
            detail = f"the relay's progress is that of another store, {after.store_id}"
            self._report.add("record_differs", topic, told, detail)
        elif told > head:
            detail = f"published up to position {told}, and the store ends at {head}: run `onecard restore-tail`"
            self._report.add("record_extra", topic, told, detail)
        elif self._ask(DIGEST, (told,)) != [(after.digest,)]:
            self._report.add("record_differs", topic, told, "the relay's progress names another event's digest")

    def _doubled(self) -> None:
        for position, place, offset, first_place, first_offset in self._ask(DOUBLED, (MOST,)):
            first = f"{_name(self._reading.places[first_place])}@{first_offset}"
            self._add("record_extra", place, offset, position, f"its position is at {first} already")

    def _compared(self, published: int, head: int) -> None:
        strangers: list[int] = []
        known: dict[int, int] = {}
        given = {"frame": codec.HEADER_BYTES, "published": published, "stream": self._stream, "most": MOST}
        rows = self._ask(COMPARED, given)
        for position, is_stored, key, frame, place, offset in rows:
            if not is_stored:
                strangers.append(position)
                detail = "the store has no such event" if position > head else "the store has no event there"
                self._add("record_extra", place, offset, position, detail)
                continue
            home = self._home(key, frame)
            if home is not None:
                known[position] = self._reading.number.get(home, -1)
            if place is None:
                name = _name(home) if home is not None else self._reading.source
                self._report.add("record_missing", name, position, "it was published, or should have been, and is gone")
            else:
                self._add("record_differs", place, offset, position, "its bytes are not those of the store")
        # The record before may be another stream's, and with so much amiss nothing can be said of it.
        if self._stream is None and len(rows) < MOST:
            self._previous(strangers, known)

    def _previous(self, strangers: list[int], known: dict[int, int]) -> None:
        """Each record names the one before it, of those that should be there."""
        given = {"strangers": strangers, "known": list(known), "homes": list(known.values()), "most": MOST}
        for position, place, offset, prev, should in self._ask(PREVIOUS, given):
            detail = f"its prev_position is {prev}, and the record before it has position {should}"
            self._add("record_differs", place, offset, position, detail)

    def _home(self, key: bytes, frame: bytes) -> Partition | None:
        try:
            return self._reading.inspector.home(key, frame)
        except codec.Undecodable:
            return None

    def _add(self, kind: str, place: int, offset: int, position: int, detail: str) -> None:
        self._report.add(kind, f"{_name(self._reading.places[place])}@{offset}", position, detail)

    def _ask(self, question: str, values: Any = None) -> list[Any]:
        return self._cursor.execute(question, values).fetchall()


def _name(place: Partition) -> str:
    return f"{place[0]}/{place[1]}"
