"""Turns at deciding end when others wait, and input is read ahead within bounds."""

from collections.abc import Iterator

import pytest

from ledger.service import turns
from ledger.service.batch import Line
from ledger.service.turns import LINES_AHEAD, MILLISECOND, Reading, Turn
from ledger.service.writer import Batch


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def monotonic_ns(self) -> int:
        return self.now * MILLISECOND


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)
    return clock


def ended(clock: Clock, turn: Turn, waiting: int) -> int:
    """The millisecond at which a turn is over, looked at every 5 ms."""
    while not turn.is_over(lambda: waiting):
        clock.now += 5
        if clock.now > 10_000:
            return 0
    return clock.now


@pytest.mark.parametrize(("waiting", "longest"), [(1, 225), (2, 125), (4, 75), (50, 25)])
def test_a_turn_is_shared_among_those_who_wait(clock: Clock, waiting: int, longest: int) -> None:
    turn = Turn()
    turn.begin()

    assert 0 < ended(clock, turn, waiting) <= longest


def test_a_turn_has_no_end_while_nobody_waits_and_a_late_comer_waits_for_one_look(clock: Clock) -> None:
    turn = Turn()
    turn.begin()

    assert ended(clock, turn, 0) == 0
    begun = clock.now
    assert ended(clock, turn, 1) - begun <= 25


def test_nobody_is_asked_who_waits_more_often_than_it_can_matter(clock: Clock) -> None:
    asked = 0

    def waiting() -> int:
        nonlocal asked
        asked += 1
        return 0

    turn = Turn()
    turn.begin()
    for clock.now in range(1_000):
        turn.is_over(waiting)
    assert asked <= 40


def batches(count: int, size: int) -> Iterator[Batch]:
    for number in range(count):
        yield Batch([Line(number * size + n, None) for n in range(size)])


def test_what_was_read_ahead_comes_first_and_in_order() -> None:
    reading = Reading(batches(10, 2))
    first = next(reading)
    while reading.more():
        pass

    numbers = [line.number for batch in [first, *reading] for line in batch.lines]
    assert numbers == list(range(20))
    assert not reading.more()


def test_no_more_is_read_ahead_than_its_bound_and_a_batch() -> None:
    reading = Reading(batches(1_000, 300))
    read = 0
    while reading.more():
        read += 300

    assert LINES_AHEAD <= read < LINES_AHEAD + 300


def test_input_that_cannot_be_read_on_says_so_in_its_turn() -> None:
    def breaking() -> Iterator[Batch]:
        yield from batches(2, 1)
        raise OSError("the disk is gone")

    reading = Reading(breaking())
    while reading.more():
        pass

    assert [batch.lines[0].number for batch in (next(reading), next(reading))] == [0, 1]
    for _ in range(2):
        with pytest.raises(OSError, match="the disk is gone"):
            next(reading)
