"""Instants and business dates.

An instant is an int of microseconds since 1970-01-01T00:00:00Z; a date is an int of days since 1970-01-01. A business
date is the calendar date of an instant in China Standard Time (UTC+8, no summer time), contract 0.5. Integers keep
replay exact and comparisons cheap; text exists only at the edges.
"""

import calendar as months
from datetime import UTC, date, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
CST_OFFSET = 8 * 60 * MINUTE
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def instant_of(moment: datetime) -> int:
    """Microseconds of an aware datetime."""
    return (moment - EPOCH) // MICROSECOND


def instant_text(instant: int) -> str:
    """`YYYY-MM-DDThh:mm:ss.ffffffZ`, the only spelling the product writes."""
    return (EPOCH + timedelta(microseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def business_date(instant: int) -> int:
    """Date in China Standard Time of an instant."""
    return (instant + CST_OFFSET) // DAY


def start_of(day: int) -> int:
    """First instant of a business date."""
    return day * DAY - CST_OFFSET


def to_date(day: int) -> date:
    return date.fromordinal(day + EPOCH_ORDINAL)


def from_date(day: date) -> int:
    return day.toordinal() - EPOCH_ORDINAL


def date_text(day: int) -> str:
    return to_date(day).isoformat()


def add_months(day: int, count: int) -> int:
    """The same day `count` months later, clamped to the last day of that month (contract 0.10)."""
    start = to_date(day)
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    last = months.monthrange(year, month + 1)[1]
    return from_date(date(year, month + 1, min(start.day, last)))


def first_day(month: str) -> int:
    return from_date(date(int(month[:4]), int(month[5:]), 1))


def last_day(month: str) -> int:
    year, number = int(month[:4]), int(month[5:])
    return from_date(date(year, number, months.monthrange(year, number)[1]))


def is_working_day(day: int, holidays: frozenset[int], workdays: frozenset[int]) -> bool:
    """Monday to Friday not in holidays, or a date declared a working day."""
    if day in workdays:
        return True
    return (day + 3) % 7 < 5 and day not in holidays


def working_day_after(day: int, count: int, holidays: frozenset[int], workdays: frozenset[int]) -> int:
    """`wd(d, n)`: the n-th working day strictly after d; n = 0 is d itself."""
    while count > 0:
        day += 1
        if is_working_day(day, holidays, workdays):
            count -= 1
    return day


def full_years(born: date, day: int) -> int:
    """Age in full years; who is born on 29 February completes a year on 1 March in common years (contract 2.1)."""
    today = to_date(day)
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
