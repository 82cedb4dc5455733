"""What the contract of commands says of every command, written down again from its pages and from nowhere else.

A line is a command: its marks, then the codes its heading, its States and its Refused name. Marks add the codes of the
stages before: `card` those of stage 4, `use` those of 0.9, `chain` the order of a life cycle, and so on. ACTIVE stands
for the codes of a card that must be ACTIVE, LIVE for that of one that may be anything but CANCELLED.
"""

from typing import Final

from tests.model.commands import fields_of

MARKS: Final = {
    # 2 card
    "IssueCard": "new",
    "IssueEnterpriseCard": "new",
    "ActivateCard": "card chain",
    "ReportLoss": "card chain",
    "LiftLoss": "card chain",
    "ExpireTemporaryLoss": "card",
    "ReplaceCard": "card chain",
    "LockCard": "card chain",
    "UnlockCard": "card chain",
    "CancelCard": "card always chain",
    "IssueElectronicCard": "card person chain",
    "RevokeElectronicCard": "card chain",
    "AuthoriseDelegate": "card person",
    "EndDelegation": "card",
    "AuthoriseAgent": "card enterprise",
    "GrantEntitlement": "card person",
    "EndEntitlement": "card",
    # 3 benefit
    "IssueBudget": "",
    "OpenPayoutBatch": "",
    "AddPayoutLine": "card person always",
    "PublishRoster": "",
    "RaiseObjection": "",
    "ResolveObjection": "",
    "ApproveBatch": "",
    "StopLine": "",
    "SendBatch": "",
    "CreditBenefit": "",
    "ReturnBenefit": "",
    "ReissueBenefit": "card person always",
    "FindOverpayment": "",
    "RecoverBenefit": "",
    "OffsetBenefit": "",
    "CloseBatch": "",
    # 4 medical
    "ContributeAccount": "card person always",
    "WithdrawAccount": "card person always",
    "RegisterTreatment": "card use person",
    "EndTreatmentRegistration": "card person",
    "SettleMedical": "card use person",
    "ReverseMedical": "card always",
    "VoidMedical": "card always",
    "TransferFamilyAid": "card use person",
    "SpendFamilyAid": "card use person",
    "ReverseFamilyAidSpend": "card always",
    "ReturnFamilyAid": "card always",
    # 5 transit
    "TopUpPurse": "card person",
    "TapTransit": "card person",
    "CorrectFare": "card person worn",
    "CloseTransitDay": "",
    # 6 service
    "UseService": "card use",
    "PayMerchant": "card use",
    "RefundMerchant": "card always",
    "CloseMerchantDay": "",
    "EnterVenue": "card use",
    "BorrowItem": "card use person",
    "ReturnItem": "",
    "ChargeFine": "card person",
    "PurchasePass": "card use person",
    "ActivatePass": "card use person",
    "UsePass": "card use person",
    "RefundPass": "card always",
    "ExpirePass": "card always",
    "PayUtility": "card use",
    "RefundUtility": "card always",
    "IssueVoucher": "card person",
    "RedeemVoucher": "card use person",
    "ExpireVoucher": "card always",
    "SetStudentStatus": "card person",
    "CreditPolicyFund": "card enterprise",
    # 7 clearing
    "ConfirmSettlements": "",
    "WithdrawConfirmation": "",
    "DeductByAudit": "",
    "ReverseDeduction": "",
    "RunReconciliation": "",
    "OpenDispute": "",
    "ResolveDispute": "",
    "CutOffCycle": "",
    "CloseCycle": "",
    "IssueNotice": "",
    "RecordRemittance": "",
    "SetPrepayment": "",
    "PayPrepayment": "",
    "IncreasePrepayment": "",
    "ReturnPrepayment": "",
    "RaisePrepaymentAlert": "",
    # 8 governance
    "SealLog": "",
    "RecordAccess": "card always",
    "RestrictProcessing": "card always",
    "DestroyPersonKey": "card person always",
    "LinkPersonRecords": "",
    "UnlinkPersonRecords": "",
    "EnableSchemeItem": "",
}

ACTIVE: Final = "card_not_activated card_lost card_locked card_cancelled"
LIVE: Final = "card_cancelled"
BY_ID: Final = "settlement_unknown treatment_province_differs settlement_voided settlement_reversed no_clearing_line"
PAYEE: Final = "village_required payee_not_card_holder payee_not_allowed bank_account_mismatch beneficiary_dead"
PAYEE_TWICE: Final = PAYEE + " beneficiary_twice benefit_already_claimed ceiling_exceeded"
PASS: Final = "pass_unknown before_purchase pass_expired pass_refunded"

