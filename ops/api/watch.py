"""Looks at the ledger every few seconds, so that no request does: what health and metrics tell is the last look.

However many ask, the database and the brokers see one questioner, for a moment and with a bound on its time. A thread
of its own, because both answer slowly exactly when somebody wants to know.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ops.api.look import Look

EVERY_SECONDS: Final = 10
# A look is bounded by the timeouts of what it asks; one that takes this long has hung.
HUNG_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Seen:
    """The last finished look, and how long ago the watch last began one."""

    look: Look | None
    turned_seconds_ago: int

    @property
    def is_turning(self) -> bool:
        return self.turned_seconds_ago < HUNG_SECONDS


class Watch:
    """One thread that looks; `seen` never waits for it."""

    def __init__(self, look: Callable[[], Look], every_seconds: int = EVERY_SECONDS) -> None:
        self._look = look
        self._every_seconds = every_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._last: Look | None = None
        self._turned_at = time.monotonic_ns()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """At most until the look under way has ended; a hung one dies with the process."""
        self._stopping.set()
        self._thread.join(timeout=self._every_seconds)

    def seen(self) -> Seen:
        return Seen(self._last, (time.monotonic_ns() - self._turned_at) // 1_000_000_000)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._turned_at = time.monotonic_ns()
            self._last = self._look()
            self._stopping.wait(self._every_seconds)
