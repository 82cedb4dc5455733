"""Every code of contract section 4 caused once. Anna's card holds 1,000 fen and gives; Ben's receives."""

from typing import Any

from tests.catalogue.case import Case, Command
from tests.families.counter import A1, ACTIVE, B1, BEN, act, activate, issue
from tests.families.medical.scene import BILL

NOON, BEFORE = "2025-06-02 12:00", "2025-06-01 12:00"
AWAY = {"treatment_area": "310106"}
STAY = {"admitted_on": "2025-05-10", "discharged_on": "2025-05-20"}
TODAY = {"key": "family_aid.max_transfers_per_day", "effective_from": "2025-01-01", "value": 1}


def contribute(amount: int = 1_000, at: str = NOON, **own: Any) -> Command:
    fields = {"home_area": "340100", "month": "2025-01", "source": "EMPLOYEE", "amount_fen": amount}
    return act("ContributeAccount", at, **{**fields, **own})


def withdraw(amount: int, **own: Any) -> Command:
    return act("WithdrawAccount", NOON, home_area="340100", reason="CORRECTION", amount_fen=amount, **own)


def bill(settlement_id: str = "S1", at: str = NOON, **own: Any) -> Command:
    """100 fen in cash, unless told otherwise."""
    return act("SettleMedical", at, **{**BILL, "cash_fen": 100, "settlement_id": settlement_id, **own})


def from_account(own: int, aid: int = 0, wallet: int = 0) -> Command:
    fields = {"account_fen": own, "account_mutual_aid_fen": aid, "wallet_fen": wallet, "cash_fen": 0}
    return {**fields, "total_fen": own}


def reverse(settlement_id: str = "S1", reversal_id: str = "S1R", at: str = NOON, **own: Any) -> Command:
    fields = {"settlement_id": settlement_id, "reversal_id": reversal_id, "reason": "REFUND"}
    return act("ReverseMedical", at, **{**fields, **own})


def void(reference: str = "bill-1", at: str = NOON, **own: Any) -> Command:
    return act("VoidMedical", at, **{"voided_reference": reference, "reason": "TIMEOUT", **own})


def give(transfer_id: str = "W1", amount: int = 100, wallet: bool = True, **own: Any) -> Command:
    fields = {"transfer_id": transfer_id, "receiver_card_sn": B1, "giver_area": "310106" if wallet else "340100"}
    fields |= {"receiver_area": "340100", "giver_insutype": "310", "relation": "PARENT"}
    return act("TransferFamilyAid", NOON, **{**fields, "amount_fen": amount, **own})


def spend(spend_id: str = "X1", amount: int = 40, purse: str = "WALLET", **own: Any) -> Command:
    fields = {"spend_id": spend_id, "purse": purse, "purpose": "PURCHASE", "spend_area": "340100", "institution": "P1"}
    return act("SpendFamilyAid", NOON, B1, **{**fields, "amount_fen": amount, **own})


def unspend(spend_id: str = "X1", reversal_id: str = "X1R", at: str = NOON, **own: Any) -> Command:
    return act("ReverseFamilyAidSpend", at, **{"card_sn": B1, "spend_id": spend_id, "reversal_id": reversal_id, **own})


def bring_back(amount: int, transfer_id: str = "W1") -> Command:
    return act("ReturnFamilyAid", NOON, B1, transfer_id=transfer_id, amount_fen=amount)


def register(registration_id: str = "G1", at: str = NOON, **own: Any) -> Command:
    fields = {"registration_id": registration_id, "kind": "LONG_TERM", "reason": "RETIRED", "home_area": "340100"}
    return act("RegisterTreatment", at, **{**fields, **AWAY, "valid_from": "2025-05-01", **own})


def end(ended_on: str = "2026-05-31", **own: Any) -> Command:
    return act("EndTreatmentRegistration", NOON, **{"registration_id": "G1", "ended_on": ended_on, **own})


def deduct(deduction_id: str = "D1", settlement_id: str = "S1", fen: int = 60) -> Command:
    fields = {"deduction_id": deduction_id, "settlement_id": settlement_id, "funds": {"310100": fen}, "finding": "f"}
    return act("DeductByAudit", NOON, None, **fields)


def cut_off(month: str = "2025-06", at: str = "2026-01-10 12:00") -> Command:
    return act("CutOffCycle", at, None, cycle=month)


def confirm(*settlement_ids: str, **own: Any) -> Command:
    fields = {"treatment_province": "31", "settlement_ids": list(settlement_ids)}
    return act("ConfirmSettlements", NOON, None, **{**fields, **own})


FUNDED = {**AWAY, "funds": {"310100": 100}, "cash_fen": 0}
RICH = (*ACTIVE, issue(card_sn=B1, person=BEN), activate(card_sn=B1), contribute())
BILLED = (*RICH, bill(reference="bill-1", **FUNDED))
GIVEN = (*RICH, give())
SPENT = (*GIVEN, spend())
REGISTERED = (*RICH, register())

