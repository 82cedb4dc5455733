"""Runs a program of somebody's that reads for ever, or until something is wrong, and gives the lines it prints."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE_SECONDS = 90


@contextmanager
def _killed_in_the_end(process: subprocess.Popen[str]) -> Iterator[None]:
    """With everything it has started: `go run` and `mvn` leave children behind."""
    timer = threading.Timer(PATIENCE_SECONDS, _kill, [process])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _kill(process)
        process.wait()


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _running(command: Sequence[str | Path], folder: Path, errors: Path) -> Iterator[subprocess.Popen[str]]:
    with errors.open("w") as told:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        assert process.stdout is not None
        with process.stdout, _killed_in_the_end(process):
            yield process


def lines_of(command: Sequence[str | Path], count: int, folder: Path, errors: Path) -> list[str]:
    """The first lines of a program that goes on for ever; it is stopped then, or when patience ends."""
    found: list[str] = []
    with _running(command, folder, errors) as process:
        for line in process.stdout or ():
            found.append(line.rstrip("\n"))
            if len(found) == count:
                break
    assert len(found) == count, f"{len(found)} of {count} records, and then: {errors.read_text()[-2000:]}"
    return found


def ended(command: Sequence[str | Path], folder: Path, errors: Path) -> tuple[int, list[str], str]:
    """(exit code, lines, errors) of a program that ends by itself; stopped when patience ends."""
    with _running(command, folder, errors) as process:
        found = [line.rstrip("\n") for line in process.stdout or ()]
        code = process.wait()
    return code, found, errors.read_text()
