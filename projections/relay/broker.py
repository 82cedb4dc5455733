"""How the relay of a source comes to Kafka: a publisher under its own transactional id, and a reader."""

from dataclasses import dataclass

from projections.kafka.access import Access
from projections.kafka.publisher import Publisher
from projections.kafka.reader import Reader
from projections.topics.topology import transactional_id


@dataclass(frozen=True, slots=True)
class Broker:
    """`linger_ms`: how long the producer waits for more records of a batch; a page is flushed at its end anyway."""

    access: Access
    source: str
    linger_ms: int = 5

    def publisher(self) -> Publisher:
        """Not open yet: opening it fences every other publisher of this source."""
        return Publisher(self.access, transactional_id(self.source), linger_ms=self.linger_ms)

    def reader(self) -> Reader:
        return Reader(self.access)
