"""What is planted on real topics is found, typed and placed, and nothing else is."""

from pathlib import Path

import pytest

from projections.relay.page import Message
from projections.topics.envelope import Headers
from tests.fix_kafka import Kafka
from tests.fix_stores import Store
from tests.projections.planted import Change, changed, check, found, neighbours, place, plant, subject
from tests.projections.relay.rig import Rig


@pytest.fixture
def rig(kafka: Kafka, store: Store, tmp_path: Path) -> Rig:
    made = Rig.of(kafka, store)
    made.submit(tmp_path, 7, 150)
    return made


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
