"""Whatever happens, at any moment: no fen of a batch, a budget line, a purse, a pass or a voucher is lost or doubled.

Random histories of all families, legal commands and illegal ones mixed, are decided in memory; at random points every
law is held against the events, the balances and the rows. A failure prints the seed of its history.
"""

import copy
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache

import pytest

from tests.families.clearing.scene import Tables
from tests.families.given import Ledger
from tests.fix_stores import soak
from tests.laws import payouts, purses
from tests.laws.told import Event, Law, Told, offences
from tests.model.histories import CLOCK_MICROS, CONFIG, history

LAWS = (*payouts.LAWS, *purses.LAWS)
NOW = datetime.fromtimestamp(CLOCK_MICROS // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
LINES = soak(1_500, 6_000)
POINTS = 25


def told(ledger: Ledger) -> Told:
    return Told(ledger.events, ledger.balances, ledger.row)


def decided(seed: int, lines: int) -> Iterator[tuple[int, Ledger, bytes]]:
    """(number, ledger, line) after each line of a history."""
    ledger = Ledger(*CONFIG, now=NOW)
    Tables(ledger)
    for number, line in enumerate(history(seed, lines), start=1):
        ledger.submit_line(line)
        yield number, ledger, line


@pytest.mark.parametrize("nth", range(soak(12, 300)))
def test_the_laws_hold_at_any_point_of_any_history(seed: int, nth: int) -> None:
    chance = random.Random(seed + nth)
    points = {LINES, *(chance.randrange(1, LINES) for _ in range(POINTS - 1))}
    for number, ledger, _ in decided(seed + nth, LINES):
        if number in points:
            assert offences(told(ledger), LAWS) == [], f"history of seed {seed + nth}, after line {number}"


def more(field: str) -> Callable[[Event], None]:
    def change(event: Event) -> None:
        event[field] += 1

    return change


def more_of_a_share(event: Event) -> None:
    event["shares"][0]["amount_fen"] += 1


def another_chain(event: Event) -> None:
    event["chain"] = "broken" if event["chain"] == "ok" else "ok"


PLANTED: list[tuple[Law, str, Callable[[Event], None]]] = [
    (payouts.planned_is_paid_returned_or_stopped, "PayoutBatchOpened", more("planned_fen")),
    (payouts.planned_is_paid_returned_or_stopped, "PayoutBatchOpened", more("planned_count")),
    (payouts.planned_is_paid_returned_or_stopped, "PayoutLineAdded", more("amount_fen")),
    (payouts.closing_tells_what_became_of_the_plan, "BatchClosed", more("paid_fen")),
    (payouts.closing_tells_what_became_of_the_plan, "BatchClosed", more("stopped_count")),
    (payouts.issued_is_available_frozen_and_paid, "BudgetIssued", more("amount_fen")),
    (payouts.issued_is_available_frozen_and_paid, "PolicyFundCredited", more("amount_fen")),
    (payouts.issued_is_available_frozen_and_paid, "budget:", more("balance")),
    (payouts.what_the_bank_holds_is_on_its_way, "bank:", more("balance")),
    (purses.a_counter_is_tapped_once_and_its_chain_is_told, "TransitTapped", more("missing_counters")),
    (purses.a_counter_is_tapped_once_and_its_chain_is_told, "TransitTapped", more("counter")),
    (purses.a_counter_is_tapped_once_and_its_chain_is_told, "TransitTapped", another_chain),
    (purses.a_transit_purse_is_what_was_loaded_less_what_was_ridden, "PurseToppedUp", more("amount_fen")),
    (purses.a_transit_purse_is_what_was_loaded_less_what_was_ridden, "FareCorrected", more("paid_fen")),
    (purses.a_pass_is_split_into_its_price, "PassExpired", more_of_a_share),
    (purses.a_pass_is_split_into_its_price, "PassPurchased", more("price_fen")),
    (purses.a_voucher_is_redeemed_expired_or_open, "VoucherIssued", more("face_fen")),
    (purses.a_voucher_is_redeemed_expired_or_open, "VoucherRedeemed", more("amount_fen")),
    (purses.family_aid_is_spent_returned_or_left, "FamilyAidReceived", more("amount_fen")),
    (purses.family_aid_is_spent_returned_or_left, "FamilyAidReturned", more("amount_fen")),
    (purses.books_sum_to_nothing, "advance:", more("balance")),
    (purses.books_sum_to_nothing, "prepaid:", more("balance")),
]


@cache
def ended(seed: int) -> Ledger:
    *_, (_, ledger, _) = decided(seed, 1_500)
    return ledger


def changed(ledger: Ledger, where: str, change: Callable[[Event], None]) -> Told | None:
    """What the ledger told with all events of this name, or accounts that begin so, changed; None: it has none."""
    events, balances = copy.deepcopy(ledger.events), dict(ledger.balances)
    found = 0
    for _, name, event in events:
        if name == where:
            change(event)
            found += 1
    for account in [account for account in balances if account.startswith(where)]:
        booked = {"balance": balances[account]}
        change(booked)
        balances[account] = booked["balance"]
        found += 1
    return Told(events, balances, ledger.row) if found else None


@pytest.mark.parametrize(("law", "where", "change"), PLANTED, ids=lambda part: getattr(part, "__name__", part))
def test_a_law_tells_what_breaks_it(law: Law, where: str, change: Callable[[Event], None]) -> None:
    """The test of the test, on the first history that has what is changed."""
    planted = next(found for seed in range(50) if (found := changed(ended(seed), where, change)))
    assert offences(planted, (law,)) != []


def test_every_law_has_something_planted() -> None:
    assert {law for law, _, _ in PLANTED} == set(LAWS)
