"""Passes for many venues: bought, activated by the holder or by time, used, given back (contract 6.8).

A pass is valid for a year from its activation; one that nobody activates becomes active by itself after some days,
whether or not an event says so. Until then it can be given back whole. What its price becomes is in `pass_revenue`.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.calendar import from_date, to_date
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.postings import Posting
from ledger.core.provinces import province
from ledger.core.rejection import Rejected
from ledger.core.rows import Page, Row
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.holder import on_card

PURCHASED: Final = "PURCHASED"
ACTIVE: Final = "ACTIVE"
EXPIRED: Final = "EXPIRED"
REFUNDED: Final = "REFUNDED"

# --- facts -----------------------------------------------------------------------------------------------------------


class Pass(Row):
    """Key: pass_id. `auto_on`: the day it becomes active by itself; `active_from`: the first day it is valid, once
    an event has made it active. `venues`: how many it was used at."""

    kind: ClassVar[str] = "pass"
    card_id: str
    bought_on: int
    auto_on: int
    seller: str
    seller_province: str
    price: int
    state: str = PURCHASED
    active_from: int | None = None
    venues: int = 0

    def valid_from(self) -> int:
        """First day it is valid, activated or by itself."""
        return self.auto_on if self.active_from is None else self.active_from


class VenueUse(Row):
    """Uses of a pass at a venue. Key: pass_id:venue. `province`: of the use recorded last; `days`: at most one a day of
    the year that a pass is valid."""

    kind: ClassVar[str] = "pass_venue"
    province: str
    days: list[int]


class VenuePage(Page):
    """The venues a pass was used at."""

    kind: ClassVar[str] = "pass_venues"
    items: list[str]


# --- evolution -------------------------------------------------------------------------------------------------------


def purchased(world: World, event: Event, position: int) -> None:
    bought_on = event["business_date"]
    bought = Pass(
        card_id=event["card_id"],
        bought_on=bought_on,
        auto_on=bought_on + event["activation_days"],
        seller=event["seller"],
        seller_province=province(event["seller_area"]),
        price=event["price_fen"],
    )
    world.add(event["pass_id"], bought)


def activated(world: World, event: Event, position: int) -> None:
    found = world.edit(Pass, event["pass_id"])
    found.state, found.active_from = ACTIVE, event["active_from"]


def used(world: World, event: Event, position: int) -> None:
    pass_id, venue = event["pass_id"], event["venue"]
    found = world.edit(Pass, pass_id)
    found.state, found.active_from = ACTIVE, found.valid_from()
    key = use_key(pass_id, venue)
    if world.get(VenueUse, key) is None:
        rows.append(world, VenuePage, pass_id, found.venues, venue)
        found.venues += 1
        world.add(key, VenueUse(province(event["venue_area"]), []))
    use = world.edit(VenueUse, key)
    use.province = province(event["venue_area"])
    use.days.append(event["business_date"])


def refunded(world: World, event: Event, position: int) -> None:
    world.edit(Pass, event["pass_id"]).state = REFUNDED


# --- questions -------------------------------------------------------------------------------------------------------


def use_key(pass_id: str, venue: str) -> str:
    return f"{pass_id}:{venue}"


def last_day_of(active_from: int) -> int:
    """The day before the same day next year; 1 March stands for a 29 February that the next year does not have."""
    start = to_date(active_from)
    is_leap_day = (start.month, start.day) == (2, 29)
    anniversary = date(start.year + 1, 3, 1) if is_leap_day else date(start.year + 1, start.month, start.day)
    return from_date(anniversary) - 1


# --- decisions -------------------------------------------------------------------------------------------------------


def purchase(command: Command, world: World) -> list[Draft]:
    if world.get(Pass, command["pass_id"]) is not None:
        raise Rejected("pass_exists", "this pass_id is in use: choose another", "pass_id")
    days = world.config.value("pass.activation_days", command.bdate, province(command["seller_area"]))
    return [Draft("PassPurchased", {"activation_days": days}, command.card_id)]


def require_live(command: Command, world: World) -> Pass:
    """The pass of this card that a command names, neither ended nor given back."""
    found = world.get(Pass, command["pass_id"])
    if found is None or found.card_id != command.card_id:
        raise Rejected("pass_unknown", "no such pass on this card", "pass_id")
    if command.bdate < found.bought_on:
        raise Rejected("before_purchase", "the business date is before that of the purchase", "occurred_at")
    if found.state == EXPIRED:
        raise Rejected("pass_expired", "the pass has ended and its price was split", "pass_id")
    if found.state == REFUNDED:
        raise Rejected("pass_refunded", "the pass was given back", "pass_id")
    return found


def is_waiting(found: Pass, day: int) -> bool:
    """Neither activated nor old enough to be active by itself."""
    return found.state == PURCHASED and day < found.auto_on


def activate(command: Command, world: World) -> list[Draft]:
    found = require_live(command, world)
    if found.state == ACTIVE:
        raise Rejected("pass_already_active", "the pass is active", "pass_id")
    auto = not is_waiting(found, command.bdate)
    active_from = found.auto_on if auto else command.bdate
    derived = {"auto": auto, "active_from": active_from, "active_to": last_day_of(active_from)}
    return [Draft("PassActivated", derived, command.card_id)]


def use_pass(command: Command, world: World) -> list[Draft]:
    found = require_live(command, world)
    if is_waiting(found, command.bdate) or command.bdate < found.valid_from():
        raise Rejected("pass_not_active", "the pass was not active on the business date: activate it", "pass_id")
    if command.bdate > last_day_of(found.valid_from()):
        raise Rejected("pass_expired", "the pass was no longer valid on the business date", "pass_id")
    use = world.get(VenueUse, use_key(command["pass_id"], command["venue"]))
    if use is not None and command.bdate in use.days:
        raise Rejected("pass_used_today", "the pass was used at this venue on that day", "venue")
    return [Draft("PassUsed", card_id=command.card_id)]


def refund(command: Command, world: World) -> list[Draft]:
    found = require_live(command, world)
    if not is_waiting(found, command.bdate):
        raise Rejected("pass_not_refundable", "the pass is active: only one that is not can be given back", "pass_id")
    return [Draft("PassRefunded", {"seller": found.seller, "price_fen": found.price}, command.card_id)]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Pass, command["pass_id"]


def keys_of_use(command: Command, world: World) -> Iterable[Name]:
    yield Pass, command["pass_id"]
    yield VenueUse, use_key(command["pass_id"], command["venue"])


def keys_of_use_then(command: Command, world: World) -> Iterable[Name]:
    """The page that a venue used for the first time goes to; the first one if the pass is not bought yet."""
    found = world.get(Pass, command["pass_id"])
    if world.get(VenueUse, use_key(command["pass_id"], command["venue"])) is None:
        yield VenuePage, VenuePage.at(command["pass_id"], found.venues if found else 0)


# --- postings --------------------------------------------------------------------------------------------------------


def account(event: Event) -> str:
    return f"card:{event['card_id']}:passes"


def post_purchase(event: Event) -> Iterable[Posting]:
    yield account(event), event["price_fen"]
    yield f"cash:{event['seller']}", -event["price_fen"]


def post_refund(event: Event) -> Iterable[Posting]:
    yield f"cash:{event['seller']}", event["price_fen"]
    yield account(event), -event["price_fen"]


PASS_ID: Final = required("pass_id", types.identifier)
COMMANDS: Final = (
    CommandType(
        "PurchasePass",
        "service",
        (
            PASS_ID,
            required("product", types.identifier),
            required("seller", types.identifier),
            required("seller_area", types.area),
            required("price_fen", types.amount),
        ),
        purchase,
        card=True,
        use="SERVICE",
        person=True,
        states=IS_ACTIVE,
        keys=keys,
    ),
    CommandType(
        "ActivatePass",
        "service",
        (PASS_ID,),
        activate,
        card=True,
        use="SERVICE",
        person=True,
        states=IS_ACTIVE,
        keys=keys,
    ),
    CommandType(
        "UsePass",
        "service",
        (PASS_ID, required("venue", types.identifier), required("venue_area", types.area)),
        use_pass,
        card=True,
        use="SERVICE",
        person=True,
        states=IS_ACTIVE,
        keys=keys_of_use,
        keys_then=keys_of_use_then,
    ),
    CommandType("RefundPass", "service", (PASS_ID,), refund, card=True, always=True, keys=keys),
)
EVENTS: Final = (
    EventType("PassPurchased", "service", on_card, purchased, post_purchase),
    EventType("PassActivated", "service", on_card, activated),
    EventType("PassUsed", "service", on_card, used),
    EventType("PassRefunded", "service", on_card, refunded, post_refund),
)
