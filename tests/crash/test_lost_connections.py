"""Connections cut at any moment, also between a commit and its answer: nothing twice, nothing lost, nobody told."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.service import writer as writing
from ledger.service.batch import Receipt
from ledger.service.session import StoreUnreachable
from ledger.store.appending import is_lost_connection
from tests.fix_stores import Store, assert_same, soak, submitted, told
from tests.model.histories import history

Stores = Callable[[], Store]
LINES = soak(700, 4_000)
CUTS = soak(25, 300)
# Every session of the database, one of them or all, but the one that asks and those of the test itself.
UNHARMED = "unharmed"
END = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
      AND application_name <> %s
    ORDER BY random() LIMIT %s
"""


def write(path: Path, seed: int, lines: int) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in history(seed, lines)))
    return path


@contextmanager
def cutting(store: Store, chance: random.Random, cuts: int) -> Iterator[list[int]]:
    """Ends sessions of the store now and then, in a thread, at most `cuts` times."""
    made: list[int] = []
    over = threading.Event()

    def cut() -> None:
        with store.connect() as connection:
            for _ in range(cuts):
                if over.wait(chance.random() * 0.15):
                    return
                found = connection.execute(END, (UNHARMED, chance.choice([1, 1, 2, 10]))).fetchall()
                made.append(len(found))

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()


def test_sessions_ended_at_random_change_no_outcome(stores: Stores, tmp_path: Path, seed: int) -> None:
    path = write(tmp_path / "history.jsonl", seed, LINES)
    undisturbed, disturbed = stores(), stores()
    wanted = undisturbed.submit(path, size=20)
    watching = replace(disturbed, dsn=make_conninfo(disturbed.dsn, application_name=UNHARMED))

    attempts = 0
    with cutting(disturbed, random.Random(seed), CUTS) as made:
        found = None
        while found is None:
            attempts += 1
            is_opened = False
            try:
                with disturbed.writer() as writer:
                    is_opened = True
                    found = [one.outcome for one in submitted(writer, path, size=20)]
            except (StoreUnreachable, psycopg.OperationalError) as error:
                # Only while a writer or a run is opened; once they go on, the writer gets over every cut.
                assert not is_opened or isinstance(error, StoreUnreachable), repr(error)
                assert not watching.ask("SELECT 1 FROM ledger.runs WHERE input_bytes > 0") or attempts < 5, error

    print(f"seed {seed}: {len(made)} cuts ended {sum(made)} sessions, {attempts} attempts")
    assert sum(made)
    assert told(found) == told(wanted)
    assert [one.status for one in found if isinstance(one, Receipt)] == [
        one.status for one in wanted if isinstance(one, Receipt)
    ]
    assert_same(disturbed.written(), undisturbed.written())


def test_a_pipeline_that_cannot_be_left_does_not_hide_that_its_session_was_ended() -> None:
    """Some of the cuts above end so, and which of them is chance."""
    ended, wrong = psycopg.errors.AdminShutdown("ended"), psycopg.errors.UniqueViolation()
    for came_upon, is_lost in ((ended, True), (wrong, False)):
        leaving = psycopg.OperationalError("cannot exit pipeline mode while busy")
        leaving.__context__ = came_upon
        assert is_lost_connection(leaving) is is_lost


@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_whose_answer_is_lost_is_found_out(
    stores: Stores, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    path = write(tmp_path / "history.jsonl", seed, 150)
    undisturbed, disturbed = stores(), stores()
    wanted = undisturbed.submit(path, size=15)
    commit = writing.appending.commit  # type: ignore[attr-defined]
    calls = 0

    def lossy(connection: psycopg.Connection[Any], append: Any) -> int:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            if committed:
                commit(connection, append)
            connection.close()
            raise psycopg.OperationalError("the connection is lost")
        return commit(connection, append)

    monkeypatch.setattr(writing.appending, "commit", lossy)  # type: ignore[attr-defined]
    found = disturbed.submit(path, size=15)

    assert calls > 6
    assert told(found) == told(wanted)
    assert [getattr(one, "status", None) for one in found] == [getattr(one, "status", None) for one in wanted]
    assert_same(disturbed.written(), undisturbed.written())


def test_a_commit_still_on_its_way_when_its_session_is_lost_is_fenced_or_waited_for(
    stores: Stores, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old session goes on at the server for a while after the client has given it up."""
    path = write(tmp_path / "history.jsonl", seed, 150)
    undisturbed, disturbed = stores(), stores()
    wanted = undisturbed.submit(path, size=15)
    commit = writing.appending.commit  # type: ignore[attr-defined]
    late: list[threading.Thread] = []
    calls = 0

    def overtaken(connection: psycopg.Connection[Any], append: Any) -> int:
        nonlocal calls
        calls += 1
        if calls % 3:
            return commit(connection, append)

        def goes_on() -> None:
            with disturbed.connect("onecard_writer") as lingering, lingering.transaction():
                lingering.execute("SELECT ledger.begin_append(%s)", (append.lease,))
                begun.set()
                time.sleep(0.3)
                # The transaction's work is that of the real commit; savepoints keep it one transaction.
                commit(lingering, append)

        begun = threading.Event()
        late.append(threading.Thread(target=goes_on))
        late[-1].start()
        begun.wait(5)
        connection.close()
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(writing.appending, "commit", overtaken)  # type: ignore[attr-defined]
    found = disturbed.submit(path, size=15)
    for thread in late:
        thread.join()

    assert late
    assert [getattr(one, "status", None) for one in found] == [getattr(one, "status", None) for one in wanted]
    assert told(found) == told(wanted)
    assert_same(disturbed.written(), undisturbed.written())
