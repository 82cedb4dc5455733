"""Prepayment between two provinces: a level agreed by year, paid, raised after a red alert, paid back (contract 7.10).

The quota is the level the balance may reach by paying, not a sum to pay each year. How far a closed cycle would use it
up is measured against the balance at the close, in integers.
"""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.calendar import last_day
from ledger.core.configuration import Configuration
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import matching, optional, required
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.clearing.cycle import Cycle, Pair, pair_name, require_closed
from ledger.families.clearing.prepayment_account import (
    Prepayment,
    balance_of,
    pair_key,
    pair_of,
    pay_in,
    require_balance,
)  # fmt: skip

NONE: Final = "NONE"
YELLOW: Final = "YELLOW"
RED: Final = "RED"

# --- facts -----------------------------------------------------------------------------------------------------------


class Quota(Row):
    """Key: home:treatment:year. Level agreed for the year, with its increases."""

    kind: ClassVar[str] = "prepayment_quota"
    amount_fen: int


class Alert(Row):
    """Key: home:treatment:cycle. `increased`: the one increase it allows has been made."""

    kind: ClassVar[str] = "prepayment_alert"
    level: str
    increased: bool = False


def on_prepayment(event: Event) -> StreamName:
    return Prepayment, pair_of(event)


# --- evolution -------------------------------------------------------------------------------------------------------


def quota_set(world: World, event: Event, position: int) -> None:
    world.add(f"{pair_of(event)}:{event['year']}", Quota(event["amount_fen"]))


def paid(world: World, event: Event, position: int) -> None:
    world.edit(Prepayment, pair_of(event)).balance += event["amount_fen"]


def increased(world: World, event: Event, position: int) -> None:
    world.edit(Quota, f"{pair_of(event)}:{event['year']}").amount_fen += event["amount_fen"]
    world.edit(Alert, f"{pair_of(event)}:{event['cycle']}").increased = True


def returned(world: World, event: Event, position: int) -> None:
    world.edit(Prepayment, pair_of(event)).balance -= event["amount_fen"]


def alert_raised(world: World, event: Event, position: int) -> None:
    world.add(f"{pair_of(event)}:{event['cycle']}", Alert(event["level"]))


# --- questions -------------------------------------------------------------------------------------------------------


def usage(config: Configuration, cycle: str, payable: int, base: int) -> tuple[str, int | None]:
    """(level, usage per mille) of a closed cycle's pair total on the prepayment at its close."""
    if payable <= 0:
        return NONE, 0
    if base == 0:
        return RED, None
    last = last_day(cycle)
    per_mille = (2000 * payable + base) // (2 * base)
    if 100 * payable >= config.value("prepayment.red_percent", last) * base:
        return RED, per_mille
    if 100 * payable >= config.value("prepayment.yellow_percent", last) * base:
        return YELLOW, per_mille
    return NONE, per_mille


# --- decisions -------------------------------------------------------------------------------------------------------


def require_two_provinces(command: Command) -> None:
    if command["home"] == command["treatment"]:
        raise Rejected("same_province", "a prepayment needs two different provinces", "treatment")


def quota_of(command: Command, world: World) -> Quota:
    quota = world.get(Quota, f"{pair_of(command.fields)}:{command['year']}")
    if quota is None:
        raise Rejected("prepayment_not_set", "no quota is set for the pair and year", "year")
    return quota


def set_prepayment(command: Command, world: World) -> list[Draft]:
    require_two_provinces(command)
    if world.get(Quota, f"{pair_of(command.fields)}:{command['year']}") is not None:
        raise Rejected("prepayment_already_set", "the quota of the pair and year is set: use an increase", "year")
    quarter = command.get("q4_fen")
    if quarter is not None:
        multiple = world.config.value("prepayment.multiple", command.bdate, command["home"])
        expected = (2 * quarter * multiple + 3) // 6
        if command["amount_fen"] != expected:
            message = f"{multiple} times the monthly mean of the quarter is {expected} fen"
            raise Rejected("prepayment_amount_differs", message, "amount_fen")
    return [Draft("PrepaymentSet")]


def pay(command: Command, world: World) -> list[Draft]:
    quota = quota_of(command, world)
    balance = balance_of(world, command["home"], command["treatment"])
    if balance + command["amount_fen"] > quota.amount_fen:
        message = f"the prepayment holds {balance} fen of a quota of {quota.amount_fen}"
        raise Rejected("prepayment_exceeds_quota", message, "amount_fen")
    return [Draft("PrepaymentPaid")]


