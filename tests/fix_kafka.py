"""An Apache Kafka for the tests: real, one node, with users and rights, started by the first test that needs it.

All workers of a run share one broker; the process that leads the run stops it. Its program files are fetched once
into the user's cache. ONECARD_TEST_KAFKA_BOOTSTRAP names a broker to use instead, where we may do everything.
Without Java or Maven the tests that need it are skipped and say why; under CI=true that is a failure.
"""

import contextlib
import fcntl
import itertools
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient

from ops import wiring
from ops.kafka.broker import NAME, Broker
from ops.kafka.jars import jars, java, version
from ops.problems import EnvironmentProblem
from ops.sharing import bring_up
from projections.kafka.access import Access
from projections.kafka.cluster import Cluster
from projections.topics.topology import Topology
from tests.room import made_room, rooms

PREFIX = "onecard-kafka-test-"
HOME = "ONECARD_TEST_KAFKA_HOME"
ELSEWHERE = "ONECARD_TEST_KAFKA_BOOTSTRAP"
PARTITIONS = 3
# What a developer has exported for a broker of his own is not meant for the tests.
SETTINGS = ("KAFKA_BOOTSTRAP", "KAFKA_USER", "KAFKA_PASSWORD_FILE", "KAFKA_CA_FILE", "TOPICS")
TEN_MINUTES = 600

_numbers = itertools.count(1)


@dataclass
class Kafka:
    """One broker as a test sees it, and the sources that this test made on it."""

    local: str
    broker: Broker | None = None
    topology: Topology = field(default_factory=lambda: Topology(PARTITIONS))
    _sources: list[str] = field(default_factory=list)

    def access(self, user: str | None = None) -> Access:
        """Who may do everything (None), or a user, made now unless the broker knows it, with no rights of its own."""
        from projections.kafka.access import Access

        if user is None:
            return Access(self.local, None, None, None, "onecard-test")
        if self.broker is None:
            pytest.skip(f"users are made on a broker of our own, and {ELSEWHERE} names another")
        known = self.broker.password_file(user).exists()
        password = self.broker.make_password(user).read_text("ascii").strip()
        if not known:
            with Cluster(self.access()) as cluster:
                cluster.set_password(user, password)
        return Access(self.broker.clients, user, password, None, "onecard-test")

    def source(self) -> str:
        """The name of a source that no other test has."""
        name = f"t{os.getpid()}-{next(_numbers)}"
        self._sources.append(name)
        return name

    def adopt(self, source: str) -> None:
        """A source that was made otherwise is this test's too: its topics are removed in the end."""
        self._sources.append(source)

    def topics_of(self, source: str) -> list[str]:
        """Every topic of a source, its relay's last."""
        return [*self.topology.all_events(source), self.topology.relay(source)]

    def make_topics(self, source: str) -> list[str]:
        """The topics of a source, as operators make them."""
        lasting = {"segment.ms": str(2**63 - 1)}
        unlimited = {"retention.ms": "-1", "message.timestamp.after.max.ms": str(2**63 - 1), **lasting}
        compacted = {"cleanup.policy": "compact", "segment.bytes": str(2**20), **lasting}
        wanted: dict[str, dict[str, Any]] = {
            name: {"num_partitions": self.topology.partitions, "configs": unlimited}
            for name in self.topology.all_events(source)
        }
        wanted[self.topology.relay(source)] = {"num_partitions": 1, "configs": compacted}
        with self.admin() as admin:
            admin.create_topics(wanted)
            # Made is not yet led: a client that is too fast would be told so.
            admin.wait_for_topics(self.topics_of(source))
        return self.topics_of(source)

    def kill(self) -> None:
        """kill -9 of a broker of this test's own."""
        assert self.broker is not None
        self.broker.kill()

    def revive(self) -> None:
        """Start a broker again that was killed or stopped, at its old address."""
        assert self.broker is not None
        bring_up(self.broker, self.broker.home, NAME, lambda _: None)
        assert self.local == self.broker.local, "somebody took its port"

    @contextlib.contextmanager
    def admin(self) -> Iterator[Any]:
        """The client's own administration, for what the product has no reason to do."""
        client = KafkaAdminClient(bootstrap_servers=self.local, client_id="onecard-test-admin")
        try:
            yield client
        finally:
            client.close()

    def remove_topics(self) -> None:
        """What this test made goes away."""
        if not self._sources:
            return
        with self.admin() as admin:
            ours = {name for source in self._sources for name in self.topics_of(source)} & set(admin.list_topics())
            if ours:
                admin.delete_topics(sorted(ours))


