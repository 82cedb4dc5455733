"""A figure: what was measured several times, in whole numbers, and the raw limit it is to be seen beside."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

SECOND: Final = 1_000_000_000
MICROSECOND: Final = 1_000
# In these units less is better.
LESS_IS_BETTER: Final = ("us", "ms", "MB")


@dataclass(frozen=True, slots=True)
class Figure:
    """`values`: one a run, in order of size. `limit`: name of the raw figure in the same unit, if there is one."""

    name: str
    unit: str
    values: tuple[int, ...]
    limit: str | None = None

    @property
    def median(self) -> int:
        return self.values[len(self.values) // 2]


class Figures:
    """All figures of a run, in the order in which they were measured."""

    def __init__(self) -> None:
        self.all: list[Figure] = []

    def add(self, name: str, unit: str, values: Iterable[int], limit: str | None = None) -> None:
        self.all.append(Figure(name, unit, tuple(sorted(values)), limit))

    def limit_of(self, figure: Figure) -> int | None:
        return next((one.median for one in self.all if one.name == figure.limit), None)

    def as_json(self) -> list[dict[str, Any]]:
        """Each figure's median, and the least and the greatest where it was measured more than once."""
        found = []
        for figure in self.all:
            limit = self.limit_of(figure)
            named = [(figure.name, figure.median)]
            if len(figure.values) > 1:
                named += [(f"{figure.name}_min", figure.values[0]), (f"{figure.name}_max", figure.values[-1])]
            found += [{"name": name, "value": n, "unit": figure.unit, "raw_limit": limit} for name, n in named]
        return found


def elapsed(work: Callable[[], object]) -> int:
    """Nanoseconds that it takes."""
    begun = time.monotonic_ns()
    work()
    return time.monotonic_ns() - begun


def rate(count: int, nanoseconds: int) -> int:
    """So many a second; at least 1, since 0 would say that nothing was done."""
    return max(1, count * SECOND // max(1, nanoseconds))


def micros(nanoseconds: int) -> int:
    return max(1, nanoseconds // MICROSECOND)


def percentile(durations: Sequence[int], per_cent: int) -> int:
    """The duration that so many per cent of them do not pass."""
    return sorted(durations)[(len(durations) - 1) * per_cent // 100]
