"""Store bytes = topic bytes: what the relay published is found whole, and topics are judged as a whole."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Cluster, Right
from projections.kafka.publisher import Publisher
from projections.relay import relay
from projections.verification.topics import Published
from tests.fix_kafka import Kafka
from tests.fix_stores import Store
from tests.projections.kafka.book import damage_batch, until_gone
from tests.projections.planted import check, found, neighbours, place, plant, sent, subject
from tests.projections.relay.rig import Rig


@pytest.fixture
def rig(kafka: Kafka, store: Store, tmp_path: Path) -> Rig:
    made = Rig.of(kafka, store)
    made.submit(tmp_path, 7, 150)
    return made


def test_what_the_relay_published_is_the_store(rig: Rig) -> None:
    rig.publish()

    report, reached = check(rig)

    assert report.findings == []
    assert report.records == rig.head() == reached.position == reached.head


def test_an_empty_store_and_empty_topics_are_the_same(kafka: Kafka, store: Store) -> None:
    report, reached = check(Rig.of(kafka, store))

    assert (report.findings, report.records, reached) == ([], 0, Published(0, 0))


def test_what_is_not_published_yet_is_told_and_no_finding(rig: Rig, tmp_path: Path) -> None:
    rig.publish()
    published = rig.head()
    rig.submit(tmp_path, 8, 50)

    report, reached = check(rig)

    assert report.findings == []
    assert reached == Published(published, rig.head()) and published < rig.head()


def test_a_store_that_was_never_published_has_nothing_missing(rig: Rig) -> None:
    assert check(rig)[1] == Published(0, rig.head())
    assert found(rig) == []


def test_aborted_and_open_transactions_are_no_records(rig: Rig) -> None:
    rig.publish()
    with Publisher(rig.kafka.access(), "onecard-test-vain") as publisher:
        publisher.begin()
        publisher.send(rig.kafka.topology.events("card", rig.source), 0, b"key", b"in vain", [], 1)
        publisher._settle()
        publisher.abort()

    assert found(rig) == []


@pytest.mark.slow
def test_a_relay_that_publishes_meanwhile_is_no_finding(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (8, 9):
        rig.submit(tmp_path, seed, 600)
    monkeypatch.setattr(relay, "MOST_RECORDS", 3)
    publishing = threading.Thread(target=rig.publish)
    publishing.start()
    seen = []
    while publishing.is_alive():
        report, reached = check(rig)
        assert report.findings == []
        seen.append(reached.position)
    publishing.join()

    assert len(set(seen)) > 1, seen
    assert check(rig)[1].position == rig.head()


# -- the relay's progress, and topics as a whole -------------------------------------------------------------------


def test_records_without_a_progress_would_be_published_again(rig: Rig) -> None:
    plant(rig, with_progress=False)

    assert found(rig) == [("record_missing", rig.kafka.topology.relay(rig.source), None)]


def test_a_store_behind_its_topics_is_found(rig: Rig) -> None:
    rig.publish()
    head = rig.head()
    with closing(rig.store.connect()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM ledger.events WHERE notification_id > %s", (head - 2,))

    relay = rig.kafka.topology.relay(rig.source)
    kinds = [(kind, position) for kind, subject, position in found(rig) if subject != relay]
    assert kinds == [("record_extra", head - 1), ("record_extra", head)]
    assert ("record_extra", relay, head) in found(rig)


def test_the_topics_of_another_store_are_not_this_ones(rig: Rig) -> None:
    rig.publish()
    rig.store_id = "00000000-0000-4000-8000-000000000000"

    assert found(rig) == [("record_differs", rig.kafka.topology.relay(rig.source), rig.head())]


def test_a_truncated_topic_is_found_with_all_that_is_gone(rig: Rig) -> None:
    from kafka import TopicPartition

    rig.publish()
    messages = sent(rig)[:-1]
    number = neighbours(messages)[1]
    topic, partition = place(messages[number])
    with rig.kafka.admin() as admin:
        admin.delete_records({TopicPartition(topic, partition): 2})

    gone = [n for n, one in enumerate(messages) if place(one) == (topic, partition)][:2]
    name = f"{topic}/{partition}"
    assert found(rig) == [("record_missing", name, n + 1) for n in gone] + [("record_missing", name, None)]


def test_a_progress_that_is_none_is_foreign(rig: Rig) -> None:
    rig.publish()
    relay = rig.kafka.topology.relay(rig.source)
    with Publisher(rig.kafka.access(), "onecard-test-foreign") as publisher:
        publisher.begin()
        publisher.send(relay, 0, b"key", b"no progress", [], 1)
        publisher.commit()

    assert ("record_extra", relay, None) in found(rig)


@pytest.mark.slow
def test_a_batch_that_cannot_be_read_is_found_and_what_lies_behind_it_is_missing(
    own_broker: Kafka, store: Store, tmp_path: Path
) -> None:
    rig = Rig.of(own_broker, store)
    rig.submit(tmp_path, 7, 60)
    messages = plant(rig)
    topic, partition = place(messages[neighbours(messages)[0]])
    assert own_broker.broker is not None
    # Stopped in good order, it does not look through its logs when it starts.
    own_broker.broker.stop(lambda _: None)
    damage_batch(own_broker.broker.data / f"{topic}-{partition}", 0)
    own_broker.revive()

    report, _ = check(rig)

    gone = [number for number, one in enumerate(messages, 1) if place(one) == (topic, partition)]
    assert [(one.kind, one.position) for one in report.findings] == [
        *(("record_missing", position) for position in gone),
        ("record_differs", None),
    ]
    assert report.findings[-1].subject == f"{topic}/{partition}@0"
    assert report.records == len(messages) - len(gone)


def test_a_forbidden_topic_is_a_problem_and_no_finding(rig: Rig) -> None:
    user = "onecard-reader-k1-some"
    rig.kafka.access(user)
    with Cluster(rig.kafka.access()) as cluster:
        cluster.create_acls(
            Right(f"User:{user}", "READ", "TOPIC", topic)
            for topic in rig.kafka.topics_of(rig.source)
            if ".medical." not in topic
        )

    with pytest.raises(BrokerProblem) as caught:
        check(rig, user)

    assert caught.value.code == "not_allowed" and ".medical." in str(caught.value)


def test_a_missing_topic_is_a_problem_and_no_finding(rig: Rig) -> None:
    until_gone(rig.kafka, rig.kafka.topology.events("transit", rig.source))

    with pytest.raises(BrokerProblem) as caught:
        check(rig)

    assert caught.value.code == "topic_unknown"


# -- one card ------------------------------------------------------------------------------------------------------


def a_card(rig: Rig) -> Iterator[tuple[str, list[int]]]:
    by_stream: dict[str, list[int]] = {}
    for position, stream, _ in rig.stored():
        by_stream.setdefault(stream, []).append(position)
    yield from sorted(by_stream.items(), key=lambda item: -len(item[1]))


def test_one_card_is_compared_by_itself(rig: Rig) -> None:
    (stream, positions), (other, others), *_ = a_card(rig)
    plant(rig, lambda messages: [one for n, one in enumerate(messages, 1) if n != positions[1]])

    assert [(kind, position) for kind, _, position in found(rig, stream)] == [("record_missing", positions[1])]
    report, _ = check(rig, stream=other)
    assert (report.findings, report.records) == ([], len(others))


def test_a_finding_says_where_the_first_of_two_is(rig: Rig) -> None:
    messages = plant(rig, lambda messages: [*messages, messages[0]])

    (finding,) = check(rig)[0].findings
    assert subject(messages, 0) in finding.detail
