"""Load, relay and a follower over topics, while each of them and the broker and the database are killed by chance.

After recovery every event is on its topic exactly once and in order, and the views over the topics are those that an
undisturbed store has over its log, row by row. The seed of a run says who was killed when.
"""

import itertools
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ops.postmaster import Postmaster
from ops.simulate import simulate
from projections.feed.log import LogFeed
from tests.crash import test_kill_database
from tests.crash.test_kill_database import kill_server
from tests.fix_kafka import Kafka
from tests.fix_stores import Store, assert_same, soak
from tests.house.tree import ROOT
from tests.projections.feed.scenes import followed, incidents_of, positions_of, rows_of
from tests.projections.relay.rig import Rig

mortal = test_kill_database.mortal
KILLS = soak(2, 20)  # of each
BATCH, PAGE, CHUNK = 4, 25, 150
# More than a run can book while the last kill is waited for.
MOST_LINES = 1_000_000
HIT_SECONDS = 60
RECOVERY_SECONDS = soak(120, 900)


@dataclass
class Service:
    """A command that is started again whenever it ends, as a service manager does, and may be killed.

    `once`: not after it has succeeded (files that were booked are not to be submitted again: lines that were refused
    might be taken now).
    """

    command: list[str]
    once: bool = False
    starts: int = 0
    kills: int = 0
    last_words: str = ""
    is_over: threading.Event = field(default_factory=threading.Event)
    has_succeeded: threading.Event = field(default_factory=threading.Event)
    _process: subprocess.Popen[str] | None = None

    def run(self) -> None:
        while not self.is_over.is_set():
            self.starts += 1
            process = subprocess.Popen(
                self.command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            self._process = process
            _, errors = process.communicate()
            if process.returncode == 0:
                self.has_succeeded.set()
                if self.once:
                    return
            elif errors:
                self.last_words = errors
            time.sleep(0.05)

    def kill(self) -> None:
        """Now, or as soon as there is something to kill."""
        until = time.monotonic() + HIT_SECONDS
        while self._process is None or self._process.poll() is not None:
            assert time.monotonic() < until, self.last_words
            time.sleep(0.005)
        self._process.kill()
        self.kills += 1

    def end(self) -> None:
        self.is_over.set()
        if self._process is not None:
            self._process.kill()


@dataclass
class Load:
    """File after file is booked until somebody says that it is enough: `booked` are those that are in the store."""

    folder: Path
    lines: Iterator[bytes]
    command: Callable[[Path], list[str]]
    booked: list[Path] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        for number in itertools.count():
            if self.is_over.is_set():
                return
            path = self.folder / f"{number}.jsonl"
            path.write_bytes(b"".join(itertools.islice(self.lines, CHUNK)))
            service = Service(self.command(path), once=True)
            with running(service):
                wait_for(service)
            self.booked.append(path)


@contextmanager
def running(*services: Service) -> Iterator[None]:
    threads = [threading.Thread(target=service.run) for service in services]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for service in services:
            service.end()
        for thread in threads:
            thread.join()


def command(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"tests.crash.{module}", *map(str, arguments)]


def wait_for(service: Service) -> None:
    """Until it has ended well."""
    until = time.monotonic() + RECOVERY_SECONDS
    while not service.has_succeeded.wait(0.2):
        assert time.monotonic() < until, service.last_words


def test_whatever_is_killed_nothing_is_lost_doubled_or_out_of_order(
    mortal: tuple[Store, Postmaster], own_broker: Kafka, store: Store, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    print(f"seed {seed}")
    shaken, server = mortal
    rig = Rig.of(own_broker, shaken)
    place = (rig.source, own_broker.local, own_broker.topology.partitions)
    load = Load(
        tmp_path,
        iter(simulate(MOST_LINES, seed & 0xFFFF)),
        lambda path: command("driver", "submit", shaken.dsn, tmp_path / "out", BATCH, "never", path),
    )
    relay = Service(command("relay_driver", shaken.dsn, *place, PAGE, "open", "never"))
    follow = Service(command("driver", "follow_topics", shaken.dsn, *place, PAGE))

    def kill_broker() -> None:
        own_broker.kill()
        time.sleep(chance.random())
        own_broker.revive()

    victims: dict[str, Callable[[], None]] = {
        "relay": relay.kill,
        "follower": follow.kill,
        "broker": kill_broker,
        "database": lambda: kill_server(server),
    }
    order = [*victims] * KILLS
    chance.shuffle(order)
    booking = threading.Thread(target=load.run)
    booking.start()
    try:
        with running(relay, follow):
            for victim in order:
                time.sleep(0.3 + chance.random() * 1.5)
                victims[victim]()
                assert booking.is_alive(), "nothing was booked any more while others were killed"
    finally:
        load.is_over.set()
        booking.join(RECOVERY_SECONDS)
    assert not booking.is_alive() and load.booked, seed
    assert (relay.kills, follow.kills) == (KILLS, KILLS), seed
    print(f"seed {seed}: {order}; {len(load.booked)} files, {relay.starts} relays, {follow.starts} followers")

    for service in (relay, follow):  # what is left, undisturbed
        last = Service(service.command)
        with running(last):
            wait_for(last)

    for path in load.booked:
        store.submit(path)
    assert len(store.positions()) > CHUNK, "hardly anything was booked"
    assert_same(shaken.written(), store.written())
    rig.assert_published()
    rig.assert_level()
    with ExitStack() as stack:
        followed(store, stack.enter_context(closing(LogFeed(rig.source, store.connect))))
    assert incidents_of(shaken, rig.source) == [], seed
    assert positions_of(shaken, rig.source) == positions_of(store, rig.source), seed
    assert rows_of(shaken, rig.source) == rows_of(store, rig.source), seed
