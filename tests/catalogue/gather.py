"""All cases of the catalogue: those of the families' tables, those written here, and those the marks make."""

from collections.abc import Iterable

from tests.catalogue import clearing, everyday, general, medical
from tests.catalogue.case import Case

NOTHING = Case("unknown_command", (), {}, raw=b'{"command": "Nothing", "submitter": "T1", "reference": "last"}')


def accepted() -> list[Case]:
    """Histories at whose end a command is recorded: every command has at least one."""
    return [*everyday.ACCEPTED, *everyday.recorded_tables(), *medical.ACCEPTED, *clearing.ACCEPTED]


def first_of_each(cases: Iterable[Case]) -> dict[str, Case]:
    found: dict[str, Case] = {}
    for case in cases:
        found.setdefault(case.command, case)
    return found


def refused() -> list[Case]:
    """Those written by hand, and those the marks make of a recorded command where nobody wrote one."""
    written = [*everyday.REFUSED, *everyday.tables(), *medical.REFUSED, *clearing.REFUSED, NOTHING]
    known = {case.pair for case in written}
    made = [case for one in first_of_each(accepted()).values() for case in general.of(one)]
    return written + [case for case in made if case.pair not in known]
