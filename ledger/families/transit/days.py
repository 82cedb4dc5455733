"""Operating days: when one begins and ends, what it counted, and its closing (contract 5.2, 5.4).

A day runs from its cut in the night, not from midnight. What arrives for a closed day counts in the first open one, so
a closed day's sums never change. Each day adds up as it goes: closing reads sums, not taps.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.calendar import MINUTE, business_date, start_of
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import Row, Rows, StreamRow
from ledger.core.world import Name, World
from ledger.families.counted_days import closed_from, counting, first_open, sums_between

# --- facts -----------------------------------------------------------------------------------------------------------


class TransitDay(StreamRow):
    """Which days of an operator are closed (key: operator)."""

    kind: ClassVar[str] = "transit_day"
    closed_to: int | None = None


class CountedDays(Row):
    """Bounds of the days of an operator that ever counted anything (key: operator)."""

    kind: ClassVar[str] = "transit_days_counted"
    first: int
    last: int


class DaySum(Row):
    """What a clearing day counted. Key: operator:day."""

    kind: ClassVar[str] = "transit_day_sum"
    taps: int = 0
    corrections: int = 0
    due: int = 0
    paid: int = 0


# --- evolution -------------------------------------------------------------------------------------------------------


def count(world: World, event: Event, taps: int, corrections: int, due: int, paid: int) -> None:
    """A tap or a correction counts in its clearing day."""
    operator, day = event["operator"], event["clearing_day"]
    total = counting(world, CountedDays, DaySum, operator, day)
    total.taps += taps
    total.corrections += corrections
    total.due += due
    total.paid += paid


def closed(world: World, event: Event, position: int) -> None:
    world.edit_or_add(TransitDay, event["operator"]).closed_to = event["day"]


# --- questions -------------------------------------------------------------------------------------------------------


def cut(world: World, day: int, area: str) -> int:
    """How long after midnight an operating day begins, in microseconds."""
    minutes: int = world.config.value("transit.day_cut_minutes", day, area[:2])
    return minutes * MINUTE


def operating_day(world: World, command: Command, area: str) -> int:
    return business_date(command.occurred_at - cut(world, command.bdate, area))


def clearing_day(world: Rows, operator: str, day: int) -> int:
    """The day whose closing counts a fare of an operating day: its own unless that is closed."""
    return first_open(world, TransitDay, operator, day)


# --- decisions -------------------------------------------------------------------------------------------------------


def close(command: Command, world: World) -> list[Draft]:
    operator, day = command["operator"], command["day"]
    first = closed_from(world, TransitDay, operator, day)
    if command.occurred_at < start_of(day + 1) + cut(world, command.bdate, command["operating_area"]):
        raise Rejected("day_not_over", "the operating day still runs at occurred_at", "day")
    sums = list(sums_between(world, CountedDays, DaySum, operator, first, day))
    due, paid = sum(total.due for total in sums), sum(total.paid for total in sums)
    derived = {
        "closed_from": first,
        "tap_count": sum(total.taps for total in sums),
        "correction_count": sum(total.corrections for total in sums),
        "due_fen": due,
        "paid_fen": paid,
        "subsidy_fen": due - paid,
    }
    return [Draft("TransitDayClosed", derived)]


def operator_days(event: Event) -> StreamName:
    return TransitDay, event["operator"]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield TransitDay, command["operator"]
    yield CountedDays, command["operator"]


COMMANDS: Final = (
    CommandType(
        "CloseTransitDay",
        "transit",
        (required("operator", types.identifier), required("operating_area", types.area), required("day", types.day)),
        close,
        keys=keys,
    ),
)
EVENTS: Final = (EventType("TransitDayClosed", "transit", operator_days, closed),)
