"""Python's collector of reference cycles, told that a long run makes hardly any.

Deciding and following make and drop millions of small objects that reference counting frees by itself. With the usual
thresholds the collector looks at all that live again and again: a sixth of the time of submitting, a third of that of
following.
"""

import gc
from functools import cache

THRESHOLDS = (100_000, 50, 1_000)


@cache
def expect_a_long_run() -> None:
    """Leave alone what is loaded already, and look at the rest seldom; once a process."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
