"""The composition root: settings become one open ledger. Every choice of parts is made here."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.service.extending import extend
from ledger.service.writer import Writer
from ledger.store import connecting, identity
from ledger.store.recorder import History
from ops.database import open_database
from ops.embedded import has_data
from ops.migrate import migrate
from ops.problems import EnvironmentProblem
from ops.processes import Progress, age_ms
from ops.rules_file import load_configuration
from ops.settings import DEFAULT_SOURCE, Settings, load_kafka_password, load_secret
from ops.topics.declared import load_declared
from projections.feed.log import LogFeed
from projections.feed.share import ShareFeed
from projections.feed.topic import TopicFeed
from projections.kafka.access import LIMIT_MS, Access
from projections.kafka.cluster import Cluster
from projections.shares import Share
from projections.topics.topology import Topology, sources_among

WRITER_ROLE = "onecard_writer"
# After its start a command tells by then that no broker is to be reached; it tries for so long at least.
TOLD_MS, LEAST_MS = 9_000, 3_000


@dataclass(frozen=True)
class Ledger:
    """An open ledger: a migrated database whose identity has been checked."""

    settings: Settings
    dsn: str
    source: str
    store_id: str
    config: Configuration
    keyring: Keyring
    # Hears what only a person can mend.
    tell: Progress = lambda _: None

    def connect(self, role: str | None = None) -> psycopg.Connection[Any]:
        """An autocommit connection, as `role` if given."""
        connection = connecting.connect(self.dsn)
        if role is not None:
            connection.execute(f"SET ROLE {role}")
        return connection

    def clock(self) -> Callable[[], int]:
        """Microseconds since 1970 in UTC; a frozen instant under ONECARD_CLOCK."""
        frozen = self.settings.clock
        if frozen is not None:
            return lambda: frozen
        return lambda: time.time_ns() // 1_000

    def access(self) -> Access:
        """How the settings reach Kafka; an EnvironmentProblem when they name none."""
        return kafka_access(self.settings, f"onecard-{self.source}")

    @property
    def topology(self) -> Topology:
        """The names and numbers of the topics, as they are declared."""
        return load_declared(self.settings).topology

    def feed(
        self, source: str | None = None, certain: bool = True, is_stopped: Callable[[], bool] = lambda: False
    ) -> LogFeed | TopicFeed:
        """Where views read a source from: its topics if there is Kafka, else the store's own log."""
        wanted = source or self.source
        if self.settings.kafka_bootstrap is not None:
            return TopicFeed(self.access(), self.topology, wanted, certain, is_stopped)
        if wanted != self.source:
            raise EnvironmentProblem(
                f"Source {wanted} is not kept here: set ONECARD_KAFKA_BOOTSTRAP to read it from its topics."
            )
        return self.own_feed()

    def own_feed(self) -> LogFeed:
        """The store's own log."""
        return LogFeed(self.source, self.connect)

    def share_feed(self, source: str, share: Share, is_stopped: Callable[[], bool] = lambda: False) -> ShareFeed:
        """Where a share of the views reads its partitions from."""
        topology = self.topology
        return ShareFeed(self.access(), topology, source, share.partitions(topology.partitions), is_stopped)

    def sources(self) -> set[str]:
        """The store's own source, and every one that Kafka has a relay's topic of.

        A store without events need not publish: that of a nation, which only follows others, is left out.
        """
        if self.settings.kafka_bootstrap is None:
            return {self.source}
        with Cluster(self.access()) as cluster:
            found = sources_among(cluster.topics())
        return found | {self.source} if self._has_events() else found

    def _has_events(self) -> bool:
        with closing(self.connect()) as connection:
            return History(connection).head() > 0

    def writer(self) -> Writer:
        """A writer as the role that may append and nothing more; a longer configuration becomes the store's first."""
        with self.connect() as connection, _telling_mismatches():
            identity.require_rows(connection)
            extend(connection, self.config, self.keyring, self.clock()())
        return Writer(lambda: self.connect(WRITER_ROLE), self.config, self.keyring, self.clock(), self.tell)


def kafka_access(settings: Settings, client_id: str = "onecard") -> Access:
    """How the settings reach Kafka; an EnvironmentProblem when they name none."""
    if settings.kafka_bootstrap is None:
        raise EnvironmentProblem(
            "ONECARD_KAFKA_BOOTSTRAP is not set, and this needs Kafka: name its brokers, or try one by `make kafka-up`."
        )
    password, reaching_ms = load_kafka_password(settings), _reaching_ms(age_ms())
    return Access(
        settings.kafka_bootstrap, settings.kafka_user, password, settings.kafka_ca_file, client_id, reaching_ms
    )


def _reaching_ms(age: int) -> int:
    """How long to try to reach the brokers. Whoever typed a command waits for its start, too: that is taken off, so
    that brokers out of reach are told within ten seconds; unless starting took most of them, which tells of itself."""
    left = TOLD_MS - age
    return left if LEAST_MS <= left < LIMIT_MS else LIMIT_MS


@contextmanager
def _telling_mismatches() -> Iterator[None]:
    """An EnvironmentProblem if this process brings something else than the store was written with."""
    try:
        yield
    except identity.StoreMismatch as error:
        raise EnvironmentProblem(f"{error}.") from None


def find_configuration(settings: Settings, progress: Progress) -> identity.Kept | None:
    """The configuration of the store that these settings name; None if there is no store, and none is made."""
    if settings.embedded and not has_data(settings.home):
        return None
    with open_database(settings, progress) as dsn, connecting.connect(dsn) as connection:
        there = connection.execute("SELECT to_regclass('ledger.store') IS NOT NULL").fetchone()
        return identity.kept(connection) if there == (True,) else None


@contextmanager
def open_ledger(settings: Settings, progress: Progress, tell: Progress = lambda _: None) -> Iterator[Ledger]:
    """Start or reach the database, bring it up to date, check that it is ours; an EnvironmentProblem otherwise."""
    config = load_configuration(settings)
    with open_database(settings, progress) as dsn:
        migrate(dsn)
        keyring = Keyring(load_secret(settings))
        with connecting.connect(dsn) as connection, _telling_mismatches():
            found = identity.check(connection, settings.source, DEFAULT_SOURCE, config, keyring)
        yield Ledger(settings, dsn, found.source, found.store_id, config, keyring, tell)
