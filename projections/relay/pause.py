"""A pause that ends early when somebody wants us to end."""

import time
from collections.abc import Callable

LOOK_SECONDS = 0.05


def pause(milliseconds: int, is_stopped: Callable[[], bool] = lambda: False) -> None:
    """So long, about."""
    until = time.monotonic_ns() + milliseconds * 1_000_000
    while time.monotonic_ns() < until and not is_stopped():
        time.sleep(LOOK_SECONDS)
