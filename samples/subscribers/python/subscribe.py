"""Prints events as they are published: python subscribe.py BROKERS REGISTRY GROUP TOPIC..."""

import json
import sys
import uuid

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

brokers, registry, group, *topics = sys.argv[1:]
own = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
consumer = Consumer({"bootstrap.servers": brokers, "isolation.level": "read_committed", **own})
consumer.subscribe(topics)
deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
last: dict[tuple[str, int], int] = {}  # keep this with what you make of the events, in one transaction


def text(value: object) -> str:
    """What JSON has no word for: ids come as 16 bytes, digests and keys as 32, dates and times as Python's own."""
    if isinstance(value, bytes):
        return str(uuid.UUID(bytes=value)) if len(value) == 16 else value.hex()
    return str(value)


while True:
    records = consumer.consume(500, timeout=1)
    for record in records:
        if record.error():
            raise KafkaException(record.error())
        header = {name: value.decode() for name, value in record.headers()}
        place, position, before = (
            (record.topic(), record.partition()),
            int(header["position"]),
            int(header["prev_position"]),
        )
        if position <= last.get(place, 0):
            continue  # read before
        if before != last.get(place, before):
            raise SystemExit(f"{place}: a record is missing between positions {last[place]} and {position}")
        event = deserialize(record.value(), SerializationContext(record.topic(), MessageField.VALUE))
        print(json.dumps({"id": header["ce_id"], "type": header["ce_type"], "event": event}, default=text), flush=True)
        last[place] = position
    if records:
        consumer.commit(asynchronous=False)
