"""The writer when things go wrong around it: slow readers, broken rules, failed commits, a lease that passed on."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.service import writer as writing
from ledger.service.batch import Line, Outcome, Receipt
from ledger.service.run import shaped
from ledger.service.writer import Batch
from ledger.store import appending
from ledger.store.appending import Append
from ledger.store.lease import Lease, LeaseLost
from tests.fix_stores import Store, assert_same, told
from tests.model.histories import history
from tests.service.rivals import Rivals

Stores = Callable[[], Store]


def cards(store: Store, count: int) -> list[Line]:
    rivals = Rivals()
    for _ in range(count):
        rivals.card()
    return [shaped(line, n, store.keyring())[1] for n, line in enumerate(rivals.before)]


def batches(lines: list[Line], size: int) -> Iterator[Batch]:
    for start in range(0, len(lines), size):
        yield Batch(lines[start : start + size])


def held(store: Store) -> bool:
    """Whether anybody holds or waits for the lease."""
    return bool(
        store.ask(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 1663 AND objid = 1"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    )


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [getattr(one, "status", "rejected") for one in outcomes]


def submit_within(store: Store, lines: list[Line], seconds: int) -> list[Outcome]:
    """Submit by another writer, which must not be kept waiting."""
    found: list[Outcome] = []

    def work() -> None:
        with store.writer() as writer:
            found.extend(writer.submit(lines))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "kept waiting for the lease"
    return found


def test_whoever_takes_answers_slowly_does_not_keep_others_from_deciding(store: Store) -> None:
    lines = cards(store, 8)
    with store.writer() as slow:
        answers = slow.run(batches(lines[:20], 5))
        told_first = next(answers)[1]
        # The slow one is now inside its consumer, for as long as that likes.
        begun = time.monotonic_ns()
        assert statuses(submit_within(store, lines[21:24], 10)) == ["recorded"] * 3
        waited = (time.monotonic_ns() - begun) // 1_000_000
        rest = [outcome for _, outcomes in answers for outcome in outcomes]
    print(f"another writer was kept {waited} ms")
    assert statuses(told_first + rest) == ["recorded"] * 20
    assert store.positions() == list(range(1, 24))
    assert not held(store)


def test_whoever_reads_its_input_slowly_does_not_keep_others_from_deciding(store: Store) -> None:
    lines = cards(store, 8)
    others: list[Outcome] = []

    def slowly() -> Iterator[Batch]:
        yield Batch(lines[:5])
        yield Batch(lines[5:10])
        others.extend(submit_within(store, lines[21:24], 10))
        yield Batch(lines[10:20])

    with store.writer() as slow:
        found = [outcome for _, outcomes in slow.run(slowly()) for outcome in outcomes]
    assert statuses(found + others) == ["recorded"] * 23
    assert store.positions() == list(range(1, 24))


def test_an_outcome_not_taken_is_committed_and_the_lease_goes_back(store: Store) -> None:
    lines = cards(store, 8)
    with store.writer() as writer:
        for _ in writer.run(batches(lines, 6)):
            break
        assert not held(store)
        assert statuses(submit_within(store, lines[:6], 10)) == ["duplicate"] * 6
        # And the writer can be used again.
        assert "rejected" not in statuses(writer.submit(lines))
    assert store.positions() == list(range(1, 25))


def test_a_rule_that_breaks_leaves_nothing_of_its_batch_and_tells_what_came_before(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = cards(store, 8)
    decide = writing.decide_batch
    calls = 0

    def breaking(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        decided = decide(*given)
        if calls == 3:
            raise ZeroDivisionError("a rule is wrong")
        return decided

    monkeypatch.setattr(writing, "decide_batch", breaking)
    found: list[Outcome] = []
    with store.writer() as writer:
        with pytest.raises(ZeroDivisionError):
            for _, outcomes in writer.run(batches(lines, 6)):
                found.extend(outcomes)
        assert statuses(found) == ["recorded"] * 12
        assert not held(store)
        assert store.positions() == list(range(1, 13))
        assert statuses(writer.submit(lines)) == ["duplicate"] * 12 + ["recorded"] * 12


def test_nothing_is_committed_on_top_of_a_commit_that_failed(
    stores: Stores, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a batch that records nothing: its run would step over the lines of the failed one."""
    path = tmp_path / "lines.jsonl"
    lines = history(seed, 60)
    path.write_bytes(b"".join(line + b"\n" for line in lines[:40]) + b"no object\n" * 20 + lines[41] + b"\n")
    undisturbed, disturbed = stores(), stores()
    wanted = undisturbed.submit(path, size=20)
    commit = appending.commit
    calls = 0

    def failing(connection: psycopg.Connection[Any], append: Append) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            time.sleep(0.2)
            raise psycopg.errors.DiskFull("could not extend file")
        return commit(connection, append)

    monkeypatch.setattr(appending, "commit", failing)
    with pytest.raises(psycopg.errors.DiskFull):
        disturbed.submit(path, size=20)
    assert not held(disturbed)

    again = disturbed.submit(path, size=20)

    assert told(again) == told(wanted)
    assert statuses(again) == statuses(wanted)
    assert_same(disturbed.written(), undisturbed.written())


def test_an_append_with_an_old_lease_number_is_refused_and_leaves_the_connection_usable(store: Store) -> None:
    with store.connect("onecard_writer") as mine, store.connect("onecard_writer") as writing_connection:
        lease = Lease(mine)
        lease.take()
        old = lease.number
        lease.release()
        lease.take()
        with pytest.raises(LeaseLost):
            appending.commit(writing_connection, Append(old))
        appending.commit(writing_connection, Append(lease.number))


def test_a_writer_whose_lease_passed_on_decides_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its leasing session dies unseen, another process decides, and then the first goes on with what it knew."""
    lines = cards(store, 8)
    with store.writer() as writer:
        answers = writer.run(batches(lines, 6))
        found = next(answers)[1]
        writer.session.leasing.execute("SELECT 1")
        pid = writer.session.leasing.info.backend_pid
        store.ask("SELECT pg_terminate_backend(%s, 5000)", pid)
        others = submit_within(store, lines[18:], 10)
        found += [outcome for _, outcomes in answers for outcome in outcomes]
    assert statuses(others)[0] == "recorded"
    assert all(isinstance(one, Receipt) for one in found)
    positions = store.positions()
    assert positions == list(range(1, 25))


def test_a_waiting_writer_that_is_interrupted_leaves_no_lock_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between getting the lock and having the lease."""
    with store.connect("onecard_writer") as connection:
        lease = Lease(connection)
        execute = connection.execute

        def interrupted(query: Any, *given: Any) -> Any:
            if "take_lease" in query:
                raise KeyboardInterrupt
            return execute(query, *given)

        monkeypatch.setattr(connection, "execute", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lease.take()
        assert not held(store)


def test_events_wake_a_follower_and_refused_lines_do_not(store: Store) -> None:
    lines = cards(store, 1)
    with store.connect() as listening, store.writer() as writer:
        listening.execute("LISTEN ledger_events")
        writer.submit(lines)
        assert len(list(listening.notifies(timeout=5, stop_after=1))) == 1
        writer.submit(lines)
        assert list(listening.notifies(timeout=0.2)) == []
