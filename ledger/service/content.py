"""What a command said, told from the event it recorded: for receipts that were restored from the topics.

A submission keeps the digest of its command, and topics hold events only. An event has every field of its command, so a
command that comes again is compared with the event itself. One thing an event does not tell: whether a field was left
out or spelt out with just the value it has when left out; either counts as the same content (ADR 0019).
"""

from typing import Final

from ledger.core.decider import Command, Event
from ledger.core.world import World
from ledger.service.recording import stated

# Command -> the first event it records. Restoring needs it from behind: another command with the same fields is other
# content.
_PAIRS: Final = """
    ActivateCard CardActivated, AddPayoutLine PayoutLineAdded, ApproveBatch BatchApproved,
    AuthoriseAgent AgentAuthorised, AuthoriseDelegate DelegateAuthorised, CancelCard CardCancelled,
    CloseBatch BatchClosed, CloseCycle CycleClosed, CloseTransitDay TransitDayClosed,
    ConfirmSettlements SettlementsConfirmed, ContributeAccount AccountContributed, CorrectFare FareCorrected,
    CreditBenefit BenefitCredited, CutOffCycle CycleCutOff, DeductByAudit AuditDeducted, EndDelegation DelegationEnded,
    EndEntitlement EntitlementEnded, EndTreatmentRegistration TreatmentRegistrationEnded,
    ExpireTemporaryLoss CardTemporaryLossExpired, FindOverpayment OverpaymentFound, GrantEntitlement EntitlementGranted,
    IncreasePrepayment PrepaymentIncreased, IssueBudget BudgetIssued, IssueCard CardIssued,
    IssueElectronicCard ElectronicCardIssued, IssueEnterpriseCard EnterpriseCardIssued, IssueNotice NoticeIssued,
    LiftLoss CardLossLifted, LockCard CardLocked, OffsetBenefit BenefitOffset, OpenDispute DisputeOpened,
    OpenPayoutBatch PayoutBatchOpened, PayPrepayment PrepaymentPaid, PublishRoster RosterPublished,
    RaiseObjection ObjectionRaised, RaisePrepaymentAlert PrepaymentAlertRaised, RecordRemittance RemittanceRecorded,
    RecoverBenefit BenefitRecovered, RegisterTreatment TreatmentRegistered, ReissueBenefit BenefitReissued,
    ReplaceCard CardReplaced, ReportLoss CardLossReported, ResolveDispute DisputeResolved,
    ResolveObjection ObjectionResolved, ReturnBenefit BenefitReturned, ReturnFamilyAid FamilyAidReturned,
    ReturnPrepayment PrepaymentReturned, ReverseDeduction AuditDeductionReversed,
    ReverseFamilyAidSpend FamilyAidSpendReversed, ReverseMedical MedicalReversed,
    RevokeElectronicCard ElectronicCardRevoked, RunReconciliation ReconciliationRun, SendBatch BatchSent,
    SetPrepayment PrepaymentSet, SettleMedical MedicalSettled, SpendFamilyAid FamilyAidSpent,
    StopLine PayoutLineStopped,
    TapTransit TransitTapped, TopUpPurse PurseToppedUp, TransferFamilyAid FamilyAidTransferred, UnlockCard CardUnlocked,
    VoidMedical MedicalVoided, WithdrawAccount AccountWithdrawn, WithdrawConfirmation ConfirmationWithdrawn,

    ActivatePass PassActivated, BorrowItem ItemBorrowed, ChargeFine FineCharged, CloseMerchantDay MerchantDayClosed,
    CreditPolicyFund PolicyFundCredited, EnterVenue VenueEntered, ExpirePass PassExpired, ExpireVoucher VoucherExpired,
    IssueVoucher VoucherIssued, PayMerchant MerchantPaid, PayUtility UtilityPaid, PurchasePass PassPurchased,
    RedeemVoucher VoucherRedeemed, RefundMerchant MerchantRefunded, RefundPass PassRefunded,
    RefundUtility UtilityRefunded, ReturnItem ItemReturned, SetStudentStatus StudentStatusSet, UsePass PassUsed,
    UseService ServiceUsed,

    DestroyPersonKey PersonKeyDestroyed, EnableSchemeItem SchemeItemEnabled, LinkPersonRecords PersonRecordsLinked,
    RecordAccess AuditAccessed, RestrictProcessing ProcessingRestricted, SealLog LogSealed,
    UnlinkPersonRecords PersonRecordsUnlinked
"""
_WORDS: Final = _PAIRS.replace(",", " ").split()
FIRST_EVENT: Final = dict(zip(_WORDS[::2], _WORDS[1::2], strict=True))
# Fields that a decision fills in where the command left them out.
FILLED_IN: Final = {"RegisterTreatment": "valid_to", "CloseCycle": "table_digest"}


def is_restored(command: Command, world: World) -> bool:
    """Whether the event first recorded under the command's reference says what the command says."""
    fact = world.recorded(command.submitter, command.reference)
    return fact is not None and says_the_same(command, fact[0], fact[1])


def says_the_same(command: Command, name: str, event: Event) -> bool:
    """Whether the command may have been the one that recorded this event first."""
    if name != FIRST_EVENT.get(command.type.name):
        return False
    said = stated(command)
    filled_in = FILLED_IN.get(command.type.name, "")
    if command.get(filled_in) is None:
        said.pop(filled_in, None)
    return all(event[name] == value for name, value in said.items())
