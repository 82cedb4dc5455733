"""merchants: what each earned, day by day, and the days it closed (contract 6.2 to 6.4, 6.10)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from ledger.core.decider import Event
from projections.views.business.folded import Each, Folded, Name, Of, On, Rows
from projections.views.business.rows import Day, FoldedRow

NAME: Final = "merchants"


class Earned(FoldedRow):
    """net = paid + discount - refund + voucher, in fen; `refund_fen`: both parts, the holder's and the funder's."""

    payment_count: int = 0
    paid_fen: int = 0
    discount_fen: int = 0
    refund_count: int = 0
    refund_fen: int = 0
    voucher_count: int = 0
    voucher_fen: int = 0
    net_fen: int = 0


class Merchant(Earned):
    """All that a merchant earned: `net_fen` is the balance of `merchant:<merchant>`. `closed_to`: last closed day."""

    table: ClassVar[str] = "merchants"
    key: ClassVar[tuple[str, ...]] = ("merchant",)
    merchant: str = ""
    closed_to: Day | None = None


class MerchantDay(Earned):
    """What a day counts. What arrives for a closed day counts in the first open one."""

    table: ClassVar[str] = "merchants_days"
    key: ClassVar[tuple[str, ...]] = ("merchant", "day")
    merchant: str = ""
    day: Day = 0


class MerchantClosing(Earned):
    """What MerchantDayClosed says of the days from `closed_from` (null: from the beginning) to `day`."""

    table: ClassVar[str] = "merchants_closings"
    key: ClassVar[tuple[str, ...]] = ("merchant", "day")
    merchant: str = ""
    day: Day = 0
    closed_from: Day | None = None


@dataclass(frozen=True, slots=True)
class Counting:
    """What an event adds, to its merchant and to the day that counts it."""

    count: Callable[[Earned, Event], None]

    def __call__(self, rows: Rows, event: Event) -> None:
        merchant = rows.edit(Merchant, event["merchant"])
        self.count(merchant, event)
        self.count(rows.edit(MerchantDay, event["merchant"], _counting_day(merchant, event)), event)


def _counting_day(merchant: Merchant, event: Event) -> int:
    day: int = event["business_date"]
    return day if merchant.closed_to is None else max(day, merchant.closed_to + 1)


def day_then(rows: Rows, event: Event) -> Iterable[Name]:
    """The day that counts what came too late for its own."""
    merchant = rows.get(Merchant, event["merchant"])
    if merchant is not None:
        yield MerchantDay, (event["merchant"], _counting_day(merchant, event))


def paid(earned: Earned, event: Event) -> None:
    earned.payment_count += 1
    earned.paid_fen += event["paid_fen"]
    earned.discount_fen += event["discount_fen"]
    earned.net_fen += event["price_fen"]


def refunded(earned: Earned, event: Event) -> None:
    fen = event["paid_fen"] + event["discount_fen"]
    earned.refund_count += 1
    earned.refund_fen += fen
    earned.net_fen -= fen


def redeemed(earned: Earned, event: Event) -> None:
    earned.voucher_count += 1
    earned.voucher_fen += event["amount_fen"]
    earned.net_fen += event["amount_fen"]


def closed(rows: Rows, event: Event) -> None:
    rows.edit(Merchant, event["merchant"]).closed_to = event["day"]
    closing = rows.edit(MerchantClosing, event["merchant"], event["day"])
    closing.closed_from = event["closed_from"]
    for name in Earned.__struct_fields__:
        if name != "position":
            setattr(closing, name, event[name])


MERCHANT = Of(Merchant, "merchant")
AT_MERCHANT = Each(MERCHANT, Of(MerchantDay, "merchant", "business_date"))

MERCHANTS: Final = Folded(
    NAME,
    (Merchant, MerchantDay, MerchantClosing),
    (
        On("MerchantPaid", Counting(paid), AT_MERCHANT, day_then),
        On("MerchantRefunded", Counting(refunded), AT_MERCHANT, day_then),
        On("VoucherRedeemed", Counting(redeemed), AT_MERCHANT, day_then),
        On("MerchantDayClosed", closed, Each(MERCHANT, Of(MerchantClosing, "merchant", "day"))),
    ),
)