def increase(command: Command, world: World) -> list[Draft]:
    quota_of(command, world)
    alert = world.get(Alert, f"{pair_of(command.fields)}:{command['cycle']}")
    if alert is None or alert.level != RED:
        raise Rejected("no_red_alert", "no red alert of the pair is recorded for this cycle", "cycle")
    if alert.increased:
        raise Rejected("increase_exists", "the alert of this cycle was answered before", "cycle")
    return [Draft("PrepaymentIncreased")]


def pay_back(command: Command, world: World) -> list[Draft]:
    require_two_provinces(command)
    require_balance(world, command["home"], command["treatment"], command["amount_fen"])
    return [Draft("PrepaymentReturned")]


def raise_alert(command: Command, world: World) -> list[Draft]:
    cycle, home, treatment = command["cycle"], command["home"], command["treatment"]
    require_closed(world, cycle)
    pair = world.get(Pair, pair_name(cycle, "MEDICAL", home, treatment)) or Pair(0)
    level, per_mille = usage(world.config, cycle, pair.payable_fen, pair.base_fen)
    if level == NONE:
        raise Rejected("no_alert_due", "the cycle uses less than the thresholds", "cycle")
    if world.get(Alert, f"{pair_key(home, treatment)}:{cycle}") is not None:
        raise Rejected("alert_exists", "the alert was raised before", "cycle")
    derived = {
        "level": level,
        "usage_per_mille": per_mille,
        "payable_fen": pair.payable_fen,
        "base_fen": pair.base_fen,
    }
    return [Draft("PrepaymentAlertRaised", derived)]


def keys(command: Command, world: World) -> Iterator[Name]:
    pair = pair_of(command.fields)
    yield Prepayment, pair
    if "year" in command.fields:
        yield Quota, f"{pair}:{command['year']}"
    if "cycle" in command.fields:
        yield Alert, f"{pair}:{command['cycle']}"


def alert_keys(command: Command, world: World) -> Iterator[Name]:
    yield from keys(command, world)
    yield Cycle, command["cycle"]
    yield Pair, pair_name(command["cycle"], "MEDICAL", command["home"], command["treatment"])


# --- postings --------------------------------------------------------------------------------------------------------


def post_payment(event: Event) -> Iterable[Posting]:
    return pay_in(event["home"], event["treatment"], event["amount_fen"])


def post_return(event: Event) -> Iterable[Posting]:
    return pay_in(event["home"], event["treatment"], -event["amount_fen"])


PAIR: Final = (required("home", types.province), required("treatment", types.province))
YEAR: Final = required("year", matching(re.compile(r"20[0-9]{2}"), "a year 20YY"))
AMOUNT: Final = required("amount_fen", types.amount)
BANK: Final = (required("bank_transaction", types.identifier), required("paid_on", types.day))
CYCLE: Final = required("cycle", types.month)
COMMANDS: Final = (
    CommandType(
        "SetPrepayment",
        "clearing",
        (*PAIR, YEAR, AMOUNT, optional("q4_fen", types.amount0)),
        set_prepayment,
        keys=keys,
    ),
    CommandType("PayPrepayment", "clearing", (*PAIR, YEAR, AMOUNT, *BANK), pay, keys=keys),
    CommandType("IncreasePrepayment", "clearing", (*PAIR, YEAR, AMOUNT, CYCLE), increase, keys=keys),
    CommandType("ReturnPrepayment", "clearing", (*PAIR, AMOUNT, *BANK), pay_back, keys=keys),
    CommandType("RaisePrepaymentAlert", "clearing", (*PAIR, CYCLE), raise_alert, keys=alert_keys),
)
EVENTS: Final = (
    EventType("PrepaymentSet", "clearing", on_prepayment, quota_set),
    EventType("PrepaymentPaid", "clearing", on_prepayment, paid, post_payment),
    EventType("PrepaymentIncreased", "clearing", on_prepayment, increased),
    EventType("PrepaymentReturned", "clearing", on_prepayment, returned, post_return),
    EventType("PrepaymentAlertRaised", "clearing", on_prepayment, alert_raised),
)
