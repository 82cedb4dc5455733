"""A home directory beside the user's, for a demo or a bench: emptied before it is used, never mixed with real books.

Whatever the environment says about a server, a secret or rules is left aside, so that the same run gives the same
answers everywhere. It lies under the user's home directory and not in a temporary one: there the disk is the user's.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.core.calendar import instant_text
from ops.kafka.broker import Broker
from ops.postmaster import Postmaster
from ops.problems import EnvironmentProblem
from ops.processes import Progress
from ops.settings import Settings, make_home

MARK = "README.txt"
KAFKA = ("kafka_bootstrap", "kafka_user", "kafka_password_file", "kafka_ca_file", "topics")
LEFT_ASIDE = ("database_url", *KAFKA, "source", "secret_file", "config", "clock")


@contextmanager
def scratch_home(settings: Settings, name: str, progress: Progress, *, keep: bool) -> Iterator[Settings]:
    """Settings of an empty home for `onecard <name>`, while no other run of it does; removed in the end or kept."""
    make_home(settings.home)
    with _alone(settings.home / f"{name}.lock", name):
        home = settings.home / name
        _clear_away(home, name, progress)
        make_home(home)
        mark = f"Made by `onecard {name}`, which empties this folder each time it starts.\n"
        (home / MARK).write_text(mark, encoding="ascii")
        try:
            yield settings.model_copy(update={"home": home, **dict.fromkeys(LEFT_ASIDE)})
        finally:
            if not keep:
                _clear_away(home, name, progress)


def to_be_unset(settings: Settings) -> dict[str, str]:
    """Variables of the environment that would lead a typed command elsewhere than a scratch home, as they were."""
    found = {name: getattr(settings, name) for name in LEFT_ASIDE if getattr(settings, name) is not None}
    return {
        f"ONECARD_{name.upper()}": instant_text(value) if name == "clock" else str(value)
        for name, value in found.items()
    }


@contextmanager
def _alone(path: Path, name: str) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise EnvironmentProblem(f"Another `onecard {name}` is running in {path.parent}: wait for its end.") from None
    finally:
        os.close(lock)


def _clear_away(home: Path, name: str, progress: Progress) -> None:
    """Remove what an earlier run left: under another name first, so that a kill leaves all of it or nothing."""
    gone = home.with_name(f"{name}.gone")
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise EnvironmentProblem(
                f"{home} holds something that no `onecard {name}` made: move it away, or set ONECARD_HOME."
            )
        with _unused(home / "database.users"):
            Postmaster(home, "store").stop(progress)
            Broker(home).stop(progress)
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
            f"Another command works in {users.parent}: end it first, since this one starts with an empty store."
        ) from None
    finally:
        os.close(lock)
