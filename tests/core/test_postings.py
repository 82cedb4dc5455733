"""The one place where an entry is held to sum to zero."""

import pytest

from ledger.core.postings import Unbalanced, balanced


def test_postings_are_summed_by_account_and_what_comes_to_nothing_is_left_out() -> None:
    legs = [("b", 5), ("a", -7), ("b", 2), ("c", 3), ("c", -3)]

    assert balanced(legs) == [("a", -7), ("b", 7)]
    assert balanced([]) == []


def test_an_entry_that_does_not_sum_to_zero_is_never_booked() -> None:
    with pytest.raises(Unbalanced, match="1"):
        balanced([("a", 5), ("b", -4)])
