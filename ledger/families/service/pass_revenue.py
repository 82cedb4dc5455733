"""What the price of a pass becomes when it ends: split among the venues by use (contract 6.8).

Until then the price stands on the card as revenue nobody has earned. Fen that do not divide go one each to the largest
remainders, so the shares always add up to the price. Venues outside the seller's province are owed their shares by it.
"""

from collections.abc import Iterable
from typing import Any, Final

from ledger.core import rows
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.postings import Posting, owed
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.card.holder import on_card
from ledger.families.clearing.lines import pass_unit, shares_elsewhere
from ledger.families.clearing.units import Unit, open_unit
from ledger.families.service.passes import (
    EXPIRED,
    PASS_ID,
    Pass,
    VenuePage,
    VenueUse,
    account,
    is_waiting,
    keys,
    last_day_of,
    require_live,
    use_key,
)

BOOK: Final = "pass_"

# --- evolution -------------------------------------------------------------------------------------------------------


def expired(world: World, event: Event, position: int) -> None:
    world.edit(Pass, event["pass_id"]).state = EXPIRED
    lines = len(shares_elsewhere(event))
    if lines:
        open_unit(world, pass_unit(event["pass_id"]), position, event["business_date"], lines, confirmed=True)


# --- questions -------------------------------------------------------------------------------------------------------


def split(price: int, uses: dict[str, int]) -> dict[str, int]:
    """Shares of a price by uses, which are at least one: floors, then one fen each by largest remainder, then name."""
    total = sum(uses.values())
    shares = {name: price * count // total for name, count in uses.items()}
    left = price - sum(shares.values())
    for name in sorted(uses, key=lambda name: (-(price * uses[name] % total), name))[:left]:
        shares[name] += 1
    return dict(sorted(shares.items()))


# --- decisions -------------------------------------------------------------------------------------------------------


def expire(command: Command, world: World) -> list[Draft]:
    found = require_live(command, world)
    if is_waiting(found, command.bdate) or command.bdate <= last_day_of(found.valid_from()):
        raise Rejected("pass_not_expired", "the pass is valid or may become so", "pass_id")
    derived = {
        "seller": found.seller,
        "seller_province": found.seller_province,
        "price_fen": found.price,
        "shares": _shares(world, command["pass_id"], found),
    }
    return [Draft("PassExpired", derived, command.card_id)]


def _shares(world: World, pass_id: str, found: Pass) -> list[dict[str, Any]]:
    if not found.venues:
        return [{"venue": found.seller, "province": found.seller_province, "amount_fen": found.price}]
    world.load((VenuePage, VenuePage.at(pass_id, index)) for index in range(0, found.venues, VenuePage.SIZE))
    venues = [venue for _, venue in rows.scan(world, VenuePage, pass_id, found.venues)]
    world.load((VenueUse, use_key(pass_id, venue)) for venue in venues)
    uses, provinces = {}, {}
    for venue in venues:
        use = world.get(VenueUse, use_key(pass_id, venue))
        if use is None:
            raise LookupError(f"pass {pass_id} has no uses at {venue}")
        uses[venue], provinces[venue] = len(use.days), use.province
    return [
        {"venue": venue, "province": provinces[venue], "amount_fen": amount}
        for venue, amount in split(found.price, uses).items()
    ]


def keys_of_expiry(command: Command, world: World) -> Iterable[Name]:
    yield from keys(command, world)
    yield Unit, pass_unit(command["pass_id"])


# --- postings --------------------------------------------------------------------------------------------------------


def post(event: Event) -> Iterable[Posting]:
    yield account(event), -event["price_fen"]
    for share in event["shares"]:
        yield f"venue:{share['venue']}", share["amount_fen"]
        if share["province"] != event["seller_province"]:
            yield from owed(BOOK, event["seller_province"], share["province"], share["amount_fen"])


COMMANDS: Final = (
    CommandType("ExpirePass", "service", (PASS_ID,), expire, card=True, always=True, keys=keys_of_expiry),
)
EVENTS: Final = (EventType("PassExpired", "service", on_card, expired, post),)
