"""kill -9 of the database in the middle of submitting and following: whoever was at work goes on, or says so."""

import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from os import kill
from pathlib import Path

import pytest

from ops.embedded import embedded_server
from ops.migrate import migrate
from ops.postmaster import Postmaster
from tests.crash.processes import answers, run, start
from tests.crash.test_kill_follow import views
from tests.fix_stores import Store, assert_same, soak
from tests.model.histories import history

Stores = Callable[[], Store]
LINES = soak(900, 5_000)
KILLS = soak(2, 20)


def quiet(_: str) -> None:
    return


@pytest.fixture
def mortal() -> Iterator[tuple[Store, Postmaster]]:
    """A store on a server of its own, which may be killed."""
    parent = Path(tempfile.mkdtemp(prefix="onecard-mortal-"))
    parent.chmod(0o755)
    try:
        with ExitStack() as stack:
            dsn = stack.enter_context(embedded_server(parent / "home", quiet, profile="test"))
            migrate(dsn)
            yield Store(dsn), Postmaster(parent / "home", "test")
    finally:
        Postmaster(parent / "home", "test").stop(quiet)
        shutil.rmtree(parent, ignore_errors=True)


def kill_server(server: Postmaster) -> None:
    """As if the machine had lost power but for the page cache; then a fresh start on what is left."""
    pid = server.pid()
    assert pid is not None
    kill(pid, signal.SIGKILL)
    while server.pid() is not None:
        time.sleep(0.01)
    server.wait_until_ready(server.launch_unless_running(quiet), quiet)


def kill_while(process: subprocess.Popen[str], server: Postmaster, chance: random.Random, kills: int) -> int:
    """Kill the server a few times while the process is at work; how often it was."""
    done = 0
    while done < kills:
        time.sleep(0.4 + chance.random() * 0.8)
        if process.poll() is not None:
            break
        kill_server(server)
        done += 1
    process.communicate()
    return done


def test_a_database_killed_while_submitting_changes_no_outcome(
    mortal: tuple[Store, Postmaster], store: Store, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in history(seed, LINES)))
    assert run("submit", store.dsn, tmp_path / "wanted", 5, "never", path) == 0
    shaken, server = mortal

    kills = attempts = 0
    ended = None
    while ended != 0:
        attempts += 1
        process = start("submit", shaken.dsn, tmp_path / "found", 5, "never", path)
        kills += kill_while(process, server, chance, KILLS - kills)
        ended = process.returncode
        assert attempts < 10

    print(f"seed {seed}: the database was killed {kills} times, {attempts} attempts")
    assert kills
    assert answers(tmp_path / "found") == answers(tmp_path / "wanted")
    assert_same(shaken.written(), store.written())


def test_a_database_killed_while_following_changes_no_view(
    mortal: tuple[Store, Postmaster], store: Store, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in history(seed, LINES)))
    shaken, server = mortal
    for one in (shaken, store):
        one.submit(path)
    assert run("follow", store.dsn, 5_000, "never") == 0

    kills = 0
    ended = None
    while ended != 0:
        process = start("follow", shaken.dsn, 1, "never")  # an event a page: long enough to be met at work
        kills += kill_while(process, server, chance, KILLS - kills)
        ended = process.returncode

    print(f"seed {seed}: the database was killed {kills} times")
    assert kills
    assert views(shaken) == views(store)
