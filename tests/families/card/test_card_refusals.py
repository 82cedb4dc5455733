"""Every refusal of the card's own commands, and of the stages before them, caused once."""

from typing import Any

import pytest

from tests.families.counter import (
    A1,
    A2,
    ACTIVE,
    B1,
    BEN,
    CHILD,
    F1,
    Command,
    act,
    activate,
    delegate,
    grant,
    issue,
    issue_to_firm,
    load,
    lose,
    name_agent,
    replace,
    use,
)
from tests.families.given import Ledger

DAY = "2025-03-03 10:00"
LATER = "2025-03-04 10:00"
LOST = (*ACTIVE, lose("FORMAL", DAY))
REPLACED = (*LOST, replace("LOST", DAY))
LOCKED = (*ACTIVE, act("LockCard", DAY, reason="RISK"))
CANCELLED = (*ACTIVE, act("CancelCard", DAY, reason="OTHER"))
FIRM = (issue_to_firm(), activate(card_sn=F1))
SECOND = (issue(card_sn=B1, person=BEN), activate(card_sn=B1))
DELEGATED = (*ACTIVE, delegate(DAY))
GRANTED = (*ACTIVE, grant(DAY))
IN_PHONE = (*ACTIVE, act("IssueElectronicCard", DAY, level="IDENTITY"))
LOST_FOR_GOOD = {"key": "card.formal_loss_liftable", "effective_from": "2025-01-01", "value": False}

CASES: list[tuple[str, tuple[Command, ...], Command]] = [
    # stage 3 and 4
    ("occurred_at_in_future", ACTIVE, lose("FORMAL", "2030-01-01 08:05:01")),
    ("card_unknown", (), lose("FORMAL", DAY)),
    ("before_card_issue", ACTIVE, lose("FORMAL", "2024-03-01 08:59:59")),
    ("before_card_issue", REPLACED, lose("FORMAL", "2025-03-03 09:59:59", A2)),
    ("card_sn_retired", REPLACED, lose("FORMAL", DAY)),
    # stage 5: order, state, use, scheme
    ("out_of_order", ACTIVE, lose("FORMAL", "2024-03-01 09:59:59")),
    ("out_of_order", (*ACTIVE, activate(DAY, application="BANK")), lose("FORMAL", "2025-03-03 09:59:59")),
    ("out_of_order", IN_PHONE, act("RevokeElectronicCard", "2025-03-03 09:59:59", reason="RISK")),
    ("out_of_order", IN_PHONE, replace("DAMAGED", "2025-03-03 09:59:59")),
    ("out_of_order", IN_PHONE, act("CancelCard", "2025-03-03 09:59:59", reason="OTHER")),
    ("out_of_order", REPLACED, act("IssueElectronicCard", "2025-03-02 10:00", level="IDENTITY")),
    ("card_not_activated", (issue(),), lose("FORMAL", DAY)),
    ("card_lost", LOST, act("LockCard", LATER, reason="RISK")),
    ("card_lost", (*ACTIVE, lose("TEMPORARY", DAY)), lose("TEMPORARY", LATER)),
    ("card_locked", LOCKED, lose("TEMPORARY", LATER)),
    ("card_cancelled", CANCELLED, act("CancelCard", LATER, reason="OTHER")),
    ("card_cancelled", CANCELLED, grant(LATER)),
    ("electronic_card_not_active", ACTIVE, use(DAY, channel="ELECTRONIC_CARD")),
    ("acting_person_required", FIRM, use(DAY, F1)),
    ("acting_person_not_authorised", ACTIVE, use(DAY, acting_person=BEN)),
    ("acting_person_not_authorised", FIRM, use(DAY, F1, acting_person=BEN)),
    ("scheme_item_not_enabled", ACTIVE, grant(DAY, scheme="YRD", scheme_item="SOC-01")),
    # 2.1, 2.2
    ("card_sn_exists", ACTIVE, issue(DAY, person=BEN)),
    ("card_sn_exists", REPLACED, issue(LATER, A1, BEN)),
    ("card_sn_exists", ACTIVE, issue_to_firm(card_sn=A1)),
    ("period_invalid", (), issue(expires_on="2024-03-01")),
    ("period_invalid", (), issue_to_firm(expires_on="2024-03-01")),
    ("person_has_live_card", ACTIVE, issue(DAY, A2)),
    ("enterprise_has_live_card", FIRM, issue_to_firm(DAY, A1)),
    ("guardian_required", (), issue(person=CHILD)),
    ("guardian_is_holder", (), issue(person=CHILD, guardian=CHILD)),
    # 2.3 to 2.9
    ("application_already_active", ACTIVE, activate(DAY)),
    ("application_already_active", (*ACTIVE, activate(DAY, application="BANK")), activate(LATER, application="BANK")),
    ("card_not_lost", ACTIVE, act("LiftLoss", DAY)),
    ("card_not_lost", ACTIVE, act("ExpireTemporaryLoss", DAY)),
    ("card_not_lost", LOST, act("ExpireTemporaryLoss", LATER)),
    ("card_not_lost", ACTIVE, replace("LOST", DAY)),
    ("card_not_formally_lost", (*ACTIVE, lose("TEMPORARY", DAY)), replace("LOST", DAY)),
    ("card_lost", LOST, replace("DAMAGED", DAY)),
    ("loss_not_expired", (*ACTIVE, lose("TEMPORARY", DAY)), act("ExpireTemporaryLoss", "2025-03-08 09:59:59")),
    ("card_sn_exists", LOST, replace("LOST", DAY, new_card_sn=A1)),
    ("period_invalid", LOST, replace("LOST", DAY, expires_on="2025-03-03")),
    ("missing_field", LOST, replace("LOST", DAY, bank="ABC")),
    ("missing_field", LOST, replace("LOST", DAY, bank_account="b" * 64)),
    ("card_not_locked", ACTIVE, act("UnlockCard", DAY)),
    ("missing_field", ACTIVE, act("CancelCard", DAY, reason="DEATH")),
    ("unknown_field", ACTIVE, act("CancelCard", DAY, reason="OTHER", died_on="2025-03-01")),
    ("period_invalid", ACTIVE, act("CancelCard", DAY, reason="DEATH", died_on="2025-03-04")),
    # 2.10 to 2.13
    ("not_for_enterprise", FIRM, act("IssueElectronicCard", DAY, F1, level="IDENTITY")),
    ("electronic_card_exists", IN_PHONE, act("IssueElectronicCard", LATER, level="IDENTITY")),
    ("bank_not_activated", ACTIVE, act("IssueElectronicCard", DAY, level="PAYMENT")),
    ("electronic_card_not_active", ACTIVE, act("RevokeElectronicCard", DAY, reason="HOLDER")),
    ("electronic_card_not_active", CANCELLED, act("RevokeElectronicCard", LATER, reason="HOLDER")),
    ("not_for_enterprise", FIRM, {**delegate(DAY), "card_sn": F1}),
    ("period_invalid", ACTIVE, delegate(DAY, valid_from="2026-01-01")),
    ("delegation_exists", DELEGATED, delegate(LATER)),
    ("delegation_exists", (*DELEGATED, *FIRM), name_agent(LATER)),
    ("delegate_is_holder", (*ACTIVE, *SECOND), {**delegate(DAY), "card_sn": B1}),
    ("delegation_unknown", ACTIVE, act("EndDelegation", DAY, delegation_id="D1")),
    ("delegation_unknown", (*DELEGATED, *SECOND), act("EndDelegation", DAY, B1, delegation_id="D1")),
    (
        "delegation_ended",
        (*DELEGATED, act("EndDelegation", DAY, delegation_id="D1")),
        act("EndDelegation", LATER, delegation_id="D1"),
    ),
    ("not_an_enterprise", ACTIVE, name_agent(DAY, card_sn=A1)),
    ("period_invalid", FIRM, name_agent(DAY, valid_to="2024-12-31")),
    ("out_of_range", ACTIVE, delegate(DAY, matters=[])),
    ("bad_format", ACTIVE, delegate(DAY, matters=["ALL", "ALL"])),
    ("missing_field", ACTIVE, grant(DAY, concession_class=None)),
    ("unknown_field", ACTIVE, grant(DAY, kind="VENUE", concession_class="ELDERLY")),
    ("not_for_enterprise", FIRM, {**grant(DAY), "card_sn": F1}),
    ("period_invalid", ACTIVE, grant(DAY, valid_to="2024-12-31")),
    ("entitlement_exists", GRANTED, grant(LATER, kind="VENUE")),
    ("entitlement_unknown", ACTIVE, act("EndEntitlement", DAY, entitlement_id="E1", ended_on="2025-03-05")),
    (
        "entitlement_unknown",
        (*GRANTED, *SECOND),
        act("EndEntitlement", DAY, B1, entitlement_id="E1", ended_on="2025-03-05"),
    ),
    (
        "entitlement_ended",
        (*GRANTED, act("EndEntitlement", DAY, entitlement_id="E1", ended_on="2025-03-05")),
        act("EndEntitlement", DAY, entitlement_id="E1", ended_on="2025-03-06"),
    ),
]


