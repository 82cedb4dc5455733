"""Days that add up as they go, of whoever is closed day by day: a merchant, a transit operator.

Closing reads the sums of the days since the last close, not what happened on them. Each family has its own rows: which
of its days are closed, what one of them counts, and the bounds of those that ever counted anything.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from ledger.core.rejection import Rejected
from ledger.core.rows import Row, Rows
from ledger.core.world import World

DaySum = TypeVar("DaySum", bound=Row)


def first_open(world: Rows, days: type[Any], owner: str, day: int) -> int:
    """The day itself, or the first after it that is not closed; `days` has `closed_to`."""
    closed_to = _closed_to(world, days, owner)
    return day if closed_to is None else max(day, closed_to + 1)


def closed_from(world: Rows, days: type[Any], owner: str, day: int) -> int | None:
    """The first day that a close up to `day` closes, None from the beginning; Rejected if it is closed."""
    closed_to = _closed_to(world, days, owner)
    if closed_to is None:
        return None
    if day <= closed_to:
        raise Rejected("day_closed", "this day was closed before", "day")
    return closed_to + 1


def _closed_to(world: Rows, days: type[Any], owner: str) -> int | None:
    found = world.get(days, owner)
    closed_to: int | None = None if found is None else found.closed_to
    return closed_to


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
