"""Rows and references read ahead are as good as rows read on the spot."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.core.identity import Keyring
from ledger.core.rows import Row
from ledger.core.world import World
from ledger.service.batch import Line, Outcome, Receipt
from ledger.service.run import shaped
from ledger.service.writer import Batch
from ledger.store import appending, submissions
from ledger.store.appending import Append
from ledger.store.submissions import Key, Recall
from ops.simulate import simulate
from tests.fix_stores import Store, assert_same, soak, told
from tests.model.histories import SECRET, history

Stores = Callable[[], Store]
LINES = 4_000


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

    def slow(connection: psycopg.Connection[Any], append: Append) -> int:
        time.sleep(0.01)
        return commit(connection, append)

    monkeypatch.setattr(appending, "commit", slow)
    found = slowly.submit(path, size=7)

    assert told(found) == told(wanted)
    assert_same(slowly.written(), at_once.written())


def test_a_command_decided_alone_is_refused_a_place_in_a_batch_of_others() -> None:
    """Decided among others, a seal would be over a log without what its own batch records."""
    card, seal = (
        b'{"command": "%s", "submitter": "agency-31", "reference": "r", "occurred_at": "2026-03-02T09:00:00+08:00", %s}'
        % one
        for one in ((b"ActivateCard", b'"card_sn": "x"'), (b"SealLog", b'"seal_id": "S1"'))
    )
    with pytest.raises(ValueError, match="a batch of its own"):
        Batch(lines_of([card, seal]))


def test_what_was_read_ahead_is_forgotten_when_somebody_else_decided_meanwhile(stores: Stores, seed: int) -> None:
    """Two writers in turns, each with a batch read ahead when the other decides: as if all had been one file."""
    chance = random.Random(seed)
    raw = history(seed, soak(200, 3_000))
    lines = lines_of(raw)
    together, serial = stores(), stores()
    order: list[tuple[int, bytes]] = []

    def hand_out(rest: Iterator[Line]) -> Iterator[Batch]:
        while part := [line for line, _ in zip(rest, range(chance.randint(1, 6)), strict=False)]:
            for is_alone, of_a_kind in groupby(part, key=attrgetter("is_alone")):
                kept = list(of_a_kind)
                yield from ([Batch([line]) for line in kept] if is_alone else [Batch(kept)])

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


def test_hardly_any_row_of_a_day_is_fetched_alone(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that its command did not announce costs a way to the database and back, for one line of many."""
    alone: Counter[str] = Counter()
    fetched = World._fetched

    def counted(world: World, row_type: type[Row], key: str) -> Row | None:
        alone[row_type.kind] += 1
        return fetched(world, row_type, key)

    monkeypatch.setattr(World, "_fetched", counted)
    path = tmp_path / "day.jsonl"
    path.write_bytes(b"".join(simulate(LINES, 7)))
    recorded = [one for one in store.submit(path) if isinstance(one, Receipt)]

    assert len(recorded) * 10 > LINES * 8
    assert alone.total() * 150 < LINES, alone.most_common(5)


def test_what_commands_ask_of_the_log_is_read_ahead_and_never_on_the_spot(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_the_spot: list[Key] = []

    class Counted(Recall):
        def __init__(self, connection: psycopg.Connection[Any], keys: Sequence[Key]) -> None:
            on_the_spot.extend(keys)
            super().__init__(connection, keys)

    monkeypatch.setattr(submissions, "Recall", Counted)
    path = tmp_path / "day.jsonl"
    path.write_bytes(b"".join(simulate(LINES, 7)))
    store.submit(path)

    assert store.ask("SELECT count(*) > 5 FROM ledger.events WHERE topic ~ 'MedicalVoided$'") == [(True,)]
    assert on_the_spot == []
