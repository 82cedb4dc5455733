"""Values at the edges of what a field takes."""

import pytest

from ledger.core import fields
from ledger.core.rejection import Rejected


@pytest.mark.parametrize("edge", ["2000-01-01T00:00:00.000000Z", "2099-12-31T23:59:59.999999Z"])
def test_the_first_and_the_last_instant_are_taken_in_any_offset(edge: str) -> None:
    moved = {"2000": "1999-12-31T20:00:00.000000-04:00", "2099": "2100-01-01T07:59:59.999999+08:00"}[edge[:4]]

    assert fields.instant(edge) == fields.instant(moved)


@pytest.mark.parametrize("beyond", ["1999-12-31T23:59:59.999999Z", "2100-01-01T00:00:00Z", "2100-01-01T08:00:00+08:00"])
def test_an_instant_outside_the_years_of_the_ledger_is_out_of_range(beyond: str) -> None:
    with pytest.raises(Rejected) as refused:
        fields.instant(beyond)
    assert refused.value.code == "out_of_range"
