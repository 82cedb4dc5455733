"""Rows and references read ahead are as good as rows read on the spot."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.core.identity import Keyring
from ledger.service.batch import Line, Outcome, Receipt
from ledger.service.run import shaped
from ledger.service.writer import Batch
from ledger.store import appending
from ledger.store.appending import Append
from tests.fix_stores import Store, assert_same, soak, told
from tests.model.histories import SECRET, history

Stores = Callable[[], Store]


def lines_of(told_lines: list[bytes]) -> list[Line]:
    return [shaped(line, number, Keyring(SECRET))[1] for number, line in enumerate(told_lines)]


def test_what_batches_in_flight_changed_is_seen_although_it_was_not_committed_when_rows_were_read(
    stores: Stores, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in history(seed, soak(500, 3_000))))
    at_once, slowly = stores(), stores()
    wanted = at_once.submit(path, size=10_000)
    commit = appending.commit

    def slow(connection: psycopg.Connection[Any], append: Append) -> None:
        time.sleep(0.01)
        commit(connection, append)

    monkeypatch.setattr(appending, "commit", slow)
    found = slowly.submit(path, size=7)

    assert told(found) == told(wanted)
    assert_same(slowly.written(), at_once.written())


def test_what_was_read_ahead_is_forgotten_when_somebody_else_decided_meanwhile(stores: Stores, seed: int) -> None:
    """Two writers in turns, each with a batch read ahead when the other decides: as if all had been one file."""
    chance = random.Random(seed)
    raw = history(seed, soak(200, 3_000))
    lines = lines_of(raw)
    together, serial = stores(), stores()
    order: list[tuple[int, bytes]] = []

    def hand_out(rest: Iterator[Line]) -> Iterator[Batch]:
        while part := [line for line, _ in zip(rest, range(chance.randint(1, 6)), strict=False)]:
            yield Batch(part)

    def keep(batch: Batch, outcomes: list[Outcome]) -> None:
        for line, outcome in zip(batch.lines, outcomes, strict=True):
            if isinstance(outcome, Receipt) and outcome.status == "recorded":
                order.append((outcome.position, raw[line.number]))

    rest = iter(lines)
    with together.writer() as first, together.writer() as second:
        running = [first.run(hand_out(rest)), second.run(hand_out(rest))]
        while running:
            one = chance.choice(running)
            try:
                keep(*next(one))
            except StopIteration:
                running.remove(one)

    with serial.writer() as writer:
        replayed = writer.submit(lines_of([line for _, line in sorted(order)]))
    assert {getattr(one, "status", one) for one in replayed} == {"recorded"}
    assert_same(together.written(), serial.written())
