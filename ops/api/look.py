"""One look at the ledger for health and metrics: what was seen, and which part did not answer.

Reads as the role that may read, through a connection that is closed again, and needs no secret of the store. What is
kept says nothing of anybody: positions, counts and times.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from ops.settings import Settings
from projections.questions import lag, snapshot
from projections.questions.lag import Follower
from projections.questions.progress import head_position
from projections.questions.snapshot import Cursor

READER_ROLE: Final = "onecard_reader"
CONNECT_SECONDS: Final = 5
STATEMENT_MILLISECONDS: Final = 5_000
NO_STORE: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidParameterValue,
    psycopg.errors.InvalidSchemaName,
)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at an instant. A part that did not answer is among the problems; what it would tell is empty."""

    at: int
    problems: dict[str, str]
    source: str | None = None
    head: int = 0
    followers: list[Follower] = field(default_factory=list)
    open_incidents: dict[tuple[str, str, str], int] = field(default_factory=dict)


class Database:
    """The store, asked through one connection a look."""

    def __init__(self, dsn: str, feed: str) -> None:
        self._dsn = dsn
        self._feed = feed

    def look(self, at: int) -> Look:
        try:
            with closing(self._connect()) as connection:
                return snapshot.ask(connection, lambda cursor: self._seen(cursor, at))
        except NO_STORE:
            return Look(at, {"database": "holds no ledger yet: the first `onecard submit` makes it"})
        except psycopg.Error:
            return Look(at, {"database": "does not answer"})

    def _connect(self) -> psycopg.Connection[Any]:
        options = f"-c statement_timeout={STATEMENT_MILLISECONDS}"
        connection = psycopg.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options=options,
            application_name="onecard serve",
        )
        try:
            connection.execute(f"SET ROLE {READER_ROLE}")
        except psycopg.Error:
            connection.close()
            raise
        return connection

    def _seen(self, cursor: Cursor, at: int) -> Look:
        row = cursor.execute("SELECT source FROM ledger.store").fetchone()
        if row is None:
            return Look(at, {"database": "holds no ledger yet: the first `onecard submit` makes it"})
        return Look(at, {}, row[0], head_position(cursor), lag.followers(cursor, row[0], self._feed))


class Looker:
    """Everything a look asks, as the settings say."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self._clock = clock_of(settings.clock)
        self._database = Database(dsn, "log")
        self.parts: tuple[str, ...] = ("database",)

    def look(self) -> Look:
        return self._database.look(self._clock())


def clock_of(frozen: int | None) -> Callable[[], int]:
    """Microseconds since 1970 in UTC; a frozen instant for tests."""
    return lambda: time.time_ns() // 1_000 if frozen is None else frozen
