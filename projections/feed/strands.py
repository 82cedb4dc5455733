"""The partitions of a source that are read together: found by time, checked record by record, held back, proven.

Each topic-partition is a strand of its own, whose positions rise and whose records name the one before them. A strand
that is not what it must be is read no further and keeps why; the others go on, so that everything before the fault is
still delivered. Strands that are far ahead of what is needed are paused: what waits here is bounded.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from projections.feed.arrival import TopicRecord, broken, position_of, record_of
from projections.feed.port import Broken
from projections.kafka.access import Access, BrokerProblem
from projections.kafka.reader import Corrupt, Partition, Raw, Reader, Truncated
from projections.topics.topology import Topology

MOST_WAITING: Final = 30_000  # records that are held because an earlier one has not come yet
# Asked of a partition at a time: little, so that all of them advance together and few are ahead of what is needed.
PARTITION_BYTES: Final = 32 << 10
POLL_RECORDS: Final = 5_000
LOOK_BACK: Final = 16  # offsets before the place found by time: what was put behind it, out of its turn, is seen
PROOF_MS: Final = 200  # how long nothing may come before the brokers are asked whether it is there at all
STUCK_SECONDS: Final = 15  # twice as long without a record or an offset passed, and what is published does not come
LOOK_ON: Final = 5_000  # records that are searched for one that is missing in its turn
MICROS_IN_MS: Final = 1_000


def even_reader(access: Access) -> Reader:
    """A reader of many partitions that are to advance together."""
    return Reader(access, partition_bytes=PARTITION_BYTES)


class Strand:
    """One topic-partition. `last`: position of the last record read, 0 if none was since it was sought."""

    __slots__ = ("broken", "is_paused", "last", "place", "target")

    def __init__(self, place: Partition) -> None:
        self.place = place
        self.last = 0
        self.broken: Broken | None = None
        self.is_paused = False
        self.target: int | None = None


class Strands:
    """`waiting`: records read and not taken yet, by position, all after `floor`."""

    def __init__(self, reader: Reader, topology: Topology, source: str, numbers: Sequence[int]) -> None:
        self.reader = reader
        self.source = source
        self._partitions = topology.partitions
        self.strands = {
            (topic, number): Strand((topic, number)) for topic in topology.all_events(source) for number in numbers
        }
        self.waiting: dict[int, TopicRecord] = {}
        self.floor = 0
        self._stalled_at: int | None = None
        self._heard = time.monotonic()
        self._passed = 0

    def seek(self, after: int, since: int) -> None:
        """Begin to read what comes after a position; nothing after it was recorded before `since` (microseconds)."""
        self.waiting.clear()
        self.floor = after
        for strand in self.strands.values():
            strand.last, strand.broken, strand.is_paused = 0, None, False
        self.moved()
        starts = self._starts(after, since)
        self.reader.assign(starts)
        self.reader.resume(starts)

    def _starts(self, after: int, since: int) -> dict[Partition, int]:
        """Where each partition is to be read from: no later than its first record after the position."""
        places = list(self.strands)
        self.reader.partitions({topic for topic, _ in places})
        beginnings = self.reader.beginning_offsets(places)
        if not after or not since:
            for place in places:
                if beginnings[place] and not after:
                    self.strands[place].broken = truncated(place, beginnings[place])
            return beginnings
        # Before the question, so that whatever it does not find lies behind these ends.
        ends = self.reader.stable_ends(places)
        found = self.reader.offsets_for_times(dict.fromkeys(places, since // MICROS_IN_MS))
        starts = {}
        for place in places:
            at = found[place]
            starts[place] = max(beginnings[place], (ends[place] if at is None else min(at, ends[place])) - LOOK_BACK)
        return starts

    def poll(self, timeout_ms: int) -> bool:
        """Take in what has come; whether anything has."""
        self._hold_back()
        try:
            found: Mapping[Partition, Sequence[Raw]] = self.reader.poll(timeout_ms, POLL_RECORDS)
        except Corrupt as error:
            self._cut((error.topic, error.partition), Broken(f"{error}: look at the broker's disk", "undecodable"))
            return True
        except Truncated as error:
            place = (error.topic, error.partition)
            self._cut(place, truncated(place, error.offset))
            return True
        came = False
        if found:
            self.listen()
        for place, raws in found.items():
            strand = self.strands.get(place)
            if strand is not None and strand.broken is None:
                came = self._take_in(strand, raws) or came
        if came:
            self.moved()
        return came

    def moved(self) -> None:
        """Something has come or was taken: nothing is to be proven missing."""
        self._stalled_at = None

    def _take_in(self, strand: Strand, raws: Sequence[Raw]) -> bool:
        """Records of one partition in the order of their offsets; whether any is new."""
        waiting, floor, last = self.waiting, self.floor, strand.last
        source, partitions = self.source, self._partitions
        came = False
        try:
            for number, raw in enumerate(raws):
                position, prev_position = position_of(raw)
                if (last and prev_position != last) or position <= last:
                    raise self._out_of_turn(strand.place, raw, position, prev_position, last, raws[number + 1 :])
                if position > floor:
                    if not last and prev_position > floor:
                        raise self._out_of_turn(strand.place, raw, position, prev_position, floor, raws[number + 1 :])
                    record = record_of(raw, source, position, prev_position, partitions)
                    if position in waiting:
                        raise broken(raw, "record_extra", f"position {position} is on another partition too", position)
                    waiting[position] = record
                    came = True
                last = position
        except Broken as found:
            strand.last = last
            self._cut(strand.place, found)
            return True
        strand.last = last
        return came

    def _out_of_turn(
        self, place: Partition, raw: Raw, position: int, prev_position: int, last: int, rest: Sequence[Raw]
    ) -> Broken:
        """A record that does not follow the one before it: doubled, or after one that is missing, or comes later."""
        try:
            record_of(raw, self.source, position, prev_position, self._partitions)
        except Broken as foreign:
            if foreign.kind == "foreign_record":
                return foreign
        if position <= last:
            if position == last or position <= self.floor or prev_position < last:
                return broken(raw, "record_extra", f"position {position} comes again after position {last}", position)
            return broken(raw, "record_out_of_order", f"position {position} comes after {last}", position)
        if prev_position > last:
            later = [*rest, *self._look_on(place)]
            if any(claimed(one) == prev_position for one in later):
                what = f"position {prev_position} comes only after position {position}"
                return broken(raw, "record_out_of_order", what, prev_position)
            beginning = self.reader.beginning_offsets([place])[place]
            if beginning and raw.offset - beginning < LOOK_BACK:
                return truncated(place, beginning)
            what = f"position {prev_position}, which must come before position {position}, is missing"
            return broken(raw, "record_missing", what, prev_position)
        what = f"position {position} says that {prev_position} comes before it, and {last} does"
        return broken(raw, "record_extra", what, position)

    def _look_on(self, place: Partition) -> list[Raw]:
        """What the partition holds further on: only this one is read, the others keep their places."""
        others = [one for one in self.strands if one != place]
        seen: list[Raw] = []
        end = self.reader.stable_ends([place])[place]
        self.reader.pause(others)
        give_up = time.monotonic_ns() + 2_000_000_000
        while len(seen) < LOOK_ON and self.reader.position(place) < end and time.monotonic_ns() < give_up:
            seen.extend(self.reader.poll(PROOF_MS, POLL_RECORDS).get(place, ()))
        self.reader.resume(one for one in others if not self.strands[one].is_paused)
        return seen

    def _cut(self, place: Partition, why: Broken) -> None:
        """Read this partition no further."""
        strand = self.strands[place]
        strand.broken = why
        strand.is_paused = True
        self.reader.pause([place])

    def _hold_back(self) -> None:
        """Pause what is ahead when too much waits; go on with what is needed next, and with all when less waits."""
        most, floor = len(self.waiting) > MOST_WAITING, self.floor
        least = len(self.waiting) < MOST_WAITING // 2
        held, freed = [], []
        for strand in self.strands.values():
            if strand.broken is not None:
                continue
            if strand.is_paused and (least or strand.last <= floor):
                freed.append(strand)
            elif most and not strand.is_paused and strand.last > floor:
                held.append(strand)
        for strands, is_paused, tell in ((held, True, self.reader.pause), (freed, False, self.reader.resume)):
            for strand in strands:
                strand.is_paused = is_paused
            if strands:
                tell([strand.place for strand in strands])

    def is_proven_missing(self, needed: int) -> bool:
        """Whether no partition holds a record up to this position that was not read: asked again while nothing comes.

        A record was published before a later one is seen; so once every partition is read up to the end that it had
        after that, or past the position, nothing is to be waited for.
        """
        now = time.monotonic_ns() // 1_000_000
        if self._stalled_at is None:
            self._stalled_at = now
            for strand in self.strands.values():
                strand.target = None
            return False
        if now - self._stalled_at < PROOF_MS:
            return False
        open_ones = [one for one in self.strands.values() if one.broken is None and one.last < needed]
        if unknown := [one for one in open_ones if one.target is None]:
            ends = self.reader.high_watermarks([one.place for one in unknown])
            for strand in unknown:
                strand.target = ends[strand.place]
        return all(
            one.target is not None and not one.is_paused and self.reader.position(one.place) >= one.target
            for one in open_ones
        )

    def listen(self) -> None:
        """From now on something is to come."""
        self._heard = time.monotonic()

    def refuse_to_hang(self) -> None:
        """BrokerProblem if nothing has come for long. What is awaited is committed: something else holds it up."""
        if time.monotonic() - self._heard < STUCK_SECONDS:
            return
        at = {one.place: self.reader.position(one.place) for one in self.strands.values() if one.broken is None}
        if sum(at.values()) != self._passed:
            self._passed = sum(at.values())
            self.listen()
            return
        for (topic, number), end in self.reader.high_watermarks(at).items():
            if at[topic, number] < end and not self.strands[topic, number].is_paused:
                raise BrokerProblem(
                    "timed_out",
                    f"Topic {topic}, partition {number} ends at offset {end}, and nobody can read past"
                    f" {at[topic, number]}: a transaction there has not ended. `onecard lag` names it once it is old"
                    " enough, with what to do.",
                )
        raise BrokerProblem(
            "timed_out",
            f"Source {self.source} has published more than comes after position {self.floor}: see `onecard lag`, and"
            " look at the brokers.",
        )

    def ends(self) -> dict[Partition, int]:
        """What is committed now."""
        return self.reader.stable_ends([one.place for one in self.strands.values() if one.broken is None])

    def has_read(self, ends: Mapping[Partition, int]) -> bool:
        """Whether everything before these ends was read, where nothing is wrong."""
        return all(
            self.strands[place].broken is not None or self.reader.position(place) >= end for place, end in ends.items()
        )

    def first_broken(self) -> Broken | None:
        """Of the strands that are cut, the one whose fault comes first: a record that is wrong before one not there."""
        found = [strand.broken for strand in self.strands.values() if strand.broken is not None]
        return min(found, key=lambda one: (one.position or 0, one.kind == "record_missing"), default=None)


def claimed(raw: Raw) -> int | None:
    """The position that a record claims, if any."""
    try:
        return position_of(raw)[0]
    except Broken:
        return None


def truncated(place: Partition, offset: int) -> Broken:
    topic, partition = place
    return Broken(
        f"topic {topic}, partition {partition}: records before offset {offset} were deleted, and were not read yet:"
        " topics of events keep everything (`onecard topics apply`); follow the log, or publish the source anew",
        "topic_truncated",
    )
