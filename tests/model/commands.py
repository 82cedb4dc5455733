"""The tables of the contract: which fields each command takes, in the order in which they are checked.

A field is written `name:format`, with `!` when it is required; `A|B|C` is a closed list of words."""

RELATIVES = "SPOUSE|PARENT|CHILD|SIBLING|GRANDPARENT|GRANDCHILD"
RELATIONS = RELATIVES + "|GUARDIAN|OTHER"
BATCH_KINDS = (
    "PENSION|RESIDENT_PENSION|FUNERAL_SURVIVOR|UNEMPLOYMENT|EMPLOYMENT_SUBSIDY|TRAINING_SUBSIDY|WORK_INJURY"
    "|MATERNITY|RURAL_SUBSIDY|SCHOLARSHIP|BURSARY|WORK_RELIEF|CROP_INSURANCE"
)
CHANNELS = "PHYSICAL_CARD|ELECTRONIC_CARD|COUNTER|SELF_SERVICE|MOBILE|WEB|FILE"
CLASSES = "STUDENT|ELDERLY|MILITARY|DISABLED"
TWO_PROVINCES = "home:province! treatment:province! "
LINE = "batch_id:id! line_id:id! "
PAYEE = (
    "household_head:person relationship:" + RELATIONS + "|SELF|HEAD! bank_account:hash! village:text amount_fen:amount!"
)

