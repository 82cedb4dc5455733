"""Turns at deciding end when others wait, and input is read ahead within bounds."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Thread

import pytest

from ledger.service import turns, writer
from ledger.service.batch import Line
from ledger.service.turns import LINES_AHEAD, MILLISECOND, Reading, StandstillWatch, Turn
from ledger.service.writer import Batch
from ledger.store.appending import Append, commit
from ledger.store.lease import WAITING, Lease, LeaseLost, turn
from tests.fix_stores import Store, submitted


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
    while not turn.is_over(waiting):
        clock.now += 5
        if clock.now > 10_000:
            return 0
    return clock.now


@pytest.mark.parametrize(("waiting", "longest"), [(1, 205), (2, 105), (4, 55), (50, 10)])
def test_a_turn_is_shared_among_those_who_wait(clock: Clock, waiting: int, longest: int) -> None:
    turn = Turn()
    turn.begin()

    assert 0 < ended(clock, turn, waiting) <= longest


def test_a_turn_has_no_end_while_nobody_waits_and_a_late_comer_to_a_long_one_is_served_at_once(clock: Clock) -> None:
    turn = Turn()
    turn.begin()

    assert ended(clock, turn, 0) == 0
    begun = clock.now
    assert ended(clock, turn, 1) == begun


def test_a_commit_tells_how_many_wait_and_so_does_taking_the_lease(store: Store) -> None:
    """So that whoever decides need not ask."""
    with ExitStack() as held:
        leases = [Lease(held.enter_context(store.connect("onecard_writer"))) for _ in range(4)]
        leases[0].take()
        assert leases[0].others == 0
        waiting = [Thread(target=lease.take) for lease in leases[1:]]
        for thread in waiting:
            thread.start()
        while store.ask(WAITING) != [(len(waiting),)]:
            time.sleep(0.01)

        with store.connect("onecard_writer") as connection:
            assert commit(connection, Append(leases[0].number)) == len(waiting)
        leases[0].look()
        assert leases[0].others == len(waiting)
        leases[0].release()
        for left in range(len(waiting) - 1, -1, -1):
            while not (present := [lease for lease in leases if lease.number]):
                time.sleep(0.01)
            assert present[0].others == left
            present[0].release()
        for thread in waiting:
            thread.join()


@pytest.mark.parametrize("amid_an_append", [False, True])
def test_who_waits_for_a_process_that_stands_still_tells_what_takes_its_turn_away(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amid_an_append: bool
) -> None:
    """A stopped process keeps its sessions, and with them a lock or two: nobody went on, and nobody was told."""
    monkeypatch.setattr(writer, "STANDSTILL_SECONDS", 1)
    path = tmp_path / "line.jsonl"
    path.write_bytes(b'{"command": "ActivateCard"}\n')
    told: list[str] = []

    with closing(store.connect("onecard_writer")) as still, closing(store.connect("onecard_writer")) as appending:
        stopped = Lease(still)
        stopped.take()
        if amid_an_append:
            appending.execute("BEGIN")
            appending.execute("SELECT ledger.begin_append(%s)", (stopped.number,))

        def end_its_sessions(message: str) -> None:
            told.append(message)
            asked = next(part for part in message.split("`") if "pg_terminate_backend" in part)
            assert store.ask(asked) == [(True, True) if amid_an_append else (True,)]

        with store.writer(tell=end_its_sessions) as waiting:
            assert [getattr(one.outcome, "code", None) for one in submitted(waiting, path)] == ["missing_field"]
            with pytest.raises(LeaseLost), store.connect("onecard_writer") as connection:
                commit(connection, Append(stopped.number))  # as the stopped process would, once it goes on
    assert len(told) == 1 and "Ctrl-Z" in told[0]


def test_turns_that_pass_on_are_not_told_however_long_one_waits() -> None:
    told: list[str] = []
    watch = StandstillWatch(told.append)
    for number in (4, 5, 6, 6, 6, 7, 8):
        watch.look(number, [1_000 + number])
    watch.look(8, [])  # between two turns
    assert [message.count("1006") for message in told] == [2]


def test_who_waits_within_the_lease_for_an_append_is_not_the_one_in_the_way(store: Store) -> None:
    """The lease's session was ended, the one amid an append was not: the next holder waits for it in its turn."""
    with store.connect("onecard_writer") as appending, store.connect("onecard_writer") as next_one:
        appending.execute("BEGIN")
        appending.execute("SELECT ledger.begin_append(0)")
        lease = Lease(next_one)
        waiting = Thread(target=lease.take)
        waiting.start()
        with store.connect() as watching:
            while (found := turn(watching)) != (0, [appending.info.backend_pid]):
                assert found[1] in ([appending.info.backend_pid], sorted({appending.info.backend_pid, *found[1]}))
                time.sleep(0.01)
            while not store.ask("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 2 AND NOT granted"):
                time.sleep(0.01)
            assert turn(watching) == (0, [appending.info.backend_pid])
        appending.execute("ROLLBACK")
        waiting.join()
        assert lease.number == 1


def batches(count: int, size: int) -> Iterator[Batch]:
    for number in range(count):
        yield Batch([Line(number * size + n, None) for n in range(size)])


def test_what_was_read_ahead_comes_first_and_in_order() -> None:
    prepared: list[Batch] = []
    reading = Reading(batches(10, 2), prepared.append)
    first = next(reading)
    while reading.more():
        pass

    numbers = [line.number for batch in [first, *reading] for line in batch.lines]
    assert numbers == list(range(20))
    assert [batch.lines[0].number for batch in prepared] == list(range(2, 20, 2))
    assert not reading.more()


def test_no_more_is_read_ahead_than_its_bound_and_a_batch() -> None:
    reading = Reading(batches(1_000, 300), id)
    read = 0
    while reading.more():
        read += 300

    assert LINES_AHEAD <= read < LINES_AHEAD + 300


def test_input_that_cannot_be_read_on_says_so_in_its_turn() -> None:
    def breaking() -> Iterator[Batch]:
        yield from batches(2, 1)
        raise OSError("the disk is gone")

    reading = Reading(breaking(), id)
    while reading.more():
        pass

    assert [batch.lines[0].number for batch in (next(reading), next(reading))] == [0, 1]
    for _ in range(2):
        with pytest.raises(OSError, match="the disk is gone"):
            next(reading)
