"""A store with a random history, and sources of a test's own that its events are planted on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.fix_kafka import Kafka
from tests.fix_postgres import Databases
from tests.fix_stores import Store
from tests.model.histories import history
from tests.projections.feed.planting import Planting

LINES = 200


@pytest.fixture(scope="session")
def random_history(
    databases: Databases, migrated: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Name of a database to copy: a store with a history."""
    dsn = databases.create(migrated)
    fill(Store(dsn), tmp_path_factory.mktemp("random"), seed, LINES)
    yield str(conninfo_to_dict(dsn)["dbname"])
    databases.drop(dsn)


@pytest.fixture
def filled(databases: Databases, random_history: str) -> Iterator[Store]:
    """A store of the test's own with a history."""
    dsn = databases.create(random_history)
    yield Store(dsn)
    databases.drop(dsn)


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
