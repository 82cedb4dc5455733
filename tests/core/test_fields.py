"""Values at the edges of what a field takes."""

from typing import Any

import pytest

from ledger.core import fields
from ledger.core.fields import AMOUNT_MAX, COUNT_MAX
from ledger.core.rejection import Rejected


@pytest.mark.parametrize(
    ("parse", "taken", "refused"),
    [
        (fields.identifier, ["x", "x" * 64], ["", "x" * 65, "a:b", "é"]),
        (fields.text, ["x", "好" * 500], ["", "x" * 501]),
        (fields.amount, [1, AMOUNT_MAX], [0, AMOUNT_MAX + 1, True, 1.0]),
        (fields.amount0, [0, AMOUNT_MAX], [-1, AMOUNT_MAX + 1]),
        (fields.signed, [-AMOUNT_MAX, AMOUNT_MAX], [-AMOUNT_MAX - 1, AMOUNT_MAX + 1]),
        (fields.count, [0, COUNT_MAX], [-1, COUNT_MAX + 1]),
        (fields.count1, [1, COUNT_MAX], [0, COUNT_MAX + 1]),
        (fields.month, ["2000-01", "2099-12"], ["1999-12", "2100-01", "2025-00", "2025-13"]),
    ],
    ids=["identifier", "text", "amount", "amount0", "signed", "count", "count1", "month"],
)
def test_a_field_takes_its_first_and_its_last_value_and_none_beyond(
    parse: fields.Parse, taken: list[Any], refused: list[Any]
) -> None:
    assert [parse(value) for value in taken] == taken
    for value in refused:
        with pytest.raises(Rejected):
            parse(value)


def test_a_date_lies_within_the_years_of_the_ledger() -> None:
    assert fields.day("2099-12-31") - fields.day("2000-01-01") == 36_524
    for beyond in ("1999-12-31", "2100-01-01", "2025-02-29"):
        with pytest.raises(Rejected):
            fields.day(beyond)


@pytest.mark.parametrize("edge", ["2000-01-01T00:00:00.000000Z", "2099-12-31T23:59:59.999999Z"])
def test_the_first_and_the_last_instant_are_taken_in_any_offset(edge: str) -> None:
    moved = {"2000": "1999-12-31T20:00:00.000000-04:00", "2099": "2100-01-01T07:59:59.999999+08:00"}[edge[:4]]

    assert fields.instant(edge) == fields.instant(moved)


@pytest.mark.parametrize("beyond", ["1999-12-31T23:59:59.999999Z", "2100-01-01T00:00:00Z", "2100-01-01T08:00:00+08:00"])
def test_an_instant_outside_the_years_of_the_ledger_is_out_of_range(beyond: str) -> None:
    with pytest.raises(Rejected) as refused:
        fields.instant(beyond)
    assert refused.value.code == "out_of_range"
