"""Opening and closing a payout batch (contract 3.2, 3.15)."""

from collections.abc import Iterable

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.benefit.payout import CLOSED, KIND, OPEN, SENT, Batch, batch_of, batch_stream

# --- evolution -------------------------------------------------------------------------------------------------------


def opened(world: World, event: Event, position: int) -> None:
    batch = world.edit(Batch, event["batch_id"])
    batch.province = event["province"]
    batch.programme = event["programme"]
    batch.benefit = event["kind"]
    batch.period = event["period"]
    batch.batch_type = event["batch_type"]
    batch.bank = event["bank"]
    batch.planned_count = event["planned_count"]
    batch.planned_fen = event["planned_fen"]
    batch.maker = event["acting_person"]
    batch.state = OPEN


def closed(world: World, event: Event, position: int) -> None:
    world.edit(Batch, event["batch_id"]).state = CLOSED


# --- decisions -------------------------------------------------------------------------------------------------------


def open_batch(command: Command, world: World) -> list[Draft]:
    if world.get(Batch, command["batch_id"]) is not None:
        raise Rejected("batch_exists", f"batch {command['batch_id']} is recorded already", "batch_id")
    return [Draft("PayoutBatchOpened")]


def close(command: Command, world: World) -> list[Draft]:
    batch = batch_of(world, command["batch_id"])
    if batch.state == CLOSED or (batch.state != SENT and batch.live_count):
        raise Rejected(
            "batch_not_sent",
            f"the batch is {batch.state} and has {batch.live_count} live lines: send it or stop them first",
            "batch_id",
        )
    in_payment = batch.live_count - batch.paid_count
    if in_payment:
        raise Rejected("lines_in_payment", f"the bank has not answered for {in_payment} lines", "batch_id")
    return [
        Draft(
            "BatchClosed",
            {
                "planned_fen": batch.paid_fen + batch.returned_fen + batch.stopped_fen,
                "paid_fen": batch.paid_fen,
                "returned_fen": batch.returned_fen,
                "stopped_fen": batch.stopped_fen,
                "planned_count": batch.paid_count + batch.returned_count + batch.stopped_count,
                "paid_count": batch.paid_count,
                "returned_count": batch.returned_count,
                "stopped_count": batch.stopped_count,
            },
        )
    ]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Batch, command["batch_id"]


COMMANDS = (
    CommandType(
        "OpenPayoutBatch",
        "benefit",
        (
            required("batch_id", types.identifier),
            required("province", types.province),
            required("programme", types.identifier),
            required("kind", KIND),
            required("period", types.month),
            required("batch_type", types.one_of("NORMAL", "SUPPLEMENT", "CORRECTION")),
            required("bank", types.identifier),
            required("planned_count", types.count1),
            required("planned_fen", types.amount),
        ),
        open_batch,
        keys=keys,
    ),
    CommandType("CloseBatch", "benefit", (required("batch_id", types.identifier),), close, keys=keys),
)
EVENTS = (
    EventType("PayoutBatchOpened", "benefit", batch_stream, opened),
    EventType("BatchClosed", "benefit", batch_stream, closed),
)
