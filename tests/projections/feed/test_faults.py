"""Whatever is wrong on a topic: everything before it is delivered, nothing after it is, and it is told by kind."""

from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from kafka import TopicPartition

from ledger.store import codec
from projections.feed.port import Broken
from projections.feed.strands import LOOK_BACK
from projections.feed.topic import TopicFeed
from projections.kafka.publisher import Publisher
from projections.relay.page import Message
from projections.topics.partition import partition_of
from tests.fix_planting import fill
from tests.fix_stores import Store
from tests.projections.feed.planting import Planting, position_of

Fault = Callable[[list[Message], int], list[Message]]
LINES = 160
PARTITIONS = 3


@pytest.fixture
def filled(store: Store, tmp_path: Path, seed: int) -> Store:
    return fill(store, tmp_path, seed, LINES)


def at(messages: list[Message], position: int) -> int:
    return next(number for number, one in enumerate(messages) if position_of(one) == position)


def changed(message: Message, **parts: object) -> Message:
    names = ("topic", "partition", "key", "value", "headers", "timestamp")
    values = dict(zip(names, message, strict=True)) | parts
    return tuple(values[name] for name in names)  # type: ignore[return-value]


def header(message: Message, name: str, value: bytes) -> list[tuple[str, bytes]]:
    return [(one, value if one == name else said) for one, said in message[4]]


def replaced(messages: list[Message], position: int, **parts: object) -> list[Message]:
    number = at(messages, position)
    return [*messages[:number], changed(messages[number], **parts), *messages[number + 1 :]]


def missing(messages: list[Message], position: int) -> list[Message]:
    return [one for one in messages if position_of(one) != position]


def doubled(messages: list[Message], position: int) -> list[Message]:
    number = at(messages, position)
    return [*messages[: number + 1], messages[number], *messages[number + 1 :]]


def swapped(messages: list[Message], position: int) -> list[Message]:
    """With the next record of the same partition."""
    first = at(messages, position)
    second = next(n for n in range(first + 1, len(messages)) if messages[n][:2] == messages[first][:2])
    found = list(messages)
    found[first], found[second] = found[second], found[first]
    return found


def other_key(messages: list[Message], position: int) -> list[Message]:
    mine = messages[at(messages, position)]
    other = next(one for one in messages if one[1] == mine[1] and one[2] != mine[2] and position_of(one))
    return replaced(messages, position, key=other[2])


def wrong_partition(messages: list[Message], position: int) -> list[Message]:
    mine = messages[at(messages, position)]
    return replaced(messages, position, partition=(mine[1] + 1) % PARTITIONS)


def wrong_topic(messages: list[Message], position: int) -> list[Message]:
    mine = messages[at(messages, position)]
    return replaced(messages, position, topic=next(one[0] for one in messages if one[0] != mine[0]))


def other_type(messages: list[Message], position: int) -> list[Message]:
    mine = messages[at(messages, position)]
    return replaced(messages, position, headers=header(mine, "ce_type", b"onecard.card.v1.CardExploded"))


def other_source(messages: list[Message], position: int) -> list[Message]:
    mine = messages[at(messages, position)]
    headers = header(mine, "ce_source", b"/onecard/zz")
    headers = [(name, b"zz/%d" % position if name == "ce_id" else value) for name, value in headers]
    return replaced(messages, position, headers=headers)


FAULTS: dict[str, tuple[Fault, str]] = {
    "missing": (missing, "record_missing"),
    "swapped": (swapped, "record_out_of_order"),
    "other key": (other_key, "record_differs"),
    "other type": (other_type, "record_differs"),
    "other time": (lambda found, at: replaced(found, at, timestamp=found[0][5] + 1), "record_differs"),
    "other source": (other_source, "foreign_record"),
    "no headers": (lambda found, at: replaced(found, at, headers=[]), "foreign_record"),
    "wrong partition": (wrong_partition, "foreign_record"),
    "wrong topic": (wrong_topic, "foreign_record"),
    "not framed": (lambda found, at: replaced(found, at, value=b"\x01" * 60), "undecodable"),
    "cut off": (lambda found, at: replaced(found, at, value=found[0][3][:20]), "undecodable"),
    "unknown schema": (
        lambda found, place: replaced(found, place, value=b"\0\0\1\0\0" + found[at(found, place)][3][5:]),
        "foreign_schema",
    ),
}


def delivered(feed: TopicFeed) -> tuple[list[int], Broken]:
    """Positions until it breaks, and how."""
    found: list[int] = []
    while True:
        try:
            records = feed.read(len(found), 50)
        except Broken as broken:
            return found, broken
        assert records, "it ends as if nothing were wrong"
        found += [one.position for one in records]


def read_to(feed: TopicFeed, head: int) -> list[int]:
    """Everything up to a position that is there, or will be."""
    found: list[int] = []
    for _ in range(1_000):
        if len(found) >= head:
            return found
        found += [one.position for one in feed.read(len(found), 1_000)]
    raise AssertionError(f"only {len(found)} of {head} came")


