"""The states of a card, at the instants where they change, and what a replacement, a cancellation or an end leaves."""

import pytest

from ledger.core import fields
from ledger.core.calendar import instant_text
from ledger.core.identity import card_id_of
from ledger.families.card.holder import Card, is_dead, state_at
from tests.families.counter import (
    A1,
    A2,
    ACTIVE,
    ANNA,
    BEN,
    CHILD,
    F1,
    OTHER_ACCOUNT,
    act,
    activate,
    delegate,
    grant,
    instant,
    issue,
    issue_to_firm,
    lose,
    name_agent,
    replace,
    use,
)
from tests.families.counter import FIRM as CREDIT_CODE
from tests.families.given import KEYRING, Ledger

CARD = card_id_of(A1)
DAY = "2025-03-03 10:00"


def given(*commands: dict, configuration: tuple = ()) -> Ledger:
    ledger = Ledger(*configuration)
    ledger.given(*ACTIVE, *commands)
    return ledger


def card(ledger: Ledger) -> Card:
    found: Card = ledger.row(Card, CARD)
    return found


def accepted(outcome: object) -> bool:
    return not isinstance(outcome, str)


def test_a_temporary_loss_ends_by_itself_and_its_expiry_only_says_so() -> None:
    ledger = given(lose("TEMPORARY", DAY))

    assert ledger.submit(act("LockCard", "2025-03-08 09:59:59", reason="RISK")) == "card_lost"
    assert ledger.submit(act("LiftLoss", "2025-03-08 10:00")) == "card_not_lost"
    (expired,) = ledger.given(act("ExpireTemporaryLoss", "2025-03-20 08:00"))
    assert instant_text(expired["loss_expires_at"]) == "2025-03-08T02:00:00.000000Z"
    assert accepted(ledger.submit(act("LockCard", "2025-03-08 10:00", reason="RISK")))


def test_after_a_run_out_loss_another_state_makes_its_expiry_pointless() -> None:
    ledger = given(lose("TEMPORARY", DAY), act("LockCard", "2025-03-08 10:00", reason="RISK"))

    assert ledger.submit(act("ExpireTemporaryLoss", "2025-03-09 10:00")) == "card_not_lost"


def test_a_bank_activation_sets_no_state_so_the_loss_before_it_still_expires() -> None:
    ledger = given(lose("TEMPORARY", DAY), activate("2025-03-09 10:00", application="BANK"))

    assert accepted(ledger.submit(act("ExpireTemporaryLoss", "2025-03-10 10:00")))
    assert card(ledger).bank_active


@pytest.mark.parametrize(
    ("days", "working", "expires"),
    [
        (5, False, "2025-03-08T02:00:00.000000Z"),
        (0, False, "2025-03-03T02:00:00.000000Z"),
        (5, True, "2025-03-11T16:00:00.000000Z"),  # Tue 4, Thu 6, Fri 7, Sat 8 (declared), Mon 10, Tue 11
        (0, True, "2025-03-03T16:00:00.000000Z"),
    ],
)
def test_a_temporary_loss_runs_for_days_or_to_the_end_of_working_days(days: int, working: bool, expires: str) -> None:
    entries = {
        "card.temporary_loss_days": days,
        "card.temporary_loss_working_days": working,
        "calendar.holidays": ["2025-03-05", "2025-03-10"],
        "calendar.workdays": ["2025-03-08"],
    }
    ledger = given(
        configuration=tuple(
            {"key": key, "effective_from": "2025-01-01", "value": value} for key, value in entries.items()
        )
    )

    (lost,) = ledger.given(lose("TEMPORARY", DAY))
    assert instant_text(lost["loss_expires_at"]) == expires


def test_a_formal_loss_has_no_end_and_may_follow_a_temporary_one() -> None:
    ledger = given(lose("TEMPORARY", DAY))

    (lost,) = ledger.given(lose("FORMAL", "2025-03-04 10:00", link_bank=True))
    assert lost["loss_expires_at"] is None
    assert card(ledger).bank_loss_reported
    ledger.given(act("LiftLoss", "2025-06-01 10:00"))
    assert not card(ledger).bank_loss_reported


