"""passes: passes for many venues, their uses, and whose their price becomes when they end (contract 6.8)."""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core.calendar import date_text
from ledger.core.decider import Event
from ledger.core.provinces import province
from ledger.families.service.passes import ACTIVE, EXPIRED, PURCHASED, REFUNDED, last_day_of
from projections.views.business.folded import Each, Folded, Name, Of, On, Rows
from projections.views.business.owing import OwingPair, on_remittance
from projections.views.business.restricted import RestrictedCard, on_restriction
from projections.views.business.rows import Day, FoldedRow, Uuid

NAME: Final = "passes"
BY_HOLDER, BY_TIME, BY_USE = "HOLDER", "TIME", "USE"


class Pass(FoldedRow):
    """A pass. `valid_from`, `valid_to`: its days as they stand, by its activation or, without one, by time.

    It may be given back before `auto_on`. `activated_by`: HOLDER, TIME (told so by an event) or USE; null: none yet.
    """

    table: ClassVar[str] = "passes"
    key: ClassVar[tuple[str, ...]] = ("pass_id",)
    indexes: ClassVar[tuple[str, ...]] = ("card_id",)
    pass_id: str
    card_id: Uuid | None = None
    state: str = PURCHASED
    product: str = ""
    seller: str = ""
    seller_province: str = ""
    price_fen: int = 0
    bought_on: Day = 0
    auto_on: Day = 0
    activated_by: str | None = None
    valid_from: Day = 0
    valid_to: Day = 0
    uses: int = 0
    venues: int = 0
    last_used_on: Day | None = None
    ended_on: Day | None = None


class PassVenue(FoldedRow):
    """Uses of a pass at a venue and, once it has ended, the venue's share; the seller's row if it was never used."""

    table: ClassVar[str] = "passes_venues"
    key: ClassVar[tuple[str, ...]] = ("pass_id", "venue")
    pass_id: str
    venue: str
    venue_province: str = ""
    uses: int = 0
    last_used_on: Day | None = None
    share_fen: int | None = None


class Venue(FoldedRow):
    """What a venue saw of passes: uses, how many passes, and its shares of those that have ended."""

    table: ClassVar[str] = "passes_visited"
    key: ClassVar[tuple[str, ...]] = ("venue",)
    venue: str
    passes: int = 0
    uses: int = 0
    last_used_on: Day | None = None
    shares: int = 0
    share_fen: int = 0


class Sales(FoldedRow):
    """What a seller took for a product. price = waiting + refunded + split, always."""

    table: ClassVar[str] = "passes_sales"
    key: ClassVar[tuple[str, ...]] = ("seller", "product")
    seller: str
    product: str
    passes: int = 0
    price_fen: int = 0
    waiting: int = 0
    waiting_fen: int = 0
    refunded: int = 0
    refunded_fen: int = 0
    split: int = 0
    split_fen: int = 0


class Revenue(FoldedRow):
    """Shares of the passes that ended in a month, by who sold and who was visited."""

    table: ClassVar[str] = "passes_revenue"
    key: ClassVar[tuple[str, ...]] = ("month", "seller", "seller_province", "venue", "venue_province")
    month: str
    seller: str
    seller_province: str
    venue: str
    venue_province: str
    passes: int = 0
    uses: int = 0
    share_fen: int = 0


class ProvincePair(OwingPair):
    """What the seller's province owes the venues': its balance is that of `pass_clearing:<seller>:<venue>`."""

    table: ClassVar[str] = "passes_pairs"
    key: ClassVar[tuple[str, ...]] = ("seller_province", "venue_province")
    seller_province: str = ""
    venue_province: str = ""


class PassRestricted(RestrictedCard):
    """A card whose passes lists leave out."""

    table: ClassVar[str] = "passes_restricted"


# --- a pass ----------------------------------------------------------------------------------------------------------


def purchased(rows: Rows, event: Event) -> None:
    found = rows.edit(Pass, event["pass_id"])
    for name in ("card_id", "product", "seller", "price_fen"):
        setattr(found, name, event[name])
    found.seller_province = province(event["seller_area"])
    found.bought_on = event["business_date"]
    found.auto_on = found.valid_from = found.bought_on + event["activation_days"]
    found.valid_to = last_day_of(found.auto_on)
    sales = rows.edit(Sales, found.seller, found.product)
    sales.passes += 1
    sales.price_fen += found.price_fen
    sales.waiting += 1
    sales.waiting_fen += found.price_fen


