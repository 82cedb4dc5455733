"""One follower a source, each in a thread with connections of its own: none waits for another.

A source whose topics are silent, whose events are broken or whose relay is dead holds up its own views' rows and
nothing else. Sources that appear while we run are followed too. What is wrong with the brokers is told and tried again;
what is wrong with the database ends everything, since nobody can go on.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from projections.follow import Step
from projections.kafka.access import BrokerProblem

DISCOVER_SECONDS: Final = 5
PAUSES_SECONDS: Final = (1, 2, 5)
JOIN_SECONDS: Final = 8
# What another try does not mend.
FINAL: Final = frozenset({"login_refused"})
T = TypeVar("T")


@dataclass
class Running:
    """What the threads share. `told`: who hears of steps, with the source; called by one thread at a time."""

    told: Callable[[str, Step], None]
    say: Callable[[str], None]
    until_caught_up: bool
    stopping: threading.Event = field(default_factory=threading.Event)
    failures: list[BaseException] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, source: str, step: Step) -> None:
        with self._lock:
            self.told(source, step)


def persistently(work: Callable[[], Iterable[T]], running: Running, name: str) -> Iterable[T]:
    """Work that is begun again after a problem of the brokers, each one told once; until caught up it is not."""
    failures = 0
    while not running.stopping.is_set():
        try:
            for done in work():
                failures = 0
                yield done
            return
        except BrokerProblem as problem:
            if running.until_caught_up or problem.code in FINAL:
                raise
            if not failures:
                running.say(f"follow {name}: {problem} Trying again.")
            running.stopping.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
            failures += 1


def follow_sources(
    work: Callable[[str], Iterable[Step]], discover: Callable[[], Iterable[str]], running: Running
) -> None:
    """Follow every source there is, until stopped; or those there are now until all have caught up."""
    threads: dict[str, threading.Thread] = {}
    try:
        while not running.stopping.is_set():
            for source in _found(discover, running):
                if source not in threads:
                    made = partial(_one, work, source, running)
                    threads[source] = threading.Thread(target=made, name=f"follow {source}", daemon=True)
                    threads[source].start()
            if running.until_caught_up:
                break
            running.stopping.wait(DISCOVER_SECONDS)
    except KeyboardInterrupt:
        running.stopping.set()
        _join(threads, running)
        raise
    _join(threads, running)


def _found(discover: Callable[[], Iterable[str]], running: Running) -> Iterable[str]:
    try:
        return sorted(discover())
    except BrokerProblem as problem:
        if running.until_caught_up or problem.code in FINAL:
            raise
        return ()


def _one(work: Callable[[str], Iterable[Step]], source: str, running: Running) -> None:
    """A thread: its failure ends the command unless it only concerns its source."""
    try:
        for step in persistently(partial(work, source), running, source):
            running.tell(source, step)
            if running.stopping.is_set():
                return
    except BaseException as failure:
        running.failures.append(failure)
        if not running.until_caught_up:
            running.stopping.set()
        if not isinstance(failure, Exception):
            raise


def _join(threads: dict[str, threading.Thread], running: Running) -> None:
    for thread in threads.values():
        while thread.is_alive():
            thread.join(1)
            if running.stopping.is_set():
                thread.join(JOIN_SECONDS)
                break
    if running.failures:
        raise running.failures[0]
