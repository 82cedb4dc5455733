"""Days that add up as they go, of whoever is closed day by day: a merchant, a transit operator.

Closing reads the sums of the days since the last close, not what happened on them. Each family has its own two rows:
what one of its days counts, and the bounds of the days that ever counted anything.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from ledger.core.rows import Row
from ledger.core.world import World

DaySum = TypeVar("DaySum", bound=Row)


def day_key(owner: str, day: int) -> str:
    return f"{owner}:{day}"


def counting(world: World, bounds: type[Any], sums: type[DaySum], owner: str, day: int) -> DaySum:
    """The day's sum, to be added to; `bounds` has `first` and `last`, which come to hold the day."""
    days = world.get(bounds, owner)
    if days is None:
        world.add(owner, bounds(day, day))
    elif not days.first <= day <= days.last:
        days = world.edit(bounds, owner)
        days.first, days.last = min(day, days.first), max(day, days.last)
    return world.edit_or_add(sums, day_key(owner, day))


def sums_between(
    world: World, bounds: type[Any], sums: type[DaySum], owner: str, start: int | None, end: int
) -> Iterator[DaySum]:
    """Sums of the days from `start` (None: the first ever counted) to `end`, loaded at once."""
    days = world.get(bounds, owner)
    if days is None:
        return
    first = days.first if start is None else max(start, days.first)
    keys = [day_key(owner, day) for day in range(first, min(end, days.last) + 1)]
    world.load([(sums, key) for key in keys])
    for key in keys:
        found = world.get(sums, key)
        if found is not None:
            yield found
