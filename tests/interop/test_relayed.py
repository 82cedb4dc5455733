"""What the relay itself publishes of a simulated day, as a client and a deserializer of others read it."""

from pathlib import Path

import psycopg
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.fix_command import Onecard
from tests.fix_kafka import Kafka
from tests.interop.reading import read

LINES = 1_500


def test_a_day_is_on_the_topics_once_in_order_and_readable(
    onecard: Onecard, kafka: Kafka, unpublished: str, dsn: str, registry_url: str, tmp_path: Path
) -> None:
    day = tmp_path / "day.jsonl"
    onecard("simulate", "--lines", LINES, "--seed", 7, "--out", day)
    onecard("submit", day, "--receipts", tmp_path / "more", "--rejects", tmp_path / "rejects")
    assert onecard("relay", "--until-caught-up").code == 0
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT notification_id, originator_id, originator_version, topic, state FROM ledger.events"
        ).fetchall()
    expected = {position: (stream, version, name, bytes(data)) for position, stream, version, name, data in rows}
    assert len(expected) > LINES // 2
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry_url}))
    versions: dict[tuple[str, bytes], int] = {}
    seen = []
    for message in read(kafka, kafka.topology.all_events(unpublished)):
        headers = {name: value.decode() for name, value in message.headers()}
        stream, version, name, data = expected[int(headers["position"])]
        assert headers["ce_id"] == f"{unpublished}/{headers['position']}"
        assert (message.key(), headers["ce_type"], message.value()) == (stream.bytes, name, data)
        said = deserialize(data, SerializationContext(message.topic(), MessageField.VALUE))
        assert said["card_version"] == version > versions.get((message.topic(), message.key()), 0)
        versions[message.topic(), message.key()] = version
        seen.append(int(headers["position"]))
    assert sorted(seen) == list(range(1, len(expected) + 1))
