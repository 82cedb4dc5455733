"""What is wrong in two ways is refused for what the contract names first (contract 0.7), in sections 2 to 4."""

import random
from itertools import combinations

import pytest

from tests.catalogue import flawed_benefits, flawed_cards, flawed_care
from tests.catalogue.case import Case
from tests.catalogue.faults import Flawed
from tests.families.given import Ledger
from tests.fix_stores import soak

FLAWED = [*flawed_cards.FLAWED, *flawed_benefits.FLAWED, *flawed_care.FLAWED]
PAIRS = [(one, *pair) for one in FLAWED for pair in combinations(one.faults, 2) if one.with_both(*pair)]
"""Of each command two faults that go together, the first before the second."""
NEIGHBOURS = list({(id(one), id(first)): (one, first, second) for one, first, second in reversed(PAIRS)}.values())
"""Each fault with the next: whoever moves a test behind the next one is found in every run."""
DRAWN = soak(200, len(PAIRS))


def told(case: Case) -> tuple[Ledger, bytes] | None:
    """None where the histories of two faults do not go together."""
    try:
        return case.on_a_new_ledger()
    except AssertionError:
        return None


@pytest.mark.parametrize("one", FLAWED, ids=lambda one: one.then["command"])
def test_a_command_is_recorded_and_with_each_fault_refused_for_it(one: Flawed) -> None:
    ledger, line = one.without_faults().on_a_new_ledger()
    assert not isinstance(ledger.submit_line(line), str), ledger.refusal

    for fault in one.faults:
        ledger, line = one.with_fault(fault).on_a_new_ledger()
        assert (str(fault), ledger.submit_line(line)) == (str(fault), fault.code)


def test_of_two_faults_a_command_is_refused_for_the_one_that_stands_first(seed: int) -> None:
    tested = 0
    asked = [*NEIGHBOURS, *random.Random(seed).sample(PAIRS, DRAWN)]
    for one, first, second in asked:
        possible = next(filter(None, map(told, one.with_both(first, second))), None)
        if possible is not None:
            ledger, line = possible
            answer = ledger.submit_line(line)
            assert answer == first.code, f"seed {seed}, {one.then['command']}: {first} and {second}: {answer}"
            tested += 1
    assert tested > len(asked) * 9 // 10
