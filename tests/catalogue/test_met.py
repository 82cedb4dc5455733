"""What random histories are refused with is in the catalogue: a pair met and not listed is missing from the list."""

import pytest

from tests.catalogue import contract
from tests.fix_stores import soak
from tests.model.histories import tell

LISTED = contract.pairs()


@pytest.mark.parametrize("nth", range(soak(4, 100)))
def test_every_pair_of_a_command_and_a_code_that_is_met_is_listed(seed: int, nth: int) -> None:
    world = tell(seed + nth, 1_500)
    met = {(outcome.command, outcome.code) for outcome in world.outcomes if outcome.code}
    assert {pair for pair in met if pair[0] in contract.MARKS} - LISTED == set(), f"history of seed {seed + nth}"
