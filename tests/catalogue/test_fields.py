"""Every field of every command is given every kind of bad value: the code is the second model's, the field is named."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.core import fields
from tests.catalogue import contract, gather
from tests.catalogue.case import Command, line_of
from tests.families.clearing.scene import Tables
from tests.families.given import LATE, Ledger
from tests.model.commands import fields_of
from tests.model.histories import SECRET
from tests.model.ledger import Model
from tests.model.spoil import BAD_TEXT, UNKNOWN_WORDS, WRONG_TYPES

RIGHT = gather.first_of_each(gather.accepted())
OF_SHAPE = set(contract.SHAPE.split())
MISSING: Any = None


def spoilt(command: Command) -> Iterator[tuple[str, Command]]:
    """(field, the command with something wrong in it), field by field."""
    for name, form, _ in fields_of(command["command"]):
        for value in (MISSING, *BAD_TEXT.get(form, UNKNOWN_WORDS), *WRONG_TYPES):
            yield name, {**command, name: copy.deepcopy(value)}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_bad_value_gets_its_code_and_its_field_is_named(name: str) -> None:
    ledger, model = Ledger(now=LATE), Model(fields.instant(LATE), [], SECRET)
    Tables(ledger)
    named = set()
    for number, (field, command) in enumerate(spoilt(RIGHT[name].then)):
        line = line_of({"reference": f"r{number}", **command})
        answer, predicted = ledger.submit_line(line), model.submit_line(line)
        code = answer if isinstance(answer, str) else None
        assert predicted is not None and code == predicted.code, line
        if code in OF_SHAPE and ledger.refusal is not None:
            named.add(field)
            told = ledger.refusal.field
            # A value may make another field of the line wrong, or one that is not there required.
            assert told == field or told in command or code == "missing_field", (line, told)
    assert named == {field for field, _, _ in fields_of(name)}
