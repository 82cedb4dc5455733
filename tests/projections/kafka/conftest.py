"""A source of one's own with its topics made, two of them, and a publisher to them."""

from collections.abc import Iterator

import pytest

from projections.kafka.publisher import Publisher
from tests.fix_kafka import Kafka


@pytest.fixture
def source(kafka: Kafka) -> str:
    name = kafka.source()
    kafka.make_topics(name)
    return name


@pytest.fixture
def topic(kafka: Kafka, source: str) -> str:
    return kafka.topology.events("card", source)


@pytest.fixture
def other(kafka: Kafka, source: str) -> str:
    return kafka.topology.events("medical", source)


@pytest.fixture
def publisher(kafka: Kafka, source: str) -> Iterator[Publisher]:
    with Publisher(kafka.access(), f"onecard-test-{source}") as made:
        yield made
