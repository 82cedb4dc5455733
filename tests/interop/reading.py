"""Everything on some topics, read by a client that knows nothing of us."""

from collections.abc import Sequence

from confluent_kafka import Consumer, Message

from tests.fix_kafka import Kafka


def read(kafka: Kafka, topics: Sequence[str], isolation: str = "read_committed") -> list[Message]:
    """Every record of these topics up to their ends."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.local,
            "group.id": f"reader-of-{topics[0]}-{isolation}",
            "isolation.level": isolation,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    consumer.subscribe(list(topics))
    found, ended = [], 0
    while ended < len(topics) * kafka.topology.partitions:
        message = consumer.poll(30)
        assert message is not None, "Kafka gave nothing for half a minute"
        if message.error():
            ended += 1
        else:
            found.append(message)
    consumer.close()
    return found
