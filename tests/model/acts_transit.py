"""Acts of the transit family: journeys told tap by tap, in and out of order, with exits that come late or never."""

from collections.abc import Callable
from typing import Any

from tests.model.card import concession_holds
from tests.model.presence import bearer
from tests.model.state import Event, china_date
from tests.model.transit import TAP_CONTENT, corrections, effective_fare, exit_of, last_closed_day, timed_out
from tests.model.world import DAY, HOUR, MINUTE, Command, World

Act = Callable[[World], Command]

OPERATORS = [("OP31", "310000"), ("OP31", "310106"), ("OP34", "340100"), ("OP32", "320500"), ("OP34", "340200")]


def top_up(world: World) -> Command:
    amount = world.amount(2500) if world.chance(0.93) else world.pick([100_000, 50_000])
    return world.on_card(
        "TopUpPurse",
        world.card(),
        operator=world.pick(OPERATORS)[0],
        amount_fen=amount,
        after_counter=world.pick([None, world.rng.randint(0, 40)]),
    )


def _next_counter(world: World, number: str) -> int:
    taps = world.log.all("TransitTapped", card_sn=number)
    highest = max((tap["counter"] for tap in taps), default=0)
    if highest and world.chance(0.03):
        return world.rng.randint(1, highest)
    return highest + (1 if world.chance(0.85) else world.rng.randint(2, 3))


def _uploaded(world: World, at: int) -> str:
    if world.chance(0.02):
        return world.text(at - MINUTE)
    return world.text(
        at
        + world.pick(
            [0, 0, 5 * MINUTE, HOUR, HOUR, HOUR, HOUR, 2 * DAY, 5 * DAY, 9 * DAY, world.pick([DAY, 11 * DAY, 33 * DAY])]
        )
    )


