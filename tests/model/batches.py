"""Payout batches as the benefit events tell them: read from the first event again whenever somebody asks."""

from typing import Any

from tests.model.state import Event, Log

BATCH_EVENTS = (
    "PayoutBatchOpened PayoutLineAdded BenefitReissued RosterPublished ObjectionResolved BatchApproved"
    " PayoutLineStopped BatchSent BenefitCredited BenefitReturned BenefitOffset BatchClosed"
).split()

Line = dict[str, Any]
Batch = dict[str, Any]


def batch_of(log: Log, batch_id: str) -> Batch | None:
    return _told(log, batch_id).get(batch_id)


def all_batches(log: Log) -> list[Batch]:
    return list(_told(log, None).values())


def _told(log: Log, only: str | None) -> dict[str, Batch]:
    batches: dict[str, Batch] = {}
    for event in log.of(*BATCH_EVENTS):
        batch_id = event["batch_id"]
        if only not in (None, batch_id):
            continue
        if event["event"] == "PayoutBatchOpened":
            batches[batch_id] = {"state": "OPEN", "opened": event, "lines": {}, "published": None}
        else:
            _tell(batches[batch_id], event)
    return batches


def _tell(batch: Batch, event: Event) -> None:
    name, lines = event["event"], batch["lines"]
    if name in ("PayoutLineAdded", "BenefitReissued"):
        lines[event["line_id"]] = {
            "line_id": event["line_id"],
            "gross": event["amount_fen"],
            "offset": 0,
            "state": "PENDING",
            "struck": False,
            "card": event["line_card_id"],
            "beneficiary": event["beneficiary"],
            "source": (event["source_batch_id"], event["source_line_id"]) if name == "BenefitReissued" else None,
            "position": event["position"],
        }
    elif name == "RosterPublished":
        batch["state"], batch["published"] = "PUBLISHED", event
    elif name == "ObjectionResolved":
        line = lines[event["line_id"]]
        if event["outcome"] == "UPHELD" and line["state"] == "PENDING":
            line.update(state="STOPPED", offset=0)
    elif name == "PayoutLineStopped":
        lines[event["line_id"]].update(state="STOPPED", offset=0, struck=batch["state"] == "OPEN")
    elif name == "BatchApproved":
        batch["state"] = "APPROVED"
    elif name == "BatchSent":
        batch["state"] = "SENT"
        for line in live(batch):
            line["state"] = "IN_PAYMENT"
    elif name == "BenefitOffset":
        lines[event["line_id"]]["offset"] += event["amount_fen"]
    elif name == "BenefitCredited":
        lines[event["line_id"]]["state"] = "PAID"
    elif name == "BenefitReturned":
        lines[event["line_id"]].update(state="RETURNED", offset=0)
    elif name == "BatchClosed":
        batch["state"] = "CLOSED"


def live(batch: Batch) -> list[Line]:
    return [line for line in batch["lines"].values() if line["state"] not in ("STOPPED", "RETURNED")]


def counted(batch: Batch) -> list[Line]:
    """The lines that count in the control totals: all but the struck ones."""
    return [line for line in batch["lines"].values() if not line["struck"]]


def net(line: Line) -> int:
    return int(line["gross"] - line["offset"])


def totals_differ(batch: Batch) -> bool:
    lines = counted(batch)
    gross = sum(line["gross"] for line in lines)
    return bool(len(lines) != batch["opened"]["planned_count"]) or bool(gross != batch["opened"]["planned_fen"])


def same_programme(one: Event, other: Event, *more: str) -> bool:
    return all(one[field] == other[field] for field in ("province", "programme", *more))


def source_used(log: Log, batch_id: str, line_id: str) -> bool:
    """A source is claimed by its re-issue, unless that line was struck."""
    for event in log.all("BenefitReissued", source_batch_id=batch_id, source_line_id=line_id):
        target = batch_of(log, event["batch_id"])
        if target is not None and not target["lines"][event["line_id"]]["struck"]:
            return True
    return False


def root_batch_type(log: Log, batch_id: str, line_id: str) -> str:
    """The type of the batch to which the money of this line was first added."""
    batch = batch_of(log, batch_id)
    if batch is None:
        raise AssertionError(batch_id)
    source = batch["lines"][line_id]["source"]
    if source is None:
        return str(batch["opened"]["batch_type"])
    return root_batch_type(log, *source)


def overpaid_on(log: Log, batch_id: str, line_id: str) -> int:
    return sum(event["amount_fen"] for event in log.all("OverpaymentFound", batch_id=batch_id, line_id=line_id))


def outstanding(log: Log, overpayment: Event) -> int:
    overpayment_id = overpayment["overpayment_id"]
    recovered = sum(event["amount_fen"] for event in log.all("BenefitRecovered", overpayment_id=overpayment_id))
    reserved = 0
    for event in log.all("BenefitOffset", overpayment_id=overpayment_id):
        batch = batch_of(log, event["batch_id"])
        if batch is not None and batch["lines"][event["line_id"]] in live(batch):
            reserved += event["amount_fen"]
    return int(overpayment["amount_fen"] - recovered - reserved)


def disclosure_days(log: Log, batch: Batch, date: str) -> int:
    opened = batch["opened"]
    default = 7 if opened["kind"] == "RURAL_SUBSIDY" else 0
    configured = log.config("payout.disclosure_working_days", date, opened["province"], opened["programme"])
    return default if configured is None else int(configured)
