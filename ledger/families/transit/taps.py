"""Taps: what a chip did at a terminal, in any order of arrival (contract 5.2).

Terminals work offline, so a tap is a debt already made: it is refused only when it is no new tap, comes too late, is
wrong in itself, or was made long after the card was blocked. A journey is an ENTRY and the EXIT that names its counter;
a late EXIT undoes the maximum fare charged in its place. What the EXIT finds is recorded in it and never revised.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, ClassVar, Final

from ledger.core import fields as types
from ledger.core.calendar import MINUTE, business_date
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, allowed_only
from ledger.core.fields import optional, required
from ledger.core.identity import card_id_of
from ledger.core.postings import Posting
from ledger.core.provinces import city
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.card import admission, entitlement
from ledger.families.card.holder import ACTIVE, ISSUED, Card, CardSn, card_id_named, card_of, on_card, span_at
from ledger.families.counted_days import day_key
from ledger.families.transit import days
from ledger.families.transit.chip import (
    CLOSED,
    OPEN,
    TIMED_OUT,
    Counts,
    Tap,
    counts_of,
    edit_counts,
    is_tapped,
    set_fare,
    tap_at,
)
from ledger.families.transit.obligation import CityPair, charge, is_inter_city, move, pair_key
from ledger.families.transit.purse import refuse_below_grace

WAITING: Final = "WAITING"
UNMATCHED: Final = "UNMATCHED"
NONE: Final = "NONE"

# --- facts -----------------------------------------------------------------------------------------------------------


class Exit(Row):
    """An EXIT recorded before its ENTRY, which may come yet. Key: sn_key:operator:entry_counter."""

    kind: ClassVar[str] = "tap_exit"
    counter: int


SENT: Final = Tap.__struct_fields__[: Tap.__struct_fields__.index("due")]
# What an event says of its tap, in the order of the tap's fields: in effect is, for now, the fare that was sent.
_told: Final = itemgetter(*SENT, "fare_due_fen", "paid_fen", "journey", "inter_city")


def exit_key(sn_key: str, operator: str, entry_counter: int) -> str:
    return f"{sn_key}:{operator}:{entry_counter}"


# --- evolution -------------------------------------------------------------------------------------------------------


def tapped(world: World, event: Event, position: int) -> None:
    sn_key, counter, named = world.keyring.card_sn(event["card_sn"]), event["counter"], event["entry_counter"]
    due, paid = event["fare_due_fen"], event["paid_fen"]
    tap = Tap(*_told(event))
    edit_counts(world, sn_key, counter).add(counter, tap)
    if tap.journey == WAITING:
        world.add(exit_key(sn_key, tap.operator, named), Exit(counter))
    elif named is not None:
        set_fare(world, sn_key, named, 0, 0, CLOSED)
    undone_due, undone_paid = event["reversed_due_fen"], event["reversed_paid_fen"]
    card = world.edit(Card, event["card_id"])
    card.transit_purse += undone_paid - paid
    chip = card if card.card_sn == event["card_sn"] else world.edit(CardSn, sn_key)
    if counter > chip.highest_counter:
        chip.highest_counter = counter
    if tap.inter_city:
        move(world, event["issue_city"], event["use_city"], paid)
    if event["reversed_inter_city"]:
        move(world, event["issue_city"], event["reversed_use_city"], -undone_paid)
    days.count(world, event, 1, 0, due - undone_due, paid - undone_paid)


# --- decisions -------------------------------------------------------------------------------------------------------


def find_card(command: Command, world: World) -> None:
    """Stage 4 of taps and their corrections: the chip is the one of its day, also if retired since."""
    command.card_id = admission.find_card(command, world, command["card_sn"], command.sn_key, "card_sn", retired=True)


def refuse_blocked(command: Command, world: World) -> None:
    """Stage 5: terminals know a block only after a while; until then the tap is a valid debt."""
    instant = command.occurred_at
    card = card_of(world, command.card_id)
    old = None if card.card_sn == command["card_sn"] else world.get(CardSn, command.sn_key)
    if old is not None and old.retired_at is not None and instant >= old.retired_at:
        code, message = "card_sn_retired", "the card was replaced, and terminals had time to learn it"
        blocked_since = old.blocked_since
    else:
        span = span_at(world, command.card_id, card, instant)
        state = span.at(instant) if span else ACTIVE
        if state == ACTIVE:
            return
        code, message = admission.STATE_CODES[state]
        if state == ISSUED:
            raise Rejected(code, message, "card_sn")
        blocked_since = span.run if span else None
    province = command["operating_area"][:2]
    delay: int = world.config.value("transit.blacklist_delay_minutes", command.bdate, province)
    if blocked_since is not None and instant >= blocked_since + delay * MINUTE:
        raise Rejected(code, message, "card_sn")


def tap(command: Command, world: World) -> list[Draft]:
    refuse_late(command, world)
    refuse_again(command, world)
    refuse_fare(command, world)
    entry = refuse_journey(command, world)
    undone = entry if entry is not None and entry.journey == TIMED_OUT else None
    undone_due, undone_paid = (undone.due, undone.paid) if undone else (0, 0)
    card, fields = card_of(world, command.card_id), command.fields
    area, due, paid = fields["operating_area"], fields["fare_due_fen"], fields["paid_fen"]
    refuse_below_grace(command, world, card, paid - undone_paid)
    operating_day = days.operating_day(world, command, area)
    derived = {
        "operating_day": operating_day,
        "clearing_day": days.clearing_day(world, fields["operator"], operating_day),
        "subsidy_fen": due - paid,
        "issue_city": city(card.issuing_area),
        "use_city": city(area),
        "inter_city": is_inter_city(card.issuing_area, area),
        "missing_counters": missing_counters(command, world, card),
        "chain": chain(command, world, entry),
        "journey": journey(command, world, entry),
        "reversed_due_fen": undone_due,
        "reversed_paid_fen": undone_paid,
        "reversed_use_city": undone.use_city if undone else None,
        "reversed_inter_city": undone.inter_city if undone else False,
    }
    return [Draft("TransitTapped", derived, command.card_id)]


def refuse_late(command: Command, world: World) -> None:
    uploaded_at = command["uploaded_at"]
    if uploaded_at < command.occurred_at:
        raise Rejected("uploaded_before_tap", "uploaded_at cannot precede occurred_at", "uploaded_at")
    limit: int = world.config.value("transit.late_days", command.bdate, command["operating_area"][:2])
    if business_date(uploaded_at) - command.bdate > limit:
        raise Rejected("tap_too_late", f"uploaded more than {limit} days after the tap", "uploaded_at")


def refuse_again(command: Command, world: World) -> None:
    known = tap_at(world, command.sn_key, command["counter"])
    if known is not None:
        if all(getattr(known, name) == command.get(name) for name in SENT):
            raise Rejected("tap_duplicate", "this tap is recorded with the same content", "counter")
        raise Rejected("tap_conflict", "this counter is recorded with other content: look for fraud", "counter")


def refuse_fare(command: Command, world: World) -> None:
    fields = command.fields
    due, paid, concession = fields["fare_due_fen"], fields["paid_fen"], fields["concession_class"]
    if fields["tap_type"] == "ENTRY" and (due or paid):
        raise Rejected("entry_with_fare", "an entry is free: the exit carries the fare", "fare_due_fen")
    if paid > due:
        raise Rejected("paid_exceeds_due", "more was paid than is due", "paid_fen")
    if concession == "ORDINARY":
        if paid < due:
            raise Rejected("subsidy_without_concession", "an ordinary fare is paid in full", "paid_fen")
    elif not entitlement.has_concession(
        world, command.card_id, concession, fields["operating_area"][:2], command.bdate
    ):
        raise Rejected("concession_not_valid", "no such concession holds: send as ORDINARY", "concession_class")


def refuse_journey(command: Command, world: World) -> Tap | None:
    """The recorded ENTRY that an EXIT names, if it does and is recorded."""
    named = command.get("entry_counter")
    if named is None:
        return None
    operator = command["operator"]
    entry = tap_at(world, command.sn_key, named)
    if named >= command["counter"] or (entry is not None and (entry.tap_type != "ENTRY" or entry.operator != operator)):
        raise Rejected("entry_counter_invalid", "names no earlier entry of this operator", "entry_counter")
    if is_ended(command, world, entry, named):
        raise Rejected("journey_closed", "this journey has its exit", "entry_counter")
    return entry


def is_ended(command: Command, world: World, entry: Tap | None, counter: int) -> bool:
    """Whether an EXIT was recorded for the command's operator and the ENTRY at `counter`, which may not be itself."""
    if entry is not None:
        return entry.journey == CLOSED
    return world.get(Exit, exit_key(command.sn_key, command["operator"], counter)) is not None


