"""The embedded server under the worst that can happen to it, with real processes and real kill -9."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from ops import processes
from ops.embedded import embedded_server
from ops.postmaster import Postmaster
from ops.problems import EnvironmentProblem

# A command in miniature: holds the database until a line (or the end of input) tells it to leave.
COMMAND = """
import sys
from pathlib import Path
from ops.embedded import embedded_server
with embedded_server(Path(sys.argv[1]), lambda told: print(told, file=sys.stderr), profile="test") as dsn:
    print(dsn, flush=True)
    sys.stdin.readline()
"""

Started = Callable[[], subprocess.Popen[str]]


def quiet(_: str) -> None:
    return


@pytest.fixture
def home() -> Iterator[Path]:
    """A home directory like a user's: everyone may pass, which spares the server of a root user its capability."""
    parent = Path(tempfile.mkdtemp(prefix="onecard-home-"))
    parent.chmod(0o755)
    yield parent / "home"
    Postmaster(parent / "home", "test").stop(quiet)
    shutil.rmtree(parent)


@pytest.fixture
def command(home: Path) -> Iterator[Started]:
    """Starts commands on the home directory; what is left of them is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", COMMAND, str(home)]
        started.append(subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def dsn_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, "the command ended without a database"
    return line


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate("leave\n")
    assert process.returncode == 0


def kill_9(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def server_pid(home: Path) -> int | None:
    return Postmaster(home, "test").pid()


def wait_until_gone(pid: int) -> None:
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        time.sleep(0.01)


def value(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[call-overload]
    return row[0]


def test_two_commands_share_one_server_and_the_last_one_out_stops_it(home: Path, command: Started) -> None:
    first, second = command(), command()
    assert dsn_of(first) == dsn_of(second)
    shared = server_pid(home)
    assert shared is not None

    leave(first)
    assert server_pid(home) == shared

    leave(second)
    assert server_pid(home) is None


def test_after_a_kill_9_two_commands_at_once_share_the_server_left_behind(home: Path, command: Started) -> None:
    killed = command()
    dsn_of(killed)
    left_behind = server_pid(home)
    kill_9(killed.pid)
    killed.wait()

    second, third = command(), command()
    assert value(dsn_of(second), "select 1") == value(dsn_of(third), "select 1") == 1
    assert server_pid(home) == left_behind

    leave(second)
    leave(third)
    assert server_pid(home) is None


def test_what_was_committed_survives_a_kill_9_of_the_server(home: Path, command: Started) -> None:
    first = command()
    dsn = dsn_of(first)
    with psycopg.connect(dsn) as connection:
        connection.execute("create table kept as select 7 as number")
    killed = server_pid(home)
    assert killed is not None
    kill_9(killed)
    leave(first)

    second = command()
    assert value(dsn_of(second), "select number from kept") == 7
    leave(second)


def test_a_server_killed_under_a_busy_session_starts_again_at_once(home: Path, command: Started) -> None:
    first = command()
    dsn = dsn_of(first)
    busy = psycopg.connect(dsn)
    backend = busy.info.backend_pid
    # A backend that is stopped does not notice that its server died: it must be ended before another can start.
    os.kill(backend, signal.SIGSTOP)
    killed = server_pid(home)
    assert killed is not None
    kill_9(killed)
    kill_9(first.pid)
    wait_until_gone(killed)

    second = command()
    assert value(dsn_of(second), "select 1") == 1
    leave(second)
    busy.close()


def test_recovery_is_waited_for_and_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded_server(home, quiet, profile="test") as dsn:
        with psycopg.connect(dsn) as connection:
            connection.execute("create table filled as select n, md5(n::text) from generate_series(1, 300000) n")
        killed = server_pid(home)
        assert killed is not None
        kill_9(killed)

    # A second as the server counts them is made short, so that a small crash is enough to be told about.
    monkeypatch.setattr(processes, "SECOND", 10_000_000)
    told: list[str] = []
    with embedded_server(home, told.append, profile="test") as dsn:
        assert value(dsn, "select count(*) from filled") == 300_000
    assert any("interrupted and is recovering" in line for line in told), told


def test_a_pid_file_whose_pid_belongs_to_another_process_now_is_not_believed(home: Path) -> None:
    with embedded_server(home, quiet, profile="test"):
        pass
    stale = home / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n0\n5432\n\n\n\nready\n")

    with embedded_server(home, quiet, profile="test") as dsn:
        assert value(dsn, "select 1") == 1


def test_a_making_of_the_database_that_was_interrupted_is_done_again(home: Path) -> None:
    half_made = home / "postgres" / "data.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")

    with embedded_server(home, quiet, profile="test") as dsn:
        assert value(dsn, "select 1") == 1


def test_a_home_path_too_long_for_a_socket_gets_a_short_socket_of_its_own(home: Path) -> None:
    long_home = home / ("a-long-name-" * 10) / ("another-long-name-" * 8)
    with embedded_server(long_home, quiet, profile="test") as dsn:
        assert value(dsn, "select 1") == 1
        sockets = Postmaster(long_home, "test").sockets
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
def test_a_home_that_only_root_may_enter_stays_closed_and_works(home: Path) -> None:
    home.parent.chmod(0o700)
    with embedded_server(home, quiet, profile="test") as dsn:
        assert value(dsn, "select 1") == 1
    assert home.parent.stat().st_mode & 0o777 == 0o700


def test_a_start_that_fails_shows_the_last_lines_of_the_log_and_leaves_nothing_running(home: Path) -> None:
    with embedded_server(home, quiet, profile="test"):
        pass
    (home / "postgres" / "data" / "global" / "pg_control").unlink()

    with pytest.raises(EnvironmentProblem, match=r"(?s)did not start.*pg_control"), embedded_server(home, quiet):
        pytest.fail("there is no database to work with")
    assert server_pid(home) is None


def test_an_error_inside_the_block_stops_the_server_too(home: Path) -> None:
    with pytest.raises(RuntimeError, match="of the command"), embedded_server(home, quiet, profile="test"):
        raise RuntimeError("of the command")
    assert server_pid(home) is None


def test_the_store_is_durable_private_and_utf_8(home: Path) -> None:
    with embedded_server(home, quiet) as dsn:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert value(dsn, f"select current_setting('{setting}')") == "on"
        assert value(dsn, "select current_setting('listen_addresses')") == ""
        assert value(dsn, "select current_setting('server_encoding')") == "UTF8"
        assert value(dsn, "select datlocale from pg_database where datname = current_database()") == "C.UTF-8"
    for folder in ("postgres", "postgres/data", "postgres/socket"):
        assert (home / folder).stat().st_mode & 0o777 == 0o700