def _fare(world: World, number: str, area: str, date: str) -> dict[str, Any]:
    due = world.rng.randint(1, 9) * 50
    recorded = bearer(world.log, number)
    grants = world.log.on(recorded["stream"], "EntitlementGranted") if recorded else []
    held = [
        grant["concession_class"]
        for grant in grants
        if grant["kind"] == "TRANSIT_CONCESSION"
        and concession_holds(world.log, grant["stream"], grant["concession_class"], area[:2], date)
    ]
    if world.chance(0.6 if held else 0.04):
        concession = world.pick(held if held and world.chance(0.9) else ["ELDERLY", "STUDENT", "DISABLED"])
        return {"fare_due_fen": due, "paid_fen": due // world.pick([1, 2, 5]), "concession_class": concession}
    paid = due if world.chance(0.94) else due + world.pick([-50, 50])
    return {"fare_due_fen": due, "paid_fen": max(0, paid), "concession_class": "ORDINARY"}


def _tap_number(world: World) -> str:
    """A number in use; a retired one, now and then, for the late taps of an old chip."""
    card = world.card()
    numbers = world.numbers(card)
    return str(world.pick(numbers) if world.chance(0.15) else numbers[-1])


def _tap(world: World, number: str, kind: str, at: int, **fields: Any) -> Command:
    operator, area = world.pick(OPERATORS)
    fare = (
        {"fare_due_fen": 0, "paid_fen": 0, "concession_class": "ORDINARY"}
        if kind == "ENTRY"
        else _fare(world, number, area, china_date(at))
    )
    if kind == "ENTRY" and world.chance(0.02):
        fare["fare_due_fen"] = 100
    tap = {
        "operator": operator,
        "terminal": f"G{world.rng.randint(1, 3)}",
        "operating_area": area,
        "tap_type": kind,
        "mode": world.pick(["METRO", "BUS", "RAIL"]),
        "counter": _next_counter(world, number),
        "station": world.pick([None, "ST1"]),
        "balance_after_fen": world.rng.randint(-500, 4000) if world.chance(0.4) else None,
        **fare,
        "uploaded_at": _uploaded(world, at),
    }
    tap.update(fields)
    before = world.log.first("TransitTapped", card_sn=number, counter=tap["counter"] - 1)
    if before and "balance_after_fen" in before and world.chance(0.7):
        tap["balance_after_fen"] = before["balance_after_fen"] - tap["paid_fen"]
    return world.command("TapTransit", at, card_sn=number, **tap)


def tap(world: World) -> Command:
    kind = world.pick(["SINGLE", "SINGLE", "ENTRY", "ENTRY"])
    return _tap(world, _tap_number(world), kind, world.instant(0.3))


def _open_entries(world: World) -> list[Event]:
    return [entry for entry in world.log.all("TransitTapped", tap_type="ENTRY") if exit_of(world.log, entry) is None]


def leave(world: World) -> Command:
    """An exit: of an open entry, of one charged as missing, of one closed before, or of one not recorded yet."""
    entries = _open_entries(world)
    late = [entry for entry in entries if timed_out(world.log, entry)]
    entry = world.recent(late, 6) if late and world.chance(0.4) else world.recent(entries, 6)
    if entry is None or world.chance(0.06):
        entry = world.recent(world.log.of("TransitTapped"))
    if entry is None or world.chance(0.1):
        number = _tap_number(world)
        counter = _next_counter(world, number) + 1
        missing = world.pick([None, counter - 1, counter - 1, counter])
        return _tap(world, number, "EXIT", world.now, counter=counter, entry_counter=missing)
    at = min(world.now, entry["occurred_at"] + world.rng.randint(MINUTE, 5 * HOUR))
    where = {"operator": entry["operator"], "operating_area": entry["operating_area"]}
    if world.chance(0.05):
        where = {}
    return _tap(world, entry["card_sn"], "EXIT", at, entry_counter=entry["counter"], **where)


def enter_afterwards(world: World) -> Command:
    """The entry that some exit is still waiting for."""
    waiting = [
        event
        for event in world.log.all("TransitTapped", tap_type="EXIT")
        if "entry_counter" in event
        and world.log.first("TransitTapped", card_sn=event["card_sn"], counter=event["entry_counter"]) is None
    ]
    event = world.recent(waiting, 4)
    if event is None:
        return tap(world)
    operator = event["operator"] if world.chance(0.85) else "OP99"
    at = event["occurred_at"] - 20 * MINUTE
    return _tap(world, event["card_sn"], "ENTRY", at, counter=max(1, event["entry_counter"]), operator=operator)


def tap_again(world: World) -> Command:
    """The same tap under another reference: with the same content, or with other."""
    known = world.recent(world.log.of("TransitTapped"))
    if known is None:
        return tap(world)
    fields = {field: known[field] for field in TAP_CONTENT if field in known and field != "occurred_at"}
    if world.chance(0.4):
        fields[world.pick(["terminal", "operator"])] = "OTHER"
    at = known["occurred_at"] if world.chance(0.9) else known["occurred_at"] + MINUTE
    same = {"card_sn": known["card_sn"], "counter": known["counter"], "uploaded_at": _uploaded(world, at)}
    return world.command("TapTransit", at, **fields, **same)


def blocked_tap(world: World) -> Command:
    """A tap around a loss, a lock, a cancellation or a replacement, soon or long after."""
    event = world.recent(world.log.of("CardLossReported", "CardLocked", "CardCancelled", "CardReplaced"), 10)
    if event is None:
        return tap(world)
    at = event["occurred_at"] + world.pick([-HOUR, 0, HOUR, 25 * HOUR, 3 * DAY, 6 * DAY])
    number = event["card_sn"] if world.chance(0.8) else world.numbers(event["stream"])[-1]
    return _tap(world, number, world.pick(["SINGLE", "ENTRY"]), at)


def correct(world: World) -> Command:
    entries = _open_entries(world)
    reason = world.pick(["MISSING_EXIT", "MISSING_EXIT", "COMPLAINT", "OPERATOR_ERROR"])
    known = world.recent(entries, 6) if reason == "MISSING_EXIT" and world.chance(0.9) else None
    charged = [tap for tap in world.log.of("TransitTapped")[-40:] if tap["tap_type"] != "ENTRY"]
    charged += [entry for entry in entries if timed_out(world.log, entry)]
    known = known or (world.recent(charged, 40) if world.chance(0.9) else None)
    known = known or world.recent(world.log.of("TransitTapped"), 20)
    operator = known["operator"] if known and world.chance(0.96) else "OP99"
    due = world.rng.randint(0, 10) * 100
    paid = due if world.chance(0.8) else max(0, due + world.pick([-50, 50]))
    if known and world.chance(0.05):
        due, paid = effective_fare(world.log, known)
    at = world.now
    if known and world.chance(0.3):
        at = known["occurred_at"] + world.pick([HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR])
    used = world.ids("FareCorrected", "correction_id")
    return world.command(
        "CorrectFare",
        min(at, world.now),
        card_sn=known["card_sn"] if known else world.number(world.card()),
        correction_id=world.new_id("K", used, 0.06),
        operator=operator,
        counter=known["counter"] if known and world.chance(0.96) else 9999,
        reason=reason,
        fare_due_fen=due,
        paid_fen=paid,
    )


def close_day(world: World) -> Command:
    operator, area = world.pick(OPERATORS)
    day = world.day(-12, -2) if world.chance(0.8) else world.day(-1, 1)
    last = last_closed_day(world.log, operator)
    if last and world.chance(0.1):
        day = last
    return world.command("CloseTransitDay", world.now, operator=operator, operating_area=area, day=day)


def leave_one_under_way(world: World) -> None:
    """Let cards enter until one has neither left nor been charged, where chance ended every journey of a history."""
    for _ in range(100):
        if any(not corrections(world.log, entry) for entry in _open_entries(world)):
            break
        world.say(_tap(world, world.number(world.card()), "ENTRY", world.now))


ACTS: list[tuple[Act, int]] = [
    (top_up, 18),
    (tap, 30),
    (leave, 24),
    (enter_afterwards, 6),
    (tap_again, 5),
    (blocked_tap, 6),
    (correct, 14),
    (close_day, 4),
]