def missing_counters(command: Command, world: World, card: Card) -> int:
    """How many counts of the chip were skipped since the highest recorded."""
    chip = card if card.card_sn == command["card_sn"] else world.get(CardSn, command.sn_key)
    highest = chip.highest_counter if chip else 0
    return max(0, int(command["counter"]) - highest - 1)


def chain(command: Command, world: World, entry: Tap | None) -> str:
    """Whether the chip's balance follows from the one it showed at the counter before, which may be the entry's."""
    fields = command.fields
    shown, last = fields.get("balance_after_fen"), fields["counter"] - 1
    counts = None if shown is None else counts_of(world, command.sn_key, last)
    if counts is None:
        return "unchecked"
    before = entry if fields.get("entry_counter") == last else counts.tap(last)
    if before is None or before.balance_after_fen is None:
        return "unchecked"
    expected = before.balance_after_fen - fields["paid_fen"] + counts.loaded.get(last, 0)
    return "ok" if shown == expected else "broken"


def journey(command: Command, world: World, entry: Tap | None) -> str:
    tap_type = command["tap_type"]
    if tap_type == "SINGLE":
        return NONE
    if tap_type == "ENTRY":
        return CLOSED if is_ended(command, world, None, command["counter"]) else OPEN
    if entry is not None:
        return CLOSED
    return UNMATCHED if command.get("entry_counter") is None else WAITING


