"""Every command recorded once, repeated, reused, balanced and replayed; every code of every command caused once.

Three lists must agree: the registry of the product, the contract as it is written down in `contract.py`, and the cases.
A command, an event or a code that is added to one of them and not to the others is named here.
"""

import ast

import pytest

from ledger.core import fields
from ledger.core.decider import Event
from ledger.families import registry
from tests.catalogue import contract, gather
from tests.catalogue.case import Case, line_of
from tests.catalogue.codes import FIELDS, may_name
from tests.catalogue.gaps import gaps
from tests.families.given import LATE
from tests.house.tree import modules
from tests.model.histories import SECRET
from tests.model.ledger import Model

ACCEPTED, REFUSED = gather.accepted(), gather.refused()
NO_COMMAND_RECORDS = {"ConfigurationExtended"}
COMMANDS = sorted(contract.MARKS)


def test_no_command_and_no_code_is_without_a_case() -> None:
    assert gaps(set(registry.COMMANDS), contract.pairs(), ACCEPTED, REFUSED) == []


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_a_command_is_recorded_once_repeated_balanced_and_made_again_from_its_events(case: Case) -> None:
    ledger, line = case.on_a_new_ledger()
    before = len(ledger.events)

    answer = ledger.submit_line(line)
    assert not isinstance(answer, str), (answer, ledger.refusal)
    rows, recorded = dict(ledger.memory.rows), ledger.events[before:]
    for _, name, event in recorded:
        assert sum(amount for _, amount in registry.postings_for(name, event)) == 0
    assert ledger.made_again() == rows

    assert ledger.submit_line(line) == "duplicate"
    other = {**case.then, "reference": case.then.get("reference", "last"), "channel": "SELF_SERVICE"}
    assert ledger.submit_line(line_of(other)) == "reference_reused"
    assert (ledger.memory.rows, ledger.events[before:]) == (rows, recorded)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_code_of_a_command_is_caused_and_leaves_nothing_behind(command: str) -> None:
    for case in (case for case in REFUSED if case.command == command):
        ledger, line = case.on_a_new_ledger()
        rows, events = dict(ledger.memory.rows), len(ledger.events)

        assert (str(case), ledger.submit_line(line)) == (str(case), case.code)
        assert (ledger.memory.rows, len(ledger.events)) == (rows, events)
        assert ledger.refusal is not None
        assert ledger.refusal.field in may_name(command, case.code, case.then), f"{case}: {ledger.refusal.field}"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_second_model_answers_every_case_the_same(command: str) -> None:
    for case in (case for case in [*ACCEPTED, *REFUSED] if case.command == command):
        entries = [{"scope": "*", **entry} for entry in case.configuration]
        model = Model(fields.instant(LATE), entries, SECRET)
        *before, last = (model.submit_line(line) for line in case.lines())
        assert {answer.status for answer in before if answer} <= {"recorded"}, str(case)
        assert last is not None and (str(case), last.code or "") == (str(case), case.code)


def test_every_event_is_recorded_by_some_case() -> None:
    recorded = {name for case in ACCEPTED for name, _ in _events(case)}
    assert set(registry.EVENTS) - recorded - NO_COMMAND_RECORDS == set()


def _events(case: Case) -> list[tuple[str, Event]]:
    ledger, line = case.on_a_new_ledger()
    ledger.submit_line(line)
    return [(name, event) for _, name, event in ledger.events]


def test_the_product_knows_the_codes_of_the_contract_and_no_others() -> None:
    """A code is a word said in the product that the contract lists, or the first word of a refusal."""
    said, refused = set(), set()
    for module in modules("ledger"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.add(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Rejected" and node.args:
                first = node.args[0]
                refused |= {first.value} if isinstance(first, ast.Constant) else set()
    assert {code for _, code in contract.pairs()} == set(FIELDS)
    assert set(FIELDS) - said == set()
    assert refused - set(FIELDS) == set()
