"""Runs of `submit`: the same bytes again go on where a killed run stopped, or are a resubmission."""

import json
import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ledger.core.rejection import Rejected
from ledger.core.shape import LINE_LIMIT
from ledger.service.batch import Outcome, Receipt
from ledger.service.run import submit_files
from ledger.service.writer import StoreUnreachable
from ledger.store import appending
from ledger.store.containers import Damaged
from tests.crash.processes import KILLED, answers, run, start
from tests.fix_stores import Store, assert_same, submitted, told
from tests.model.histories import history
from tests.service.rivals import Rivals

Stores = Callable[[], Store]


def write(path: Path, lines: list[bytes], end: bytes = b"\n") -> Path:
    path.write_bytes(b"".join(line + end for line in lines))
    return path


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [one.status if isinstance(one, Receipt) else one.code for one in outcomes]


def in_short(outcomes: list[Outcome]) -> list[tuple[object, ...]]:
    """Without messages, which may tell a column."""
    return [one[:1] if isinstance(was, Rejected) else one for one, was in zip(told(outcomes), outcomes, strict=True)]


def cards(count: int) -> list[bytes]:
    rivals = Rivals()
    for _ in range(count):
        rivals.card()
    return rivals.before


def broken_off(store: Store, path: Path, after: int, size: int) -> None:
    """A run whose process ends once so many outcomes are known."""
    with store.writer() as writer:
        for number, _ in enumerate(submitted(writer, path, size=size), 1):
            if number == after:
                break