@pytest.mark.parametrize(("code", "history", "command"), CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_the_command_is_refused(code: str, history: tuple[Command, ...], command: Command) -> None:
    ledger = Ledger()
    ledger.given(*history)
    before = dict(ledger.memory.rows)

    assert ledger.submit(command) == code
    assert ledger.memory.rows == before


def test_a_province_may_refuse_to_lift_formal_losses_but_not_temporary_ones() -> None:
    ledger = Ledger(LOST_FOR_GOOD)
    ledger.given(*ACTIVE, lose("TEMPORARY", DAY), act("LiftLoss", DAY), lose("FORMAL", DAY))

    assert ledger.submit(act("LiftLoss", LATER)) == "loss_not_liftable"


def restrict(card_sn: str) -> Command:
    return act("RestrictProcessing", DAY, card_sn, reason="WITHDRAWN")


@pytest.mark.parametrize("command", [load(1), lose("FORMAL", DAY), delegate(DAY)], ids=lambda c: c["command"])
def test_a_restricted_card_is_closed_to_ordinary_commands(command: dict[str, Any]) -> None:
    ledger = Ledger()
    ledger.given(*ACTIVE, restrict(A1))

    assert ledger.submit(command) == "processing_restricted"
    assert isinstance(ledger.submit(act("CancelCard", DAY, reason="OTHER")), list)


def test_a_restricted_person_may_not_be_named_until_the_card_is_cancelled() -> None:
    ledger = Ledger()
    ledger.given(*ACTIVE, *SECOND, *FIRM, restrict(B1))

    assert ledger.submit(delegate(DAY, valid_from="2026-01-01")) == "processing_restricted"
    assert ledger.submit(name_agent(DAY)) == "processing_restricted"
    ledger.given(act("CancelCard", DAY, B1, reason="OTHER"))
    assert isinstance(ledger.submit(delegate(DAY)), list)