def test_a_replacement_keeps_the_card_and_changes_its_number() -> None:
    ledger = given(
        activate(application="BANK"),
        act("IssueElectronicCard", DAY, level="PAYMENT"),
        lose("FORMAL", DAY, link_bank=True),
    )

    (replaced,) = ledger.given(replace("LOST", "2025-03-05 10:00"))
    assert (replaced["card_id"], replaced["card_version"], replaced["card_sn"]) == (CARD, 6, A1)
    found = card(ledger)
    assert (found.card_sn, found.state, found.electronic) == (A2, "ACTIVE", "REVOKED")
    assert found.bank_active and found.bank_loss_reported and found.social_security_active
    assert accepted(ledger.submit(use("2025-03-02 10:00", A1)))
    assert ledger.submit(use("2025-03-05 10:00", A1, registration_id="R2")) == "card_sn_retired"
    assert ledger.submit(use("2025-03-04 10:00", A2, registration_id="R2")) == "before_card_issue"


def test_a_new_bank_account_has_to_be_activated_again() -> None:
    ledger = given(activate(application="BANK"), lose("FORMAL", DAY, link_bank=True))

    ledger.given(replace("LOST", DAY, bank="ABC", bank_account=OTHER_ACCOUNT))
    found = card(ledger)
    assert (found.bank, found.bank_account, found.bank_active, found.bank_loss_reported) == (
        "ABC",
        OTHER_ACCOUNT,
        False,
        False,
    )


def test_a_locked_card_is_replaced_for_any_reason_but_loss() -> None:
    ledger = given(act("LockCard", DAY, reason="PIN_ERRORS"))

    assert ledger.submit(replace("LOST", DAY)) == "card_locked"
    assert accepted(ledger.submit(replace("EXPIRED", DAY)))


def test_a_cancelled_card_frees_its_holder_for_another_and_a_death_lasts_until_then() -> None:
    ledger = given(act("CancelCard", DAY, reason="DEATH", died_on="2025-03-01"))
    key = KEYRING.person(ANNA)
    died = ledger.world()

    assert [is_dead(died, key, day) for day in (20148, 20149)] == [False, True]  # 2025-03-01, 2025-03-02
    ledger.given(issue("2025-04-01 09:00", A2))
    assert not is_dead(ledger.world(), key, 20200)


def test_a_cancelled_firm_may_be_issued_another_card() -> None:
    ledger = Ledger()
    ledger.given(issue_to_firm(), act("CancelCard", DAY, F1, reason="DEATH", died_on="2025-03-01"))

    (issued,) = ledger.given(issue_to_firm("2025-04-01 09:00", A2))
    assert (issued["credit_code"], issued["issuing_area"]) == (CREDIT_CODE, "340000")
    assert not is_dead(ledger.world(), CREDIT_CODE, 20200)


def test_who_is_born_on_29_february_completes_a_year_on_1_march() -> None:
    young = {"key": "card.guardian_below_age", "effective_from": "2020-01-01", "value": 1}
    leapling = "340101202002290036"

    assert Ledger(young).submit(issue("2021-02-28 10:00", person=leapling)) == "guardian_required"
    assert accepted(Ledger(young).submit(issue("2021-03-01 00:00", person=leapling)))
    assert accepted(Ledger(young).submit(issue("2021-02-28 10:00", person=leapling, guardian=BEN)))


def test_a_child_is_issued_a_card_with_a_guardian() -> None:
    (issued,) = Ledger().given(issue(person=CHILD, guardian=ANNA))

    assert (issued["person_key"], issued["guardian"]) == (KEYRING.person(CHILD), KEYRING.person(ANNA))
    assert "social_security_number" not in issued


def test_the_state_of_a_day_does_not_change_with_what_comes_later() -> None:
    ledger = given(act("LockCard", "2025-03-03 10:00", reason="RISK"), act("UnlockCard", "2025-03-05 10:00"))
    ledger.given(*(lose("TEMPORARY", "2025-03-06 10:00"), act("LiftLoss", "2025-03-06 10:00")))
    world = ledger.world()

    def state(at: str) -> str | None:
        return state_at(world, CARD, card(ledger), fields.instant(instant(at)))

    seen = [state(f"2025-03-0{day} 10:00") for day in (2, 3, 4, 5, 6)]
    assert seen == ["ACTIVE", "LOCKED", "LOCKED", "ACTIVE", "ACTIVE"]
    assert state("2024-03-01 09:30") == "ISSUED"
    assert state("2024-03-01 08:59:59") is None


