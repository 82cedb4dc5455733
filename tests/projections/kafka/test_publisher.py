"""A transaction is on the topics whole or not at all, and a failure is never taken for a success."""

import time

import pytest
from kafka import KafkaProducer

from projections.kafka.access import Access, BrokerProblem, Fenced
from projections.kafka.cluster import Cluster, Right
from projections.kafka.publisher import Publisher
from projections.kafka.reader import Reader
from tests.fix_kafka import Kafka
from tests.projections.kafka.book import AT_MS, HEADERS, KEY, records, send, until_gone, until_seen, values


def test_a_committed_record_is_read_as_it_was_sent(kafka: Kafka, publisher: Publisher, topic: str) -> None:
    publisher.begin()
    publisher.send(topic, 2, KEY, b"\x00\x01value", HEADERS, AT_MS)
    publisher.send(topic, 2, None, b"", [], AT_MS + 1)
    publisher.commit()

    first, second = records(kafka.access(), topic, [2])
    assert (first.key, first.value, first.headers, first.timestamp) == (KEY, b"\x00\x01value", HEADERS, AT_MS)
    assert (second.key, second.value, second.headers, second.timestamp) == (None, b"", [], AT_MS + 1)
    assert values(kafka.access(), topic, [0, 1]) == []


def test_thousands_of_records_arrive_in_order_over_several_transactions(
    kafka: Kafka, publisher: Publisher, topic: str, other: str
) -> None:
    for page in range(3):
        publisher.begin()
        for number in range(1_000):
            publisher.send((topic, other)[number % 2], 1, KEY, b"%d" % (page * 1_000 + number), HEADERS, AT_MS)
        publisher.commit()

    assert values(kafka.access(), topic, [1]) == [b"%d" % number for number in range(0, 3_000, 2)]
    assert values(kafka.access(), other, [1]) == [b"%d" % number for number in range(1, 3_000, 2)]


