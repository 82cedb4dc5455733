"""The codes of contract section 9, each with the fields it may name; `*` where the contract says "the field"."""

from collections.abc import Mapping
from typing import Final

from tests.model.commands import OWN_FIELDS, fields_of

FIELDS: Final = {
    code: frozenset(fields)
    for code, *fields in map(
        str.split,
        """
malformed_json line
unknown_command command
missing_field *
unknown_field *
wrong_type *
bad_format *
out_of_range *
unknown_code *
reference_reused reference
settlement_voided reference settlement_id
occurred_at_in_future occurred_at
card_unknown card_sn
before_card_issue occurred_at
card_sn_retired card_sn
processing_restricted card_sn delegate agent person other_person
out_of_order occurred_at
card_not_activated card_sn
card_lost card_sn
card_locked card_sn
card_cancelled card_sn
electronic_card_not_active channel
acting_person_required acting_person
acting_person_not_authorised acting_person
scheme_item_not_enabled scheme_item
not_for_enterprise card_sn
not_an_enterprise card_sn
period_invalid *
card_sn_exists card_sn new_card_sn
person_has_live_card social_security_number
enterprise_has_live_card credit_code
guardian_required guardian
guardian_is_holder guardian
application_already_active application
card_not_lost card_sn
card_not_formally_lost card_sn
loss_not_liftable card_sn
loss_not_expired occurred_at
card_not_locked card_sn
electronic_card_exists card_sn
bank_not_activated level
delegation_exists delegation_id
delegate_is_holder delegate
delegation_unknown delegation_id
delegation_ended delegation_id
entitlement_exists entitlement_id
entitlement_unknown entitlement_id
entitlement_ended entitlement_id
batch_exists batch_id
batch_unknown batch_id
batch_not_open batch_id
batch_is_correction batch_id
batch_not_correction batch_id
batch_empty batch_id
batch_totals_differ batch_id
batch_not_published batch_id
batch_not_approved batch_id
batch_not_sent batch_id
batch_programme_differs source_batch_id
line_exists line_id
line_unknown line_id
line_not_pending line_id
line_not_in_payment line_id
line_not_paid line_id
line_card_cancelled line_id
line_has_overpayment line_id
lines_in_payment batch_id
village_required village
payee_not_card_holder payee
payee_not_allowed payee
bank_account_mismatch bank_account
beneficiary_dead beneficiary
beneficiary_twice beneficiary
benefit_already_claimed beneficiary
ceiling_exceeded amount_fen
objection_exists objection_id
objection_unknown objection_id
objection_resolved objection_id
objection_open batch_id
disclosure_over occurred_at
disclosure_not_over occurred_at
approver_is_maker acting_person
insufficient_budget batch_id amount_fen
amount_differs amount_fen
source_line_unknown source_line_id
source_line_not_failed source_line_id
line_already_reissued source_line_id
reissue_exceeds_source amount_fen
overpayment_exists overpayment_id
overpayment_unknown overpayment_id
overpayment_exceeds_paid amount_fen
recovery_exists recovery_id
recovery_exceeds_outstanding amount_fen
offset_exists offset_id
offset_other_card line_id
offset_other_programme line_id
offset_exceeds_line amount_fen
same_province *
registration_exists registration_id
registration_too_short valid_to
registration_locked registration_id
registration_unknown registration_id
registration_ended registration_id
settlement_exists settlement_id reversal_id
settlement_not_balanced total_fen
mutual_aid_exceeds_account account_mutual_aid_fen
wallet_exceeds_mutual_aid wallet_fen
third_party_liable third_party_liable
treatment_not_registered treatment_area
overlapping_stay admitted_on
insufficient_medical_account account_fen amount_fen
insufficient_family_aid account_mutual_aid_fen amount_fen
insufficient_wallet wallet_fen amount_fen
settlement_unknown settlement_id
settlement_reversed settlement_id
settlement_has_deductions settlement_id
settlement_cut_off settlement_id
before_settlement occurred_at
already_voided voided_reference
not_a_settlement voided_reference
same_card receiver_card_sn
transfer_exists transfer_id
giver_not_employee giver_insutype
transfer_too_large amount_fen
too_many_transfers_today card_sn
transfer_unknown transfer_id
return_exceeds_unspent amount_fen
spend_exists spend_id reversal_id
spend_unknown spend_id
spend_reversed spend_id
purse_limit_exceeded amount_fen
insufficient_transit_purse paid_fen
uploaded_before_tap uploaded_at
tap_too_late uploaded_at
tap_duplicate counter
tap_conflict counter
entry_with_fare fare_due_fen
paid_exceeds_due paid_fen price_paid_fen
subsidy_without_concession paid_fen
concession_not_valid concession_class
entry_counter_invalid entry_counter
journey_closed entry_counter counter
correction_exists correction_id
tap_unknown counter
operator_differs operator
tap_not_an_entry counter
journey_not_timed_out occurred_at
fare_on_entry counter
nothing_to_correct paid_fen
day_closed day
day_not_over day
payment_exists payment_id
payment_not_balanced price_fen
payment_unknown payment_id
payment_refunded payment_id
before_payment occurred_at
refund_exists refund_id
refund_empty paid_fen
refund_exceeds_payment paid_fen discount_fen
entry_exists entry_id
entitlement_not_valid entitlement_id
loan_exists loan_id
loan_unknown loan_id
item_on_loan item
item_not_on_loan item
before_loan occurred_at
fine_exists fine_id
pass_exists pass_id
pass_unknown pass_id
pass_not_active pass_id
pass_already_active pass_id
pass_expired pass_id
pass_not_expired pass_id
pass_refunded pass_id
pass_not_refundable pass_id
pass_used_today venue
before_purchase occurred_at
bill_already_paid bill_month
voucher_exists voucher_id
voucher_unknown voucher_id
voucher_used voucher_id
voucher_expired voucher_id
voucher_not_expired voucher_id
voucher_not_valid_yet voucher_id
merchant_not_allowed merchant
insufficient_voucher amount_fen
redemption_exists redemption_id
grant_exists grant_id
treatment_province_differs settlement_ids
no_clearing_line settlement_id settlement_ids
settlement_confirmed settlement_ids
settlement_not_confirmed settlement_ids
deduction_exists deduction_id reversal_id
deduction_unknown deduction_id
deduction_reversed deduction_id
deduction_exceeds_settlement funds
run_exists run_id
run_unknown run_id
dispute_exists dispute_id
dispute_open settlement_id
dispute_unknown dispute_id
dispute_resolved dispute_id
cycle_unknown cycle
cycle_cut_off cycle
cycle_closed cycle
cycle_not_closed cycle
cycle_not_over cycle
cycle_out_of_order cycle
previous_cycle_open cycle
table_digest_differs table_digest
nothing_to_notice cycle
notice_exists cycle
notice_unknown notice_id
remittance_exists remittance_id
remittance_unknown returned_remittance_id
remittance_returned returned_remittance_id
remittance_exceeds_owed amount_fen
prepayment_not_applicable method
insufficient_prepayment amount_fen
prepayment_not_set year
prepayment_already_set year
prepayment_amount_differs amount_fen
prepayment_exceeds_quota amount_fen
no_red_alert cycle
increase_exists cycle
no_alert_due cycle
alert_exists cycle
seal_exists seal_id
nothing_to_seal seal_id
access_exists access_id
already_restricted card_sn
not_restricted card_sn
key_destroyed card_sn
retention_not_over occurred_at
same_person other_person
link_exists link_id
already_linked other_person
link_unknown link_id
link_ended link_id
province_not_in_scheme province
scheme_item_overlaps valid_from
""".strip().splitlines(),
    )
}

ANY: Final = "*"
ENVELOPE: Final = frozenset(
    "line command submitter reference occurred_at card_sn acting_person channel scheme_item".split()
)


def may_name(command: str, code: str, line: Mapping[str, object]) -> frozenset[str]:
    """The fields a refusal of this line may concern: of those section 9 has for the code the ones the command takes;
    where it calls the thing by another name, any of its own."""
    named = FIELDS[code]
    taken = frozenset(name for name, _, _ in fields_of(command)) if command else frozenset()
    if ANY in named:
        return taken.union(line)
    if (command, code) == ("RevokeElectronicCard", "electronic_card_not_active"):
        return frozenset({"card_sn"})  # it is asked for, whatever the channel
    own = (word.partition(":")[0] for word in OWN_FIELDS.get(command, "").split())
    if named <= ENVELOPE or named.intersection(own):
        return named
    return taken | named
