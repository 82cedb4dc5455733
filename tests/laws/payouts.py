"""What a batch of payouts and a budget line may never lose: followed line by line from the events alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ledger.families.benefit.budget import Budget
from ledger.families.benefit.payout import Batch
from tests.laws.told import Event, Told

WAITING, IN_PAYMENT, PAID, RETURNED, STOPPED, STRUCK = "waiting", "in payment", "paid", "returned", "stopped", "struck"


@dataclass
class Payout:
    """A batch as its events tell it: gross and state of its lines."""

    opened: Event
    begun: bool = False
    sent: bool = False
    closed: Event | None = None

    def __post_init__(self) -> None:
        self.gross: dict[str, int] = {}
        self.state: dict[str, str] = {}

    def sum(self, *states: str) -> int:
        return sum(fen for line, fen in self.gross.items() if self.state[line] in states)

    def count(self, *states: str) -> int:
        return sum(state in states for state in self.state.values())

    def stop(self, line: str) -> None:
        if self.state[line] == WAITING:
            self.state[line] = STOPPED if self.begun else STRUCK


def followed(told: Told) -> dict[str, Payout]:
    batches: dict[str, Payout] = {}
    objections: dict[str, tuple[str, str]] = {}
    for _, name, event in told.events:
        if name == "PayoutBatchOpened":
            batches[event["batch_id"]] = Payout(event)
        elif name == "ObjectionResolved" and event["outcome"] == "UPHELD":
            batch_id, line = objections[event["objection_id"]]
            batches[batch_id].stop(line)
        elif (batch := batches.get(event.get("batch_id", ""))) is not None:
            _follow(batch, objections, name, event)
    return batches


def _follow(batch: Payout, objections: dict[str, tuple[str, str]], name: str, event: Event) -> None:
    line = event.get("line_id", "")
    if name in ("PayoutLineAdded", "BenefitReissued"):
        batch.gross[line], batch.state[line] = event["amount_fen"], WAITING
    elif name == "ObjectionRaised":
        objections[event["objection_id"]] = (event["batch_id"], line)
    elif name in ("RosterPublished", "BatchApproved"):
        batch.begun = True
    elif name == "PayoutLineStopped":
        batch.stop(line)
    elif name == "BatchSent":
        batch.sent = True
        batch.state = {line: IN_PAYMENT if state == WAITING else state for line, state in batch.state.items()}
    elif name == "BenefitCredited":
        batch.state[line] = PAID
    elif name == "BenefitReturned":
        batch.state[line] = RETURNED
    elif name == "BatchClosed":
        batch.closed = event


def planned_is_paid_returned_or_stopped(told: Told) -> Iterator[str]:
    """After the bank's answer, of every batch; before it, what still waits is the rest."""
    for batch_id, batch in followed(told).items():
        ended, planned = batch.sum(PAID, RETURNED, STOPPED), batch.opened["planned_fen"]
        if batch.sent and planned != ended + batch.sum(IN_PAYMENT):
            yield f"{batch_id}: planned {planned}, ended {ended}, at the bank {batch.sum(IN_PAYMENT)}"
        if batch.sent and batch.opened["planned_count"] != batch.count(PAID, RETURNED, STOPPED, IN_PAYMENT):
            yield f"{batch_id}: {batch.opened['planned_count']} lines planned, {batch.state}"
        row = told.row(Batch, batch_id)
        kept = (row.counted_fen, row.paid_fen, row.returned_fen, row.stopped_fen)
        by_line = (ended + batch.sum(WAITING, IN_PAYMENT), *map(batch.sum, (PAID, RETURNED, STOPPED)))
        if kept != by_line:
            yield f"{batch_id}: remembered {kept}, told {batch.gross} {batch.state}"


def closing_tells_what_became_of_the_plan(told: Told) -> Iterator[str]:
    for event in told.of("BatchClosed"):
        for unit in ("fen", "count"):
            parts = [event[f"{part}_{unit}"] for part in ("paid", "returned", "stopped")]
            if event[f"planned_{unit}"] != sum(parts):
                yield f"{event['batch_id']}: planned {event[f'planned_{unit}']} {unit}, {parts}"


def issued_is_available_frozen_and_paid(told: Told) -> Iterator[str]:
    """Of every budget line; what is frozen and paid are the gross sums of its lines and its policy grants."""
    parts: dict[tuple[str, str], Counter[str]] = {}
    for (_, province, programme, part), fen in told.by_prefix("budget:"):
        parts.setdefault((province, programme), Counter())[part] += fen
    frozen: Counter[tuple[str, str]] = Counter()
    paid: Counter[tuple[str, str]] = Counter()
    for batch in followed(told).values():
        line = batch.opened["province"], batch.opened["programme"]
        frozen[line] += batch.sum(IN_PAYMENT)
        paid[line] += batch.sum(PAID)
    for event in told.of("PolicyFundCredited"):
        paid[event["province"], event["programme"]] += event["amount_fen"]
    issued: Counter[tuple[str, str]] = Counter()
    for event in told.of("BudgetIssued"):
        issued[event["province"], event["programme"]] += event["amount_fen"]
    for line, found in parts.items():
        wanted = {"issued": -issued[line], "frozen": frozen[line], "paid": paid[line]}
        wanted["available"] = issued[line] - frozen[line] - paid[line]
        row = told.row(Budget, ":".join(line))
        kept = {"available": row.available, "frozen": row.frozen, "paid": row.paid, "issued": -issued[line]}
        if any(found[part] != wanted[part] or kept[part] != wanted[part] for part in wanted):
            yield f"{line}: booked {dict(found)}, remembered {kept}, told {wanted}"
        if min(found["available"], found["frozen"], found["paid"]) < 0:
            yield f"{line}: below zero {dict(found)}"


def what_the_bank_holds_is_on_its_way(told: Told) -> Iterator[str]:
    """An account of a bank is the net of the lines it has neither credited nor returned."""
    offsets: Counter[tuple[str, str]] = Counter()
    for event in told.of("BenefitOffset"):
        offsets[event["batch_id"], event["line_id"]] += event["amount_fen"]
    wanted: Counter[str] = Counter()
    for batch_id, batch in followed(told).items():
        for line, state in batch.state.items():
            if state == IN_PAYMENT:
                wanted[batch.opened["bank"]] += batch.gross[line] - offsets[batch_id, line]
    for (_, bank), fen in told.by_prefix("bank:"):
        if fen != wanted[bank]:
            yield f"{bank}: {fen} in transit, {wanted[bank]} told"


LAWS = (
    planned_is_paid_returned_or_stopped,
    closing_tells_what_became_of_the_plan,
    issued_is_available_frozen_and_paid,
    what_the_bank_holds_is_on_its_way,
)
