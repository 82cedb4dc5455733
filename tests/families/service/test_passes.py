"""A pass from the day it is bought to the day its price is split: dates, order of facts, shares and what they owe."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.calendar import date_text, from_date
from ledger.families.clearing.lines import lines_for
from ledger.families.clearing.units import Unit
from ledger.families.service.pass_revenue import split
from ledger.families.service.passes import last_day_of
from tests.families.counter import ACTIVE
from tests.families.given import Ledger
from tests.families.service.scene import buy, on_pass, visit

USES = st.dictionaries(st.text("ABCDEFG", min_size=1, max_size=3), st.integers(1, 366), min_size=1, max_size=9)


def bought(*commands: dict[str, object], days: int = 90, price: int = 10_000) -> Ledger:
    configured = {"key": "pass.activation_days", "scope": "46", "effective_from": "2020-01-01", "value": days}
    ledger = Ledger(configured)
    ledger.given(*ACTIVE, buy("2025-01-01 12:00", price=price), *commands)
    return ledger


def expired(ledger: Ledger, at: str = "2027-01-01 12:00") -> dict[str, int]:
    """Shares by venue; the books must agree."""
    (event,) = ledger.given(on_pass("ExpirePass", at))
    shares = {share["venue"]: share["amount_fen"] for share in event["shares"]}
    assert sum(shares.values()) == event["price_fen"]
    assert {venue: ledger.balances[f"venue:{venue}"] for venue in shares} == shares
    assert not any(fen for account, fen in ledger.balances.items() if account.endswith(":passes"))
    assert ledger.made_again() == ledger.memory.rows
    return shares


@pytest.mark.parametrize(
    ("start", "last"),
    [
        ("2020-10-30", "2021-10-29"),
        ("2024-02-29", "2025-02-28"),
        ("2023-03-01", "2024-02-29"),
        ("2025-01-01", "2025-12-31"),
    ],
)
def test_a_pass_is_valid_for_a_year(start: str, last: str) -> None:
    assert date_text(last_day_of(from_date(date.fromisoformat(start)))) == last


def test_the_holder_activates_early_and_time_activates_late() -> None:
    early, late = bought(), bought()
    (own,) = early.given(on_pass("ActivatePass", "2025-03-31 12:00"))
    (auto,) = late.given(on_pass("ActivatePass", "2025-06-01 12:00"))

    def told(event: dict[str, Any]) -> tuple[bool, str, str]:
        return event["auto"], date_text(event["active_from"]), date_text(event["active_to"])

    assert told(own) == (False, "2025-03-31", "2026-03-30")
    assert told(auto) == (True, "2025-04-01", "2026-03-31")


def test_a_pass_that_nobody_activated_is_used_as_if_it_were() -> None:
    ledger = bought(visit("2025-04-01 12:00"), visit("2026-03-31 12:00"))
    assert ledger.submit(on_pass("ActivatePass", "2025-05-01 12:00")) == "pass_already_active"
    assert ledger.submit(visit("2025-03-31 12:00")) == "pass_not_active"
    assert ledger.submit(visit("2026-04-01 12:00")) == "pass_expired"


def test_a_province_may_let_passes_become_active_at_once() -> None:
    ledger = bought(visit("2025-01-01 13:00"), days=0)
    assert ledger.submit(on_pass("RefundPass", "2025-01-01 14:00")) == "pass_not_refundable"


def test_an_activation_after_the_last_day_is_recorded_and_useless() -> None:
    ledger = bought(on_pass("ActivatePass", "2026-06-01 12:00"))
    assert ledger.submit(visit("2026-06-01 13:00")) == "pass_expired"


def test_a_pass_never_activated_ends_a_year_after_it_became_active_by_itself() -> None:
    ledger = bought()
    assert ledger.submit(on_pass("ExpirePass", "2026-03-31 12:00")) == "pass_not_expired"
    assert expired(ledger, "2026-04-01 12:00") == {"HN1": 10_000}
    assert not any(account.startswith("pass_") for account in ledger.balances)


def test_the_price_given_back_leaves_nothing() -> None:
    assert not any(bought(on_pass("RefundPass", "2025-03-31 12:00")).balances.values())


def test_fen_that_do_not_divide_go_to_the_largest_remainders() -> None:
    ledger = bought(
        on_pass("ActivatePass", "2025-02-01 12:00"),
        *(visit(f"2025-02-0{day} 12:00", "VA") for day in (1, 2, 3, 4)),
        *(visit(f"2025-02-0{day} 13:00", "VB", "440100") for day in (1, 2)),
        visit("2025-02-01 14:00", "VC", "450100"),
        price=100,
    )
    # 57.14, 28.57, 14.29: the fen left over goes to VB.
    assert expired(ledger) == {"VA": 57, "VB": 29, "VC": 14}


def test_venues_elsewhere_are_owed_their_shares_by_the_sellers_province() -> None:
    ledger = bought(
        on_pass("ActivatePass", "2025-02-01 12:00"),
        visit("2025-02-01 12:00", "VA", "440100"),
        visit("2025-02-02 12:00", "VA", "450100"),
        visit("2025-02-02 12:00", "VB", "450200"),
        visit("2025-02-03 12:00", "VD", "310106"),
        visit("2025-02-03 12:00", "VC", "460100"),
    )
    assert expired(ledger) == {"VA": 4_000, "VB": 2_000, "VC": 2_000, "VD": 2_000}
    position, name, event = ledger.events[-1]
    lines = lines_for(name, event, position)

    # A venue counts where it was used last.
    assert [(line.n, line.home, line.treatment, line.other_fen) for line in lines] == [
        (1, "46", "31", 2_000),
        (2, "46", "45", 6_000),
    ]
    assert {(line.book, line.kind, line.insutype, line.clr_type) for line in lines} == {("PASS", "PASS", "-", "PASS")}
    assert (ledger.balances["pass_clearing:46:45"], ledger.balances["pass_advance:45"]) == (6_000, -6_000)
    unit = ledger.row(Unit, "pass:P1")
    assert (unit.lines, unit.confirmed, unit.position) == (2, True, position)


def test_a_pass_used_at_home_owes_nobody_and_makes_no_line() -> None:
    ledger = bought(on_pass("ActivatePass", "2025-02-01 12:00"), visit("2025-02-01 12:00"))
    expired(ledger)
    assert ledger.row(Unit, "pass:P1") is None and lines_for(*ledger.events[-1][1:], 1) == []


def test_a_share_of_nothing_is_no_line() -> None:
    ledger = bought(
        on_pass("ActivatePass", "2025-02-01 12:00"),
        visit("2025-02-01 12:00", "VA", "440100"),
        visit("2025-02-01 12:00", "VB", "450100"),
        price=1,
    )
    assert expired(ledger) == {"VA": 1, "VB": 0}
    assert [line.treatment for line in lines_for(*ledger.events[-1][1:], 1)] == ["44"]


def test_every_day_at_many_venues_fits_into_the_rows() -> None:
    ledger = bought(on_pass("ActivatePass", "2025-02-01 12:00"))
    names = [f"{'V' * 62}{number:02}" for number in range(40)]
    ledger.given(*(visit("2025-02-01 12:00", name) for name in names))
    assert len(expired(ledger)) == 40


@given(price=st.integers(1, 10**13), uses=USES)
def test_the_split_equals_the_price_and_nobody_is_off_by_a_whole_fen(price: int, uses: dict[str, int]) -> None:
    shares, total = split(price, uses), sum(uses.values())
    assert sum(shares.values()) == price
    assert all(abs(shares[name] * total - price * count) < total for name, count in uses.items())
    assert list(shares) == sorted(uses)
