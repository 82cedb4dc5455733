"""A server under the home directory, shared by the commands that run at once.

The first command starts it and the last one stops it. Who is last is counted by the kernel: each command holds a
shared lock on one file for as long as it works, and a lock dies with its process, even by kill -9. A second lock,
the gate, keeps starting and stopping apart. A server left behind by killed commands is found and used by the next,
which then is the last one and stops it.
"""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ops.problems import EnvironmentProblem
from ops.processes import SECOND, Progress
from ops.settings import make_home


class Server(Protocol):
    """A server process that outlives the command which started it."""

    def launch_unless_running(self, progress: Progress) -> subprocess.Popen[bytes] | None:
        """Start it, or None; to be called under the gate."""

    def wait_until_ready(self, launched: subprocess.Popen[bytes] | None, progress: Progress) -> bool:
        """Return once it answers; False when one that somebody else started went away meanwhile."""

    def stop(self, progress: Progress) -> None:
        """Return once it is gone; to be called under the gate."""


@contextmanager
def shared_server(server: Server, home: Path, name: str, progress: Progress) -> Iterator[None]:
    """Keep the server running inside the block. `<name>.gate` and `<name>.users` in the home are its two locks."""
    make_home(home)
    users = open_lock(home / f"{name}.users")
    try:
        with gate_held(home, name, progress):
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            bring_up(server, home, name, progress)
            yield
        finally:
            with gate_held(home, name, progress):
                if _is_last(users):
                    server.stop(progress)
    finally:
        os.close(users)


def bring_up(server: Server, home: Path, name: str, progress: Progress) -> None:
    """Start the server, or wait for the one that somebody else started; when that one goes away, start anew."""
    ready = False
    while not ready:
        with gate_held(home, name, progress):
            launched = server.launch_unless_running(progress)
        ready = server.wait_until_ready(launched, progress)


@contextmanager
def gate_held(home: Path, name: str, progress: Progress) -> Iterator[None]:
    """Alone with the server: nobody else starts or stops it inside the block."""
    lock = open_lock(home / f"{name}.gate")
    begun = time.monotonic_ns()
    told = 0
    try:
        while not _taken(lock):
            time.sleep(0.02)
            seconds = (time.monotonic_ns() - begun) // SECOND
            if seconds > told:
                told = seconds
                progress(f"another command is starting or stopping the {name}, {seconds} s ...")
        yield
    finally:
        os.close(lock)


def open_lock(path: Path) -> int:
    """Open a lock file, which belongs to whoever the directory belongs to, even when root makes it."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.chown(lock, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be opened: {error.strerror}.") from None
    return lock


def _is_last(users: int) -> bool:
    """Whether no other command holds the file. Asked under the gate, so nobody can join between answer and act."""
    return _taken(users)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
