"""Where the demo plays: a store of its own under the home directory, emptied each time, never the user's.

Whatever the environment says about a server, a secret or rules is left aside, so that the same demo gives the same
answers everywhere and nothing of it ever comes near real books.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.postmaster import Postmaster, Progress
from ops.problems import EnvironmentProblem
from ops.settings import Settings, make_home

NAME = "demo"
GONE = "demo.gone"
MARK = "README.txt"
MARKED = "Made by `onecard demo`, which empties this folder each time it starts.\n"
LEFT_ASIDE = ("database_url", "kafka_bootstrap", "source", "secret_file", "config", "clock")


@contextmanager
def empty_place(settings: Settings, progress: Progress) -> Iterator[Settings]:
    """Settings of an empty store for the demo, while no other demo uses it."""
    make_home(settings.home)
    with _alone(settings.home / "demo.lock"):
        home = settings.home / NAME
        _clear_away(home, progress)
        make_home(home)
        (home / MARK).write_text(MARKED, encoding="ascii")
        yield settings.model_copy(update={"home": home, **dict.fromkeys(LEFT_ASIDE)})


def to_be_unset(settings: Settings) -> list[str]:
    """Variables of the environment that would lead a typed command elsewhere than the demo went."""
    return [f"ONECARD_{name.upper()}" for name in LEFT_ASIDE if getattr(settings, name) is not None]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise EnvironmentProblem(f"Another demo is playing in {path.parent}: wait for its end.") from None
    finally:
        os.close(lock)


def _clear_away(home: Path, progress: Progress) -> None:
    """Remove what an earlier demo left: under another name first, so that a kill leaves all of it or nothing."""
    gone = home.with_name(GONE)
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise EnvironmentProblem(f"{home} holds something that no demo made: move it away, or set ONECARD_HOME.")
        with _unused(home / "database.users"):
            Postmaster(home, "store").stop(progress)
            shutil.rmtree(gone, ignore_errors=True)
            home.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def _unused(users: Path) -> Iterator[None]:
    """While no command works on the store: each holds this file shared."""
    if not users.exists():
        yield
        return
    lock = os.open(users, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise EnvironmentProblem(
            f"Another command works on the demo's store in {users.parent}: end it first, since a demo starts empty."
        ) from None
    finally:
        os.close(lock)
