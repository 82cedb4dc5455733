"""Many sources, a thread each: none waits for another, brokers' troubles are told and tried again."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from projections import followers
from projections.follow import Step
from projections.followers import Running, follow_sources, persistently
from projections.kafka.access import BrokerProblem

UNREACHABLE = BrokerProblem("unreachable", "No answer from Kafka.")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "DISCOVER_SECONDS", 0.05)
    monkeypatch.setattr(followers, "PAUSES_SECONDS", (0.01,))
    monkeypatch.setattr(followers, "JOIN_SECONDS", 0.2)


class Heard:
    """What was told, and until when to go on."""

    def __init__(self, until_caught_up: bool = False) -> None:
        self.steps: list[tuple[str, int]] = []
        self.said: list[str] = []
        self.running = Running(
            lambda source, step: self.steps.append((source, step.position)), self.said.append, until_caught_up
        )

    def stop_when(self, happens: Callable[[], bool]) -> None:
        def look() -> None:
            until = time.monotonic() + 20
            while not happens() and time.monotonic() < until:
                time.sleep(0.01)
            self.running.stopping.set()

        threading.Thread(target=look, daemon=True).start()


def step(position: int) -> Step:
    return Step(["audit"], position, 1)


def test_a_source_that_hangs_or_is_found_later_holds_up_nobody() -> None:
    heard = Heard()
    known = ["hung", "good"]

    def work(source: str) -> Iterator[Step]:
        if source == "hung":
            time.sleep(3600)
        yield step(1)
        while True:
            time.sleep(0.01)
            yield step(2)

    def discover() -> list[str]:
        if ("good", 2) in heard.steps and "late" not in known:
            known.append("late")
        return known

    heard.stop_when(lambda: ("late", 2) in heard.steps)
    began = time.monotonic()
    follow_sources(work, discover, heard.running)
    assert time.monotonic() - began < 15
    assert {source for source, _ in heard.steps} == {"good", "late"}


def test_a_problem_of_the_brokers_is_told_once_and_tried_again() -> None:
    heard = Heard()
    tries: list[str] = []

    def work(source: str) -> Iterator[Step]:
        tries.append(source)
        if len(tries) < 4:
            raise UNREACHABLE
        yield step(7)

    heard.stop_when(lambda: bool(heard.steps))
    follow_sources(work, lambda: ["a"], heard.running)
    assert heard.steps == [("a", 7)] and heard.said == ["follow a: No answer from Kafka. Trying again."]


def test_brokers_that_are_gone_while_looking_for_sources_are_waited_for() -> None:
    heard = Heard()
    asked: list[int] = []

    def discover() -> list[str]:
        asked.append(1)
        if len(asked) == 2:
            raise UNREACHABLE
        return ["a"] if len(asked) < 3 else ["a", "b"]

    def work(source: str) -> Iterator[Step]:
        yield step(1)

    heard.stop_when(lambda: ("b", 1) in heard.steps)
    follow_sources(work, discover, heard.running)
    assert ("b", 1) in heard.steps


@pytest.mark.parametrize("until_caught_up", [False, True])
def test_what_is_wrong_with_the_database_ends_everything(until_caught_up: bool) -> None:
    heard = Heard(until_caught_up)

    def work(source: str) -> Iterator[Step]:
        if source == "bad":
            while not heard.steps:
                time.sleep(0.01)
            raise ConnectionError("gone")
        yield step(1)
        if not until_caught_up:
            heard.running.stopping.wait()

    with pytest.raises(ConnectionError, match="gone"):
        follow_sources(work, lambda: ["bad", "good"], heard.running)
    assert ("good", 1) in heard.steps


def test_a_follower_that_is_to_end_says_what_is_wrong_and_the_others_end_first() -> None:
    heard = Heard(until_caught_up=True)

    def work(source: str) -> Iterator[Step]:
        if source == "bad":
            raise UNREACHABLE
        time.sleep(0.2)
        yield step(1)

    with pytest.raises(BrokerProblem):
        follow_sources(work, lambda: ["bad", "good"], heard.running)
    assert heard.steps == [("good", 1)]


def test_a_refused_login_is_not_tried_again() -> None:
    heard = Heard()

    def work() -> Iterator[Step]:
        raise BrokerProblem("login_refused", "no")
        yield

    with pytest.raises(BrokerProblem):
        list(persistently(work, heard.running, "a"))
    assert heard.said == []