def keys(command: Command, world: World) -> Iterable[Name]:
    sn_key, fields = command.sn_key, command.fields
    counter, operator, area = fields["counter"], fields["operator"], fields["operating_area"]
    named, concession = fields.get("entry_counter"), fields["concession_class"]
    yield Counts, Counts.at(sn_key, counter)
    yield from days.keys(command, world)
    yield days.DaySum, day_key(operator, days.operating_day(world, command, area))
    yield CityPair, pair_key(fields["card_sn"][:4], city(area))
    if fields.get("balance_after_fen") is not None:
        yield Counts, Counts.at(sn_key, counter - 1)
    if named is not None:
        yield Counts, Counts.at(sn_key, named)
    elif fields["tap_type"] == "ENTRY":
        yield Exit, exit_key(sn_key, operator, counter)
    if concession != "ORDINARY":
        yield from entitlement.keys_of_concession(card_id_of(fields["card_sn"]), concession, area[:2])


def keys_then(command: Command, world: World) -> Iterable[Name]:
    """An exit of an entry that is not recorded; the concession of a card that was issued under another card_sn."""
    named, concession = command.get("entry_counter"), command["concession_class"]
    if named is not None and not is_tapped(world, command.sn_key, named):
        yield Exit, exit_key(command.sn_key, command["operator"], named)
    card_id = card_id_named(world, command["card_sn"], command.sn_key) if concession != "ORDINARY" else None
    if card_id is not None:
        yield from entitlement.keys_of_concession(card_id, concession, command["operating_area"][:2])


# --- postings --------------------------------------------------------------------------------------------------------


def tap_postings(event: Event) -> Iterable[Posting]:
    card_id, operator, issue_city = event["card_id"], event["operator"], event["issue_city"]
    due, paid = event["fare_due_fen"], event["paid_fen"]
    yield from charge(card_id, operator, issue_city, event["use_city"], event["inter_city"], due, paid)
    use_city, inter_city = event["reversed_use_city"], event["reversed_inter_city"]
    if use_city is not None:
        due, paid = -event["reversed_due_fen"], -event["reversed_paid_fen"]
        yield from charge(card_id, operator, issue_city, use_city, inter_city, due, paid)


def is_exit(fields: dict[str, Any]) -> bool:
    return bool(fields["tap_type"] == "EXIT")


COMMANDS: Final = (
    CommandType(
        "TapTransit",
        "transit",
        (
            required("operator", types.identifier),
            required("terminal", types.identifier),
            required("operating_area", types.area),
            required("tap_type", types.one_of("ENTRY", "EXIT", "SINGLE")),
            required("mode", types.one_of("METRO", "BUS", "RAIL", "FERRY", "BIKE")),
            optional("line", types.identifier),
            optional("station", types.identifier),
            required("counter", types.count1),
            optional("entry_counter", types.count),
            optional("transfer_of_counter", types.count),
            required("fare_due_fen", types.amount0),
            required("paid_fen", types.amount0),
            required("concession_class", types.one_of("ORDINARY", "STUDENT", "ELDERLY", "MILITARY", "DISABLED")),
            optional("balance_after_fen", types.signed),
            required("uploaded_at", types.instant),
        ),
        tap,
        card=True,
        person=True,
        stage_four=find_card,
        state_test=refuse_blocked,
        shape=(allowed_only("entry_counter", is_exit, "at an EXIT"),),
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (EventType("TransitTapped", "transit", on_card, tapped, tap_postings),)
