"""What the metadata log says of a broker: read as Kafka's own tool reads it, and acted on before a broker that was
killed may start again."""

import shutil
import socket
import struct
from pathlib import Path

import psutil
import pytest

from ops.kafka import properties
from ops.kafka.broker import NAME, Broker
from ops.kafka.properties import NODE
from ops.kafka.registration import Registration
from ops.problems import EnvironmentProblem
from ops.sharing import bring_up
from tests.fix_kafka import Kafka
from tests.ops.registrations import LOG, Record, as_kafka_reads, fencings, serves

FIRST = f"{0:020}.log"
# As old as the log itself.
SNAPSHOT = f"{1:020}-{1:010}.checkpoint"


def quiet(_: str) -> None:
    """Nobody listens."""


def unregister(address: str) -> None:
    """What an administrator may do by Kafka's own command: UnregisterBroker, key 64 of its protocol."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">ihhihbib", 16, 64, 0, 1, -1, 0, NODE, 0))
        answer = connection.recv(100)
    assert struct.unpack_from(">h", answer, 13) == (0,), answer


def test_a_registration_is_read_as_kafka_itself_reads_it(
    own_broker: Kafka, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broker = own_broker.broker
    assert broker is not None
    segment = broker.data / LOG / FIRST

    broker.kill()
    assert Registration(broker.data, NODE).counts_as_alive()
    assert not Registration(broker.data, NODE + 1).counts_as_alive(), "another node's registration"

    # A start by way of the controller: the log has each word by now. Snapshots come at once.
    monkeypatch.setitem(properties.ALWAYS, "metadata.log.max.record.bytes.between.snapshots", "1")
    own_broker.revive()
    own_broker.make_topics(own_broker.source())
    broker.kill()
    snapshots = sorted((broker.data / LOG).glob("*.checkpoint"))
    whole, *shots = as_kafka_reads(segment, *snapshots)
    assert fencings(whole) == [True, -1, 1, True, -1]
    assert Registration(broker.data, NODE).counts_as_alive() and serves(whole)

    # Where the log was cut, its snapshot says it.
    (tmp_path / LOG).mkdir()
    for snapshot, said in zip(snapshots, shots, strict=True):
        shutil.copy(snapshot, tmp_path / LOG)
        assert Registration(tmp_path, NODE).counts_as_alive() == serves(said), snapshot.name
    assert serves(said) and len(snapshots) > 1

    content = segment.read_bytes()
    _is_read_wherever_it_is_torn(content, whole, tmp_path / "torn")
    _is_read_wherever_a_file_ends(content, whole, tmp_path / "parted")
    _goes_before_an_older_snapshot(content, whole, snapshots[-1].read_bytes(), tmp_path / "beside")

    own_broker.revive()
    registration = Registration(broker.data, NODE)
    assert registration.counts_as_alive()
    unregister(own_broker.local)
    assert not registration.counts_as_alive(), "what was written since is read"
    assert not Registration(broker.data, NODE).counts_as_alive() and not serves(as_kafka_reads(segment)[0])
    broker.kill()
    own_broker.revive()
    broker.stop(quiet)
    assert Registration(broker.data, NODE).counts_as_alive(), "a stop in order takes no leader away"


def _is_read_wherever_it_is_torn(content: bytes, records: list[Record], data: Path) -> None:
    """What is not whole is cut off by Kafka and says nothing here, also where zeros follow as far as it was."""
    for cut in range(0, len(content), 5):
        rest = content[cut:]
        zeros = len(rest) - len(rest.lstrip(b"\0"))
        for tail, right in ((b"", 0), (bytes(len(rest)), zeros)):
            found = _alive_by(data, {FIRST: content[:cut] + tail})
            wanted = serves(records, until=cut + right)
            assert found == wanted, f"{cut} of {len(content)} bytes, then {len(tail)} empty ones"


def _is_read_wherever_a_file_ends(content: bytes, records: list[Record], data: Path) -> None:
    """The newest file that has a word has the last one."""
    ends = [end for end in _ends_of_batches(content) if end < len(content)]
    for end in ends:
        (base,) = struct.unpack_from(">q", content, end)
        assert _alive_by(data / str(base), {FIRST: content[:end], f"{base:020}.log": content[end:]}) == serves(records)
    assert not all(serves(records, until=end) for end in ends), "older files contradict it"
    assert ends[-1] >= records[-1][0], "of the newer files one has no word"


def _goes_before_an_older_snapshot(content: bytes, records: list[Record], snapshot: bytes, data: Path) -> None:
    contradicting = max(end for end, _ in records if not serves(records, until=end))
    assert _alive_by(data, {SNAPSHOT: snapshot})
    assert not _alive_by(data, {SNAPSHOT: snapshot, FIRST: content[:contradicting]})


def _alive_by(data: Path, files: dict[str, bytes]) -> bool:
    """What is read of a log that consists of these files."""
    (data / LOG).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (data / LOG / name).write_bytes(content)
    return Registration(data, NODE).counts_as_alive()


def _ends_of_batches(content: bytes) -> list[int]:
    ends = [0]
    while ends[-1] < len(content):
        ends.append(ends[-1] + 12 + struct.unpack_from(">i", content, ends[-1] + 8)[0])
    return ends[1:]


class _Killed(BaseException):
    """What ends the command that starts the broker, in the moment in which the controller runs alone."""


def test_a_start_that_fails_or_is_killed_while_the_controller_runs_alone_leaves_nothing_in_the_way_of_the_next(
    own_broker: Kafka, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broker = own_broker.broker
    assert broker is not None
    broker.kill()
    with monkeypatch.context() as patched:
        patched.setitem(properties.ALWAYS, "node.id", "no number")
        with pytest.raises(EnvironmentProblem, match=r"did not start; .*server.log ends with:(?s:.*)no number"):
            own_broker.revive()
    assert broker.pid() is None

    def killed_once_it_runs(_: Registration) -> bool:
        if broker.pid() is not None:
            raise _Killed
        return True

    with monkeypatch.context() as patched:
        patched.setattr(Broker, "stop", lambda *_: None)
        patched.setattr(Registration, "counts_as_alive", killed_once_it_runs)
        with pytest.raises(_Killed):
            own_broker.revive()
    left_behind = broker.pid()
    assert left_behind is not None and "controller.properties" in psutil.Process(left_behind).cmdline()[-1]
    assert not broker.wait_until_ready(None, quiet), "who waits for another's broker would wait for ever"
    other_path = tmp_path / "home"
    other_path.symlink_to(broker.home)
    bring_up(Broker(other_path, broker.lib, "brief"), other_path, NAME, quiet)
    assert broker.pid() not in (None, left_behind) and not psutil.pid_exists(left_behind)
