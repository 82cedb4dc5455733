"""A process stopped in its turn (Ctrl-Z, a suspended machine), whose turn is taken away, and which then goes on."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from ledger.store.lease import turn
from tests.crash.processes import answers, start
from tests.fix_stores import Store, soak
from tests.service.rivals import Rivals

CARDS = soak(500, 5_000)
STOPS = soak(3, 30)
HOLDER = """
    SELECT application_name, pid FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND classid = 1663 AND objid = 1 AND objsubid = 2 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
Processes = dict[str, "subprocess.Popen[str]"]


@contextmanager
def submitting(store: Store, files: dict[str, Path]) -> Iterator[Processes]:
    """A process a file, known to the server by the file's name."""
    words = "submit", store.dsn
    processes = {
        name: start(*words, path.with_suffix(".out"), 20, "never", path, env={**os.environ, "PGAPPNAME": name})
        for name, path in files.items()
    }
    try:
        yield processes
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def stopped_in_its_turn(connection: psycopg.Connection[Any], processes: Processes) -> tuple[str, int] | None:
    """(name, server's process of its lease) of a process that is stopped while it decides; None once one has ended."""
    while all(process.poll() is None for process in processes.values()):
        found = connection.execute(HOLDER).fetchone()
        if found is None:
            continue
        processes[found[0]].send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        if connection.execute(HOLDER).fetchone() == found:
            return str(found[0]), int(found[1])
        processes[found[0]].send_signal(signal.SIGCONT)
    return None


def test_a_process_that_was_stopped_and_overtaken_records_each_of_its_lines_once(store: Store, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.jsonl" for name in ("first", "second", "third")}
    rivals = Rivals()
    for path in files.values():
        rivals.before.clear()
        for _ in range(CARDS):
            rivals.card()
        path.write_bytes(b"".join(line + b"\n" for line in rivals.before))

    stops = 0
    with submitting(store, files) as processes, store.connect() as watching:
        while stops < STOPS and (found := stopped_in_its_turn(watching, processes)):
            name, lease = found
            stops += 1
            # All that is in the way, as whoever waits tells it: it may have been stopped amid an append.
            number, in_the_way = turn(watching)
            assert lease in in_the_way and len(in_the_way) <= 2
            watching.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", (in_the_way,))
            while turn(watching)[0] == number and any(
                process.poll() is None for other, process in processes.items() if other != name
            ):
                time.sleep(0.01)
            processes[name].send_signal(signal.SIGCONT)
        ended = {name: process.communicate()[1] for name, process in processes.items()}
        assert [process.returncode for process in processes.values()] == [0, 0, 0], ended

    told = [one for path in files.values() for one in answers(path.with_suffix(".out"))]
    assert stops
    assert {one[0] for one in told} == {"recorded"}
    assert sorted(one[3] for one in told) == store.positions() == list(range(1, 9 * CARDS + 1))
