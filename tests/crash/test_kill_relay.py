"""kill -9 of the relay at any step, again and again while events come in: every event on its topic exactly once."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.crash.processes import KILLED
from tests.fix_kafka import Kafka
from tests.fix_stores import Store, soak
from tests.house.tree import ROOT
from tests.model.histories import history
from tests.projections.relay.rig import Rig

LINES = soak(1_500, 20_000)
ROUNDS = soak(2, 40)
PAGE = 40
# Step of the publisher or the log, and how often it is reached in a short life.
STEPS = {"open": 1, "begin": 6, "send": 200, "commit": 6, "page": 8}


def start(rig: Rig, step: str, moment: str, page: int = PAGE) -> subprocess.Popen[str]:
    given = (rig.store.dsn, rig.source, rig.kafka.local, rig.kafka.topology.partitions, page, step, moment)
    command = [sys.executable, "-m", "tests.crash.relay_driver", *map(str, given)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> int:
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (0, KILLED), errors
    return process.returncode


@contextmanager
def events_coming_in(rig: Rig, folder: Path, seed: int) -> Iterator[None]:
    """A history submitted in small batches meanwhile; all of it is there at the end."""
    path = folder / "history.jsonl"
    path.write_bytes(b"\n".join(history(seed, LINES)) + b"\n")
    thread = threading.Thread(target=rig.store.submit, args=(path,), kwargs={"size": 10})
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_killed_at_any_step_it_publishes_every_event_exactly_once(
    kafka: Kafka, store: Store, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    rig = Rig.of(kafka, store)
    kills = 0
    with events_coming_in(rig, tmp_path, seed):
        for step, often in [*STEPS.items()] * ROUNDS:
            kind = chance.choice(["before", "after", "during"])
            moment = f"{kind}:{chance.randrange(1, often + 1)}:{chance.randrange(15_000)}"
            kills += ended(start(rig, step, moment)) == KILLED
    assert ended(start(rig, "open", "never")) == 0
    print(f"seed {seed}: {kills} kills of {ROUNDS * len(STEPS)}")
    assert kills
    rig.assert_published()
    rig.assert_level()


def test_killed_at_any_moment_it_publishes_every_event_exactly_once(
    kafka: Kafka, store: Store, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    rig = Rig.of(kafka, store)
    kills = 0
    with events_coming_in(rig, tmp_path, seed):
        for _ in range(soak(4, 100)):
            process = start(rig, "open", "never", page=5)
            time.sleep(0.5 + chance.random() * 1.2)
            process.send_signal(signal.SIGKILL)
            kills += ended(process) == KILLED
    assert ended(start(rig, "open", "never")) == 0
    print(f"seed {seed}: {kills} kills")
    assert kills
    rig.assert_published()
    rig.assert_level()


def test_a_broker_killed_under_it_changes_nothing(own_broker: Kafka, store: Store, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    rig = Rig.of(own_broker, store)
    with events_coming_in(rig, tmp_path, seed):
        told: list[str] = []
        over = threading.Event()

        def publish() -> None:
            with rig.relay(told.append) as relay:
                for _ in relay.run(until_caught_up=False, is_stopped=over.is_set):
                    pass

        thread = threading.Thread(target=publish)
        thread.start()
        try:
            for _ in range(soak(2, 20)):
                time.sleep(1 + chance.random())
                own_broker.kill()
                time.sleep(chance.random() * soak(1, 12))
                own_broker.revive()
        finally:
            until = time.monotonic() + 60
            while thread.is_alive() and time.monotonic() < until and not is_level(rig):
                time.sleep(0.5)
            over.set()
            thread.join()
    rig.publish()
    print(f"seed {seed}: the relay began anew {len(told)} times")
    assert all("Trying again" in one for one in told)
    rig.assert_published()
    rig.assert_level()


def is_level(rig: Rig) -> bool:
    progress = rig.progress()
    return progress is not None and progress.position == rig.head()
