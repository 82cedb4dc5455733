"""How far views are behind in each partition of the topics they follow, in events and in seconds.

The relay writes down the last position of every partition, so who has reached it is known to be done. Of the others the
records are read that a view has not applied, up to a bound; beyond it the offsets are counted, of which transactions
take some for themselves, so that such a figure may be a little too high and says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.core.calendar import SECOND
from projections.kafka.reader import Corrupt, Partition, Reader, Truncated
from projections.questions.lag import Stand
from projections.relay.progress import Progress
from projections.topics.envelope import Foreign, stamp_of
from projections.topics.topology import Topology

MILLISECOND: Final = SECOND // 1_000
MOST_READ: Final = 20_000
POLL_MS: Final = 200
LONGEST_SILENCE: Final = 20  # polls without a record, before what is left is counted by offsets


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a view has still to apply of one partition. `exact` is False if `behind` may be a little too high."""

    name: str
    source: str
    topic: str
    partition: int
    position: int
    last_position: int
    behind: int
    exact: bool
    waiting_since: int | None

    def seconds_behind(self, now: int) -> int:
        return 0 if self.waiting_since is None else max(0, now - self.waiting_since) // SECOND


@dataclass(slots=True)
class _Count:
    """Records of a partition that one view has not applied, as they are read."""

    stand: Stand
    family: str
    last_position: int
    records: int = 0
    waiting_since: int | None = None

    def see(self, partition: int, position: int, recorded_at: int) -> None:
        if position > self.stand.reached(partition):
            self.records += 1
            self.waiting_since = recorded_at if self.waiting_since is None else min(recorded_at, self.waiting_since)


def waiting(
    reader: Reader, topology: Topology, progress: Progress, stood: Iterable[Stand], most_read: int = MOST_READ
) -> list[Waiting]:
    """Every view in every partition of a source, by view, family and partition. `reader` is assigned anew."""
    counts: dict[Partition, list[_Count]] = {}
    starts: dict[Partition, int] = {}
    done: list[Waiting] = []
    for stand in stood:
        for family, positions in progress.last.items():
            for partition, last in enumerate(positions):
                place = (topology.events(family, progress.source), partition)
                if last <= stand.reached(partition):
                    done.append(_told(_Count(stand, family, last), place, 0))
                    continue
                counts.setdefault(place, []).append(_Count(stand, family, last))
                since = stand.recorded_at // MILLISECOND
                starts[place] = min(since, starts.get(place, since))
    unread = _read(reader, counts, starts, most_read) if counts else {}
    lagging = [_told(count, place, unread[place]) for place, some in counts.items() for count in some]
    order = {family: number for number, family in enumerate(topology.families)}
    return sorted(done + lagging, key=lambda one: (one.name, order[one.topic.split(".")[1]], one.partition))


def _read(
    reader: Reader, counts: dict[Partition, list[_Count]], starts: dict[Partition, int], most_read: int
) -> dict[Partition, int]:
    """Read what is not applied, as much as the bound allows; for each partition the offsets that were not read."""
    ends = reader.stable_ends(counts)
    found = reader.offsets_for_times(starts)
    reader.assign({place: ends[place] if (at := found[place]) is None else at for place in counts})
    read = silent = 0
    while read < most_read and silent < LONGEST_SILENCE:
        if all(reader.position(place) >= ends[place] for place in counts):
            break
        try:
            records = reader.poll(POLL_MS, most_read - read)
        except (Corrupt, Truncated):
            break  # whoever follows opens an incident; here what is behind it is counted by offsets
        silent = 0 if records else silent + 1
        for place, some in records.items():
            read += len(some)
            for raw in some:
                try:
                    position = stamp_of(raw.headers).position
                except Foreign:
                    continue  # no event; whoever follows opens an incident for it
                for count in counts[place]:
                    count.see(place[1], position, raw.timestamp * MILLISECOND)
    return {place: max(0, ends[place] - reader.position(place)) for place in counts}


def _told(count: _Count, place: Partition, unread: int) -> Waiting:
    stand, (topic, partition) = count.stand, place
    behind, reached = count.records + unread, stand.reached(partition)
    return Waiting(
        stand.view,
        stand.source,
        topic,
        partition,
        reached,
        count.last_position,
        behind,
        not unread,
        count.waiting_since,
    )


def summed(waits: Sequence[Waiting]) -> dict[tuple[str, str], int]:
    """Events behind by view and topic."""
    found: dict[tuple[str, str], int] = {}
    for one in waits:
        found[one.name, one.topic] = found.get((one.name, one.topic), 0) + one.behind
    return found
