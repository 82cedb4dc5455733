"""The golden examples that governance takes part in, receipt by receipt and balance by balance."""

import pytest

from tests.families.golden import assert_answered_as_expected


@pytest.mark.parametrize("example", ["E19", "E27"])
def test_the_example_is_answered_as_expected(example: str) -> None:
    assert_answered_as_expected(example)