OWN_FIELDS: dict[str, str] = {
    # 2 card
    "IssueCard": "card_sn:card_sn! card_number:card_number! social_security_number:person! bank:id! bank_account:hash!"
    " expires_on:date! guardian:person",
    "IssueEnterpriseCard": "card_sn:card_sn! card_number:card_number! bank:id! bank_account:hash! expires_on:date!"
    " credit_code:credit_code!",
    "ActivateCard": "application:SOCIAL_SECURITY|BANK!",
    "ReportLoss": "kind:TEMPORARY|FORMAL! link_bank:bool",
    "LiftLoss": "",
    "ExpireTemporaryLoss": "",
    "ReplaceCard": "new_card_sn:card_sn! new_card_number:card_number! expires_on:date!"
    " reason:LOST|DAMAGED|EXPIRED|DATA_CHANGE! bank:id bank_account:hash",
    "LockCard": "reason:PIN_ERRORS|RISK!",
    "UnlockCard": "",
    "CancelCard": "reason:DEATH|EMIGRATION|DUPLICATE|OTHER! died_on:date",
    "IssueElectronicCard": "level:IDENTITY|PAYMENT!",
    "RevokeElectronicCard": "reason:HOLDER|RISK|REPLACED!",
    "AuthoriseDelegate": f"delegation_id:id! delegate:person! relation:{RELATIONS}! matters:matters! valid_from:date!"
    " valid_to:date!",
    "EndDelegation": "delegation_id:id!",
    "AuthoriseAgent": "delegation_id:id! matters:matters! valid_from:date! valid_to:date! agent:person!",
    "GrantEntitlement": "entitlement_id:id! kind:TRANSIT_CONCESSION|VENUE|ELDER_CARE|STUDENT|LIBRARY!"
    f" concession_class:{CLASSES} province:province! valid_from:date! valid_to:date!",
    "EndEntitlement": "entitlement_id:id! ended_on:date!",
    # 3 benefit
    "IssueBudget": "province:province! programme:id! amount_fen:amount! document:text!",
    "OpenPayoutBatch": f"batch_id:id! province:province! programme:id! kind:{BATCH_KINDS}! period:month!"
    " batch_type:NORMAL|SUPPLEMENT|CORRECTION! bank:id! planned_count:count1! planned_fen:amount!",
    "AddPayoutLine": LINE + "beneficiary:person! payee:person! " + PAYEE,
    "PublishRoster": "batch_id:id! place:text!",
    "RaiseObjection": "objection_id:id! batch_id:id! line_id:id! reason:text!",
    "ResolveObjection": "objection_id:id! reason:text! outcome:UPHELD|DISMISSED!",
    "ApproveBatch": "batch_id:id!",
    "StopLine": LINE + "reason:DEATH|NOT_ELIGIBLE|OBJECTION|DUPLICATE|OTHER!",
    "SendBatch": "batch_id:id! application_id:id!",
    "CreditBenefit": LINE + "amount_fen:amount! bank_transaction:id!",
    "ReturnBenefit": LINE
    + "reason:NAME_MISMATCH|ACCOUNT_CLOSED|ACCOUNT_DORMANT|WRONG_ACCOUNT|ID_MISMATCH|OTHER! bank_transaction:id!",
    "ReissueBenefit": LINE + "source_batch_id:id! source_line_id:id! payee:person! " + PAYEE,
    "FindOverpayment": "overpayment_id:id! " + LINE + "amount_fen:amount!"
    " reason:DEATH|NOT_ELIGIBLE|DUPLICATE|WRONG_AMOUNT! repay_by:date",
    "RecoverBenefit": "recovery_id:id! overpayment_id:id! amount_fen:amount! bank_transaction:id!",
    "OffsetBenefit": "offset_id:id! overpayment_id:id! " + LINE + "amount_fen:amount!",
    "CloseBatch": "batch_id:id!",
    # 4 medical
    "ContributeAccount": "home_area:area! month:month! source:EMPLOYEE|EMPLOYER|INTEREST|SUBSIDY|TRANSFER!"
    " amount_fen:amount!",
    "WithdrawAccount": "home_area:area! reason:DEATH|EMIGRATION|TRANSFER|CORRECTION! amount_fen:amount!",
    "RegisterTreatment": "registration_id:id! kind:LONG_TERM|TEMPORARY!"
    " reason:RETIRED|RESIDENT|STATIONED|REFERRAL|EMERGENCY|OTHER! home_area:area! treatment_area:area!"
    " valid_from:date! valid_to:date",
    "EndTreatmentRegistration": "registration_id:id! ended_on:date!",
    "SettleMedical": "settlement_id:id! visit_id:id! institution:id! home_area:area! treatment_area:area!"
    " insutype:insutype! med_type:med_type! clr_type:clr_type! total_fen:amount! funds:funds! account_fen:amount0!"
    " account_mutual_aid_fen:amount0! wallet_fen:amount0 cash_fen:amount0! hospital_fen:amount0!"
    " emergency:bool third_party_liable:bool admitted_on:date discharged_on:date",
    "ReverseMedical": "settlement_id:id! reversal_id:id! reason:CANCELLED|REFUND|DISPUTE|OTHER!",
    "VoidMedical": "voided_reference:ref! reason:TIMEOUT|OPERATOR!",
    "TransferFamilyAid": "transfer_id:id! receiver_card_sn:card_sn! giver_area:area! receiver_area:area!"
    f" giver_insutype:insutype! relation:{RELATIVES}! amount_fen:amount!",
    "SpendFamilyAid": "spend_id:id! purse:FAMILY_AID|WALLET! purpose:PURCHASE|PREMIUM! spend_area:area!"
    " institution:id fund_pay_type:fund_type amount_fen:amount!",
    "ReverseFamilyAidSpend": "spend_id:id! reversal_id:id!",
    "ReturnFamilyAid": "transfer_id:id! amount_fen:amount!",
    # 5 transit
    "TopUpPurse": "operator:id! amount_fen:amount! after_counter:count",
    "TapTransit": "operator:id! terminal:id! operating_area:area! tap_type:ENTRY|EXIT|SINGLE!"
    " mode:METRO|BUS|RAIL|FERRY|BIKE! line:id station:id counter:count1! entry_counter:count"
    " transfer_of_counter:count fare_due_fen:amount0! paid_fen:amount0!"
    f" concession_class:ORDINARY|{CLASSES}! balance_after_fen:signed uploaded_at:instant!",
    "CorrectFare": "correction_id:id! operator:id! counter:count! reason:MISSING_EXIT|COMPLAINT|OPERATOR_ERROR!"
    " fare_due_fen:amount0! paid_fen:amount0!",
    "CloseTransitDay": "operator:id! operating_area:area! day:date!",
    # 6 service
    "UseService": "service_code:id! service_area:area! step:IDENTITY|LOGIN|QUERY|GATE|QUEUE|APPLICATION|ACCEPTANCE"
    "|COLLECTION! result:SUCCESS|FAILURE! matter_id:id package_id:id token_hash:hash",
    "PayMerchant": "payment_id:id! merchant:id! merchant_area:area! price_fen:amount! paid_fen:amount0!"
    " discount_fen:amount0! funder:id",
    "RefundMerchant": "refund_id:id! payment_id:id! paid_fen:amount0! discount_fen:amount0!",
    "CloseMerchantDay": "merchant:id! merchant_area:area! day:date!",
    "EnterVenue": "entry_id:id! venue:id! venue_area:area! ticket_id:id group_size:count1 price_due_fen:amount0!"
    " price_paid_fen:amount0! entitlement_id:id",
    "BorrowItem": "loan_id:id! library:id! library_area:area! item:id! due_on:date!",
    "ReturnItem": "library:id! library_area:area! item:id!",
    "ChargeFine": "fine_id:id! loan_id:id! library:id! library_area:area! amount_fen:amount!"
    " reason:OVERDUE|DAMAGED|LOST!",
    "PurchasePass": "pass_id:id! product:id! seller:id! seller_area:area! price_fen:amount!",
    "ActivatePass": "pass_id:id!",
    "UsePass": "pass_id:id! venue:id! venue_area:area!",
    "RefundPass": "pass_id:id!",
    "ExpirePass": "pass_id:id!",
    "PayUtility": "payment_id:id! utility:id! utility_area:area! account_hash:hash! bill_month:month!"
    " amount_fen:amount!",
    "RefundUtility": "payment_id:id! refund_id:id!",
    "IssueVoucher": "voucher_id:id! province:province! programme:id! face_fen:amount! valid_from:date! valid_to:date!"
    " merchants:ids",
    "RedeemVoucher": "voucher_id:id! redemption_id:id! merchant:id! merchant_area:area! amount_fen:amount!",
    "ExpireVoucher": "voucher_id:id!",
    "SetStudentStatus": "school:id! status:ENROLLED|SUSPENDED|GRADUATED|LEFT! valid_from:date! valid_to:date",
    "CreditPolicyFund": "grant_id:id! province:province! programme:id! amount_fen:amount! bank_transaction:id!",
    # 7 clearing
    "ConfirmSettlements": "treatment_province:province! settlement_ids:ids!",
    "WithdrawConfirmation": "treatment_province:province! settlement_ids:ids!",
    "DeductByAudit": "deduction_id:id! settlement_id:id! funds:funds1! finding:text!",
    "ReverseDeduction": "deduction_id:id! reversal_id:id! reason:text!",
    "RunReconciliation": "run_id:id! level:L1_TOTALS|L1_DETAILS|L2|L3! counterparty:id! from:date! to:date!"
    " file_sha256:hash! matched:count! only_local:count! only_centre:count! amount_diff:count! state_diff:count!"
    " duplicate_centre:count!",
    "OpenDispute": "dispute_id:id! settlement_id:id! discrepancy:ONLY_LOCAL|AMOUNT_DIFF|STATE_DIFF|DUPLICATE_CENTRE!"
    " run_id:id claimed_fen:amount0 reason:text!",
    "ResolveDispute": "dispute_id:id! outcome:KEEP|REVERSE! reason:text!",
    "CutOffCycle": "cycle:month!",
    "CloseCycle": "cycle:month! table_digest:hash",
    "IssueNotice": "cycle:month! book:MEDICAL|PASS! " + TWO_PROVINCES,
    "RecordRemittance": "remittance_id:id! book:MEDICAL|PASS|TRANSIT! method:TRANSFER|PREPAYMENT|RETURN!"
    " returned_remittance_id:id notice_id:id issue_city:city use_city:city amount_fen:amount! bank_transaction:id"
    " paid_on:date!",
    "SetPrepayment": TWO_PROVINCES + "year:year! amount_fen:amount! q4_fen:amount0",
    "PayPrepayment": TWO_PROVINCES + "year:year! amount_fen:amount! bank_transaction:id! paid_on:date!",
    "IncreasePrepayment": TWO_PROVINCES + "year:year! amount_fen:amount! cycle:month!",
    "ReturnPrepayment": TWO_PROVINCES + "amount_fen:amount! bank_transaction:id! paid_on:date!",
    "RaisePrepaymentAlert": TWO_PROVINCES + "cycle:month!",
    # 8 governance
    "SealLog": "seal_id:id!",
    "RecordAccess": "access_id:id! accessor:id! purpose:text! query:BALANCE|HISTORY|EXPLAIN|STATEMENT|PERSON_FILE"
    "|EXPORT! from_province:province! records:count!",
    "RestrictProcessing": "reason:WITHDRAWN|PURPOSE_DONE|COURT|OTHER!",
    "DestroyPersonKey": "authority:text!",
    "LinkPersonRecords": "link_id:id! person:person! other_person:person! reason:text!",
    "UnlinkPersonRecords": "link_id:id! reason:text!",
    "EnableSchemeItem": "item_scheme:YRD|JJJ|CY|HGG! item:id! province:province! valid_from:date! valid_to:date",
}

