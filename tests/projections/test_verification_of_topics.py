"""Store bytes = topic bytes: what is planted on real topics is found, typed, and nothing else is."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from projections.findings import Finding
from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Cluster, Right
from projections.kafka.publisher import Publisher
from projections.relay.page import Message, Pages
from projections.topics.envelope import Headers
from projections.topics.topology import transactional_id
from projections.verification import topics
from projections.verification.report import Report
from projections.verification.topics import Published, Topics
from tests.fix_kafka import Kafka
from tests.fix_stores import Store
from tests.projections.relay.rig import READER_ROLE, Rig

Change = Callable[[list[Message]], list[Message]]
LINES = 150


@pytest.fixture
def rig(kafka: Kafka, store: Store, tmp_path: Path) -> Rig:
    made = Rig.of(kafka, store)
    made.submit(tmp_path, 7, LINES)
    return made


def check(rig: Rig, user: str | None = None, stream: str | None = None) -> tuple[Report, Published]:
    report = Report()
    published = Topics(rig.kafka.access(user), rig.kafka.topology, rig.source)
    published.require_readable()
    with closing(rig.store.connect(READER_ROLE)) as connection:
        reached = topics.check(connection, published, rig.store_id, report, lambda _: None, stream)
    return report, reached


def found(rig: Rig, stream: str | None = None) -> list[tuple[str, str, int | None]]:
    return [(one.kind, one.subject, one.position) for one in check(rig, stream=stream)[0].findings]


def plant(rig: Rig, change: Change = list, with_progress: bool = True) -> list[Message]:
    """Publish the log as the relay would, but changed; what the relay would have sent."""
    with rig.log() as log:
        page = Pages(rig.store_id, rig.source, rig.kafka.topology).page(
            log.page(0, 1_000_000), Pages(rig.store_id, rig.source, rig.kafka.topology).nothing()
        )
    *messages, progress = page.messages
    with Publisher(rig.kafka.access(), transactional_id(rig.source)) as publisher:
        publisher.begin()
        for message in change(list(messages)):
            publisher.send(*message)
        if with_progress:
            publisher.send(*progress)
        publisher.commit()
    return messages


def place(message: Message) -> tuple[str, int]:
    return message[0], message[1]


def subject(messages: list[Message], number: int) -> str:
    """topic/partition@offset of a message when all are sent in their order."""
    topic, partition = place(messages[number])
    offset = sum(1 for one in messages[:number] if place(one) == (topic, partition))
    return f"{topic}/{partition}@{offset}"


def neighbours(messages: list[Message]) -> tuple[int, int]:
    """Numbers of two messages of one partition that follow each other there, neither its first nor its last."""
    by_place: dict[tuple[str, int], list[int]] = {}
    for number, message in enumerate(messages):
        by_place.setdefault(place(message), []).append(number)
    numbers = max(by_place.values(), key=len)
    return numbers[2], numbers[3]


# -- nothing is wrong ----------------------------------------------------------------------------------------------


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


# -- planted -------------------------------------------------------------------------------------------------------


def test_a_missing_record_is_found_where_it_should_be(rig: Rig) -> None:
    gone: list[int] = []

    def change(messages: list[Message]) -> list[Message]:
        gone.append(neighbours(messages)[0])
        return messages[: gone[0]] + messages[gone[0] + 1 :]

    messages = plant(rig, change)

    topic, partition = place(messages[gone[0]])
    assert found(rig) == [("record_missing", f"{topic}/{partition}", gone[0] + 1)]


def test_several_missing_records_in_a_row_are_each_found(rig: Rig) -> None:
    messages = plant(rig, lambda messages: messages[:10] + messages[14:])

    expected = [("record_missing", f"{one[0]}/{one[1]}", number + 1) for number, one in enumerate(messages)][10:14]
    assert found(rig) == expected


def test_a_doubled_record_is_one_too_many(rig: Rig) -> None:
    def change(messages: list[Message]) -> list[Message]:
        number = neighbours(messages)[0]
        return [*messages[: number + 1], messages[number], *messages[number + 1 :]]

    messages = plant(rig, change)

    number, following = neighbours(messages)
    assert found(rig) == [("record_extra", subject(messages, following), number + 1)]


def test_a_record_that_comes_again_at_the_end_is_one_too_many(rig: Rig) -> None:
    messages = plant(rig, lambda messages: [*messages, messages[0]])

    last = sum(1 for one in messages if place(one) == place(messages[0]))
    assert found(rig) == [("record_extra", f"{messages[0][0]}/{messages[0][1]}@{last}", 1)]


def test_altered_bytes_differ(rig: Rig) -> None:
    def change(messages: list[Message]) -> list[Message]:
        topic, partition, key, value, headers, timestamp = messages[5]
        altered = value[:-1] + bytes([value[-1] ^ 1])
        return [*messages[:5], (topic, partition, key, altered, headers, timestamp), *messages[6:]]

    messages = plant(rig, change)

    assert found(rig) == [("record_differs", subject(messages, 5), 6)]


def test_bytes_that_are_no_event_differ(rig: Rig) -> None:
    def change(messages: list[Message]) -> list[Message]:
        topic, partition, key, _, headers, timestamp = messages[5]
        return [*messages[:5], (topic, partition, key, b"no event", headers, timestamp), *messages[6:]]

    messages = plant(rig, change)

    assert found(rig) == [("record_differs", subject(messages, 5), 6)]


def changed(number: int, **parts: object) -> Change:
    """One message with some of its parts exchanged."""
    names = ("topic", "partition", "key", "value", "headers", "timestamp")

    def change(messages: list[Message]) -> list[Message]:
        given = dict(zip(names, messages[number], strict=True))
        made = {name: part(given[name]) if callable(part) else part for name, part in parts.items()}
        return [*messages[:number], tuple((given | made).values()), *messages[number + 1 :]]  # type: ignore[list-item]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed(3, key=bytes(16)), "key"),
        (changed(3, timestamp=1), "timestamp"),
        (changed(3, headers=lambda headers: [*headers, ("traceparent", b"00-1-2-03")]), "headers"),
        (changed(3, headers=lambda headers: [(n, b"x" if n == "ce_type" else v) for n, v in headers]), "ce_type"),
        (changed(3, headers=lambda headers: [(n, b"x" if n == "ce_time" else v) for n, v in headers]), "ce_time"),
        (changed(3, headers=lambda headers: [*headers[1:], headers[0]]), "order"),
    ],
)
def test_what_stands_beside_the_bytes_must_follow_from_them(rig: Rig, change: Change, words: str) -> None:
    messages = plant(rig, change)

    (finding,) = check(rig)[0].findings
    assert (finding.kind, finding.subject, finding.position) == ("record_differs", subject(messages, 3), 4)
    assert words in finding.detail


def test_a_record_that_names_another_one_before_it_differs(rig: Rig) -> None:
    def change(messages: list[Message]) -> list[Message]:
        number = neighbours(messages)[0]
        renamed = [(n, b"%d" % (int(v) - 1) if n == "prev_position" else v) for n, v in messages[number][4]]
        return changed(number, headers=renamed)(messages)

    messages = plant(rig, change)

    number = neighbours(messages)[0]
    assert found(rig) == [("record_differs", subject(messages, number), number + 1)]


def test_a_record_in_another_partition_differs(rig: Rig) -> None:
    plant(rig, changed(3, partition=lambda partition: (partition + 1) % 3))

    (finding,) = check(rig)[0].findings
    assert (finding.kind, finding.position) == ("record_differs", 4) and "it belongs to" in finding.detail


def test_a_record_on_another_familys_topic_differs(rig: Rig) -> None:
    service = rig.kafka.topology.events("service", rig.source)
    plant(rig, changed(3, topic=service))

    (finding,) = check(rig)[0].findings
    assert (finding.kind, finding.position) == ("record_differs", 4) and service in finding.subject


def test_two_records_in_the_wrong_order_are_found(rig: Rig) -> None:
    def change(messages: list[Message]) -> list[Message]:
        one, two = neighbours(messages)
        messages[one], messages[two] = messages[two], messages[one]
        return messages

    messages = plant(rig, change)

    one, two = neighbours(messages)
    assert found(rig) == [("record_out_of_order", subject(messages, two), one + 1)]


def at_position(headers: Headers, position: bytes) -> Headers:
    """Headers that agree on another position."""
    source = dict(headers)["ce_id"].split(b"/")[0]
    named = {"position": position, "ce_id": source + b"/" + position}
    return [(name, named.get(name, value)) for name, value in headers]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ([], "ce_specversion is missing"),
        (lambda headers: [(n, v.replace(b"/onecard/", b"/onecard/x")) for n, v in headers], "do not agree"),
        (lambda headers: [(n, b"9" * 19 if n == "position" else v) for n, v in headers], "do not agree"),
        (lambda headers: at_position(headers, b"9" * 19), "is no position"),
    ],
)
def test_a_record_that_nobody_of_us_wrote_is_foreign(rig: Rig, headers: object, words: str) -> None:
    def change(messages: list[Message]) -> list[Message]:
        (foreign,) = changed(0, headers=headers)(messages[:1])
        return [*messages, foreign]

    messages = plant(rig, change)

    (finding,) = check(rig)[0].findings
    last = sum(1 for one in messages if place(one) == place(messages[0]))
    subject = f"{messages[0][0]}/{messages[0][1]}@{last}"
    assert (finding.kind, finding.subject, finding.position) == ("record_extra", subject, None)
    assert words in finding.detail


def test_an_event_that_the_store_has_not_is_one_too_many(rig: Rig) -> None:
    head = rig.head()

    def change(messages: list[Message]) -> list[Message]:
        topic, partition, key, value, headers, timestamp = messages[0]
        return [*messages, (topic, partition, key, value, at_position(headers, b"%d" % (head + 5)), timestamp)]

    plant(rig, change)

    kinds = [(kind, position) for kind, _, position in found(rig)]
    assert ("record_extra", head + 5) in kinds
    assert {kind for kind, _ in kinds} == {"record_extra", "record_missing"}  # the progress does not name it either


def test_everything_at_once_is_each_found_once(rig: Rig) -> None:
    def change(messages: list[Message]) -> list[Message]:
        topic, partition, key, value, headers, timestamp = messages[20]
        altered: Message = topic, partition, key, value[:-1] + bytes([value[-1] ^ 1]), headers, timestamp
        foreign: Message = topic, partition, key, value, [], timestamp
        return [*messages[:10], *messages[11:20], altered, *messages[21:], messages[30], foreign]

    plant(rig, change)

    kinds = sorted(kind for kind, _, _ in found(rig))
    assert kinds == ["record_differs", "record_extra", "record_extra", "record_missing"]


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
    messages = plant_nothing(rig)
    number = neighbours(messages)[1]
    topic, partition = place(messages[number])
    with rig.kafka.admin() as admin:
        admin.delete_records({TopicPartition(topic, partition): 2})

    gone = [n for n, one in enumerate(messages) if place(one) == (topic, partition)][:2]
    name = f"{topic}/{partition}"
    assert found(rig) == [("record_missing", name, n + 1) for n in gone] + [("record_missing", name, None)]


def plant_nothing(rig: Rig) -> list[Message]:
    """What the relay has sent."""
    with rig.log() as log:
        pages = Pages(rig.store_id, rig.source, rig.kafka.topology)
        return pages.page(log.page(0, 1_000_000), pages.nothing()).messages[:-1]


def test_a_progress_that_is_none_is_foreign(rig: Rig) -> None:
    rig.publish()
    relay = rig.kafka.topology.relay(rig.source)
    with Publisher(rig.kafka.access(), "onecard-test-foreign") as publisher:
        publisher.begin()
        publisher.send(relay, 0, b"key", b"no progress", [], 1)
        publisher.commit()

    assert ("record_extra", relay, None) in found(rig)


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
    with Cluster(rig.kafka.access()) as cluster:
        cluster.delete([rig.kafka.topology.events("transit", rig.source)])

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


def test_a_finding_is_told_with_its_place_and_words(rig: Rig) -> None:
    messages = plant(rig, lambda messages: [*messages, messages[0]])

    (finding,) = check(rig)[0].findings
    assert isinstance(finding, Finding)
    assert subject(messages, 0) in finding.detail
    assert hashlib.sha256(messages[0][3]).hexdigest() not in finding.detail