OWN: Final = {
    "IssueCard": "card_sn_exists period_invalid person_has_live_card guardian_required guardian_is_holder",
    "IssueEnterpriseCard": "card_sn_exists period_invalid enterprise_has_live_card",
    "ActivateCard": "card_lost card_locked card_cancelled application_already_active",
    "ReportLoss": ACTIVE,
    "LiftLoss": "card_not_activated card_locked card_cancelled card_not_lost loss_not_liftable",
    "ExpireTemporaryLoss": "card_not_lost loss_not_expired",
    "ReplaceCard": ACTIVE + " card_not_lost card_not_formally_lost card_sn_exists period_invalid",
    "LockCard": ACTIVE,
    "UnlockCard": "card_not_activated card_lost card_cancelled card_not_locked",
    "CancelCard": LIVE + " period_invalid",
    "IssueElectronicCard": ACTIVE + " electronic_card_exists bank_not_activated",
    "RevokeElectronicCard": "electronic_card_not_active",
    "AuthoriseDelegate": ACTIVE + " processing_restricted period_invalid delegation_exists delegate_is_holder",
    "EndDelegation": "delegation_unknown delegation_ended",
    "AuthoriseAgent": ACTIVE + " processing_restricted period_invalid delegation_exists",
    "GrantEntitlement": LIVE + " period_invalid entitlement_exists",
    "EndEntitlement": "entitlement_unknown entitlement_ended",
    "OpenPayoutBatch": "batch_exists",
    "AddPayoutLine": LIVE + " batch_unknown batch_not_open batch_is_correction line_exists " + PAYEE_TWICE,
    "PublishRoster": "batch_unknown batch_not_open batch_empty batch_totals_differ",
    "RaiseObjection": "batch_unknown batch_not_published line_unknown line_not_pending objection_exists"
    " disclosure_over",
    "ResolveObjection": "objection_unknown objection_resolved",
    "ApproveBatch": "batch_unknown batch_not_published batch_empty batch_totals_differ disclosure_not_over"
    " objection_open approver_is_maker",
    "StopLine": "batch_unknown line_unknown line_not_pending",
    "SendBatch": "batch_unknown batch_not_approved batch_empty line_card_cancelled insufficient_budget",
    "CreditBenefit": "batch_unknown line_unknown line_not_in_payment amount_differs",
    "ReturnBenefit": "batch_unknown line_unknown line_not_in_payment line_has_overpayment",
    "ReissueBenefit": LIVE + " batch_unknown batch_not_open batch_not_correction line_exists source_line_unknown"
    " line_already_reissued source_line_not_failed batch_programme_differs reissue_exceeds_source " + PAYEE_TWICE,
    "FindOverpayment": "overpayment_exists batch_unknown line_unknown line_not_paid overpayment_exceeds_paid",
    "RecoverBenefit": "recovery_exists overpayment_unknown recovery_exceeds_outstanding",
    "OffsetBenefit": "offset_exists overpayment_unknown batch_unknown line_unknown line_not_pending offset_other_card"
    " offset_other_programme recovery_exceeds_outstanding offset_exceeds_line",
    "CloseBatch": "batch_unknown batch_not_sent lines_in_payment",
    "ContributeAccount": LIVE,
    "WithdrawAccount": "insufficient_medical_account",
    "RegisterTreatment": ACTIVE + " same_province registration_exists period_invalid registration_too_short"
    " registration_locked",
    "EndTreatmentRegistration": "registration_unknown registration_ended period_invalid registration_locked",
    "SettleMedical": ACTIVE + " settlement_voided settlement_exists settlement_not_balanced mutual_aid_exceeds_account"
    " wallet_exceeds_mutual_aid period_invalid third_party_liable treatment_not_registered overlapping_stay"
    " insufficient_medical_account insufficient_family_aid insufficient_wallet",
    "ReverseMedical": "settlement_unknown settlement_voided settlement_reversed settlement_exists"
    " settlement_has_deductions before_settlement",
    "VoidMedical": "already_voided not_a_settlement settlement_unknown settlement_reversed settlement_cut_off"
    " settlement_has_deductions",
    "TransferFamilyAid": ACTIVE + " same_card transfer_exists giver_not_employee transfer_too_large"
    " too_many_transfers_today insufficient_medical_account",
    "SpendFamilyAid": ACTIVE + " spend_exists insufficient_family_aid insufficient_wallet",
    "ReverseFamilyAidSpend": "spend_unknown spend_reversed spend_exists before_settlement",
    "ReturnFamilyAid": "transfer_unknown return_exceeds_unspent",
    "TopUpPurse": ACTIVE + " purse_limit_exceeded",
    "TapTransit": ACTIVE + " uploaded_before_tap tap_too_late tap_duplicate tap_conflict entry_with_fare"
    " paid_exceeds_due subsidy_without_concession concession_not_valid entry_counter_invalid journey_closed"
    " insufficient_transit_purse",
    "CorrectFare": "correction_exists tap_unknown operator_differs paid_exceeds_due tap_not_an_entry journey_closed"
    " journey_not_timed_out fare_on_entry nothing_to_correct insufficient_transit_purse",
    "CloseTransitDay": "day_closed day_not_over",
    "UseService": ACTIVE,
    "PayMerchant": ACTIVE + " payment_exists payment_not_balanced",
    "RefundMerchant": "refund_exists payment_unknown refund_empty before_payment refund_exceeds_payment",
    "CloseMerchantDay": "day_closed day_not_over",
    "EnterVenue": ACTIVE + " entry_exists paid_exceeds_due entitlement_not_valid",
    "BorrowItem": ACTIVE + " loan_exists item_on_loan period_invalid",
    "ReturnItem": "item_not_on_loan before_loan",
    "ChargeFine": "fine_exists loan_unknown",
    "PurchasePass": ACTIVE + " pass_exists",
    "ActivatePass": f"{ACTIVE} {PASS} pass_already_active",
    "UsePass": f"{ACTIVE} {PASS} pass_not_active pass_used_today",
    "RefundPass": PASS + " pass_not_refundable",
    "ExpirePass": PASS + " pass_not_expired",
    "PayUtility": ACTIVE + " payment_exists bill_already_paid",
    "RefundUtility": "refund_exists payment_unknown payment_refunded before_payment",
    "IssueVoucher": LIVE + " period_invalid voucher_exists",
    "RedeemVoucher": ACTIVE + " redemption_exists voucher_unknown voucher_used voucher_expired voucher_not_valid_yet"
    " merchant_not_allowed insufficient_voucher",
    "ExpireVoucher": "voucher_unknown voucher_used voucher_expired voucher_not_expired",
    "SetStudentStatus": LIVE + " period_invalid",
    "CreditPolicyFund": LIVE + " grant_exists insufficient_budget",
    "ConfirmSettlements": BY_ID + " settlement_cut_off settlement_confirmed",
    "WithdrawConfirmation": BY_ID + " settlement_cut_off settlement_not_confirmed",
    "DeductByAudit": "deduction_exists settlement_unknown settlement_voided settlement_reversed"
    " deduction_exceeds_settlement",
    "ReverseDeduction": "deduction_unknown deduction_reversed deduction_exists",
    "RunReconciliation": "run_exists period_invalid",
    "OpenDispute": "dispute_exists settlement_unknown settlement_voided settlement_reversed no_clearing_line"
    " settlement_cut_off dispute_open run_unknown",
    "ResolveDispute": "dispute_unknown dispute_resolved settlement_has_deductions",
    "CutOffCycle": "cycle_closed cycle_cut_off previous_cycle_open cycle_out_of_order cycle_not_over",
    "CloseCycle": "cycle_unknown cycle_closed table_digest_differs",
    "IssueNotice": "cycle_unknown cycle_not_closed nothing_to_notice notice_exists",
    "RecordRemittance": "remittance_exists notice_unknown prepayment_not_applicable remittance_exceeds_owed"
    " insufficient_prepayment remittance_unknown remittance_returned amount_differs",
    "SetPrepayment": "same_province prepayment_already_set prepayment_amount_differs",
    "PayPrepayment": "prepayment_not_set prepayment_exceeds_quota",
    "IncreasePrepayment": "prepayment_not_set no_red_alert increase_exists",
    "ReturnPrepayment": "same_province insufficient_prepayment",
    "RaisePrepaymentAlert": "cycle_unknown cycle_not_closed no_alert_due alert_exists",
    "SealLog": "seal_exists nothing_to_seal",
    "RecordAccess": "access_exists",
    "RestrictProcessing": "already_restricted",
    "DestroyPersonKey": "not_restricted key_destroyed retention_not_over",
    "LinkPersonRecords": "processing_restricted same_person link_exists already_linked",
    "UnlinkPersonRecords": "link_unknown link_ended",
    "EnableSchemeItem": "province_not_in_scheme period_invalid scheme_item_overlaps",
}