def test_a_finished_run_submitted_again_gives_duplicates(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", cards(30))
    first = store.submit(path, size=40)
    before = store.written()

    second = store.submit(path)

    assert statuses(first) == ["recorded"] * 90 and statuses(second) == ["duplicate"] * 90
    assert told(first) == told(second)
    assert_same(store.written(), before)
    assert store.ask("SELECT count(*) FROM ledger.runs WHERE NOT finished") == [(0,)]
    assert store.ask("SELECT count(*) FROM ledger.run_rejects") == [(0,)]


def test_a_resumed_run_keeps_refusals_that_would_now_be_none(store: Store, tmp_path: Path) -> None:
    issue, activate, contribute = cards(1)
    other = cards(2)[3:]
    path = write(tmp_path / "a.jsonl", [activate, activate, *other, contribute])
    broken_off(store, path, 2, size=2)
    assert store.ask("SELECT count(*) FROM ledger.run_rejects") != [(0,)]
    write(tmp_path / "b.jsonl", [issue])
    store.submit(tmp_path / "b.jsonl")

    outcomes = store.submit(path, size=3)

    assert statuses(outcomes)[:2] == ["card_unknown"] * 2
    # Now a resubmission: the reason does not hold any more.
    assert statuses(store.submit(path))[:2] == ["recorded", "duplicate"]


def test_a_line_repeated_in_one_file_is_a_duplicate_also_after_a_kill(store: Store, tmp_path: Path) -> None:
    lines = cards(4)
    path = write(tmp_path / "a.jsonl", lines + lines + lines)
    broken_off(store, path, 20, size=5)
    assert statuses(store.submit(path, size=7)) == ["recorded"] * 12 + ["duplicate"] * 24


@pytest.mark.parametrize("after", [None, 1, 2, 3, 5])
def test_a_field_name_that_no_database_can_keep_is_refused_and_remembered(
    store: Store, tmp_path: Path, after: int | None
) -> None:
    line = json.loads(cards(1)[0])
    names = ["\0", "a\0b\\0c", "\\0", "\\", "\U0001f409", "x" * 5_000]
    path = write(tmp_path / "a.jsonl", [json.dumps({**line, name: 1}).encode() for name in names])
    wanted = [(one.code, one.field) for one in store.submit(path) if isinstance(one, Rejected)]
    assert [code for code, _ in wanted] == ["unknown_field"] * len(names)
    assert wanted[0][1] == "\0"
    if after:
        path.write_bytes(path.read_bytes() + b"\n")
        broken_off(store, path, after, size=1)
        again = store.submit(path)
        assert [(one.code, one.field) for one in again if isinstance(one, Rejected)] == wanted


# --- two processes ---------------------------------------------------------------------------------------------------


def test_two_processes_that_submit_the_same_file_record_every_line_once(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", cards(60))
    processes = [start("submit", store.dsn, tmp_path / f"out{n}", 10, "never", path) for n in range(2)]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors

    one, other = (answers(tmp_path / f"out{n}") for n in range(2))
    assert [line[1:] for line in one] == [line[1:] for line in other]
    assert {tuple(sorted(pair)) for pair in zip((a[0] for a in one), (b[0] for b in other), strict=True)} == {
        ("duplicate", "recorded")
    }
    assert store.positions() == list(range(1, 181))


def test_of_two_killed_runs_of_one_file_none_is_left_for_later(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", cards(40))
    processes = [start("submit", store.dsn, tmp_path / f"out{n}", 5, f"after:{4 + n}", path) for n in range(2)]
    for process in processes:
        process.communicate()
        assert process.returncode == KILLED

    assert run("submit", store.dsn, tmp_path / "again", 5, "never", path) == 0
    assert store.ask("SELECT count(*) FROM ledger.runs WHERE NOT finished AND input_bytes > 0") == [(0,)]
    assert statuses(store.submit(path)) == ["duplicate"] * 120


def test_a_run_that_another_process_works_on_is_left_alone(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", cards(10))
    with store.writer() as slow:
        outcomes = submitted(slow, path, size=5)
        first = next(outcomes).outcome
        assert set(statuses(store.submit(path))) <= {"duplicate", "recorded"}
        rest = [one.outcome for one in outcomes]
    assert statuses([first, *rest])[:5] == ["recorded"] * 5
    assert store.positions() == list(range(1, 31))


def test_a_run_taken_up_by_another_while_the_database_was_away_is_not_decided_twice(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.jsonl", [*cards(6), b"no object", b"none either"])
    commit = appending.commit
    calls = 0

    def lost(connection: object, append: object) -> int:
        nonlocal calls
        calls += 1
        if calls != 2:
            return commit(connection, append)  # type: ignore[arg-type]
        writer.session.close()
        assert len(store.submit(path, size=3)) == 20
        raise appending.psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(appending, "commit", lost)
    with store.writer() as writer:
        try:
            outcomes = [one.outcome for one in submitted(writer, path, size=5)]
            assert told(outcomes) == told(store.submit(path))
        except StoreUnreachable:
            pass
    assert store.positions() == list(range(1, 19))


# --- what a file may look like ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\n   \n\n"], ids=repr)
@pytest.mark.parametrize("final", [True, False])
def test_any_line_ending_means_the_same(stores: Stores, tmp_path: Path, seed: int, end: bytes, final: bool) -> None:
    lines = [line for line in history(seed, 120) if line.strip(b" ") and b"\r" not in line]
    plain, other = stores(), stores()
    wanted = plain.submit(write(tmp_path / "plain.jsonl", lines))
    path = write(tmp_path / "other.jsonl", lines, end)
    if not final:
        path.write_bytes(path.read_bytes().removesuffix(end))
    broken_off(other, path, 30, size=20)

    found = other.submit(path, size=50)

    assert in_short(found) == in_short(wanted)
    assert_same(other.written(), plain.written())


def test_empty_files_blank_lines_and_several_files(store: Store, tmp_path: Path) -> None:
    lines = cards(5)
    files = [
        write(tmp_path / "empty.jsonl", []),
        write(tmp_path / "first.jsonl", [b"", b"   ", *lines[:7]]),
        write(tmp_path / "blank.jsonl", [b"", b" "]),
        write(tmp_path / "second.jsonl", lines[7:]),
        write(tmp_path / "empty too.jsonl", []),
    ]
    with store.writer() as writer:
        found = [(one.input.file, one.input.number) for one in submitted(writer, *files, size=4)]
    assert found == [(1, n) for n in range(3, 10)] + [(3, n) for n in range(1, 9)]
    assert statuses(store.submit(*files)) == ["duplicate"] * 15
    assert store.submit(files[0]) == [] and store.submit(files[2]) == []


def test_several_files_go_on_where_they_were_wherever_that_is(stores: Stores, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = history(seed, 150)
    cuts = sorted(chance.sample(range(150), 3))
    parts = [lines[a:b] for a, b in zip([0, *cuts], [*cuts, 150], strict=True)]
    files = [write(tmp_path / f"{n}.jsonl", part) for n, part in enumerate(parts)]
    plain, other = stores(), stores()
    wanted = plain.submit(*files)
    for stop in sorted(chance.sample(range(10, 60), 3)):
        with other.writer() as writer:
            for number, _ in enumerate(submitted(writer, *files, size=chance.randrange(1, 20))):
                if number == stop:
                    break
    found = other.submit(*files)
    assert other.ask("SELECT count(*) FROM ledger.runs WHERE finished") == [(1,)]
    assert told(found) == told(wanted), f"seed {seed}"
    assert statuses(found) == statuses(wanted)
    assert_same(other.written(), plain.written())


@pytest.mark.parametrize("size", [LINE_LIMIT - 1, LINE_LIMIT, LINE_LIMIT + 1, 300_000, 1_000_000])
@pytest.mark.parametrize("last", [True, False])
def test_an_over_long_line_is_refused_and_the_run_can_still_be_resumed(
    store: Store, tmp_path: Path, size: int, last: bool
) -> None:
    first, second, third = cards(1)
    padded = first[:-1].ljust(size - 1) + b"}"
    path = write(tmp_path / "a.jsonl", [padded, first, second] + ([] if last else [third]) + [padded])
    broken_off(store, path, 2, size=1)
    fits = size <= LINE_LIMIT

    found = statuses(store.submit(path, size=2))

    assert found[0] == ("recorded" if fits else "malformed_json")
    assert found[1] == ("duplicate" if fits else "recorded")
    assert found[-1] == ("duplicate" if fits else "malformed_json")
    assert store.ask("SELECT count(*) FROM ledger.runs WHERE finished") == [(1,)]


def test_a_long_line_is_skipped_only_if_all_of_it_is_blank(store: Store, tmp_path: Path) -> None:
    long = 400_000
    lines = [b" " * long, b" " * long + b"x", b" " * (LINE_LIMIT + 1) + b"{}" + b" " * long, b"x" + b" " * long]
    path = write(tmp_path / "a.jsonl", lines)
    with store.writer() as writer:
        found = [(one.input.number, one.outcome) for one in submitted(writer, path)]
    assert [number for number, _ in found] == [2, 3, 4]
    assert statuses([outcome for _, outcome in found]) == ["malformed_json"] * 3


@pytest.mark.parametrize("edited", ["another line", "another content", "a line that is no command", "a line less"])
def test_a_file_edited_while_its_run_is_taken_up_is_told_and_nobody_gets_a_receipt_for_what_was_not_recorded(
    store: Store, tmp_path: Path, edited: str
) -> None:
    """The run was found by the bytes of before, and its lines are read once more to be answered."""
    lines = cards(10)
    path = write(tmp_path / "a.jsonl", lines)
    broken_off(store, path, after=10, size=5)
    changed = {
        "another line": [*lines[:3], cards(11)[-1].replace(b'"r', b'"s'), *lines[4:]],
        "another content": [*lines[:2], lines[2].replace(b"1000", b"1001"), *lines[3:]],
        "a line that is no command": [*lines[:3], b"{}", *lines[4:]],
        "a line less": lines[:3],
    }[edited]

    with store.writer() as writer:
        opened = count()

        def open_files() -> Iterator[Any]:
            if next(opened) == 1:
                write(path, changed)
            with path.open("rb") as file:
                yield file

        with pytest.raises(Damaged, match="changed while"):
            for _ in submit_files(writer, open_files, store.keyring(), 5):
                pass
