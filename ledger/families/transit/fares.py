"""Correcting the fare of a recorded tap, which is also how a missing exit is charged (contract 5.3).

A correction states the new fare whole; the ledger posts the difference to what was in effect, so any number of them
leaves the sum right.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.calendar import MINUTE
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.postings import Posting
from ledger.core.provinces import city
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.card.holder import Card, card_of, on_card
from ledger.families.counted_days import day_key
from ledger.families.transit import days
from ledger.families.transit.chip import OPEN, TIMED_OUT, Counts, Tap, set_fare, tap_at
from ledger.families.transit.obligation import CityPair, charge, move, pair_key
from ledger.families.transit.purse import refuse_below_grace
from ledger.families.transit.taps import find_card

MISSING_EXIT: Final = "MISSING_EXIT"

# --- facts -----------------------------------------------------------------------------------------------------------


class Correction(Row):
    """That a correction_id (the key) is used."""

    kind: ClassVar[str] = "fare_correction"


# --- evolution -------------------------------------------------------------------------------------------------------


def corrected(world: World, event: Event, position: int) -> None:
    world.add(event["correction_id"], Correction())
    sn_key, journey = world.keyring.card_sn(event["card_sn"]), TIMED_OUT if event["reason"] == MISSING_EXIT else ""
    set_fare(world, sn_key, event["counter"], event["fare_due_fen"], event["paid_fen"], journey)
    due, paid = difference(event)
    world.edit(Card, event["card_id"]).transit_purse -= paid
    if event["inter_city"]:
        move(world, event["issue_city"], event["use_city"], paid)
    days.count(world, event, 0, 1, due, paid)


def difference(event: Event) -> tuple[int, int]:
    """(due, paid) that the correction adds to the fare in effect before."""
    return event["fare_due_fen"] - event["previous_due_fen"], event["paid_fen"] - event["previous_paid_fen"]


# --- decisions -------------------------------------------------------------------------------------------------------


def correct(command: Command, world: World) -> list[Draft]:
    if world.get(Correction, command["correction_id"]) is not None:
        raise Rejected("correction_exists", "this correction_id is in use: choose another", "correction_id")
    tap = tap_at(world, command.sn_key, command["counter"])
    if tap is None:
        raise Rejected("tap_unknown", "no tap with this counter is recorded for this card_sn", "counter")
    if tap.operator != command["operator"]:
        raise Rejected("operator_differs", "the tap is of another operator", "operator")
    if command["paid_fen"] > command["fare_due_fen"]:
        raise Rejected("paid_exceeds_due", "more is paid than is due", "paid_fen")
    if command["reason"] == MISSING_EXIT:
        refuse_missing_exit(command, world, tap)
    elif tap.tap_type == "ENTRY" and tap.journey != TIMED_OUT:
        raise Rejected("fare_on_entry", "an entry carries no fare unless its exit is missing", "counter")
    if (command["fare_due_fen"], command["paid_fen"]) == (tap.due, tap.paid):
        raise Rejected("nothing_to_correct", "the fare in effect is already so", "paid_fen")
    card = card_of(world, command.card_id)
    refuse_below_grace(command, world, card, command["paid_fen"] - tap.paid)
    operating_day = days.operating_day(world, command, tap.operating_area)
    derived = {
        "previous_due_fen": tap.due,
        "previous_paid_fen": tap.paid,
        "issue_city": city(card.issuing_area),
        "use_city": tap.use_city,
        "inter_city": tap.inter_city,
        "clearing_day": days.clearing_day(world, command["operator"], operating_day),
    }
    return [Draft("FareCorrected", derived, command.card_id)]


def refuse_missing_exit(command: Command, world: World, tap: Tap) -> None:
    if tap.tap_type != "ENTRY":
        raise Rejected("tap_not_an_entry", "a missing exit is charged on its entry", "counter")
    if tap.journey != OPEN:
        raise Rejected("journey_closed", "the journey has its exit, or has been charged", "counter")
    province = tap.operating_area[:2]
    minutes: int = world.config.value("transit.journey_timeout_minutes", command.bdate, province)
    if command.occurred_at < tap.occurred_at + minutes * MINUTE:
        raise Rejected("journey_not_timed_out", "the exit may still come", "occurred_at")


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Correction, command["correction_id"]
    yield Counts, Counts.at(command.sn_key, command["counter"])
    yield from days.keys(command, world)


def keys_then(command: Command, world: World) -> Iterable[Name]:
    tap = tap_at(world, command.sn_key, command["counter"])
    if tap is not None:
        day = days.operating_day(world, command, tap.operating_area)
        yield days.DaySum, day_key(tap.operator, day)
        yield CityPair, pair_key(command["card_sn"][:4], tap.use_city)


# --- postings --------------------------------------------------------------------------------------------------------


def correction_postings(event: Event) -> Iterable[Posting]:
    due, paid = difference(event)
    cities = event["issue_city"], event["use_city"], event["inter_city"]
    return charge(event["card_id"], event["operator"], *cities, due, paid)


COMMANDS: Final = (
    CommandType(
        "CorrectFare",
        "transit",
        (
            required("correction_id", types.identifier),
            required("operator", types.identifier),
            required("counter", types.count),
            required("reason", types.one_of(MISSING_EXIT, "COMPLAINT", "OPERATOR_ERROR")),
            required("fare_due_fen", types.amount0),
            required("paid_fen", types.amount0),
        ),
        correct,
        card=True,
        person=True,
        stage_four=find_card,
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (EventType("FareCorrected", "transit", on_card, corrected, correction_postings),)
