"""What a merchant sold, refunded and took in vouchers, day by day, and the closing of days (contract 6.4).

What arrives for a closed day counts in the first open one, so that the next close takes it and a closed day never
changes. Each day adds up as it goes: closing reads sums, not payments.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import Row, StreamRow
from ledger.core.world import Name, World
from ledger.families.counted_days import closed_from, counting, day_key, first_open, sums_between

# --- facts -----------------------------------------------------------------------------------------------------------


class MerchantDay(StreamRow):
    """Which days of a merchant are closed (key: merchant)."""

    kind: ClassVar[str] = "merchant_day"
    closed_to: int | None = None


class CountedDays(Row):
    """Bounds of the days of a merchant that ever counted anything (key: merchant)."""

    kind: ClassVar[str] = "merchant_days_counted"
    first: int
    last: int


class DaySum(Row):
    """What one day counted. Key: merchant:day."""

    kind: ClassVar[str] = "merchant_day_sum"
    payments: int = 0
    paid: int = 0
    discount: int = 0
    refunds: int = 0
    refunded: int = 0
    vouchers: int = 0
    redeemed: int = 0


# --- evolution -------------------------------------------------------------------------------------------------------


def sold(world: World, event: Event) -> None:
    total = _counting(world, event)
    total.payments += 1
    total.paid += event["paid_fen"]
    total.discount += event["discount_fen"]


def refunded(world: World, event: Event) -> None:
    total = _counting(world, event)
    total.refunds += 1
    total.refunded += event["paid_fen"] + event["discount_fen"]


def redeemed(world: World, event: Event) -> None:
    total = _counting(world, event)
    total.vouchers += 1
    total.redeemed += event["amount_fen"]


def _counting(world: World, event: Event) -> DaySum:
    """The sum of the first open day on or after the event's."""
    merchant = event["merchant"]
    day = first_open(world, MerchantDay, merchant, event["business_date"])
    return counting(world, CountedDays, DaySum, merchant, day)


def closed(world: World, event: Event, position: int) -> None:
    world.edit(MerchantDay, event["merchant"]).closed_to = event["day"]


# --- questions -------------------------------------------------------------------------------------------------------


def counting_keys(merchant: str, day: int) -> Iterable[Name]:
    """Rows that an event of a merchant and day changes; another day's where that is closed."""
    yield MerchantDay, merchant
    yield CountedDays, merchant
    yield DaySum, day_key(merchant, day)


# --- decisions -------------------------------------------------------------------------------------------------------


def close(command: Command, world: World) -> list[Draft]:
    merchant, day = command["merchant"], command["day"]
    first = closed_from(world, MerchantDay, merchant, day)
    if command.bdate <= day:
        raise Rejected("day_not_over", "the day still runs on the business date", "day")
    sums = list(sums_between(world, CountedDays, DaySum, merchant, first, day))
    derived = {
        "closed_from": first,
        "payment_count": sum(total.payments for total in sums),
        "paid_fen": sum(total.paid for total in sums),
        "discount_fen": sum(total.discount for total in sums),
        "refund_count": sum(total.refunds for total in sums),
        "refund_fen": sum(total.refunded for total in sums),
        "voucher_count": sum(total.vouchers for total in sums),
        "voucher_fen": sum(total.redeemed for total in sums),
        "net_fen": sum(total.paid + total.discount - total.refunded + total.redeemed for total in sums),
    }
    return [Draft("MerchantDayClosed", derived)]


def on_merchant_day(event: Event) -> StreamName:
    return MerchantDay, event["merchant"]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield MerchantDay, command["merchant"]
    yield CountedDays, command["merchant"]


COMMANDS: Final = (
    CommandType(
        "CloseMerchantDay",
        "service",
        (required("merchant", types.identifier), required("merchant_area", types.area), required("day", types.day)),
        close,
        keys=keys,
    ),
)
EVENTS: Final = (EventType("MerchantDayClosed", "service", on_merchant_day, closed),)
