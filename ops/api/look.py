"""One look at the ledger for health and metrics: what was seen, and which part did not answer.

Reads as the role that may read, through a connection that is closed again, and needs no secret of the store. What is
kept says nothing of anybody: positions, counts and times.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import psycopg

from ops.settings import Settings
from ops.topics.declared import load_declared
from ops.wiring import kafka_access
from projections.kafka.access import BrokerProblem
from projections.questions import lagging, snapshot
from projections.questions.brokers import Brokers
from projections.questions.lagging import Account
from projections.questions.snapshot import Cursor
from projections.sources import own_source

T = TypeVar("T")
DATABASE: Final = "database"
KAFKA: Final = "kafka"
READER_ROLE: Final = "onecard_reader"
CONNECT_SECONDS: Final = 5
STATEMENT_MILLISECONDS: Final = 5_000
# Of every source a look reads at most so many records that are not applied yet; beyond that it counts offsets.
MOST_READ: Final = 2_000
NO_STORE: Final = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidParameterValue, psycopg.errors.UndefinedColumn)
NO_LEDGER: Final = "holds no ledger of this version yet: the first `onecard submit` makes it"
INCIDENTS: Final = "SELECT source, view, kind FROM views.incidents WHERE resumed_at IS NULL ORDER BY source, view"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at an instant. A part that did not answer is among the problems; what it would tell is empty."""

    at: int
    problems: dict[str, str]
    account: Account | None = None
    open_incidents: list[tuple[str, str, str]] = field(default_factory=list)


class Looker:
    """Everything a look asks, as the settings say. Brokers are kept between looks, the database is not."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self._clock = clock_of(settings.clock)
        self._dsn = dsn
        self._brokers: Brokers | None = None
        self.parts: tuple[str, ...] = (DATABASE,)
        if settings.kafka_bootstrap is not None:
            self._brokers = Brokers(kafka_access(settings, "onecard-serve"), load_declared(settings).topology)
            self.parts = (DATABASE, KAFKA)

    def look(self) -> Look:
        at = self._clock()
        try:
            with self._connected() as connection:
                return self._seen(at, connection)
        except NO_STORE:
            return Look(at, {DATABASE: NO_LEDGER})
        except psycopg.Error:
            return Look(at, {DATABASE: "does not answer"})

    def close(self) -> None:
        if self._brokers is not None:
            self._brokers.close()

    def _seen(self, at: int, connection: psycopg.Connection[Any]) -> Look:
        def ask(question: Callable[[Cursor], T]) -> T:
            return snapshot.ask(connection, question)

        if ask(own_source) is None:
            return Look(at, {DATABASE: NO_LEDGER})
        look = Look(at, {}, open_incidents=ask(lambda cursor: cursor.execute(INCIDENTS).fetchall()))
        if self._brokers is None:
            return replace(look, account=ask(lagging.of_database))
        try:
            return replace(look, account=lagging.of_topics(ask, self._brokers, None, True, MOST_READ))
        except BrokerProblem as problem:
            # The next look reaches them anew. Not told are names of hosts and users: whoever asks may be anybody.
            self._brokers.close()
            told = problem.code.replace("_", " ")
        account = ask(lambda cursor: lagging.of_database(cursor, feed=lagging.TOPICS))
        return replace(look, problems={KAFKA: told}, account=account)

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        options = f"-c statement_timeout={STATEMENT_MILLISECONDS}"
        made = psycopg.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options=options,
            application_name="onecard serve",
        )
        with closing(made) as connection:
            connection.execute(f"SET ROLE {READER_ROLE}")
            yield connection


def clock_of(frozen: int | None) -> Callable[[], int]:
    """Microseconds since 1970 in UTC; a frozen instant for tests."""
    return lambda: time.time_ns() // 1_000 if frozen is None else frozen