def test_partitions_told_beforehand_are_asked_for_by_one_question(
    kafka: Kafka, publisher: Publisher, topic: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [(name, partition) for name in (topic, other) for partition in range(kafka.topology.partitions)]
    questions: list[None] = []
    for values_sent in ([b"known"], [b"told", b"as well"]):
        publisher.begin(places)
        for name, partition in places:
            send(publisher, name, values_sent, partition)
        publisher.deliver()
        publisher.commit()
        if not questions:
            manager = publisher._producer._transaction_manager  # type: ignore[union-attr]
            ask = manager._add_partitions_to_transaction_handler
            monkeypatch.setattr(
                manager, "_add_partitions_to_transaction_handler", lambda ask=ask: questions.append(None) or ask()
            )

    assert len(questions) == 1
    for name, partition in places:
        assert values(kafka.access(), name, [partition]) == [b"known", b"told", b"as well"]


def test_a_partition_that_was_not_told_beforehand_is_written_as_well(
    kafka: Kafka, publisher: Publisher, topic: str
) -> None:
    for told in ([], [(topic, 0)], [(topic, 0)]):
        publisher.begin(told)
        send(publisher, topic, [b"a"], 0)
        send(publisher, topic, [b"b"], 1)
        publisher.commit()

    assert values(kafka.access(), topic, [0]) == [b"a"] * 3
    assert values(kafka.access(), topic, [1]) == [b"b"] * 3


def test_an_empty_transaction_commits(publisher: Publisher) -> None:
    publisher.begin()
    publisher.commit()
    publisher.begin()
    publisher.commit()


def test_an_aborted_transaction_is_read_by_nobody_and_holds_nobody_up(
    kafka: Kafka, publisher: Publisher, topic: str
) -> None:
    publisher.begin()
    send(publisher, topic, [b"taken", b"back"])
    publisher.abort()
    publisher.open()
    publisher.begin()
    send(publisher, topic, [b"kept"])
    publisher.commit()

    assert values(kafka.access(), topic) == [b"kept"]


def test_leaving_on_an_error_takes_the_transaction_back_at_once(kafka: Kafka, source: str, topic: str) -> None:
    with pytest.raises(ZeroDivisionError), Publisher(kafka.access(), f"onecard-test-{source}") as publisher:
        publisher.begin()
        send(publisher, topic, [b"taken back"])
        publisher._settle()
        raise ZeroDivisionError

    with Reader(kafka.access()) as reader:
        assert reader.stable_ends([(topic, 0)]) == reader.high_watermarks([(topic, 0)])
    assert values(kafka.access(), topic) == []


# -- one partition fails and the others do not ---------------------------------------------------------------------


class ClientAlone(KafkaProducer):
    """The client's own producer, but for the logger that it silences when it ends."""

    def __del__(self) -> None:
        pass


@pytest.mark.slow
def test_a_partition_that_cannot_be_written_keeps_the_whole_transaction_back(
    kafka: Kafka, publisher: Publisher, topic: str, other: str
) -> None:
    publisher.begin()
    send(publisher, topic, [b"one"])
    send(publisher, other, [b"two"])
    publisher._settle()
    until_gone(kafka, other)
    send(publisher, topic, [b"three"])
    send(publisher, other, [b"four"])
    began = time.monotonic()

    with pytest.raises(BrokerProblem) as caught:
        publisher.commit()

    assert caught.value.code in ("timed_out", "topic_unknown")
    assert time.monotonic() - began < 10
    assert values(kafka.access(), topic) == []


@pytest.mark.slow
def test_the_client_alone_commits_the_half_that_arrived(kafka: Kafka, source: str, topic: str, other: str) -> None:
    """The trap that the guard above is for: writes to a topic that is gone fail with an error that the client retries
    until its time is over. When this fails, the client has mended it: say so in ADR 17."""
    producer = ClientAlone(
        bootstrap_servers=kafka.local, transactional_id=f"alone-{source}", delivery_timeout_ms=3_000,
        request_timeout_ms=2_000,
    )  # fmt: skip
    try:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(topic, b"one", partition=0)
        producer.send(other, b"two", partition=0)
        producer.flush()
        until_gone(kafka, other)
        producer.send(topic, b"three", partition=0)
        failed = producer.send(other, b"four", partition=0)
        producer.commit_transaction()
    finally:
        producer.close()

    assert failed.failed()
    assert values(kafka.access(), topic) == [b"one", b"three"]


def test_a_sequence_that_the_broker_refuses_ends_the_transaction_instead_of_losing_it(
    kafka: Kafka, publisher: Publisher, topic: str
) -> None:
    from kafka import TopicPartition

    publisher.begin()
    send(publisher, topic, [b"first"])
    publisher._settle()
    assert publisher._producer is not None
    publisher._producer._transaction_manager.set_sequence_number(TopicPartition(topic, 0), 4_711)
    send(publisher, topic, [b"second"])

    with pytest.raises(BrokerProblem):
        publisher.commit()
    publisher.open()

    assert values(kafka.access(), topic) == []


def test_a_changed_epoch_is_no_commit(publisher: Publisher, topic: str) -> None:
    publisher.begin()
    send(publisher, topic, [b"value"])
    publisher._identity = (0, 0)

    with pytest.raises(BrokerProblem, match="epoch"):
        publisher.commit()


# -- another publisher ---------------------------------------------------------------------------------------------


def test_a_publisher_whose_place_was_taken_is_fenced_and_publishes_nothing(
    kafka: Kafka, publisher: Publisher, topic: str
) -> None:
    publisher.begin()
    send(publisher, topic, [b"before"])
    publisher._settle()

    with Publisher(kafka.access(), publisher.transactional_id) as second:
        send_to_the_fenced = pytest.raises(Fenced)
        with send_to_the_fenced as caught:
            send(publisher, topic, [b"after"], partition=1)
            publisher.commit()
        publisher.close()
        second.begin()
        send(second, topic, [b"by the second"])
        second.commit()

    assert caught.value.code == "fenced"
    assert values(kafka.access(), topic, [0, 1]) == [b"by the second"]


def test_a_fenced_publisher_that_had_sent_everything_cannot_commit(
    kafka: Kafka, publisher: Publisher, topic: str
) -> None:
    publisher.begin()
    send(publisher, topic, [b"first's"])
    publisher._settle()

    with Publisher(kafka.access(), publisher.transactional_id) as second:
        with pytest.raises(Fenced):
            publisher.commit()
        second.begin()
        second.commit()

    assert values(kafka.access(), topic) == []


# -- rights and names ----------------------------------------------------------------------------------------------


def allowed(kafka: Kafka, user: str, source: str, *topics: str) -> Access:
    """A user who may write these topics under transactional ids that begin with its own name."""
    access = kafka.access(user)
    rights = [Right(f"User:{user}", "WRITE", "TRANSACTIONAL_ID", f"{user}-", "PREFIXED")]
    rights += [Right(f"User:{user}", "WRITE", "TOPIC", topic) for topic in topics]
    with Cluster(kafka.access()) as cluster:
        cluster.create_acls(rights)
    until_seen(access, topics)
    return access


def test_a_topic_that_may_not_be_written_is_named_and_nothing_is_published(
    kafka: Kafka, source: str, topic: str, other: str
) -> None:
    access = allowed(kafka, "onecard-writer-k1", source, topic)
    began = time.monotonic()

    with Publisher(access, f"onecard-writer-k1-{source}") as publisher:
        publisher.begin()
        send(publisher, topic, [b"mine"])
        with pytest.raises(BrokerProblem) as caught:
            send(publisher, other, [b"not mine"])
            publisher.commit()

    assert caught.value.code == "not_allowed" and other in str(caught.value)
    assert time.monotonic() - began < 10
    assert values(kafka.access(), topic) == []


def test_a_topic_that_may_be_read_only_is_not_written(kafka: Kafka, source: str, topic: str, other: str) -> None:
    access = allowed(kafka, "onecard-writer-k1", source, topic)
    with Cluster(kafka.access()) as cluster:
        cluster.create_acls([Right("User:onecard-writer-k1", "READ", "TOPIC", other)])
    until_seen(access, [topic, other])

    with Publisher(access, f"onecard-writer-k1-{source}", [topic, other]) as publisher:
        publisher.begin()
        send(publisher, topic, [b"mine"])
        with pytest.raises(BrokerProblem) as caught:
            send(publisher, other, [b"not mine"])
            publisher.commit()

    assert caught.value.code == "not_allowed"
    assert values(kafka.access(), topic) == values(kafka.access(), other) == []


def test_another_sources_transactional_id_is_not_allowed(kafka: Kafka, source: str, topic: str) -> None:
    access = allowed(kafka, "onecard-writer-k1", source, topic)

    with pytest.raises(BrokerProblem, match="transactional id") as caught:
        Publisher(access, f"onecard-relay-{source}").open()

    assert caught.value.code == "not_allowed"


def test_an_unknown_topic_is_told_before_anything_is_sent(kafka: Kafka, topic: str) -> None:
    with pytest.raises(BrokerProblem, match="onecard topics apply") as caught:
        Publisher(kafka.access(), "onecard-test-unknown", [topic, "onecard.nothing.v1"]).open()

    assert caught.value.code == "topic_unknown" and "onecard.nothing.v1" in str(caught.value)


@pytest.mark.slow
def test_a_topic_that_is_unknown_when_it_is_sent_to_is_told_in_time_and_not_made(
    kafka: Kafka, publisher: Publisher
) -> None:
    began = time.monotonic()
    publisher.begin()

    with pytest.raises(BrokerProblem):
        publisher.send("onecard.nothing.v1", 0, KEY, b"value", [], AT_MS)

    assert time.monotonic() - began < 10
    with Cluster(kafka.access()) as cluster:
        assert "onecard.nothing.v1" not in cluster.topics()


def test_a_partition_that_the_topic_has_not_is_refused(publisher: Publisher, topic: str) -> None:
    publisher.begin()

    with pytest.raises(BrokerProblem, match="partition 99"):
        publisher.send(topic, 99, KEY, b"value", [], AT_MS)


def test_a_record_larger_than_the_brokers_take_is_refused_and_nothing_is_published(
    kafka: Kafka, publisher: Publisher, topic: str
) -> None:
    publisher.begin()
    send(publisher, topic, [b"small"])

    with pytest.raises(BrokerProblem):
        send(publisher, topic, [b"ab" * (5 << 20)])
        publisher.commit()

    assert values(kafka.access(), topic) == []
