"""Topics as the relay would have filled them, but for one change; and what the comparison with the store finds."""

from collections.abc import Callable
from contextlib import closing

from projections.kafka.publisher import Publisher
from projections.relay.page import Message, Pages
from projections.topics.topology import transactional_id
from projections.verification import topics
from projections.verification.report import Report
from projections.verification.topics import Published, Topics
from tests.projections.relay.rig import READER_ROLE, Rig

Change = Callable[[list[Message]], list[Message]]


def check(rig: Rig, user: str | None = None, stream: str | None = None) -> tuple[Report, Published]:
    report = Report()
    published = Topics(rig.kafka.access(user), rig.kafka.topology, rig.source)
    published.require_readable()
    with closing(rig.store.connect(READER_ROLE)) as connection:
        reached = topics.check(connection, published, rig.store_id, report, lambda _: None, stream)
    return report, reached


def found(rig: Rig, stream: str | None = None) -> list[tuple[str, str, int | None]]:
    return [(one.kind, one.subject, one.position) for one in check(rig, stream=stream)[0].findings]


def sent(rig: Rig) -> list[Message]:
    """What the relay sends for the whole log in one page, its progress last."""
    with rig.log() as log:
        pages = Pages(rig.store_id, rig.source, rig.kafka.topology)
        return pages.page(log.page(0, 1_000_000), pages.nothing()).messages


def plant(rig: Rig, change: Change = list, with_progress: bool = True) -> list[Message]:
    """Publish the log as the relay would, but changed; what the relay would have sent."""
    *messages, progress = sent(rig)
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


def changed(number: int, **parts: object) -> Change:
    """One message with some of its parts exchanged."""
    names = ("topic", "partition", "key", "value", "headers", "timestamp")

    def change(messages: list[Message]) -> list[Message]:
        given = dict(zip(names, messages[number], strict=True))
        made = {name: part(given[name]) if callable(part) else part for name, part in parts.items()}
        return [*messages[:number], tuple((given | made).values()), *messages[number + 1 :]]  # type: ignore[list-item]

    return change
