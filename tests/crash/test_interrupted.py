"""Ctrl-C at any moment: the process ends soon and leaves no lock, and the same files again change no outcome."""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.crash.processes import answers, run, start
from tests.fix_stores import Store, assert_same, soak
from tests.model.histories import history

Stores = Callable[[], Store]
LOCKED = """
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid IN (1663, 1664)
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def test_an_interrupted_submission_submitted_again_changes_no_outcome(
    stores: Stores, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in history(seed, soak(600, 4_000))))
    undisturbed, disturbed = stores(), stores()
    assert run("submit", undisturbed.dsn, tmp_path / "wanted", 20, "never", path) == 0

    for attempt in range(soak(2, 30)):
        out = tmp_path / f"found{attempt}"
        process = start("submit", disturbed.dsn, out, 3, "never", path)
        while not answers(out) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0 or "KeyboardInterrupt" in errors, errors
        assert disturbed.ask(LOCKED) == []
    finished = disturbed.ask("SELECT 1 FROM ledger.runs WHERE finished")
    assert run("submit", disturbed.dsn, tmp_path / "found", 20, "never", path) == 0

    if not finished:
        assert answers(tmp_path / "found") == answers(tmp_path / "wanted")
        assert_same(disturbed.written(), undisturbed.written())
