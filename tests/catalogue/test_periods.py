"""A period may be a single day: both of its dates are included."""

import pytest

from tests.catalogue import gather
from tests.catalogue.case import Case

PERIODS = [case for case in gather.accepted() if "valid_from" in case.then and case.then.get("kind") != "TEMPORARY"]


@pytest.mark.parametrize("case", PERIODS, ids=str)
def test_a_period_of_one_day_is_recorded(case: Case) -> None:
    ledger, line = case.but("", valid_to=case.then["valid_from"]).on_a_new_ledger()

    assert not isinstance(ledger.submit_line(line), str), ledger.refusal


def test_every_command_with_a_period_is_tried() -> None:
    assert {case.command for case in PERIODS} >= {
        "AuthoriseAgent", "AuthoriseDelegate", "EnableSchemeItem", "GrantEntitlement", "IssueVoucher",
        "RegisterTreatment", "SetStudentStatus",
    }  # fmt: skip
