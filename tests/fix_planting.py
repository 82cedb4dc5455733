"""A store with a random history, and sources of a test's own that its events are planted on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fix_kafka import Kafka
from tests.fix_stores import Store
from tests.model.histories import history
from tests.projections.feed.planting import Planting

LINES = 200


@pytest.fixture
def filled(store: Store, tmp_path: Path, seed: int) -> Store:
    """A store with a history."""
    return fill(store, tmp_path, seed, LINES)


@pytest.fixture
def planting(filled: Store, kafka: Kafka) -> Planting:
    """Its topics are there, and empty."""
    source = kafka.source()
    kafka.make_topics(source)
    return Planting(filled, kafka, source)


@pytest.fixture
def plant(kafka: Kafka) -> Callable[[Store], Planting]:
    def planted(store: Store) -> Planting:
        source = kafka.source()
        kafka.make_topics(source)
        return Planting(store, kafka, source)

    return planted


def fill(store: Store, folder: Path, seed: int, lines: int) -> Store:
    path = folder / f"history-{seed}.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in history(seed, lines)))
    store.submit(path)
    return store
