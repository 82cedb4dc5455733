"""The test of the test: what is taken away from the catalogue, or planted in it, is told."""

from dataclasses import replace

import pytest

from ledger.families import registry
from tests.catalogue import contract, gather
from tests.catalogue.case import Case
from tests.catalogue.gaps import gaps

ACCEPTED, REFUSED = gather.accepted(), gather.refused()
PAIRS = contract.pairs()
REGISTERED = set(registry.COMMANDS)


def test_a_command_without_a_recorded_case_is_told() -> None:
    left = [case for case in ACCEPTED if case.command != "SealLog"]
    assert gaps(REGISTERED, PAIRS, left, REFUSED) == ["SealLog has no case in which it is recorded"]


@pytest.mark.parametrize(("command", "code"), [("StopLine", "line_unknown"), ("UseService", "card_lost")])
def test_a_code_without_a_case_is_told(command: str, code: str) -> None:
    left = [case for case in REFUSED if case.pair != (command, code)]
    assert gaps(REGISTERED, PAIRS, ACCEPTED, left) == [f"{command} has no case that causes {code}"]


def test_a_new_command_of_the_registry_is_told_until_it_is_in_the_catalogue() -> None:
    assert gaps({*REGISTERED, "LendUmbrella"}, PAIRS, ACCEPTED, REFUSED) == [
        "LendUmbrella has no case in which it is recorded",
        "LendUmbrella is registered, and contract.py does not say how it is refused",
    ]


def test_a_command_that_left_the_registry_is_told() -> None:
    told = ["SealLog is in contract.py, and no command of the registry"]
    assert gaps(REGISTERED - {"SealLog"}, PAIRS, ACCEPTED, REFUSED) == told


def test_a_listed_pair_that_no_case_causes_is_told_and_a_case_that_nothing_lists() -> None:
    listed = PAIRS | {("SealLog", "card_lost")}
    assert gaps(REGISTERED, listed, ACCEPTED, REFUSED) == ["SealLog has no case that causes card_lost"]
    unlisted = PAIRS - {("SealLog", "nothing_to_seal")}
    told = ["SealLog has a case for nothing_to_seal, which contract.py does not list"]
    assert gaps(REGISTERED, unlisted, ACCEPTED, REFUSED) == told


def test_a_case_that_causes_another_code_is_told() -> None:
    case = next(case for case in REFUSED if case.pair == ("StopLine", "line_unknown"))
    wrong = replace(case, code="batch_unknown")
    ledger, line = wrong.on_a_new_ledger()
    assert ledger.submit_line(line) == case.code != wrong.code


def test_a_history_that_is_refused_is_told() -> None:
    broken = Case("line_unknown", ({"command": "SealLog", "occurred_at": "2025-01-01T00:00:00Z"},), {})
    with pytest.raises(AssertionError, match="is refused: missing_field"):
        broken.on_a_new_ledger()
