"""Operating days: where they begin, what a closed one counted, and where late arrivals go."""

from typing import Any

import pytest

from ledger.core.calendar import date_text
from tests.families.counter import ACTIVE, close_day, correct, grant, instant, load, tap
from tests.families.given import Ledger

LATE: dict[str, Any] = {"uploaded_at": instant("2025-05-09 12:00")}
SUMS = ("tap_count", "correction_count", "due_fen", "paid_fen", "subsidy_fen")


def given(*commands: dict[str, Any], configuration: tuple[dict[str, Any], ...] = ()) -> Ledger:
    ledger = Ledger(*configuration)
    ledger.given(*ACTIVE, load(5000), *commands)
    return ledger


def one(ledger: Ledger, command: dict[str, Any]) -> dict[str, Any]:
    (event,) = ledger.given(command)
    return event


def days(event: dict[str, Any]) -> tuple[str, str]:
    return date_text(event["operating_day"]), date_text(event["clearing_day"])


def sums(event: dict[str, Any]) -> tuple[int, ...]:
    return tuple(event[name] for name in SUMS)


def test_a_ride_after_midnight_belongs_to_the_day_before() -> None:
    ledger = given()

    assert days(one(ledger, tap("SINGLE", 1, "2025-05-03 02:59:59", 100)))[0] == "2025-05-02"
    assert days(one(ledger, tap("SINGLE", 2, "2025-05-03 03:00", 100)))[0] == "2025-05-03"


def test_the_cut_is_that_of_the_operating_province_for_taps_and_of_the_area_given_for_the_close() -> None:
    cut = {"key": "transit.day_cut_minutes", "scope": "31", "effective_from": "2025-01-01", "value": 0}
    ledger = given(configuration=(cut,))

    event = one(ledger, tap("SINGLE", 1, "2025-05-03 00:00", 100, operating_area="310106"))
    assert days(event)[0] == "2025-05-03"
    assert ledger.submit(close_day("2025-05-02", "2025-05-03 00:00")) == "day_not_over"
    one(ledger, close_day("2025-05-02", "2025-05-03 00:00", operating_area="310106"))


def test_what_arrives_for_a_closed_day_counts_in_the_first_open_one() -> None:
    ledger = given(tap("SINGLE", 1, "2025-05-02 12:00", 100), close_day("2025-05-04", "2025-05-05 12:00"))

    late = one(ledger, tap("SINGLE", 2, "2025-05-02 13:00", 100, **LATE))
    assert days(late) == ("2025-05-02", "2025-05-05")
    corrected = one(ledger, correct("COMPLAINT", 1, "2025-05-03 12:00", 50))
    assert date_text(corrected["clearing_day"]) == "2025-05-05"
    other = one(ledger, tap("SINGLE", 3, "2025-05-02 13:00", 100, operator="OP2", **LATE))
    assert days(other) == ("2025-05-02", "2025-05-02")


def test_a_close_counts_every_day_since_the_last_one() -> None:
    ledger = given(
        grant("2025-05-01 12:00", province="34"),
        tap("SINGLE", 1, "2025-05-01 12:00", 100),
        tap("SINGLE", 2, "2025-05-03 12:00", 200, 80, concession_class="ELDERLY"),
        tap("SINGLE", 3, "2025-05-04 12:00", 400),
        tap("SINGLE", 4, "2025-05-03 12:00", 7, operator="OP2"),
    )
    first = one(ledger, close_day("2025-05-03", "2025-05-05 12:00"))
    ledger.given(tap("SINGLE", 5, "2025-05-01 13:00", 1000, **LATE), correct("COMPLAINT", 1, "2025-05-05 12:00", 60))
    second = one(ledger, close_day("2025-05-05", "2025-05-09 12:00"))

    assert first["closed_from"] is None and sums(first) == (2, 0, 300, 180, 120)
    assert date_text(second["closed_from"]) == "2025-05-04" and sums(second) == (2, 1, 1360, 1360, 0)
    assert (first["card_version"], second["card_version"]) == (1, 2)
    assert ledger.made_again() == ledger.memory.rows


def test_both_charges_of_a_late_exit_are_counted() -> None:
    ledger = given(
        tap("ENTRY", 4, "2025-05-01 12:00"),
        correct("MISSING_EXIT", 4, "2025-05-01 16:00", 900),
        close_day("2025-05-01", "2025-05-02 12:00"),
        tap("EXIT", 5, "2025-05-01 13:00", 300, entry_counter=4, **LATE),
    )

    assert sums(one(ledger, close_day("2025-05-02", "2025-05-03 12:00"))) == (1, 0, -600, -600, 0)


@pytest.mark.parametrize("day", ["2001-01-01", "2025-05-03"])
def test_a_day_without_rides_can_be_closed(day: str) -> None:
    ledger = given(tap("SINGLE", 1, "2025-05-04 12:00", 100))

    assert sums(one(ledger, close_day(day, "2025-05-05 12:00"))) == (0, 0, 0, 0, 0)
    assert sums(one(ledger, close_day("2025-05-02", "2025-05-05 12:00", operator="OP9"))) == (0, 0, 0, 0, 0)
    assert sums(one(ledger, close_day("2025-05-04", "2025-05-05 12:00"))) == (1, 0, 100, 100, 0)