def activated(rows: Rows, event: Event) -> None:
    found = rows.edit(Pass, event["pass_id"])
    found.state, found.activated_by = ACTIVE, BY_TIME if event["auto"] else BY_HOLDER
    found.valid_from, found.valid_to = event["active_from"], event["active_to"]


def used(rows: Rows, event: Event) -> None:
    """The first use of a pass that nobody activated makes it active."""
    found = rows.edit(Pass, event["pass_id"])
    found.state, found.activated_by = ACTIVE, found.activated_by or BY_USE
    at, venue = rows.edit(PassVenue, event["pass_id"], event["venue"]), rows.edit(Venue, event["venue"])
    found.venues += not at.uses
    venue.passes += not at.uses
    at.venue_province = province(event["venue_area"])
    for used_one in (found, at, venue):
        used_one.uses += 1
        used_one.last_used_on = max(used_one.last_used_on or 0, event["business_date"])


def refunded(rows: Rows, event: Event) -> None:
    found = rows.edit(Pass, event["pass_id"])
    found.state, found.ended_on = REFUNDED, event["business_date"]
    sales = rows.edit(Sales, found.seller, found.product)
    sales.waiting -= 1
    sales.waiting_fen -= found.price_fen
    sales.refunded += 1
    sales.refunded_fen += found.price_fen


# --- what becomes of its price ---------------------------------------------------------------------------------------


def expired(rows: Rows, event: Event) -> None:
    found = rows.edit(Pass, event["pass_id"])
    found.state, found.ended_on = EXPIRED, event["business_date"]
    sales = rows.edit(Sales, found.seller, found.product)
    sales.waiting -= 1
    sales.waiting_fen -= found.price_fen
    sales.split += 1
    sales.split_fen += found.price_fen
    for share in event["shares"]:
        at = rows.edit(PassVenue, event["pass_id"], share["venue"])
        at.venue_province, at.share_fen = share["province"], share["amount_fen"]
        venue = rows.edit(Venue, share["venue"])
        venue.shares += 1
        venue.share_fen += share["amount_fen"]
        revenue = rows.edit(Revenue, *_revenue_of(event, share))
        revenue.passes += 1
        revenue.uses += at.uses
        revenue.share_fen += share["amount_fen"]
        if _is_elsewhere(event, share):
            rows.edit(ProvincePair, event["seller_province"], share["province"]).owe(share["amount_fen"])


def of_expiry(event: Event) -> Iterable[Name]:
    yield Pass, (event["pass_id"],)
    for share in event["shares"]:
        yield PassVenue, (event["pass_id"], share["venue"])
        yield Venue, (share["venue"],)
        yield Revenue, _revenue_of(event, share)
        if _is_elsewhere(event, share):
            yield ProvincePair, (event["seller_province"], share["province"])


def sales_then(rows: Rows, event: Event) -> Iterable[Name]:
    """The sales that a pass counts in."""
    found = rows.get(Pass, event["pass_id"])
    if found is not None:
        yield Sales, (found.seller, found.product)


def _revenue_of(event: Event, share: Event) -> tuple[str, ...]:
    seller = event["seller"], event["seller_province"]
    return date_text(event["business_date"])[:7], *seller, share["venue"], share["province"]


def _is_elsewhere(event: Event, share: Event) -> bool:
    return bool(share["amount_fen"] and share["province"] != event["seller_province"])


PASS = Of(Pass, "pass_id")

PASSES: Final = Folded(
    NAME,
    (Pass, PassVenue, Venue, Sales, Revenue, ProvincePair, PassRestricted),
    (
        On("PassPurchased", purchased, Each(PASS, Of(Sales, "seller", "product"))),
        On("PassActivated", activated, PASS),
        On("PassUsed", used, Each(PASS, Of(PassVenue, "pass_id", "venue"), Of(Venue, "venue"))),
        On("PassRefunded", refunded, PASS, sales_then),
        On("PassExpired", expired, of_expiry, sales_then),
        on_remittance("PASS", ProvincePair),
        on_restriction(PassRestricted),
    ),
)
