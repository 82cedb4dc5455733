"""The laptop's broker: made once, found again whatever happened to it or to those who started it."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ops.kafka import jars
from ops.kafka.broker import NAME, Broker
from ops.problems import EnvironmentProblem
from ops.sharing import bring_up
from projections.kafka.access import Access
from projections.kafka.cluster import Cluster
from tests.fix_kafka import Kafka, program_files
from tests.house.tree import ROOT

BURIED = "gives up the broker that has ended"
COMMAND = [sys.executable, "-m", "ops.kafka"]


def quiet(_: str) -> None:
    """Nobody listens."""


def started(arguments: list[str], home: Path, **more: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "ONECARD_HOME": str(home), **more}
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_topics_are_made_on_the_broker_of_the_run_and_known_to_it(kafka: Kafka) -> None:
    source = kafka.source()
    assert len(kafka.make_topics(source)) == 8
    with Cluster(kafka.access()) as cluster:
        assert set(kafka.topics_of(source)) <= set(cluster.topics())


def test_a_broker_that_was_killed_comes_back_at_its_address_with_what_it_held(own_broker: Kafka) -> None:
    broker = own_broker.broker
    assert broker is not None
    source = own_broker.source()
    own_broker.make_topics(source)
    own_broker.kill()
    assert broker.pid() is None
    told: list[str] = []
    bring_up(broker, broker.home, NAME, told.append)
    assert [line for line in told if BURIED in line]
    with Cluster(own_broker.access()) as cluster:
        assert set(own_broker.topics_of(source)) <= set(cluster.topics())

    # A second start changes nothing, also when the file with its number is lost or names somebody else's process.
    running = broker.pid()
    assert running is not None
    for content in (None, f"{os.getpid()}\n", "no number\n"):
        broker.pid_file.unlink()
        if content is not None:
            broker.pid_file.write_text(content)
        assert Broker(broker.home, broker.lib).pid() == running
        bring_up(broker, broker.home, NAME, quiet)
        assert broker.pid() == running
        broker.pid_file.write_text(f"{running}\n")

    # It is set up anew at each start, at its old address, from nothing but its data.
    properties = broker.folder / "server.properties"
    told_before = properties.read_text()
    broker.stop(quiet)
    properties.write_text(told_before.replace("auto.create.topics.enable=false", "auto.create.topics.enable=true"))
    told.clear()
    bring_up(broker, broker.home, NAME, told.append)
    assert properties.read_text() == told_before
    assert [line for line in told if BURIED in line], "it was stopped in order, and no leader taken away for that"

    # A port that somebody took while it was down is the one reason to move.
    told.clear()
    broker.stop(quiet)
    before = broker.clients
    with socket.create_server(("127.0.0.1", int(before.rpartition(":")[2]))):
        bring_up(broker, broker.home, NAME, told.append)
    assert broker.clients != before
    assert int(broker.clients.rpartition(":")[2]) < 32_768, "a client may be given it while the broker is down"
    assert [line for line in told if "is taken by somebody else" in line]
    with Cluster(Access(broker.local)) as cluster:
        assert set(own_broker.topics_of(source)) <= set(cluster.topics())


def test_kafka_up_twice_at_once_is_one_broker_with_users_and_kafka_down_keeps_its_data(
    tmp_path: Path, kafka: Kafka
) -> None:
    home = tmp_path / "home"
    (home / "kafka").mkdir(parents=True)
    (home / "kafka" / "lib").symlink_to(program_files())
    broker = Broker(home)
    try:
        both = [started(["up"], home, ONECARD_SOURCE="32") for _ in range(2)]
        printed = [process.communicate(timeout=120) for process in both]
        assert [process.returncode for process in both] == [0, 0], printed
        assert printed[0][0] == printed[1][0]
        exported = dict(line.removeprefix("export ").split("=", 1) for line in printed[0][0].splitlines())
        assert exported.keys() == {f"ONECARD_KAFKA_{name}" for name in ("BOOTSTRAP", "USER", "PASSWORD_FILE")}
        password_file = Path(exported["ONECARD_KAFKA_PASSWORD_FILE"])
        assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
        password = password_file.read_text().strip()
        assert password not in printed[0][1] and not (home / "kafka" / "format.args").exists()
        with Cluster(Access(exported["ONECARD_KAFKA_BOOTSTRAP"], exported["ONECARD_KAFKA_USER"], password)) as cluster:
            assert cluster.users() == ["admin", "follower", "relay-32", "transit-reader"]
        Access(broker.clients, "relay-32", broker.password_file("relay-32").read_text().strip()).opened(_Probe)

        stopped = started(["down"], home)
        assert (stopped.wait(60), broker.pid()) == (0, None)
        assert (broker.data / "meta.properties").exists()
        again = started(["down"], home)
        assert "No Kafka broker of ours runs" in again.communicate(timeout=60)[1]
        assert again.returncode == 0
    finally:
        broker.stop(quiet)


class _Probe:
    """What a client would be made with; it does not connect."""

    def __init__(self, **settings: object) -> None:
        assert settings["security_protocol"] == "SASL_PLAINTEXT"


def test_without_java_or_maven_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    process = started(["up"], tmp_path / "home", PATH=str(empty))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (3, "", 1)
    assert "there is no java on the PATH" in err and "install" in err and "ONECARD_KAFKA_BOOTSTRAP" in err


def test_an_old_java_is_told_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "java", "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(EnvironmentProblem, match=r"Java 17 or newer, and .*java is .*11\.0\.2.*: install"):
        jars.java()


@pytest.mark.parametrize("said", ["[ERROR] Could not transfer artifact kafka", ""])
def test_a_fetching_that_fails_says_why_and_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    script(tmp_path / "mvn", f"mkdir -p {tmp_path}/lib/x; echo '{said}'; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    reason = "Could not transfer artifact kafka" if said else "it ended with exit code 1"
    with pytest.raises(EnvironmentProblem, match=rf"could not fetch Apache Kafka \({reason}\); all it said is"):
        jars.jars(tmp_path / "lib", quiet)
    assert not list((tmp_path / "lib").glob("*/*.jar"))


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_another_word_than_up_and_down_is_wrong_usage(tmp_path: Path) -> None:
    process = started(["sideways"], tmp_path / "home")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (2, "usage: python -m ops.kafka up|down\n")
