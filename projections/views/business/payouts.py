"""payouts: batches of benefits with their lines, and the budget lines they are paid from (contract section 3)."""

from typing import ClassVar, Final

from ledger.core.decider import Event
from projections.views.business.folded import Each, Folded, Of, On, Rows
from projections.views.business.restricted import RestrictedCard, on_restriction
from projections.views.business.rows import Day, FoldedRow, Hash, Instant, Uuid

NAME: Final = "payouts"


class Budget(FoldedRow):
    """A budget line, in fen. issued = available + frozen + paid, always."""

    table: ClassVar[str] = "payouts_budgets"
    key: ClassVar[tuple[str, ...]] = ("province", "programme")
    province: str
    programme: str
    issued_fen: int = 0
    available_fen: int = 0
    frozen_fen: int = 0
    paid_fen: int = 0


class Batch(FoldedRow):
    """A payout batch. Sums are gross, in fen; `struck`: stopped while the batch was open, counted in no total.

    `lines` counts all of them; pending and in payment is what stopped, struck, paid and returned ones leave of it.
    """

    table: ClassVar[str] = "payouts_batches"
    key: ClassVar[tuple[str, ...]] = ("batch_id",)
    indexes: ClassVar[tuple[str, ...]] = ("province, programme, period",)
    batch_id: str
    state: str = ""
    province: str = ""
    programme: str = ""
    kind: str = ""
    period: str = ""
    batch_type: str = ""
    bank: str = ""
    planned_count: int = 0
    planned_fen: int = 0
    lines: int = 0
    lines_fen: int = 0
    struck: int = 0
    struck_fen: int = 0
    stopped: int = 0
    stopped_fen: int = 0
    paid: int = 0
    paid_fen: int = 0
    returned: int = 0
    returned_fen: int = 0
    open_objections: int = 0
    place: str | None = None
    disclosure_days: int | None = None
    published_on: Day | None = None
    approved_on: Day | None = None
    approver: Hash | None = None
    sent_on: Day | None = None
    application_id: str | None = None
    sent_lines: int | None = None
    gross_fen: int | None = None
    net_fen: int | None = None
    closed_on: Day | None = None
    opened_at: Instant = 0


class PayoutLine(FoldedRow):
    """A line of a batch; amounts in fen. PENDING counts as IN_PAYMENT from the day its batch is sent."""

    table: ClassVar[str] = "payouts_lines"
    key: ClassVar[tuple[str, ...]] = ("batch_id", "line_id")
    indexes: ClassVar[tuple[str, ...]] = ("card_id", "beneficiary")
    batch_id: str
    line_id: str
    state: str = ""
    card_id: Uuid | None = None
    beneficiary: Hash | None = None
    payee: Hash | None = None
    card_province: str = ""
    amount_fen: int = 0
    offset_fen: int = 0
    overpaid_fen: int = 0
    retry_count: int = 0
    source_batch_id: str | None = None
    source_line_id: str | None = None
    reissued_batch_id: str | None = None
    reissued_line_id: str | None = None
    stopped_for: str | None = None
    returned_for: str | None = None
    bank_transaction: str | None = None
    added_on: Day = 0
    settled_on: Day | None = None


class Objection(FoldedRow):
    """An objection to a line that was on display."""

    table: ClassVar[str] = "payouts_objections"
    key: ClassVar[tuple[str, ...]] = ("objection_id",)
    indexes: ClassVar[tuple[str, ...]] = ("batch_id",)
    objection_id: str
    batch_id: str = ""
    line_id: str = ""
    outcome: str | None = None
    raised_on: Day = 0
    resolved_on: Day | None = None


class Overpayment(FoldedRow):
    """What was paid and must come back; amounts in fen. What later lines kept back for it stands with those lines."""

    table: ClassVar[str] = "payouts_overpayments"
    key: ClassVar[tuple[str, ...]] = ("overpayment_id",)
    indexes: ClassVar[tuple[str, ...]] = ("card_id",)
    overpayment_id: str
    card_id: Uuid | None = None
    batch_id: str = ""
    line_id: str = ""
    province: str = ""
    programme: str = ""
    reason: str = ""
    amount_fen: int = 0
    recovered_fen: int = 0
    found_on: Day = 0
    repay_by: Day | None = None


class Offset(FoldedRow):
    """A part of a later line that was kept back for an overpayment."""

    table: ClassVar[str] = "payouts_offsets"
    key: ClassVar[tuple[str, ...]] = ("batch_id", "line_id", "overpayment_id")
    batch_id: str
    line_id: str
    overpayment_id: str
    amount_fen: int = 0