SHAPE: Final = "malformed_json missing_field unknown_field wrong_type bad_format out_of_range unknown_code"
EVERY: Final = SHAPE + " reference_reused occurred_at_in_future"
STAGE_FOUR: Final = "card_unknown before_card_issue card_sn_retired"
USE: Final = "electronic_card_not_active acting_person_required acting_person_not_authorised"


def demanded(command: str) -> frozenset[str]:
    """Every code this command can be refused with."""
    marks = MARKS[command].split()
    codes = {*EVERY.split(), *OWN.get(command, "").split()}
    if "card" in marks:
        codes |= set(STAGE_FOUR.split())
        if "always" not in marks:
            codes.add("processing_restricted")
    if "worn" in marks:
        codes.remove("card_sn_retired")
    if "chain" in marks:
        codes.add("out_of_order")
    if "use" in marks:
        codes |= set(USE.split())
    if "person" in marks:
        codes.add("not_for_enterprise")
    if "enterprise" in marks:
        codes.add("not_an_enterprise")
    if any(name == "scheme" for name, _, _ in fields_of(command)):
        codes.add("scheme_item_not_enabled")
    return frozenset(codes)


def pairs() -> frozenset[tuple[str, str]]:
    """(command, code), all of them. No command at all has one code more."""
    named = {(command, code) for command in MARKS for code in demanded(command)}
    return frozenset(named | {("", "unknown_command")})
