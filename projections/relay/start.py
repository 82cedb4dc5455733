"""Where the relay may begin: what is on the topics must be what this store holds, or nothing is published.

A store that was restored to an earlier day, exchanged for another, or whose topics were lost would publish over what
others have read. Each of these is refused with what to do about it.
"""

import time
from typing import Final

from projections.feed.port import Broken, Evidence
from projections.kafka.access import BrokerProblem
from projections.kafka.reader import Corrupt, Reader, Truncated
from projections.relay.log import Log
from projections.relay.pause import pause
from projections.relay.progress import POLL_MS, Foreign, Progress, published
from projections.topics.topology import Topology

SETTLED_SECONDS: Final = 90  # longer than a transaction may stay open (transaction.timeout.ms of our producers is 60 s)
LOOK_MS: Final = 50


class Refused(Broken):
    """Topics and store do not belong together: an incident. `raw`: the record that says so, if one does."""

    def __init__(
        self, kind: str, message: str, topic: str, offset: int | None = None, raw: bytes | None = None
    ) -> None:
        super().__init__(message, kind, evidence=Evidence(raw, topic, offset=offset))


class Unready(Exception):
    """Topics are not as the topology says; the message says what to do."""


def check_topics(reader: Reader, topology: Topology, source: str) -> None:
    """BrokerProblem if a topic of the source is missing, Unready if one is cut otherwise."""
    wanted = dict.fromkeys(topology.all_events(source), topology.partitions) | {topology.relay(source): 1}
    for topic, partitions in reader.partitions(wanted).items():
        if partitions != wanted[topic]:
            raise Unready(
                f"Topic {topic} has {partitions} partitions instead of {wanted[topic]}, and with another number the"
                " order of streams is lost: see `onecard topics plan`."
            )


def settled_progress(
    reader: Reader, topology: Topology, source: str, seconds: int = SETTLED_SECONDS
) -> Progress | None:
    """How far the source has been published, once no transaction on the relay's topic is open any more.

    After `init_transactions` none of the relay's own is: what a predecessor left is committed or aborted by then. One
    of somebody else ends with its own timeout, or is told.
    """
    topic = topology.relay(source)
    place = (topic, 0)
    end = reader.high_watermarks([place])[place]
    deadline = time.monotonic() + seconds
    while reader.stable_ends([place])[place] < end:
        if time.monotonic() > deadline:
            raise BrokerProblem(
                "timed_out",
                f"A transaction of another producer stays open on topic {topic}: nobody but the relay may write there"
                " (`onecard topics apply` sets its rights); Kafka's `kafka-transactions.sh find-hanging` names it.",
            )
        pause(LOOK_MS)
    try:
        return published(reader, topology, source)
    except Foreign as foreign:
        raise Refused(
            "foreign_record",
            f"The relay's progress cannot be read ({foreign}). Nobody but the relay may write to {topic}:"
            " take that right from others, then see docs/operating.md on a lost progress.",
            foreign.topic,
            foreign.offset,
            foreign.value,
        ) from None
    except (Corrupt, Truncated) as damage:
        raise _unreadable("The relay's progress cannot be read", damage) from None


def check_store(progress: Progress | None, log: Log, store_id: str, reader: Reader, topology: Topology) -> None:
    """Refused unless the store holds what is published, at the place it was published from."""
    source = log.source
    topic = topology.relay(source)
    if progress is None:
        _check_nothing_published(reader, topology, source)
        return
    if progress.store_id != store_id:
        raise Refused(
            "store_differs",
            f"The topics of source {source} hold events of another store ({progress.store_id}), not of this one"
            f" ({store_id}): restore that store from its backup and run `onecard restore-tail`, or give this one a"
            " source name of its own.",
            topic,
        )
    head = log.head()
    if head < progress.position:
        raise Refused(
            "store_behind_topic",
            f"The store ends at position {head}, but its topics were published up to {progress.position}: it was"
            " restored to an earlier point. Nothing was published. Before anybody submits, run `onecard restore-tail`,"
            " which appends the missing events from the topics.",
            topic,
        )
    if log.digest_at(progress.position) != progress.digest:
        raise Refused(
            "store_differs",
            f"At position {progress.position} the store holds another event than its topics: it was restored to an"
            " earlier point and has recorded anew since. Nothing was published. Restore it again from the same"
            " backup, run `onecard restore-tail` before anybody submits, and let submitters send their files again.",
            topic,
        )
    _check_topics_hold(progress, reader, topology, source)


def _check_nothing_published(reader: Reader, topology: Topology, source: str) -> None:
    """Without a progress there must be no committed event either, or they would all be published twice."""
    places = _places(topology, source)
    begin = reader.beginning_offsets(places)
    wanted = {place: end for place, end in reader.stable_ends(places).items() if end > begin[place]}
    reader.assign({place: begin[place] for place in wanted})
    while any(reader.position(place) < end for place, end in wanted.items()):
        try:
            polled = reader.poll(POLL_MS, 1)
        except (Corrupt, Truncated) as damage:
            raise _unreadable("Whether anything is published cannot be told", damage) from None
        for (topic, _), found in polled.items():
            if found:
                raise Refused(
                    "store_differs",
                    f"Topic {topic} holds events although the relay of source {source} has no progress on"
                    f" {topology.relay(source)}: that topic was removed or emptied. Publishing again would double"
                    " everything: see docs/operating.md on a lost progress.",
                    topic,
                    found[0].offset,
                    found[0].value,
                )


def _check_topics_hold(progress: Progress, reader: Reader, topology: Topology, source: str) -> None:
    """Partitions that were published to are not empty: a topic that was removed and made anew has a hole for ever."""
    ends = reader.stable_ends(_places(topology, source))
    for family, positions in progress.last.items():
        for partition, position in enumerate(positions):
            topic = topology.events(family, source)
            if position and not ends[topic, partition]:
                raise Refused(
                    "topic_truncated",
                    f"Partition {partition} of topic {topic} is empty, but was published up to position {position}:"
                    " the topic was removed and made anew. See docs/operating.md on lost topics.",
                    topic,
                )


def _unreadable(what: str, damage: Corrupt | Truncated) -> Refused:
    kind = "undecodable" if isinstance(damage, Corrupt) else "topic_truncated"
    return Refused(kind, f"{what} ({damage}): look at the broker's disk.", damage.topic, damage.offset)


def _places(topology: Topology, source: str) -> list[tuple[str, int]]:
    return [(topic, number) for topic in topology.all_events(source) for number in range(topology.partitions)]
