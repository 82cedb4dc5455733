"""Dates at their edges: birthdays, and the leap day."""

from datetime import date

import pytest

from ledger.core.calendar import from_date, full_years


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(2009, 6, 15), date(2025, 6, 14), 15),
        (date(2009, 6, 15), date(2025, 6, 15), 16),
        (date(2009, 6, 15), date(2025, 12, 1), 16),
        (date(2009, 6, 15), date(2025, 5, 31), 15),
        (date(2008, 2, 29), date(2025, 2, 28), 16),
        (date(2008, 2, 29), date(2025, 3, 1), 17),
        (date(2008, 2, 29), date(2024, 2, 29), 16),
    ],
)
def test_a_year_of_age_is_complete_on_the_birthday(born: date, on: date, years: int) -> None:
    assert full_years(born, from_date(on)) == years