ACCEPTED = [
    Case("", ACTIVE, contribute()),
    Case("", RICH, withdraw(1_000)),
    Case("", RICH, register()),
    Case("", REGISTERED, end()),
    Case("", RICH, bill(**from_account(100), **AWAY)),
    Case("", BILLED, reverse()),
    Case("", BILLED, void()),
    Case("", RICH, give()),
    Case("", GIVEN, spend()),
    Case("", SPENT, unspend()),
    Case("", SPENT, bring_back(60)),
]

REFUSED = [
    Case("insufficient_medical_account", RICH, withdraw(1_001)),
    # RegisterTreatment, EndTreatmentRegistration
    Case("same_province", RICH, register(treatment_area="340200")),
    Case("registration_exists", REGISTERED, register(channel="WEB")),
    Case("period_invalid", RICH, register(valid_to="2025-04-30")),
    Case("registration_too_short", RICH, register(kind="TEMPORARY", reason="REFERRAL", valid_to="2025-10-30")),
    Case("registration_locked", REGISTERED, register("G2", treatment_area="320500", valid_from="2025-06-01")),
    Case("registration_unknown", RICH, end()),
    Case("registration_ended", (*REGISTERED, end()), end("2026-06-30")),
    Case("period_invalid", REGISTERED, end("2025-04-30")),
    Case("registration_locked", REGISTERED, end("2025-05-31")),
    # SettleMedical, in the order of 4.4
    Case("settlement_voided", (*RICH, void()), bill(reference="bill-1")),
    Case("settlement_exists", BILLED, bill()),
    Case("settlement_not_balanced", RICH, bill(total_fen=101)),
    Case("mutual_aid_exceeds_account", RICH, bill(**from_account(100, 101))),
    Case("wallet_exceeds_mutual_aid", RICH, bill(**from_account(100, 50, 51))),
    Case("period_invalid", RICH, bill(admitted_on="2025-05-20", discharged_on="2025-05-10")),
    Case("third_party_liable", RICH, bill(third_party_liable=True)),
    Case("treatment_not_registered", RICH, bill(med_type="2101", **AWAY)),
    Case("overlapping_stay", (*RICH, bill(**STAY)), bill("S2", **STAY)),
    Case("insufficient_medical_account", RICH, bill(**from_account(1_001))),
    Case("insufficient_family_aid", RICH, bill(**from_account(100, 100))),
    Case("insufficient_wallet", RICH, bill(**from_account(100, 100, 100))),
    # ReverseMedical, VoidMedical
    Case("settlement_unknown", RICH, reverse()),
    Case("settlement_voided", (*BILLED, void()), reverse()),
    Case("settlement_reversed", (*BILLED, reverse()), reverse(reversal_id="S1S")),
    Case("settlement_exists", BILLED, reverse(reversal_id="S1")),
    Case("settlement_has_deductions", (*BILLED, deduct()), reverse()),
    Case("before_settlement", BILLED, reverse(at=BEFORE)),
    Case("already_voided", (*BILLED, void()), void(channel="WEB")),
    Case("not_a_settlement", (*RICH, contribute(reference="bill-1")), void()),
    Case("settlement_unknown", BILLED, void(card_sn=B1)),
    Case("settlement_reversed", (*BILLED, reverse()), void()),
    Case("settlement_cut_off", (*BILLED, confirm("S1"), cut_off()), void()),
    Case("settlement_has_deductions", (*BILLED, deduct()), void()),
    # Family aid
    Case("same_card", RICH, give(receiver_card_sn=A1)),
    Case("transfer_exists", GIVEN, give(channel="WEB")),
    Case("giver_not_employee", RICH, give(giver_insutype="390")),
    Case("transfer_too_large", RICH, give(amount=200_001)),
    Case("too_many_transfers_today", GIVEN, give("W2"), (TODAY,)),
    Case("insufficient_medical_account", RICH, give(amount=1_001)),
    Case("spend_exists", SPENT, spend(channel="WEB")),
    Case("insufficient_family_aid", GIVEN, spend(purse="FAMILY_AID")),
    Case("insufficient_wallet", GIVEN, spend(amount=101)),
    Case("spend_unknown", GIVEN, unspend()),
    Case("spend_reversed", (*SPENT, unspend()), unspend(reversal_id="X1S")),
    Case("spend_exists", SPENT, unspend(reversal_id="X1")),
    Case("before_settlement", SPENT, unspend(at=BEFORE)),
    Case("transfer_unknown", RICH, bring_back(1)),
    Case("return_exceeds_unspent", SPENT, bring_back(61)),
]
