"""Two processes deciding at once keep the serial rule: some order of the two explains every answer (contract 0.1)."""

import copy
import itertools
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.service.batch import Receipt
from ledger.service.run import shaped
from tests.crash.processes import start
from tests.fix_stores import Store, soak
from tests.house.tree import ROOT
from tests.model.histories import CLOCK_MICROS, CONFIG, SECRET
from tests.model.ledger import Model
from tests.service.rivals import Contest, Rivals

Stores = Callable[[], Store]
EAGER = (
    "autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1,"
    " autovacuum_vacuum_insert_scale_factor = 0, autovacuum_analyze_threshold = 1, autovacuum_analyze_scale_factor = 0,"
    " autovacuum_vacuum_cost_delay = 0"
)
BUSY = ("events", "submissions", "state", "clearing_lines", "clearing_units", "runs", "lease")
WAITING = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 1663 AND objid = 1 AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
LONGEST_WAIT_MICROS = 10_000_000


@contextmanager
def vacuumed(store: Store) -> Iterator[None]:
    """The tables are vacuumed all the time: by the server, eagerly, and by hand without a pause."""
    over = threading.Event()
    for table in BUSY:
        with store.connect() as connection:
            connection.execute(f"ALTER TABLE ledger.{table} SET ({EAGER})")  # type: ignore[arg-type]

    def work() -> None:
        with store.connect() as connection:
            while not over.wait(0.02):
                tables = ", ".join(f"ledger.{table}" for table in BUSY)
                connection.execute(f"VACUUM (ANALYZE) {tables}")  # type: ignore[arg-type]

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Racer:
    """A process of tests.service.racer."""

    def __init__(self, store: Store) -> None:
        command = [sys.executable, "-m", "tests.service.racer", store.dsn]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Racer":
        assert self._heard() == "ready"
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()
        assert self._process.returncode == 0

    def _heard(self) -> str:
        assert self._process.stdout is not None and self._process.stderr is not None
        line = self._process.stdout.readline().strip()
        assert line, self._process.stderr.read()
        return line

    def ask(self, *lines: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([line.decode() for line in lines]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> tuple[list[tuple[Any, ...]], int]:
        outcomes, micros = json.loads(self._heard())
        return [tuple(one) for one in outcomes], micros


def in_short(told: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without what the model does not say: the message and the field of a refusal."""
    return told if isinstance(told[1], int) else told[:1]


def by_model(model: Model, line: bytes) -> tuple[Any, ...]:
    one = model.submit_line(line)
    return (one.code,) if one.code else (one.card_id, one.card_version, one.position)


@pytest.mark.parametrize("part", range(soak(1, 12)))
def test_two_processes_at_once_are_explained_by_one_serial_order(store: Store, seed: int, part: int) -> None:
    chance = random.Random(seed + part)
    rivals = Rivals()
    rounds = list(rivals.rounds(soak(6, 12)))
    model = Model(CLOCK_MICROS, CONFIG, SECRET)
    with store.writer() as writer:
        lines = [shaped(line, n, store.keyring())[1] for n, line in enumerate(rivals.before)]
        for outcome, line in zip(writer.submit(lines), rivals.before, strict=True):
            assert isinstance(outcome, Receipt), (outcome, line)
            assert by_model(model, line) == (outcome.card_id, outcome.card_version, outcome.position)

    waits = []
    won: Counter[str] = Counter()
    with vacuumed(store), ExitStack() as stack:
        one, other = (stack.enter_context(Racer(store)) for _ in range(2))
        for number, contest in enumerate(rounds):
            pair = (contest.one, contest.other)
            first, second = pair if chance.random() < 0.5 else pair[::-1]
            one.ask(first)
            other.ask(second)
            found = []
            for racer in (one, other):
                outcomes, micros = racer.answer()
                found.append(in_short(outcomes[0]))
                waits.append(micros)
            explained = []
            for order in ((0, 1), (1, 0)):
                trial = copy.deepcopy(model)
                told = {n: by_model(trial, (first, second)[n]) for n in order}
                if [told[0], told[1]] == found:
                    explained.append((order, trial))
                    break
            assert explained, f"seed {seed + part}, round {number}: no order explains {found} of {pair}"
            codes = [answer[0] for answer in found if len(answer) == 1]
            assert contest.allows(codes), f"seed {seed + part}, round {number}: {codes}, not {contest.code}, of {pair}"
            won["first" if explained[0][0] == (0, 1) else "second"] += 1
            model = explained[0][1]

    positions = store.positions()
    assert positions == list(range(1, len(positions) + 1))
    waits.sort()
    print(
        f"seed {seed + part}: {len(rounds)} rounds, {dict(won)}; waits of an append under vacuum: median"
        f" {waits[len(waits) // 2] / 1e3:.1f} ms, longest {waits[-1] / 1e3:.1f} ms"
    )
    assert waits[-1] < LONGEST_WAIT_MICROS


def test_a_contest_has_one_winner_and_its_own_code() -> None:
    strict, either = Contest(b"", b"", "voucher_used"), Contest(b"", b"", "card_cancelled", both=True)
    assert strict.allows(["voucher_used"]) and either.allows(["card_cancelled"]) and either.allows([])
    assert not any(strict.allows(codes) for codes in ([], ["card_lost"], ["voucher_used", "voucher_used"]))
    assert not either.allows(["card_lost"])


def test_many_processes_take_turns_and_none_starves(store: Store, tmp_path: Path) -> None:
    cards, size, processes = soak(600, 3_000), 25, 4
    rivals = Rivals()
    files = []
    for name in range(processes):
        rivals.before = []
        for _ in range(cards):
            rivals.card()
        files.append(tmp_path / f"{name}.jsonl")
        mine = (line.replace(b'"T1"', f'"P{name}"'.encode()) for line in rivals.before)
        files[-1].write_bytes(b"".join(line + b"\n" for line in mine))

    with vacuumed(store), store.connect() as gate:
        # Nobody begins before all are there.
        gate.execute("SELECT pg_advisory_lock(1663, 1)")
        running = [start("submit", store.dsn, tmp_path / f"out{n}", size, "never", f) for n, f in enumerate(files)]
        while store.ask(WAITING) != [(processes,)]:
            time.sleep(0.05)
        gate.execute("SELECT pg_advisory_unlock(1663, 1)")
        for process in running:
            _, errors = process.communicate()
            assert process.returncode == 0, errors

    assert store.positions() == list(range(1, processes * cards * 3 + 1))
    turns = [row[0] for row in store.ask("SELECT submitter FROM ledger.submissions ORDER BY position")]
    last = {name: len(turns) - 1 - turns[::-1].index(name) for name in set(turns)}
    first = {name: turns.index(name) for name in set(turns)}
    shared = turns[max(first.values()) : min(last.values())]
    longest = run = 1
    for before, after in itertools.pairwise(shared):
        run = run + 1 if before == after else 1
        longest = max(longest, run)
    print(f"{len(shared)} events while all four were at work; longest turn {longest} events, batches of {size}")
    assert len(set(turns)) == processes
    assert longest <= cards * 3 // 2  # a turn is 200 ms, shared by the three that wait; never half of anybody's file
