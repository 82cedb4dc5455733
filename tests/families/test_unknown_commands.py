"""Whoever mistypes a command is told the known one they meant, and never their own words again."""

import json

import pytest

from ledger.core.nearest import LONGEST
from ledger.families.registry import COMMANDS
from tests.families.given import LATE, Ledger

NUMBER = "110101199003070038"


def told(typed: str) -> str:
    ledger = Ledger(now=LATE)
    answer = ledger.submit_line(json.dumps({"command": typed}).encode())
    assert answer == "unknown_command" and ledger.refusal is not None
    assert ledger.refusal.field == "command"
    return ledger.refusal.message


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("CardIssue", "IssueCard"),
        ("CardIssued", "IssueCard"),
        ("issue_card", "IssueCard"),
        ("SettleMedcal", "SettleMedical"),
        ("MedicalSettled", "SettleMedical"),
        ("CancelCard ", "CancelCard"),
        ("UsePas", "UsePass"),
    ],
)
def test_a_mistyped_command_is_answered_with_the_known_one_that_is_near(typed: str, meant: str) -> None:
    assert told(typed) == f"no such command; did you mean {meant}?"


@pytest.mark.parametrize("typed", ["", "Nothing", "社会保障卡", NUMBER, "x" * 60_000, "card issue " * 5_000])
def test_what_is_near_to_nothing_gets_no_guess(typed: str) -> None:
    assert told(typed) == "no such command"


def test_what_was_typed_is_never_said_again() -> None:
    for typed in (f"IssueCard{NUMBER}", f"{NUMBER}IssueCard", f"IssueCard {NUMBER}"):
        assert NUMBER not in told(typed)
        assert told(typed).removeprefix("no such command; did you mean ").removesuffix("?") in {
            "no such command",
            *COMMANDS,
        }


def test_names_are_compared_as_far_as_the_longest_known_one_goes() -> None:
    assert max(map(len, COMMANDS)) <= LONGEST
