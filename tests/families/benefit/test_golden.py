"""The golden examples of benefits, receipt by receipt and balance by balance."""

import pytest

from tests.families.golden import assert_answered_as_expected


@pytest.mark.parametrize("example", ["E13", "E14", "E23", "E28"])
def test_the_example_is_answered_as_expected(example: str) -> None:
    assert_answered_as_expected(example)
