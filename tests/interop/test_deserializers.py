"""Every event of every family as confluent-kafka and its own Avro deserializer read it, against `onecard serve`."""

import datetime
import uuid
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from ledger.store import codec
from projections.topics.partition import partition_of
from schemas.files import FAMILIES
from schemas.registry import registry
from tests.fix_kafka import Kafka
from tests.interop.publication import Publication, Published
from tests.interop.reading import read

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def plain(value: Any) -> Any:
    """What a library of others makes of a value, as the ledger has it."""
    match value:
        case datetime.datetime():
            return (value - EPOCH) // datetime.timedelta(microseconds=1)
        case datetime.date():
            return (value - EPOCH.date()).days
        case uuid.UUID():
            return str(value)
        case bytes() if len(value) == 16:
            return str(uuid.UUID(bytes=value))
        case bytes():
            return value.hex()
        case dict():
            return {name: plain(inner) for name, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
    return value


def test_every_event_of_every_family_is_read_with_what_it_says(
    kafka: Kafka, publication: Publication, registry_url: str
) -> None:
    expected: dict[int, Published] = {one.position: one for one in publication.records}
    assert {one.value[1:5] for one in publication.records} == {v.id.to_bytes(4, "big") for v in registry().versions}
    assert {one.topic.split(".")[1] for one in publication.records} <= set(FAMILIES)
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry_url}))
    seen = []
    for message in read(kafka, publication.topics):
        headers = {name: value.decode() for name, value in message.headers()}
        one = expected[int(headers["position"])]
        assert (headers["ce_id"], headers["ce_type"]) == (one.id, one.type)
        assert (message.topic(), message.key(), message.value()) == (one.topic, one.key, one.value)
        assert message.partition() == partition_of(one.key, kafka.topology.partitions)
        said = deserialize(message.value(), SerializationContext(message.topic(), MessageField.VALUE))
        assert plain(said) == one.event, one.type
        seen.append(one.position)
    assert sorted(seen) == sorted(expected)


def test_what_a_transaction_gave_up_is_seen_only_by_readers_who_ask_for_uncommitted_records(
    kafka: Kafka, publication: Publication
) -> None:
    assert len(read(kafka, publication.topics)) == len(publication.records)
    half = len(publication.records) - len(publication.records) // 2
    assert len(read(kafka, publication.topics, "read_uncommitted")) == len(publication.records) + half


def test_positions_rise_in_every_partition_and_name_the_one_before(kafka: Kafka, publication: Publication) -> None:
    last: dict[tuple[str, int], int] = {}
    for message in read(kafka, publication.topics):
        headers = {name: value.decode() for name, value in message.headers()}
        place = (message.topic(), message.partition())
        assert int(headers["prev_position"]) == last.get(place, 0) < int(headers["position"])
        last[place] = int(headers["position"])


def test_the_first_field_of_the_bytes_is_the_key(publication: Publication) -> None:
    for one in publication.records:
        assert one.value[codec.HEADER_BYTES :].startswith(one.key)
