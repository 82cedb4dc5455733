"""A store's events on topics of a source of the test's own, published as the relay does, rightly or with a fault."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from ledger.store.recorder import History
from projections.feed.topic import TopicFeed
from projections.kafka.publisher import Publisher
from projections.relay.page import Message, Pages
from projections.relay.progress import Progress
from tests.fix_kafka import Kafka
from tests.fix_stores import Store

STORE_ID = "11111111-2222-3333-4444-555555555555"
Change = Callable[[list[Message]], Sequence[Message]]


@dataclass
class Planting:
    """`publish` puts the next events of the store on the topics; a change of the messages plants a fault."""

    store: Store
    kafka: Kafka
    source: str
    progress: Progress | None = None
    store_id: str = STORE_ID

    @property
    def position(self) -> int:
        return self.progress.position if self.progress else 0

    def next(self, count: int = 1_000_000) -> list[Message]:
        """The messages of the next events; the relay's progress is the last."""
        pages = Pages(self.store_id, self.source, self.kafka.topology)
        with closing(self.store.connect()) as connection:
            rows = History(connection).rows(self.position, count)
        page = pages.page(rows, self.progress or pages.nothing())
        self.progress = page.progress
        return page.messages

    def publish(self, count: int = 1_000_000, change: Change = list, size: int = 100) -> None:
        """As the relay would, in transactions of `size` records. A change sees the messages all together."""
        messages = change(self.next(count))
        with Publisher(self.kafka.access(), f"onecard-relay-{self.source}") as publisher:
            for start in range(0, len(messages), size):
                publisher.begin()
                for message in messages[start : start + size]:
                    publisher.send(*message)
                publisher.commit()

    def send(self, messages: Sequence[Message]) -> None:
        """Just these, committed."""
        with Publisher(self.kafka.access(), f"onecard-relay-{self.source}") as publisher:
            publisher.begin()
            for message in messages:
                publisher.send(*message)
            publisher.commit()

    def feed(self, certain: bool = True, user: str | None = None) -> TopicFeed:
        access = replace(self.kafka.access(user), client_id="follower")
        return TopicFeed(access, self.kafka.topology, self.source, certain)


def position_of(message: Message) -> int:
    """0 for the relay's progress."""
    return int(dict(message[4]).get("position", b"0"))
