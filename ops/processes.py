"""What is known of a process from outside: which server it is, what it wrote down, how long it takes, how old it is.

Nothing is believed that was written down earlier, since any process may be killed at any moment and its number given
to another: a server runs if there is a process of its name standing in its data directory.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

Progress = Callable[[str], None]

SECOND = 1_000_000_000
MB = 1024 * 1024


def stands_in(pid: int, name: str, places: tuple[str, ...]) -> bool:
    """Whether this is a live process of that name whose working directory is one of the places."""
    try:
        process = psutil.Process(pid)
        if process.name() != name or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.cwd() in places
    except psutil.Error:
        return False


def is_over(process: psutil.Process) -> bool:
    """Whether nothing of it is left. Its first thread may have ended while others still hold its ports and files."""
    try:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return False
        threads: int = process.num_threads()
        return threads <= 1
    except psutil.Error:
        return True


def lines_of(path: Path) -> list[str]:
    """The lines of a small file without the blanks at their ends; none when there is no such file."""
    try:
        return [line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return []


def first_number(path: Path) -> int | None:
    """The number in a file's first line, as in a file that holds a process id."""
    try:
        return int(lines_of(path)[0])
    except (IndexError, ValueError):
        return None


def ticks() -> Iterator[int]:
    """Poll for ever: yields 0 between seconds, and the seconds gone by once each time another one has passed."""
    begun = time.monotonic_ns()
    told = 0
    while True:
        seconds = (time.monotonic_ns() - begun) // SECOND
        yield seconds if seconds > told else 0
        told = seconds
        time.sleep(0.02)


def log_since(log: Path, mark: str) -> str:
    """What a server wrote since the last mark, out of the last megabyte of its log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - MB))
        return file.read().decode(errors="replace").rpartition(mark)[2]


def age_ms() -> int:
    """How long ago this process was started, before the first line of any program ran in it."""
    begun: float = psutil.Process().create_time()
    return round((time.time() - begun) * 1_000)