@pytest.fixture(scope="session")
def broker() -> Kafka:
    """The broker of this run, as nobody's in particular: `kafka` is the fixture to use."""
    if elsewhere := os.environ.get(ELSEWHERE):
        return Kafka(elsewhere)
    shared = _broker_in(Path(os.environ[HOME]))
    bring_up(shared, shared.home, NAME, lambda _: None)
    return Kafka(shared.local, shared)


@pytest.fixture
def kafka(broker: Kafka) -> Iterator[Kafka]:
    """The broker of this run; the topics of the sources that the test made on it are removed."""
    mine = Kafka(broker.local, broker.broker)
    yield mine
    mine.remove_topics()


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> str:
    """host:port where no broker is; commands of this test try it for a second instead of as long as they do."""
    monkeypatch.setattr(wiring, "LIMIT_MS", 1_000)
    return "127.0.0.1:1"


@pytest.fixture
def own_broker() -> Iterator[Kafka]:
    """A broker of this test's own: it may be killed and revived."""
    with broker_of_ones_own() as own:
        yield own


@contextlib.contextmanager
def broker_of_ones_own() -> Iterator[Kafka]:
    """For tests that kill it, or give rights that other tests would take away."""
    home = Path(os.environ[HOME]) / f"own-{os.getpid()}-{next(_numbers)}"
    home.mkdir()
    mine = _broker_in(home)
    try:
        bring_up(mine, home, NAME, lambda _: None)
        yield Kafka(mine.local, mine)
    finally:
        mine.stop(lambda _: None)
        shutil.rmtree(home, ignore_errors=True)


def program_files() -> Path:
    """Where the broker's program files are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onecard-ledger" / "kafka"


def _broker_in(home: Path) -> Broker:
    try:
        java()
        jars(program_files(), lambda _: None)
    except EnvironmentProblem as problem:
        if os.environ.get("CI") == "true":
            pytest.fail(f"the tests of Kafka need a broker: {problem}")
        pytest.skip(f"NO KAFKA, NOT TESTED: {problem}")
    return Broker(home, program_files(), "brief")


# -- one broker for all workers: the process that leads the run makes its home and clears it away ------------------


def pytest_report_header() -> str:
    if elsewhere := os.environ.get(ELSEWHERE):
        return f"Kafka at {elsewhere} ({ELSEWHERE})"
    try:
        return f"Apache Kafka {version()} from Maven, run by {java()}"
    except EnvironmentProblem as problem:
        return f"NO KAFKA, its tests {'fail' if os.environ.get('CI') == 'true' else 'are skipped'}: {problem}"


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    for name in SETTINGS:
        os.environ.pop(f"ONECARD_{name}", None)
    _sweep()
    home = made_room(PREFIX)
    # Held as long as this process lives, by which others know that the home is in use.
    lock = os.open(home / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.environ[HOME] = str(home)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _clear_away(Path(os.environ.pop(HOME)))


def _clear_away(home: Path) -> None:
    for one in (home, *home.glob("own-*")):
        Broker(one).stop(lambda _: None)
    shutil.rmtree(home, ignore_errors=True)


def _sweep() -> None:
    """Stop and remove the brokers of runs that were killed: those whose leading process is gone."""
    for home in rooms(PREFIX):
        run = home / "run.lock"
        if not run.exists() or home.stat().st_uid != os.geteuid():
            continue
        with run.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if time.time() - run.stat().st_mtime > TEN_MINUTES:
                _clear_away(home)
