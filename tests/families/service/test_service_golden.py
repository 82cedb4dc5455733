"""The golden examples of everyday services, receipt by receipt and balance by balance."""

import pytest

from tests.families.golden import assert_answered_as_expected


@pytest.mark.parametrize("example", ["E15", "E16", "E18", "E20", "E21", "E22"])
def test_the_example_is_answered_as_expected(example: str) -> None:
    assert_answered_as_expected(example)