class Restricted(RestrictedCard):
    """A card that lists of lines and overpayments leave out."""

    table: ClassVar[str] = "payouts_restricted"


# --- budget lines ----------------------------------------------------------------------------------------------------


def _budget(rows: Rows, event: Event) -> Budget:
    return rows.edit(Budget, event["province"], event["programme"])


def budget_issued(rows: Rows, event: Event) -> None:
    budget = _budget(rows, event)
    budget.issued_fen += event["amount_fen"]
    budget.available_fen += event["amount_fen"]


def policy_fund_credited(rows: Rows, event: Event) -> None:
    budget = _budget(rows, event)
    budget.available_fen -= event["amount_fen"]
    budget.paid_fen += event["amount_fen"]


# --- batches ---------------------------------------------------------------------------------------------------------


def opened(rows: Rows, event: Event) -> None:
    batch = rows.edit(Batch, event["batch_id"])
    batch.state = "OPEN"
    batch.opened_at = event["occurred_at"]
    for name in ("province", "programme", "kind", "period", "batch_type", "bank", "planned_count", "planned_fen"):
        setattr(batch, name, event[name])


def published(rows: Rows, event: Event) -> None:
    batch = rows.edit(Batch, event["batch_id"])
    batch.state = "PUBLISHED"
    batch.place, batch.disclosure_days = event["place"], event["disclosure_days"]
    batch.published_on = event["business_date"]


def approved(rows: Rows, event: Event) -> None:
    batch = rows.edit(Batch, event["batch_id"])
    batch.state = "APPROVED"
    batch.approved_on, batch.approver = event["business_date"], event["acting_person"]


def sent(rows: Rows, event: Event) -> None:
    batch = rows.edit(Batch, event["batch_id"])
    batch.state = "SENT"
    batch.sent_on, batch.application_id = event["business_date"], event["application_id"]
    batch.sent_lines, batch.gross_fen, batch.net_fen = event["line_count"], event["gross_fen"], event["net_fen"]
    budget = _budget(rows, event)
    budget.available_fen -= event["gross_fen"]
    budget.frozen_fen += event["gross_fen"]


def closed(rows: Rows, event: Event) -> None:
    batch = rows.edit(Batch, event["batch_id"])
    batch.state = "CLOSED"
    batch.closed_on = event["business_date"]


def objected(rows: Rows, event: Event) -> None:
    objection = rows.edit(Objection, event["objection_id"])
    objection.batch_id, objection.line_id = event["batch_id"], event["line_id"]
    objection.raised_on = event["business_date"]
    rows.edit(Batch, event["batch_id"]).open_objections += 1


def objection_resolved(rows: Rows, event: Event) -> None:
    objection = rows.edit(Objection, event["objection_id"])
    objection.outcome, objection.resolved_on = event["outcome"], event["business_date"]
    rows.edit(Batch, event["batch_id"]).open_objections -= 1
    if event["outcome"] == "UPHELD":
        _stop(rows, event, "OBJECTION")


# --- lines -----------------------------------------------------------------------------------------------------------


def added(rows: Rows, event: Event) -> None:
    line = rows.edit(PayoutLine, event["batch_id"], event["line_id"])
    line.state = "PENDING"
    line.added_on = event["business_date"]
    line.card_id = event["line_card_id"]
    for name in ("beneficiary", "payee", "card_province", "amount_fen", "retry_count"):
        setattr(line, name, event[name])
    batch = rows.edit(Batch, event["batch_id"])
    batch.lines += 1
    batch.lines_fen += event["amount_fen"]


def reissued(rows: Rows, event: Event) -> None:
    added(rows, event)
    line = rows.edit(PayoutLine, event["batch_id"], event["line_id"])
    line.source_batch_id, line.source_line_id = event["source_batch_id"], event["source_line_id"]
    source = rows.edit(PayoutLine, event["source_batch_id"], event["source_line_id"])
    source.reissued_batch_id, source.reissued_line_id = event["batch_id"], event["line_id"]


def stopped(rows: Rows, event: Event) -> None:
    _stop(rows, event, event["reason"])


