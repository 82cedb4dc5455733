"""Clearing units: what a cut-off takes or defers as one (contract 7.1).

A unit is all positive lines of one settlement, family-aid spend or pass; they share one state. A cut-off marks nothing:
whenever a unit is touched, the cut-offs recorded since its last touch are folded in first, and whoever reads a unit in
between folds for itself. So "is it cut off" costs one row, however many lines a cycle takes.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from ledger.core import rows
from ledger.core.calendar import last_day
from ledger.core.rows import Page, Row, Rows

# --- facts -----------------------------------------------------------------------------------------------------------


class Unit(Row):
    """Key: settlement:<id>, spend:<id> or pass:<id>.

    `position`, `business_date`: of the event that made its `lines` positive lines. `disputed` and `held` suspend a
    confirmation. `reversed_at`, `reversed_on`: position and business date of its reversal. `touched`: position of the
    last event that changed it; `cycle` (that took it) and `deferrals` are true as of then. Voided units have no lines.
    """

    kind: ClassVar[str] = "unit"
    position: int = 0
    business_date: int = 0
    lines: int = 0
    confirmed: bool = False
    disputed: bool = False
    held: bool = False
    voided: bool = False
    reversed_at: int | None = None
    reversed_on: int | None = None
    touched: int = 0
    cycle: str | None = None
    deferrals: int = 0

    @property
    def agreed(self) -> bool:
        """Confirmed and neither disputed nor held."""
        return self.confirmed and not self.disputed and not self.held

    def is_eligible(self, last: int) -> bool:
        """Whether a cut-off of a month ending on date `last` takes it, its position allowing."""
        if self.voided or self.business_date > last:
            return False
        return self.agreed or (self.reversed_on is not None and self.reversed_on <= last)


class CutOff(Row):
    """A cut-off recorded: its month and the position of its CycleCutOff."""

    month: str
    position: int


class CutOffs(Page):
    kind: ClassVar[str] = "cut_offs"
    SIZE: ClassVar[int] = 64
    items: list[CutOff]


class Calendar(Row):
    """How many cut-offs there are (key: ALL). Months and positions both rise (7.6)."""

    kind: ClassVar[str] = "cut_off_calendar"
    count: int = 0


ALL: Final = "all"

# --- evolution -------------------------------------------------------------------------------------------------------


def open_unit(world: Rows, key: str, position: int, business_date: int, lines: int, confirmed: bool) -> None:
    """A new unit of `lines` positive lines; spends and passes are born confirmed."""
    world.add(key, Unit(position, business_date, lines, confirmed, touched=position))


def edit_unit(world: Rows, key: str, position: int) -> Unit:
    """The unit for change by the event at `position`, with every cut-off so far folded in."""
    unit = world.edit(Unit, key)
    fold(world, unit)
    unit.touched = position
    return unit


def fold(world: Rows, unit: Unit) -> None:
    """What the cut-offs since the last touch have done to the unit."""
    for cut_off in since(world, unit.touched):
        if unit.cycle is not None:
            return
        last = last_day(cut_off.month)
        if unit.is_eligible(last):
            unit.cycle = cut_off.month
        elif not unit.voided and unit.business_date <= last:
            unit.deferrals += 1


# --- questions -------------------------------------------------------------------------------------------------------


def latest_page(world: Rows) -> Iterator[tuple[type[Row], str]]:
    """Name of the page of cut-offs that every question about a unit reads first, once the calendar is loaded."""
    calendar = world.get(Calendar, ALL)
    if calendar is not None and calendar.count:
        yield CutOffs, CutOffs.at(ALL, calendar.count - 1)


def since(world: Rows, position: int) -> list[CutOff]:
    """Cut-offs recorded after a position, in order."""
    calendar = world.get(Calendar, ALL)
    index = calendar.count if calendar else 0
    found: list[CutOff] = []
    while index:
        index -= 1
        cut_off = rows.item_at(world, CutOffs, ALL, index)
        if cut_off.position <= position:
            break
        found.append(cut_off)
    return found[::-1]


def cycle_of(world: Rows, key: str) -> str | None:
    """The cycle month that has cut the unit off, or None."""
    unit = world.get(Unit, key)
    if unit is None or unit.cycle is not None:
        return unit.cycle if unit else None
    for cut_off in since(world, unit.touched):
        if unit.is_eligible(last_day(cut_off.month)):
            return cut_off.month
    return None