WITH_CARD = set(
    "ActivateCard ReportLoss LiftLoss ExpireTemporaryLoss ReplaceCard LockCard UnlockCard CancelCard"
    " IssueElectronicCard RevokeElectronicCard AuthoriseDelegate EndDelegation AuthoriseAgent GrantEntitlement"
    " EndEntitlement AddPayoutLine ReissueBenefit ContributeAccount WithdrawAccount RegisterTreatment"
    " EndTreatmentRegistration SettleMedical ReverseMedical VoidMedical TransferFamilyAid SpendFamilyAid"
    " ReverseFamilyAidSpend ReturnFamilyAid TopUpPurse TapTransit CorrectFare UseService PayMerchant RefundMerchant"
    " EnterVenue BorrowItem ChargeFine PurchasePass ActivatePass UsePass RefundPass ExpirePass PayUtility RefundUtility"
    " IssueVoucher RedeemVoucher ExpireVoucher SetStudentStatus CreditPolicyFund RecordAccess RestrictProcessing"
    " DestroyPersonKey".split()
)

AREAS_OF_USE = (
    "treatment_area spend_area operating_area venue_area seller_area merchant_area library_area utility_area"
    " service_area".split()
)


def fields_of(command: str) -> list[tuple[str, str, bool]]:
    """(name, format, required) of every field but `command`, in the order of the checks."""
    own = []
    for word in OWN_FIELDS[command].split():
        name, _, form = word.partition(":")
        own.append((name, form.rstrip("!"), form.endswith("!")))
    names = [name for name, _, _ in own]
    envelope = [("submitter", "id", True), ("reference", "ref", True), ("occurred_at", "instant", True)]
    if command in WITH_CARD:
        envelope.append(("card_sn", "card_sn", True))
    envelope.append(("acting_person", "person", command == "ApproveBatch"))
    envelope.append(("channel", CHANNELS, False))
    holds_somewhere = command in WITH_CARD or "card_sn" in names or "province" in names
    if holds_somewhere or any(area in names for area in AREAS_OF_USE):
        envelope += [("scheme", "YRD|JJJ|CY|HGG", False), ("scheme_item", "id", False)]
    return envelope + own