def _stop(rows: Rows, event: Event, reason: str) -> None:
    """A line stopped while its batch is open is struck: it counts in no total, and what it re-issued is free again."""
    line = rows.edit(PayoutLine, event["batch_id"], event["line_id"])
    if line.state != "PENDING":
        return
    batch = rows.edit(Batch, event["batch_id"])
    line.stopped_for, line.settled_on = reason, event["business_date"]
    if batch.state != "OPEN":
        line.state = "STOPPED"
        batch.stopped += 1
        batch.stopped_fen += line.amount_fen
        return
    line.state = "STRUCK"
    batch.struck += 1
    batch.struck_fen += line.amount_fen
    if line.source_batch_id is not None:
        source = rows.edit(PayoutLine, line.source_batch_id, line.source_line_id)
        source.reissued_batch_id = source.reissued_line_id = None


def credited(rows: Rows, event: Event) -> None:
    line = rows.edit(PayoutLine, event["batch_id"], event["line_id"])
    line.state = "PAID"
    line.bank_transaction, line.settled_on = event["bank_transaction"], event["business_date"]
    batch = rows.edit(Batch, event["batch_id"])
    batch.paid += 1
    batch.paid_fen += event["gross_fen"]
    budget = _budget(rows, event)
    budget.frozen_fen -= event["gross_fen"]
    budget.paid_fen += event["gross_fen"]


def returned(rows: Rows, event: Event) -> None:
    line = rows.edit(PayoutLine, event["batch_id"], event["line_id"])
    line.state, line.returned_for = "RETURNED", event["reason"]
    line.bank_transaction, line.settled_on = event["bank_transaction"], event["business_date"]
    batch, budget, gross = rows.edit(Batch, event["batch_id"]), _budget(rows, event), event["gross_fen"]
    if event["was_paid"]:
        batch.paid -= 1
        batch.paid_fen -= gross
        budget.paid_fen -= gross
    else:
        budget.frozen_fen -= gross
    batch.returned += 1
    batch.returned_fen += gross
    budget.available_fen += gross


# --- overpayments ----------------------------------------------------------------------------------------------------


def overpaid(rows: Rows, event: Event) -> None:
    found = rows.edit(Overpayment, event["overpayment_id"])
    found.found_on = event["business_date"]
    for name in ("card_id", "batch_id", "line_id", "province", "programme", "reason", "amount_fen", "repay_by"):
        setattr(found, name, event[name])
    rows.edit(PayoutLine, event["batch_id"], event["line_id"]).overpaid_fen += event["amount_fen"]


def recovered(rows: Rows, event: Event) -> None:
    rows.edit(Overpayment, event["overpayment_id"]).recovered_fen += event["amount_fen"]


def offset(rows: Rows, event: Event) -> None:
    kept = rows.edit(Offset, event["batch_id"], event["line_id"], event["overpayment_id"])
    kept.amount_fen += event["amount_fen"]
    rows.edit(PayoutLine, event["batch_id"], event["line_id"]).offset_fen += event["amount_fen"]


# --- the view --------------------------------------------------------------------------------------------------------

BUDGET = Of(Budget, "province", "programme")
BATCH = Of(Batch, "batch_id")
LINE = Of(PayoutLine, "batch_id", "line_id")
OBJECTION = Of(Objection, "objection_id")
OVERPAYMENT = Of(Overpayment, "overpayment_id")

PAYOUTS: Final = Folded(
    NAME,
    (Budget, Batch, PayoutLine, Objection, Overpayment, Offset, Restricted),
    (
        On("BudgetIssued", budget_issued, BUDGET),
        On("PolicyFundCredited", policy_fund_credited, BUDGET),
        On("PayoutBatchOpened", opened, BATCH),
        On("PayoutLineAdded", added, Each(BATCH, LINE)),
        On("BenefitReissued", reissued, Each(BATCH, LINE, Of(PayoutLine, "source_batch_id", "source_line_id"))),
        On("RosterPublished", published, BATCH),
        On("ObjectionRaised", objected, Each(BATCH, OBJECTION)),
        On("ObjectionResolved", objection_resolved, Each(BATCH, OBJECTION, LINE)),
        On("BatchApproved", approved, BATCH),
        On("PayoutLineStopped", stopped, Each(BATCH, LINE)),
        On("BatchSent", sent, Each(BATCH, BUDGET)),
        On("BenefitCredited", credited, Each(BATCH, LINE, BUDGET)),
        On("BenefitReturned", returned, Each(BATCH, LINE, BUDGET)),
        On("OverpaymentFound", overpaid, Each(OVERPAYMENT, LINE)),
        On("BenefitRecovered", recovered, OVERPAYMENT),
        On("BenefitOffset", offset, Each(Of(Offset, "batch_id", "line_id", "overpayment_id"), LINE)),
        On("BatchClosed", closed, BATCH),
        on_restriction(Restricted),
    ),
)
