"""The payout batch and its lines: the rows every file of this family reads.

A batch keeps running totals of its lines, so that no decision ever counts a million of them. A line keeps only what
happened to it alone: that its batch was sent is not written into it, so sending touches one row. A line without an
outcome is PENDING until its batch is sent and IN_PAYMENT from then on.
"""

from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Event, StreamName
from ledger.core.rejection import Rejected
from ledger.core.rows import Row, Rows, StreamRow

OPEN: Final = "OPEN"
PUBLISHED: Final = "PUBLISHED"
APPROVED: Final = "APPROVED"
SENT: Final = "SENT"
CLOSED: Final = "CLOSED"

PENDING: Final = "PENDING"
IN_PAYMENT: Final = "IN_PAYMENT"
PAID: Final = "PAID"
RETURNED: Final = "RETURNED"
STOPPED: Final = "STOPPED"

RURAL_SUBSIDY: Final = "RURAL_SUBSIDY"
KIND: Final = types.one_of(
    "PENSION", "RESIDENT_PENSION", "FUNERAL_SURVIVOR", "UNEMPLOYMENT", "EMPLOYMENT_SUBSIDY", "TRAINING_SUBSIDY",
    "WORK_INJURY", "MATERNITY", RURAL_SUBSIDY, "SCHOLARSHIP", "BURSARY", "WORK_RELIEF", "CROP_INSURANCE",
)  # fmt: skip

# --- facts -----------------------------------------------------------------------------------------------------------


class Batch(StreamRow):
    """A payout batch (key: batch_id). Sums of gross amounts in fen unless said otherwise.

    `live`: lines neither stopped nor returned; `offsets_fen`: what their offsets take from them. `counted`: all lines
    but the struck ones, compared with what was planned. `stopped` leaves the struck lines out. `maker`: who opened it.
    `doubtful`: number of lines on its list of doubt.
    """

    kind: ClassVar[str] = "payout_batch"
    province: str = ""
    programme: str = ""
    benefit: str = ""
    period: str = ""
    batch_type: str = ""
    bank: str = ""
    planned_count: int = 0
    planned_fen: int = 0
    maker: str | None = None
    state: str = OPEN
    published_on: int | None = None
    disclosure_days: int = 0
    live_count: int = 0
    live_fen: int = 0
    offsets_fen: int = 0
    counted_count: int = 0
    counted_fen: int = 0
    paid_count: int = 0
    paid_fen: int = 0
    returned_count: int = 0
    returned_fen: int = 0
    stopped_count: int = 0
    stopped_fen: int = 0
    objections_open: int = 0
    doubtful: int = 0

    @property
    def budget(self) -> str:
        """Key of the budget line it is paid from."""
        return f"{self.province}:{self.programme}"

    @property
    def net_fen(self) -> int:
        """What the bank is asked to pay for its live lines."""
        return self.live_fen - self.offsets_fen

    @property
    def is_sent_or_closed(self) -> bool:
        return self.state in (SENT, CLOSED)


class PayoutLine(Row):
    """A line (key: batch_id:line_id). `amount_fen` is its gross, `offset_fen` what its `offsets` take from it.

    `outcome`: PENDING as long as there is none. `struck`: stopped while the batch was OPEN, so it never counted.
    `normal`: added to a NORMAL batch, directly or through re-issues. `source`: key of the line it re-issues.
    """

    kind: ClassVar[str] = "payout_line"
    card_id: str
    beneficiary: str
    amount_fen: int
    normal: bool
    retry_count: int = 0
    source: str = ""
    outcome: str = PENDING
    struck: bool = False
    reissued: bool = False
    offset_fen: int = 0
    offsets: int = 0
    overpaid_fen: int = 0
    doubtful: bool = False

    @property
    def net_fen(self) -> int:
        return self.amount_fen - self.offset_fen

    def state(self, batch: Batch) -> str:
        """State of the line as a line of `batch`."""
        return IN_PAYMENT if self.outcome == PENDING and batch.is_sent_or_closed else self.outcome


def line_key(batch_id: str, line_id: str) -> str:
    return f"{batch_id}:{line_id}"


def batch_stream(event: Event) -> StreamName:
    return Batch, event["batch_id"]


# --- questions -------------------------------------------------------------------------------------------------------


def batch_of(world: Rows, batch_id: str) -> Batch:
    """The batch a command names, or `batch_unknown`."""
    batch = world.get(Batch, batch_id)
    if batch is None:
        raise Rejected("batch_unknown", f"no batch {batch_id} is recorded here", "batch_id")
    return batch


def line_of(world: Rows, batch_id: str, line_id: str) -> PayoutLine:
    """The line of a known batch that a command names, or `line_unknown`."""
    line = world.get(PayoutLine, line_key(batch_id, line_id))
    if line is None:
        raise Rejected("line_unknown", f"batch {batch_id} has no line {line_id}", "line_id")
    return line


def pending_line(world: Rows, batch_id: str, line_id: str) -> tuple[Batch, PayoutLine]:
    """The batch and its line, which must be PENDING."""
    batch = batch_of(world, batch_id)
    line = line_of(world, batch_id, line_id)
    refuse_unless_pending(batch, line)
    return batch, line


def refuse_unless_pending(batch: Batch, line: PayoutLine) -> None:
    state = line.state(batch)
    if state != PENDING:
        raise Rejected("line_not_pending", f"the line is {state}", "line_id")


def refuse_unless_open(batch: Batch) -> None:
    if batch.state != OPEN:
        raise Rejected("batch_not_open", f"the batch is {batch.state}: lines are added while it is OPEN", "batch_id")


def refuse_empty(batch: Batch) -> None:
    if batch.live_count == 0:
        raise Rejected("batch_empty", "no line of the batch is live", "batch_id")


def refuse_other_totals(batch: Batch) -> None:
    """Control totals: all lines but the struck ones, also those stopped later."""
    if (batch.counted_count, batch.counted_fen) != (batch.planned_count, batch.planned_fen):
        raise Rejected(
            "batch_totals_differ",
            f"{batch.counted_count} lines of {batch.counted_fen} fen do not match the"
            f" {batch.planned_count} lines of {batch.planned_fen} fen planned",
            "batch_id",
        )
