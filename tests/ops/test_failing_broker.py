"""A broker that hangs, finds no room, lost its settings or is refused by its controller: what a start of it says."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ops.kafka import broker as settings
from ops.kafka import properties
from ops.kafka.broker import NAME, Broker
from ops.kafka.registration import Registration
from ops.problems import EnvironmentProblem
from ops.sharing import bring_up
from projections.kafka.access import Access
from projections.kafka.cluster import Cluster
from tests.fix_kafka import Kafka


def quiet(_: str) -> None:
    """Nobody listens."""


@contextmanager
def hanging(broker: Broker) -> Iterator[int]:
    pid = broker.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


def test_nobody_waits_for_ever_for_a_broker_that_hangs(own_broker: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = own_broker.broker
    assert broker is not None
    assert settings.LONGEST_SILENCE > settings.LONGEST_BURIAL
    monkeypatch.setattr(settings, "LONGEST_SILENCE", 7)
    told: list[str] = []
    with hanging(broker) as pid:
        with pytest.raises(EnvironmentProblem, match=rf"process {pid}.*`make kafka-down` ends.*not answered for \d+ s"):
            bring_up(broker, broker.home, NAME, told.append)
        assert told and all(f"process {pid}, which `make kafka-down` ends" in line for line in told)
    bring_up(broker, broker.home, NAME, quiet)
    assert broker.pid() == pid, "it was left alone"


def test_a_start_that_finds_no_room_says_where_and_leaves_nothing_running(own_broker: Kafka) -> None:
    broker = own_broker.broker
    assert broker is not None
    # By a file whose place is gone, first where the controller alone is started, then where the node is.
    for ended in (broker.kill, lambda: broker.stop(quiet)):
        ended()
        broker.pid_file.symlink_to(broker.folder / "gone" / "broker.pid")
        with pytest.raises(EnvironmentProblem, match=rf"in {broker.folder} cannot be started: No such file"):
            bring_up(broker, broker.home, NAME, quiet)
        assert not broker.pid_file.is_symlink() and broker.pid() is None
        own_broker.revive()
    broker.stop(quiet)
    draft = broker.folder / "server.new"
    draft.symlink_to("/dev/full")
    with pytest.raises(EnvironmentProblem, match=rf"in {broker.folder} .*: No space left on device\. Make room"):
        bring_up(broker, broker.home, NAME, quiet)
    draft.unlink()
    own_broker.revive()


@pytest.mark.parametrize("left", [b"", bytes(300), b"listeners=LOCAL"], ids=["empty", "zeros", "torn"])
def test_settings_that_a_crash_of_the_machine_emptied_are_made_anew(own_broker: Kafka, left: bytes) -> None:
    broker = own_broker.broker
    assert broker is not None
    source = own_broker.source()
    own_broker.make_topics(source)
    broker.kill()
    (broker.folder / "server.properties").write_bytes(left)
    bring_up(broker, broker.home, NAME, quiet)
    with Cluster(Access(broker.local)) as cluster:
        assert set(own_broker.topics_of(source)) <= set(cluster.topics())


def test_a_node_whose_registration_is_refused_says_what_to_do(
    own_broker: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = own_broker.broker
    assert broker is not None
    broker.kill()
    monkeypatch.setitem(properties.ALWAYS, "initial.broker.registration.timeout.ms", "2000")
    monkeypatch.setattr(Registration, "counts_as_alive", lambda _: False)
    with pytest.raises(EnvironmentProblem, match=rf"counts the one before it as alive .*remove {broker.data}:"):
        own_broker.revive()
