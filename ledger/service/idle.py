"""Handing over the lease while its holder is busy elsewhere: reading input, or waiting for whoever takes its answers.

Without it a pager at the end of `onecard submit` would keep every other process from deciding.
"""

import threading
from collections.abc import Callable

LOOK_SECONDS = 0.05


class IdleWatch:
    """Calls `hand_over` every now and then while nobody is inside `working`."""

    def __init__(self, hand_over: Callable[[], None]) -> None:
        self.working = threading.Lock()
        self._hand_over = hand_over
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="idle", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            if self.working.acquire(blocking=False):
                try:
                    self._hand_over()
                finally:
                    self.working.release()