def test_an_electronic_card_is_in_force_from_its_issue_to_before_its_revocation() -> None:
    ledger = given(
        act("IssueElectronicCard", "2025-03-03 10:00", level="IDENTITY"),
        act("RevokeElectronicCard", "2025-03-05 10:00", reason="HOLDER"),
        act("IssueElectronicCard", "2025-03-05 10:00", level="IDENTITY"),
        act("RevokeElectronicCard", "2025-03-07 10:00", reason="HOLDER"),
    )
    answers = [
        ledger.submit(use(at, channel="ELECTRONIC_CARD", registration_id=f"R{number}", reason="RETIRED"))
        for number, at in enumerate(
            ["2025-03-03 09:59:59", "2025-03-03 10:00", "2025-03-05 10:00", "2025-03-06 10:00", "2025-03-07 10:00"]
        )
    ]

    refused = "electronic_card_not_active"
    assert [answer if isinstance(answer, str) else "used" for answer in answers] == [
        refused,
        "used",
        "used",
        "used",
        refused,
    ]


@pytest.mark.parametrize(
    ("at", "matters", "answer"),
    [
        ("2025-01-01 00:00", ["ALL"], "used"),
        ("2024-12-31 23:59:59", ["ALL"], "acting_person_not_authorised"),
        ("2025-06-01 09:59:59", ["MEDICAL", "CARD"], "used"),
        ("2025-06-01 10:00", ["MEDICAL"], "acting_person_not_authorised"),
        ("2025-05-01 10:00", ["TRANSIT", "CARD"], "acting_person_not_authorised"),
    ],
)
def test_a_delegate_acts_in_the_matters_and_days_given_and_until_the_end(at: str, matters: list, answer: str) -> None:
    ledger = given(delegate(DAY, matters=matters), act("EndDelegation", "2025-06-01 10:00", delegation_id="D1"))

    outcome = ledger.submit(use(at, acting_person=BEN))
    assert (outcome if isinstance(outcome, str) else "used") == answer


def test_a_second_delegation_counts_although_the_first_was_ended() -> None:
    ledger = given(delegate(DAY), act("EndDelegation", DAY, delegation_id="D1"), delegate(DAY, "D2"))

    assert accepted(ledger.submit(use("2025-06-01 10:00", acting_person=BEN)))


def test_the_holder_needs_no_delegation_and_an_agent_needs_one() -> None:
    ledger = given(issue_to_firm(), activate(card_sn=F1), name_agent(DAY))

    assert accepted(ledger.submit(use(DAY, acting_person=ANNA)))
    assert ledger.submit(use(DAY, F1, acting_person=BEN)) == "not_for_enterprise"
    ledger.given(act("EndDelegation", DAY, F1, delegation_id="D1"))
    assert ledger.submit(use(DAY, F1, acting_person=BEN)) == "acting_person_not_authorised"


def test_rows_are_a_function_of_the_log() -> None:
    ledger = given(delegate(DAY), grant(DAY), act("IssueElectronicCard", DAY, level="IDENTITY"), lose("FORMAL", DAY))
    ledger.given(replace("LOST", DAY), act("CancelCard", DAY, A2, reason="DEATH", died_on="2025-03-01"))

    assert ledger.made_again() == ledger.memory.rows


def test_an_electronic_card_is_in_force_from_its_own_instant_on() -> None:
    ledger = given(activate(application="BANK"), act("IssueElectronicCard", DAY, level="PAYMENT"))
    just_before = use(DAY, channel="ELECTRONIC_CARD") | {"occurred_at": "2025-03-03T09:59:59.999999+08:00"}

    assert ledger.submit(just_before) == "electronic_card_not_active"
    assert accepted(ledger.submit(use(DAY, channel="ELECTRONIC_CARD")))
