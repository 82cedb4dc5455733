"""A store in which nothing is wrong yet, ways to damage it, and ways to look for damage.

Damage is planted as the tables' owner with triggers off, as a person with all rights could do it behind the ledger's
back; it is looked for with a reader's rights.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.core.configuration import Configuration
from ledger.service.extending import extend
from ledger.store import codec, identity
from projections import follow
from projections.feed.log import LogFeed
from projections.findings import Finding
from projections.verification import store, views
from projections.verification.report import Report
from projections.views.registry import VIEWS
from tests.fix_postgres import Databases
from tests.fix_stores import Store
from tests.model.histories import history

READER_ROLE = "onecard_reader"
SOURCE = "33"
LINES = 900
CHANGE = "UPDATE ledger.events SET state = %s WHERE notification_id = %s"


def quiet(position: int) -> None:
    """Nobody watches."""


def checked(damaged: Store) -> Report:
    """The store alone, as the reader."""
    with closing(damaged.connect(READER_ROLE)) as connection:
        return store.check(connection, Configuration.load(damaged.config), damaged.keyring(), quiet)


def found(damaged: Store) -> list[Finding]:
    return checked(damaged).findings


def found_in_views(damaged: Store) -> list[Finding]:
    with closing(damaged.connect()) as connection:
        return views.check(connection, SOURCE, quiet)


def identified(made: Store) -> None:
    with closing(made.connect()) as connection:
        identity.check(connection, SOURCE, SOURCE, Configuration.load(made.config), made.keyring())


def extended(made: Store, *entries: dict[str, Any]) -> None:
    """Entries added to the list of an identified store, by a process that brings them."""
    longer = (*made.config, *entries)
    with closing(made.connect()) as connection:
        extend(connection, Configuration.load(longer), made.keyring(), made.clock())
    made.config = longer


def followed(made: Store) -> None:
    with closing(made.connect()) as connection, closing(LogFeed(SOURCE, made.connect)) as feed:
        follow.prepare(connection, VIEWS, SOURCE)
        for _ in follow.catch_up(connection, VIEWS, feed):
            pass


@contextmanager
def tampering(made: Store) -> Iterator[psycopg.Connection[Any]]:
    """What a person with all rights can do: no trigger, no foreign key."""
    with closing(made.connect()) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def tampered(made: Store, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement that changes something, and prove that it did."""
    with tampering(made) as connection:
        cursor = connection.execute(statement, values)
        assert cursor.rowcount > 0, statement
        return cursor.fetchall() if cursor.description else []


def rewritten(made: Store, position: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Another event in the place of the one at a position, well formed."""
    ((data,),) = made.ask("SELECT state FROM ledger.events WHERE notification_id = %s", position)
    name, event = codec.decode(data)
    change(event)
    tampered(made, CHANGE, codec.encode(name, event), position)


def position_of(made: Store, event: str, which: str = "min") -> int:
    ((position,),) = made.ask(f"SELECT {which}(notification_id) FROM ledger.events WHERE topic LIKE %s", f"%.{event}")
    assert position is not None, event
    return int(position)


def stream_at(made: Store, position: int) -> str:
    ((stream,),) = made.ask("SELECT originator_id::text FROM ledger.events WHERE notification_id = %s", position)
    return str(stream)


@pytest.fixture(scope="session")
def told(databases: Databases, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database to copy: a history of every family with cut-offs, and all views of it."""
    dsn = databases.create(migrated)
    made = Store(dsn)
    identified(made)
    path = tmp_path_factory.mktemp("told") / "history.jsonl"
    path.write_bytes(b"\n".join(history(1, LINES)) + b"\n")
    made.submit(path)
    followed(made)
    yield str(conninfo_to_dict(dsn)["dbname"])
    databases.drop(dsn)


@pytest.fixture
def whole(databases: Databases, told: str) -> Iterator[Store]:
    """A store of the test's own in which nothing is wrong yet."""
    dsn = databases.create(told)
    yield Store(dsn)
    databases.drop(dsn)


@pytest.fixture
def blank(store: Store) -> Store:
    """A store of the test's own without any event."""
    identified(store)
    return store