def with_successor(planting: Planting) -> int:
    """A position in the middle whose partition holds a later record."""
    places = defaultdict(list)
    messages = planting.next()
    planting.progress = None
    for one in messages:
        places[one[:2]].append(position_of(one))
    usable = {position for found in places.values() for position in found[:-1]}
    return min(position for position in usable if position > len(messages) // 2)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_stops_the_source_right_before_it(planting: Planting, fault: str) -> None:
    change, kind = FAULTS[fault]
    position = with_successor(planting)
    planting.publish(change=lambda messages: change(messages, position))
    with closing(planting.feed()) as feed:
        for _ in range(2):
            found, broken = delivered(feed)
            assert (found, broken.kind) == (list(range(1, position)), kind), str(broken)
            assert "onecard verify" in str(broken)
            feed.close()
    if kind not in ("record_missing", "record_out_of_order"):
        assert broken.evidence is not None and broken.evidence.offset is not None


def test_a_doubled_record_stops_the_source(planting: Planting) -> None:
    position = with_successor(planting)
    planting.publish(change=lambda messages: doubled(messages, position))
    with closing(planting.feed()) as feed:
        found, broken = delivered(feed)
    assert found == list(range(1, len(found) + 1)) and len(found) >= position
    assert (broken.kind, broken.position) == ("record_extra", position)
    assert broken.evidence is not None and broken.evidence.headers


@pytest.mark.parametrize("after", ["none", "all"])
def test_what_somebody_puts_behind_everything_stops_the_source(planting: Planting, after: str) -> None:
    """Also where it was put there while nobody followed."""
    messages = planting.next()
    planting.send(messages)
    head = position_of(messages[-2])
    last = messages[-2]
    planting.send([changed(last, headers=[("x", b"y")], key=b"k", value=b"v")])
    with closing(planting.feed()) as feed:
        since = codec.instants_of(last[3])[1]
        with pytest.raises(Broken) as broken:
            if after == "none":
                assert len(read_to(feed, head)) == head
            feed.read(head, 10, since)
    assert broken.value.kind == "foreign_record" and LOOK_BACK > 2
    assert broken.value.evidence is not None and broken.value.evidence.value == b"v"


def test_an_event_that_the_relay_has_not_published_stops_the_source(planting: Planting) -> None:
    messages = planting.next(40)
    planting.send(messages)
    made = planting.next(5)[2]
    planting.send([made])
    with closing(planting.feed()) as feed:
        found, broken = delivered(feed)
    assert len(found) == 40 and broken.kind in ("record_extra", "record_missing")


def test_the_last_event_that_the_relay_speaks_of_is_missed(planting: Planting) -> None:
    messages = planting.next()
    planting.send([one for one in messages if one is not messages[-2]])
    with closing(planting.feed()) as feed:
        found, broken = delivered(feed)
    assert (broken.kind, broken.position) == ("record_missing", len(found) + 1)


def test_a_truncated_topic_stops_who_has_not_read_it_and_nobody_else(planting: Planting) -> None:
    messages = planting.next()
    planting.send(messages)
    head = position_of(messages[-2])
    place = TopicPartition(*messages[0][:2])
    with planting.kafka.admin() as admin:
        admin.delete_records({place: 1})
    with closing(planting.feed()) as feed:
        with pytest.raises(Broken) as broken:
            feed.read(0, 10)
        assert broken.value.kind == "topic_truncated" and "offset 1 were deleted" in str(broken.value)
        assert feed.read(head, 10, codec.instants_of(messages[-2][3])[1]) == []


def test_a_topic_that_is_truncated_under_a_reader_stops_it(planting: Planting) -> None:
    planting.publish(40)
    with closing(planting.feed()) as feed:
        read_to(feed, 40)
        messages = planting.next()
        planting.send(messages)
        with planting.kafka.admin() as admin:
            places = {TopicPartition(*one[:2]) for one in messages[:-1]}
            admin.delete_records(dict.fromkeys(places, -1))
        with pytest.raises(Broken) as broken:
            while feed.read(40, 1_000):
                pass
        assert broken.value.kind == "topic_truncated"


def test_a_topic_that_is_forbidden_or_not_there_stops_the_source(planting: Planting) -> None:
    planting.publish()
    with closing(planting.feed(user="stranger")) as feed, pytest.raises(Broken) as broken:
        feed.read(0, 10)
    assert broken.value.kind == "topic_forbidden"
    unknown = Planting(planting.store, planting.kafka, "nobody")
    with closing(unknown.feed()) as feed, pytest.raises(Broken) as broken:
        feed.read(0, 10)
    assert broken.value.kind == "source_unknown" and "nobody" in str(broken.value)


def test_what_is_not_committed_is_waited_for_and_no_fault(planting: Planting) -> None:
    planting.publish(30)
    messages = planting.next(30)
    with closing(planting.feed(certain=False)) as feed:
        read_to(feed, 30)
        with Publisher(planting.kafka.access(), f"onecard-relay-{planting.source}") as publisher:
            publisher.begin()
            for message in messages:
                publisher.send(*message)
            for _ in range(5):
                feed.wait(1)
                assert feed.read(30, 100) == []
            publisher.commit()
        while not (records := feed.read(30, 100)):
            feed.wait(1)
        assert records[0].position == 31


def test_the_tests_partitions_are_the_topics(planting: Planting) -> None:
    assert planting.kafka.topology.partitions == PARTITIONS
    assert all(partition_of(one[2], PARTITIONS) == one[1] for one in planting.next()[:-1])
