"""Stays in an institution that count, so that a second bill for the same days is seen (contract 4.4, overlapping_stay).

A stay is written into every window of 256 days it touches: two stays that share a day share a window. Effective stays
of at least a day never overlap, so a window holds few; a stay of no length overlaps nothing but a longer stay around
it, and equal ones are only counted. A reversed or voided settlement takes its stay out again.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec

from ledger.core.rows import Row
from ledger.core.world import Name, World

WINDOW: Final = 256


class Stays(Row):
    """Key: card:institution:window.

    `nights`: start -> end of stays that lasted; `moments`: day -> how many stays of no length.
    """

    kind: ClassVar[str] = "stays"
    nights: dict[int, int] = msgspec.field(default_factory=dict)
    moments: dict[int, int] = msgspec.field(default_factory=dict)


def keys(card_id: str, institution: str, admitted: int, discharged: int) -> Iterator[Name]:
    """The windows that a stay touches."""
    last = max(admitted, discharged - 1)
    for window in range(admitted // WINDOW, last // WINDOW + 1):
        yield Stays, f"{card_id}:{institution}:{window}"


def overlaps(world: World, card_id: str, institution: str, admitted: int, discharged: int) -> bool:
    """Whether a counting stay has a day in common with this one."""
    for _, key in keys(card_id, institution, admitted, discharged):
        window = world.get(Stays, key)
        if window is None:
            continue
        if any(start < discharged and admitted < end for start, end in window.nights.items()):
            return True
        if any(admitted < day < discharged for day in window.moments):
            return True
    return False


def enter(world: World, card_id: str, institution: str, admitted: int, discharged: int) -> None:
    for _, key in keys(card_id, institution, admitted, discharged):
        window = world.edit_or_add(Stays, key)
        if admitted < discharged:
            window.nights[admitted] = discharged
        else:
            window.moments[admitted] = window.moments.get(admitted, 0) + 1


def leave(world: World, card_id: str, institution: str, admitted: int, discharged: int) -> None:
    """The stay no longer counts."""
    for _, key in keys(card_id, institution, admitted, discharged):
        window = world.edit(Stays, key)
        if admitted < discharged:
            del window.nights[admitted]
        elif window.moments[admitted] > 1:
            window.moments[admitted] -= 1
        else:
            del window.moments[admitted]
