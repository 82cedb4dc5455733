"""Section 6.8: passes, whose price waits on the card until they end and is then split among the venues by use."""

import datetime
from fractions import Fraction
from typing import Any

from tests.model.presence import ALL_STATES, person_only
from tests.model.service import in_states, in_use
from tests.model.shape import Refused, refuse_if
from tests.model.state import Command, Event, Log, Planned, legs, mirrored, plus_days

Share = dict[str, Any]


def end_of(start: str) -> str:
    """Last day of a pass that is valid from `start` on."""
    year, rest = int(start[:4]) + 1, start[4:]
    if rest == "-02-29":
        rest = "-03-01"
    return (datetime.date.fromisoformat(f"{year:04d}{rest}") - datetime.timedelta(days=1)).isoformat()


def bought(log: Log, card: str, command: Command) -> Event:
    found = log.first("PassPurchased", pass_id=command["pass_id"], stream=card)
    if found is None:
        raise Refused("pass_unknown")
    refuse_if(command["bdate"] < found["business_date"], "before_purchase")
    return found


def auto_date(purchase: Event) -> str:
    return plus_days(purchase["business_date"], purchase["activation_days"])


def standing(log: Log, purchase: Event) -> tuple[str, str | None]:
    """(state, first valid day) as events have set them; a use of a pass nobody activated makes it active too."""
    mine = {"pass_id": purchase["pass_id"]}
    activation = log.first("PassActivated", **mine)
    start = activation["active_from"] if activation else None
    if start is None and log.first("PassUsed", **mine):
        start = auto_date(purchase)
    if log.first("PassExpired", **mine):
        return "EXPIRED", start
    if log.first("PassRefunded", **mine):
        return "REFUNDED", start
    return ("ACTIVE" if start else "PURCHASED"), start


def purchase_pass(log: Log, command: Command) -> list[Planned]:
    card = in_use(log, command)
    person_only(log, card)
    refuse_if(log.first("PassPurchased", pass_id=command["pass_id"]), "pass_exists")
    days = log.config("pass.activation_days", command["bdate"], command["seller_area"][:2])
    postings = legs((f"card:{card}:passes", command["price_fen"]), (f"cash:{command['seller']}", -command["price_fen"]))
    return [Planned(card, "PassPurchased", {"activation_days": days}, postings)]


def _refuse_ended(state: str) -> None:
    refuse_if(state == "EXPIRED", "pass_expired")
    refuse_if(state == "REFUNDED", "pass_refunded")


def activate_pass(log: Log, command: Command) -> list[Planned]:
    card = in_use(log, command)
    person_only(log, card)
    purchase = bought(log, card, command)
    state, _ = standing(log, purchase)
    _refuse_ended(state)
    refuse_if(state == "ACTIVE", "pass_already_active")
    auto = command["bdate"] >= auto_date(purchase)
    start = auto_date(purchase) if auto else command["bdate"]
    return [Planned(card, "PassActivated", {"auto": auto, "active_from": start, "active_to": end_of(start)})]


def use_pass(log: Log, command: Command) -> list[Planned]:
    card = in_use(log, command)
    person_only(log, card)
    purchase = bought(log, card, command)
    state, start = standing(log, purchase)
    _refuse_ended(state)
    start = start or auto_date(purchase)
    refuse_if(command["bdate"] < start, "pass_not_active")
    refuse_if(command["bdate"] > end_of(start), "pass_expired")
    same = {"pass_id": command["pass_id"], "venue": command["venue"], "business_date": command["bdate"]}
    refuse_if(log.first("PassUsed", **same), "pass_used_today")
    return [Planned(card, "PassUsed")]


def refund_pass(log: Log, command: Command) -> list[Planned]:
    card = in_states(log, command, ALL_STATES)
    purchase = bought(log, card, command)
    state, _ = standing(log, purchase)
    _refuse_ended(state)
    refuse_if(state == "ACTIVE" or command["bdate"] >= auto_date(purchase), "pass_not_refundable")
    return [Planned(card, "PassRefunded", {}, mirrored(purchase["postings"]))]


def shares_of(log: Log, purchase: Event) -> list[Share]:
    """What each venue gets: whole fen by use, the rest one each to the largest fractions, then to the lower name."""
    uses = log.all("PassUsed", pass_id=purchase["pass_id"])
    if not uses:
        whole = {"venue": purchase["seller"], "province": purchase["seller_area"][:2]}
        return [{**whole, "amount_fen": purchase["price_fen"]}]
    exact = {
        venue: Fraction(purchase["price_fen"] * sum(use["venue"] == venue for use in uses), len(uses))
        for venue in sorted({use["venue"] for use in uses})
    }
    shares = {venue: int(share) for venue, share in exact.items()}
    fractions = sorted(exact, key=lambda venue: (shares[venue] - exact[venue], venue))
    for venue in fractions[: purchase["price_fen"] - sum(shares.values())]:
        shares[venue] += 1
    return [
        {
            "venue": venue,
            "province": [use["venue_area"][:2] for use in uses if use["venue"] == venue][-1],
            "amount_fen": amount,
        }
        for venue, amount in shares.items()
    ]


def expire_pass(log: Log, command: Command) -> list[Planned]:
    card = in_states(log, command, ALL_STATES)
    purchase = bought(log, card, command)
    state, start = standing(log, purchase)
    _refuse_ended(state)
    refuse_if(command["bdate"] <= end_of(start or auto_date(purchase)), "pass_not_expired")
    shares, home = shares_of(log, purchase), purchase["seller_area"][:2]
    pairs = [(f"card:{card}:passes", -purchase["price_fen"])]
    for share in shares:
        pairs.append((f"venue:{share['venue']}", share["amount_fen"]))
        if share["province"] != home:
            pairs.append((f"pass_clearing:{home}:{share['province']}", share["amount_fen"]))
            pairs.append((f"pass_advance:{share['province']}", -share["amount_fen"]))
    return [Planned(card, "PassExpired", {"shares": shares, "seller_province": home}, legs(*pairs))]


DECISIONS = {
    "PurchasePass": purchase_pass,
    "ActivatePass": activate_pass,
    "UsePass": use_pass,
    "RefundPass": refund_pass,
    "ExpirePass": expire_pass,
}
