"""Reading gives committed bytes in order, or an error that names the partition; never silence where there is none."""

import os
import time
from collections.abc import Iterator

import pytest
from kafka import TopicPartition

from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Cluster, Right
from projections.kafka.publisher import Publisher
from projections.kafka.reader import Partition, Raw, Reader, Truncated
from tests.fix_kafka import Kafka
from tests.projections.kafka.book import AT_MS, drain, publish, send, until_seen, values

# Of this process alone: its rights are taken away while others run their tests.
USER = f"onecard-reader-k1-{os.getpid()}"


@pytest.fixture
def reader(kafka: Kafka) -> Iterator[Reader]:
    with Reader(kafka.access()) as made:
        yield made


def polled(reader: Reader, seconds: int = 3) -> list[Raw]:
    """What the next poll that is not empty gives."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := reader.poll(200):
            return [raw for part in found.values() for raw in part]
    return []


def until_raised(reader: Reader, kind: type[Exception]) -> Exception:
    """The error that polling ends in, within ten seconds."""
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        while time.monotonic() - began < 10:
            reader.poll(200)
    assert time.monotonic() - began < 10
    return caught.value


# -- what is read --------------------------------------------------------------------------------------------------


def test_an_open_transaction_is_not_read_until_it_is_committed(
    kafka: Kafka, reader: Reader, source: str, topic: str
) -> None:
    which = (topic, 0)
    with Publisher(kafka.access(), f"onecard-test-{source}") as publisher:
        publisher.begin()
        send(publisher, topic, [b"one", b"two"])
        publisher._settle()
        reader.assign({which: None})

        assert reader.poll(500) == {}
        assert (reader.stable_ends([which])[which], reader.high_watermarks([which])[which]) == (0, 2)

        publisher.commit()
        assert [raw.value for raw in polled(reader)] == [b"one", b"two"]
        # The marker of the commit has an offset too, and no record.
        assert reader.stable_ends([which]) == reader.high_watermarks([which]) == {which: 3}


def test_a_reader_stands_behind_what_is_no_record(kafka: Kafka, reader: Reader, source: str, topic: str) -> None:
    with Publisher(kafka.access(), f"onecard-test-{source}") as publisher:
        publisher.begin()
        send(publisher, topic, [b"taken back"] * 3)
        publisher._settle()
        publisher.abort()
    publish(kafka.access(), f"onecard-test-{source}", topic, [b"kept"])

    (kept,) = drain(reader, (topic, 0))

    assert (kept.value, kept.offset) == (b"kept", 4)
    assert reader.position((topic, 0)) == 6


def test_reading_begins_where_it_is_told_to(kafka: Kafka, reader: Reader, source: str, topic: str) -> None:
    publish(kafka.access(), f"onecard-test-{source}", topic, [b"0", b"1", b"2"])
    which = (topic, 0)

    reader.assign({which: 2, (topic, 1): None})
    assert [raw.value for raw in polled(reader)] == [b"2"]
    reader.seek(which, 1)
    assert [raw.value for raw in polled(reader)] == [b"1", b"2"]
    reader.assign({which: None})
    assert [raw.value for raw in polled(reader)] == [b"0", b"1", b"2"]


def test_no_more_is_given_than_was_asked_for(kafka: Kafka, reader: Reader, source: str, topic: str) -> None:
    publish(kafka.access(), f"onecard-test-{source}", topic, [b"%d" % n for n in range(10)])
    reader.assign({(topic, 0): None})

    assert [raw.offset for raw in [*_next(reader, 4), *_next(reader, 4), *_next(reader, 4)]] == list(range(10))


def _next(reader: Reader, most: int) -> list[Raw]:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if found := reader.poll(200, most):
            (records,) = found.values()
            assert len(records) <= most
            return records
    raise AssertionError("nothing came")


def test_a_paused_partition_waits_and_loses_nothing(kafka: Kafka, reader: Reader, source: str, topic: str) -> None:
    for partition in (0, 1):
        publish(kafka.access(), f"onecard-test-{source}", topic, [b"%d" % partition] * 3, partition)
    reader.assign({(topic, 0): None, (topic, 1): None})
    reader.pause([(topic, 1)])

    assert {raw.partition for raw in polled(reader)} == {0}
    assert reader.poll(300) == {}
    reader.resume([(topic, 1)])
    assert [raw.value for raw in polled(reader)] == [b"1"] * 3


def test_offsets_are_found_by_time(kafka: Kafka, reader: Reader, source: str, topic: str) -> None:
    publish(kafka.access(), f"onecard-test-{source}", topic, [b"0", b"1", b"2"])
    which: list[Partition] = [(topic, 0), (topic, 1)]

    assert reader.offsets_for_times(dict.fromkeys(which, AT_MS + 1)) == {which[0]: 1, which[1]: None}
    # Behind the last record lies the marker of its commit, which was written now.
    assert reader.offsets_for_times({which[0]: AT_MS + 3}) == {which[0]: 3}
    assert reader.offsets_for_times({which[0]: 1_000 * AT_MS}) == {which[0]: None}


def test_ends_are_told_of_topics_that_are_not_being_read(
    kafka: Kafka, reader: Reader, source: str, topic: str, other: str
) -> None:
    """The client leaves a partition whose leader it does not know yet out of its answer."""
    publish(kafka.access(), f"onecard-test-{source}", other, [b"0"])
    reader.assign({(topic, 0): None})

    assert reader.stable_ends([(topic, 0), (other, 0)]) == {(topic, 0): 0, (other, 0): 2}
    with Reader(kafka.access()) as fresh:
        fresh.stable_ends([(topic, 0)])
        assert fresh.offsets_for_times({(topic, 0): AT_MS, (other, 0): AT_MS}) == {(topic, 0): None, (other, 0): 0}
    with Reader(kafka.access()) as fresh:
        fresh.stable_ends([(topic, 0)])
        assert fresh.high_watermarks([(topic, 0), (other, 0)]) == {(topic, 0): 0, (other, 0): 2}
        assert fresh.beginning_offsets([]) == {}


def test_reading_leaves_no_group_and_no_offset_behind(kafka: Kafka, source: str, topic: str) -> None:
    publish(kafka.access(), f"onecard-test-{source}", topic, [b"0"])
    with kafka.admin() as admin:
        before = {group["group_id"] for group in admin.list_groups()}
        assert values(kafka.access(), topic) == [b"0"]
        assert {group["group_id"] for group in admin.list_groups()} <= before


# -- what cannot be read -------------------------------------------------------------------------------------------


def granted(kafka: Kafka, user: str, *rights: tuple[str, str]) -> Reader:
    """A reader of a user who has these rights, (operation, topic), and no others."""
    access = kafka.access(user)
    with Cluster(kafka.access()) as cluster:
        principal = f"User:{user}"
        cluster.delete_acls(right for right in cluster.acls() if right.principal == principal)
        cluster.create_acls(Right(principal, operation, "TOPIC", name) for operation, name in rights)
    until_seen(access, [name for _, name in rights])
    return Reader(access)


def refused(act: object) -> BrokerProblem:
    began = time.monotonic()
    with pytest.raises(BrokerProblem) as caught:
        act()  # type: ignore[operator]
    assert time.monotonic() - began < 10
    return caught.value


def test_a_topic_of_another_family_is_not_allowed(kafka: Kafka, source: str, topic: str, other: str) -> None:
    publish(kafka.access(), f"onecard-test-{source}", topic, [b"fare"])
    with granted(kafka, USER, ("READ", topic)) as reader:
        assert [raw.value for raw in drain(reader, (topic, 0))] == [b"fare"]

        problem = refused(lambda: reader.assign({(other, 0): None}))

    assert problem.code == "not_allowed" and other in str(problem) and USER in str(problem)


def test_a_topic_that_may_be_seen_and_not_read_is_not_allowed(kafka: Kafka, topic: str) -> None:
    with granted(kafka, USER, ("DESCRIBE", topic)) as reader:
        reader.assign({(topic, 0): None})
        problem = until_raised(reader, BrokerProblem)

    assert isinstance(problem, BrokerProblem) and problem.code == "not_allowed" and topic in str(problem)


@pytest.mark.slow
def test_a_right_that_is_taken_away_while_reading_is_told(kafka: Kafka, topic: str) -> None:
    with granted(kafka, USER, ("READ", topic)) as reader:
        reader.assign({(topic, 0): None})
        assert reader.poll(300) == {}
        with Cluster(kafka.access()) as cluster:
            cluster.delete_acls([Right(f"User:{USER}", "READ", "TOPIC", topic)])

        problem = until_raised(reader, BrokerProblem)

    assert isinstance(problem, BrokerProblem) and problem.code == "not_allowed"


def test_an_unknown_topic_is_told_and_not_made(kafka: Kafka, reader: Reader, topic: str) -> None:
    problem = refused(lambda: reader.assign({(topic, 0): None, ("onecard.nothing.v1", 0): None}))
    assert problem.code == "topic_unknown" and "onecard.nothing.v1" in str(problem)
    assert refused(lambda: reader.stable_ends([("onecard.nothing.v1", 0)])).code == "topic_unknown"
    assert refused(lambda: reader.offsets_for_times({("onecard.nothing.v1", 0): 0})).code == "topic_unknown"

    with Cluster(kafka.access()) as cluster:
        assert "onecard.nothing.v1" not in cluster.topics()


@pytest.mark.slow
def test_a_topic_that_is_deleted_while_it_is_read_is_told(kafka: Kafka, reader: Reader, topic: str) -> None:
    reader.assign({(topic, 0): None})
    assert reader.poll(300) == {}
    with Cluster(kafka.access()) as cluster:
        cluster.delete([topic])

    problem = until_raised(reader, BrokerProblem)

    assert isinstance(problem, BrokerProblem) and problem.code == "topic_unknown"


def test_a_partition_that_the_topic_has_not_is_told(reader: Reader, topic: str) -> None:
    assert "3 partitions" in str(refused(lambda: reader.assign({(topic, 3): None})))


def test_a_beginning_that_was_deleted_is_truncated(kafka: Kafka, reader: Reader, source: str, topic: str) -> None:
    publish(kafka.access(), f"onecard-test-{source}", topic, [b"%d" % n for n in range(5)])
    with kafka.admin() as admin:
        admin.delete_records({TopicPartition(topic, 0): 3})
    assert reader.beginning_offsets([(topic, 0)]) == {(topic, 0): 3}
    reader.assign({(topic, 0): 1})

    problem = until_raised(reader, Truncated)

    assert isinstance(problem, Truncated)
    assert (problem.topic, problem.partition, problem.offset) == (topic, 0, 1)


def test_an_offset_beyond_the_end_is_truncated(reader: Reader, topic: str) -> None:
    reader.assign({(topic, 0): 1_000})

    until_raised(reader, Truncated)
