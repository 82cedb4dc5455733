"""Acts with passes: bought, activated by hand or by time, used in several provinces, given back, ended and split."""

from tests.model.acts_service import Act
from tests.model.passes import auto_date, end_of, standing
from tests.model.presence import last_state
from tests.model.state import Event, midnight_micros, plus_days
from tests.model.world import DAY, HOUR, Command, World

SELLERS = [("HN1", "460100"), ("HZ1", "330100"), ("AH1", "340100")]
VENUES = [("VA", "460200"), ("VB", "330200"), ("VC", "340100"), ("VD", "310106"), ("HN1", "460100")]


def purchase_pass(world: World) -> Command:
    seller, area = world.pick(SELLERS)
    # Passes last longer than a history, so many are told late.
    at = (
        world.now
        if world.chance(0.6)
        else max(midnight_micros("2024-03-02"), world.now - world.rng.randint(0, 400) * DAY)
    )
    return world.on_card(
        "PurchasePass",
        world.card(),
        at,
        pass_id=world.new_id("P", world.ids("PassPurchased", "pass_id")),
        product="YEAR",
        seller=seller,
        seller_area=area,
        price_fen=world.pick([1, 2, 1000, 10000, world.amount()]),
    )


def _pass(world: World) -> Event | None:
    """Mostly one that has not ended, on a card in use."""
    known = world.log.of("PassPurchased")
    live = [
        one
        for one in known
        if standing(world.log, one)[0] in ("PURCHASED", "ACTIVE") and last_state(world.log, one["stream"]) == "ACTIVE"
    ]
    return world.recent(live if live and world.chance(0.9) else known, 15)


def _at(world: World, date: str) -> int:
    """Some hour of a date, if it is not in the future."""
    return min(world.now, midnight_micros(date) + world.rng.randint(0, 23) * HOUR)


def _on_pass(world: World, name: str, dates: list[str], bought: Event | None, **fields: str) -> Command:
    card = world.card() if bought is None or world.chance(0.03) else str(bought["stream"])
    at = world.now if world.chance(0.5) else _at(world, world.pick(dates)) if dates else world.now
    return world.on_card(name, card, at, pass_id=bought["pass_id"] if bought else "none-such", **fields)


def activate_pass(world: World) -> Command:
    bought = _pass(world)
    if bought is None:
        return _on_pass(world, "ActivatePass", [], None)
    day, auto = bought["business_date"], auto_date(bought)
    dates = [plus_days(day, 5), plus_days(auto, -1), auto, plus_days(auto, 3), plus_days(day, -1), end_of(auto)]
    return _on_pass(world, "ActivatePass", dates, bought)


def use_pass(world: World) -> Command:
    again = world.event("PassUsed") if world.chance(0.05) else None
    if again is not None:
        where = {"venue": again["venue"], "venue_area": world.area(), "pass_id": again["pass_id"]}
        return world.on_card("UsePass", again["stream"], again["occurred_at"], **where)
    venue, area = world.pick(VENUES) if world.chance(0.9) else ("VA", "310106")
    named = {"venue": venue, "venue_area": area}
    bought = _pass(world)
    if bought is None:
        return _on_pass(world, "UsePass", [], None, **named)
    start = standing(world.log, bought)[1] or auto_date(bought)
    dates = [start, plus_days(start, -1), plus_days(start, 7), plus_days(start, 60), end_of(start)]
    dates += [plus_days(start, world.rng.randint(0, 100)), plus_days(end_of(start), 1)]
    return _on_pass(world, "UsePass", dates, bought, **named)


def refund_pass(world: World) -> Command:
    waiting = [one for one in world.log.of("PassPurchased") if standing(world.log, one)[0] == "PURCHASED"]
    bought = world.recent(waiting, 6) if world.chance(0.7) else _pass(world)
    dates = [plus_days(auto_date(bought), -1), auto_date(bought), bought["business_date"]] if bought else []
    return _on_pass(world, "RefundPass", dates, bought)


def expire_pass(world: World) -> Command:
    """One of the oldest that still stand."""
    standing_ones = [one for one in world.log.of("PassPurchased") if standing(world.log, one)[0] == "ACTIVE"]
    bought = world.pick(standing_ones[:6]) if standing_ones and world.chance(0.8) else _pass(world)
    if bought is None:
        return _on_pass(world, "ExpirePass", [], None)
    last = end_of(standing(world.log, bought)[1] or auto_date(bought))
    return _on_pass(world, "ExpirePass", [last, plus_days(last, 1), plus_days(last, 1), plus_days(last, 9)], bought)


ACTS: list[tuple[Act, int]] = [
    (purchase_pass, 10),
    (activate_pass, 8),
    (use_pass, 24),
    (refund_pass, 3),
    (expire_pass, 8),
]
