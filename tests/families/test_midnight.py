"""A rule, a birthday, a registration begins when its date begins in China: 16:00 UTC of the day before (contract 0.5).

Each case is told twice, at the last microsecond of 30 June 2025 in China and at the first of 1 July; the rules given
begin with 1 July.
"""

from typing import Any

import pytest

from ledger.core import fields
from ledger.core.calendar import instant_text
from tests.catalogue import medical as care
from tests.families.benefit import office as pay
from tests.families.benefit.office import SN
from tests.families.counter import ACTIVE, BEN, Command, act, delegate, issue, issue_to_firm, lose
from tests.families.given import Ledger

LAST, FIRST = "2025-06-30T15:59:59.999999Z", "2025-06-30T16:00:00Z"
NOON = "2025-06-02 12:00"
RECORDED = ""
NO_RULE = ("", None)
SIXTEEN_ON_1_JULY = "340101200907010052"
AID = care.give(amount=501)
OFFICE = (*(pay.issue_card(person, SN[person], pay.ACCOUNT[person]) for person in SN), pay.budget())
LINE = (*OFFICE, pay.open_batch("B1", period="2025-07"))
RURAL = (
    *(*OFFICE, pay.open_batch("B1", kind="RURAL_SUBSIDY"), pay.add_line("B1", village="V1")),
    pay.publish("B1", "2025-06-19"),  # a Thursday: seven working days after it is 30 June
)
AWAY = care.bill(treatment_area="310106")
TWO_GIVEN = (*care.RICH, *({**care.give(name), "occurred_at": FIRST} for name in ("W8", "W9")))

# rule and value, history, command, the codes on either side of midnight
Case = tuple[tuple[str, Any], tuple[Command, ...], Command, str, str]
CASES: list[Case] = [
    # rules
    (
        ("card.formal_loss_liftable", False),
        (*ACTIVE, lose("FORMAL", NOON)),
        act("LiftLoss", NOON),
        RECORDED,
        "loss_not_liftable",
    ),
    (("card.guardian_below_age", 70), (), issue(), RECORDED, "guardian_required"),
    (("payout.ceiling_fen", 999), LINE, pay.add_line("B1"), RECORDED, "ceiling_exceeded"),
    (
        ("payout.disclosure_working_days", 1),
        (*LINE, pay.add_line("B1")),
        pay.approve("B1"),
        RECORDED,
        "batch_not_published",
    ),
    (("medical.registration_required_other", True), care.RICH, AWAY, RECORDED, "treatment_not_registered"),
    (("family_aid.max_transfer_fen", 500), care.RICH, AID, RECORDED, "transfer_too_large"),
    (
        ("medical.registration_required_inpatient", False),
        care.RICH,
        {**AWAY, "med_type": "52"},
        "treatment_not_registered",
        RECORDED,
    ),
    (
        *(("medical.temporary_registration_months", 1), care.RICH),
        care.register(kind="TEMPORARY", reason="OTHER", valid_to="2025-05-31"),
        *("registration_too_short", RECORDED),
    ),
    (
        *(("medical.registration_lock_months", 1), (*care.RICH, care.register(valid_from="2025-06-01"))),
        care.register("G2", treatment_area="320500", valid_from="2025-06-15"),
        *("registration_locked", RECORDED),
    ),
    # what has a date of its own
    (NO_RULE, (), issue(person=SIXTEEN_ON_1_JULY), "guardian_required", RECORDED),
    (NO_RULE, (), issue(expires_on="2025-07-01"), RECORDED, "period_invalid"),
    (NO_RULE, (), issue_to_firm(expires_on="2025-07-01"), RECORDED, "period_invalid"),
    (NO_RULE, ACTIVE, act("CancelCard", NOON, reason="DEATH", died_on="2025-07-01"), "period_invalid", RECORDED),
    (NO_RULE, TWO_GIVEN, care.give("W1"), RECORDED, RECORDED),
    (
        NO_RULE,
        (*TWO_GIVEN, {**care.give("W7"), "occurred_at": FIRST}),
        care.give("W1"),
        RECORDED,
        "too_many_transfers_today",
    ),
    (NO_RULE, RURAL, pay.approve("B1"), "disclosure_not_over", RECORDED),
    (NO_RULE, RURAL, pay.object_to("Q1", "B1"), RECORDED, "disclosure_over"),
    (
        *(NO_RULE, (*care.RICH, care.register(valid_from="2025-07-01"))),
        *({**AWAY, "med_type": "2101"}, "treatment_not_registered", RECORDED),
    ),
    (
        *(NO_RULE, (*care.RICH, care.register(valid_to="2025-06-30"))),
        *({**AWAY, "med_type": "2101"}, RECORDED, "treatment_not_registered"),
    ),
    (
        *(NO_RULE, (*care.RICH, delegate(NOON, valid_from="2025-07-01", valid_to="2025-07-01"))),
        *(care.bill(acting_person=BEN), "acting_person_not_authorised", RECORDED),
    ),
    (
        *(NO_RULE, (*care.RICH, delegate(NOON, valid_from="2025-06-30", valid_to="2025-06-30"))),
        *(care.bill(acting_person=BEN), RECORDED, "acting_person_not_authorised"),
    ),
]


@pytest.mark.parametrize(("rule", "given", "then", "before", "after"), CASES, ids=lambda part: "")
def test_a_day_begins_at_midnight_in_china(
    rule: tuple[str, Any], given: tuple[Command, ...], then: Command, before: str, after: str
) -> None:
    key, value = rule
    entries = [{"key": key, "effective_from": "2025-07-01", "value": value}] if key else []
    for instant, code in ((LAST, before), (FIRST, after)):
        ledger = Ledger(*entries)
        ledger.given(*given)
        answer = ledger.submit({**then, "occurred_at": instant})
        assert (instant, answer if isinstance(answer, str) else RECORDED) == (instant, code)


@pytest.mark.parametrize(
    ("instant", "days", "working", "expires"),
    [
        (LAST, 9, True, "2025-07-05T15:59:59.999999Z"),
        (FIRST, 3, False, "2025-07-03T16:00:00.000000Z"),
        (FIRST, 3, True, "2025-07-07T16:00:00.000000Z"),  # 2 July is a holiday by then: 3, 4, 7 July
        (FIRST, 0, True, "2025-07-01T16:00:00.000000Z"),
    ],
)
def test_a_temporary_loss_runs_by_the_rules_of_its_day_in_china(
    instant: str, days: int, working: bool, expires: str
) -> None:
    rules = {
        "card.temporary_loss_days": days,
        "card.temporary_loss_working_days": working,
        "calendar.holidays": ["2025-07-02"],
    }
    ledger = Ledger(*({"key": key, "effective_from": "2025-07-01", "value": value} for key, value in rules.items()))
    (lost,) = ledger.given(*ACTIVE, {**lose("TEMPORARY", NOON), "occurred_at": instant})[-1:]

    assert instant_text(lost["loss_expires_at"]) == expires
    assert ledger.submit(act("LockCard", NOON, reason="RISK", occurred_at=just_before(expires))) == "card_lost"
    assert isinstance(ledger.submit(act("LockCard", NOON, reason="RISK", occurred_at=expires)), list)


def just_before(instant: str) -> str:
    return instant_text(fields.instant(instant) - 1)
