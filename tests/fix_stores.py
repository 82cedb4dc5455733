"""A migrated store of a test's own, and what is in it, for tests that kill, race and compare.

The clock stands still, so that two stores that were told the same lines must hold the same bytes.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.core.rejection import Rejected
from ledger.service.batch import Outcome
from ledger.service.run import Answered, submit_files
from ledger.service.writer import Writer
from ops.migrate import migrate
from tests.fix_postgres import Databases
from tests.model.histories import CLOCK_MICROS, CONFIG, SECRET

WRITER_ROLE = "onecard_writer"
WRITTEN = {
    "events": "notification_id",
    "submissions": "submitter, reference",
    "state": "kind, key",
    "clearing_lines": "position, n",
    "clearing_units": "unit_key",
    "clearing_cycles": "cycle",
    "clearing_rows": "cycle, book, home, treatment, insutype, clr_type",
}
# (code, field) of a refusal, (stream, version, position) of a receipt.
Told = tuple[Any, ...]


def soak(short: int, long: int) -> int:
    """How often: the long form when ONECARD_SOAK is set, the short one in every run of the tests."""
    return long if "ONECARD_SOAK" in os.environ else short


@dataclass
class Store:
    """A migrated database, and ways into it as the people of a ledger have them."""

    dsn: str
    config: tuple[dict[str, Any], ...] = tuple(CONFIG)
    clock: Callable[[], int] = lambda: CLOCK_MICROS

    def connect(self, role: str | None = None) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.dsn, autocommit=True)
        if role is not None:
            connection.execute(f"SET ROLE {role}")  # type: ignore[arg-type]
        return connection

    def keyring(self) -> Keyring:
        return Keyring(SECRET)

    def writer(
        self,
        connect: Callable[[], psycopg.Connection[Any]] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Writer:
        made = connect or partial(self.connect, WRITER_ROLE)
        return Writer(made, Configuration.load(self.config), self.keyring(), self.clock, tell)

    def submit(self, *paths: Path, size: int = 500) -> list[Outcome]:
        with self.writer() as writer:
            return [one.outcome for one in submitted(writer, *paths, size=size)]

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def written(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that submitting wrote, but for runs and the lease."""
        return {table: self.ask(f"SELECT * FROM ledger.{table} ORDER BY {key}") for table, key in WRITTEN.items()}

    def positions(self) -> list[int]:
        return [row[0] for row in self.ask("SELECT notification_id FROM ledger.events ORDER BY 1")]


def submitted(writer: Writer, *paths: Path, size: int = 500) -> Iterator[Answered]:
    def open_files() -> Iterator[Any]:
        for path in paths:
            with path.open("rb") as file:
                yield file

    for answered in submit_files(writer, open_files, Keyring(SECRET), size):
        yield from answered


def told(outcomes: Sequence[Outcome]) -> list[Told]:
    """Outcomes without their status: recorded and duplicate are one here."""
    return [_told(one) for one in outcomes]


def _told(one: Outcome) -> Told:
    if isinstance(one, Rejected):
        return one.code, one.field, one.message
    return one.card_id, one.card_version, one.position


def assert_same(found: dict[str, list[tuple[Any, ...]]], wanted: dict[str, list[tuple[Any, ...]]]) -> None:
    """Table by table, with the first rows that differ."""
    for table, rows in wanted.items():
        known = set(map(repr, rows))
        extra = [row for row in found[table] if repr(row) not in known]
        assert found[table] == rows, (table, len(found[table]), len(rows), extra[:3])


@pytest.fixture(scope="session")
def migrated(databases: Databases) -> str:
    """Name of a database to copy: migrated, empty."""
    made = databases.create()
    migrate(made)
    return str(conninfo_to_dict(made)["dbname"])


@pytest.fixture
def stores(databases: Databases, migrated: str) -> Iterator[Callable[[], Store]]:
    """Makes stores; dropped when the test is over."""
    made: list[str] = []

    def make() -> Store:
        made.append(databases.create(migrated))
        return Store(made[-1])

    yield make
    for dsn in made:
        databases.drop(dsn)


@pytest.fixture
def store(stores: Callable[[], Store]) -> Store:
    return stores()
