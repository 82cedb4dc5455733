"""Values at the edges of what a rule takes."""

from ledger.core.rules import MOST_DATES, RULES


def test_a_list_of_dates_is_taken_up_to_its_limit() -> None:
    holidays = RULES["calendar.holidays"]

    assert holidays.takes(["2025-01-01"] * MOST_DATES)
    assert not holidays.takes(["2025-01-01"] * (MOST_DATES + 1))


def test_a_number_is_taken_from_0_to_its_highest() -> None:
    tolerance = RULES["clock.future_tolerance_seconds"]

    assert [tolerance.takes(value) for value in (-1, 0, tolerance.highest, tolerance.highest + 1)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert not tolerance.takes(True)
