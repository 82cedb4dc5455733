"""PostgreSQL without installing one: a server under the home directory, shared by the commands that run at once.

The first command starts it and the last one stops it. Who is last is counted by the kernel: each command holds a
shared lock on one file for as long as it works, and a lock dies with its process, even by kill -9. A second lock,
the gate, keeps starting and stopping apart. A server left behind by killed commands is found and used by the next,
which then is the last one and stops it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.postmaster import SECOND, Postmaster, Progress
from ops.problems import EnvironmentProblem
from ops.server_sizing import Profile
from ops.settings import make_home


@contextmanager
def embedded_server(home: Path, progress: Progress, *, profile: Profile = "store") -> Iterator[str]:
    """Keep the home directory's server running inside the block; gives the connection string of its database.

    `progress` is told in whole sentences about anything that takes longer than a second.
    """
    home = home.absolute()
    make_home(home)
    server = Postmaster(home, profile)
    gate = home / "database.gate"
    users = _open_lock(home / "database.users")
    try:
        with _gate_held(gate, progress):
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            _bring_up(server, gate, progress)
            yield server.dsn
        finally:
            with _gate_held(gate, progress):
                if _is_last(users):
                    server.stop(progress)
    finally:
        os.close(users)


def _bring_up(server: Postmaster, gate: Path, progress: Progress) -> None:
    """Start the server, or wait for the one that somebody else started; when that one goes away, start anew."""
    ready = False
    while not ready:
        with _gate_held(gate, progress):
            launched = server.launch_unless_running(progress)
        ready = server.wait_until_ready(launched, progress)


def _is_last(users: int) -> bool:
    """Whether no other command holds the file. Asked under the gate, so nobody can join between answer and act."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _gate_held(gate: Path, progress: Progress) -> Iterator[None]:
    lock = _open_lock(gate)
    begun = time.monotonic_ns()
    told = 0
    try:
        while not _taken(lock):
            time.sleep(0.02)
            seconds = (time.monotonic_ns() - begun) // SECOND
            if seconds > told:
                told = seconds
                progress(f"another command is starting or stopping the database, {seconds} s ...")
        yield
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_lock(path: Path) -> int:
    """Open a lock file, which belongs to whoever the directory belongs to, even when root makes it."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.chown(lock, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be opened: {error.strerror}.") from None
    return lock
