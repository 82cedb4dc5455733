"""Offsets: a later line is cut to pay back an overpayment (contract 3.14).

An offset reserves part of what is owed as soon as it is recorded and takes effect when the line is credited; a line
that is stopped or returned gives its offsets back.
"""

from collections.abc import Iterable
from typing import ClassVar

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import Page, Row
from ledger.core.world import Name, World
from ledger.families.benefit.overpayment import Overpayment, overpayment_of, refuse_above_outstanding
from ledger.families.benefit.payout import (
    Batch,
    PayoutLine,
    batch_of,
    batch_stream,
    line_key,
    line_of,
    refuse_unless_pending,
)

# --- facts -----------------------------------------------------------------------------------------------------------


class Offset(Row):
    """That an offset_id is in use (key: offset_id), and on which line (its key)."""

    kind: ClassVar[str] = "offset"
    line: str


class LineOffset(Row):
    """Of a line's list of offsets."""

    overpayment_id: str
    amount_fen: int


class LineOffsets(Page):
    """Owner: a line's key."""

    kind: ClassVar[str] = "line_offsets"
    items: list[LineOffset]


# --- evolution -------------------------------------------------------------------------------------------------------


def offset(world: World, event: Event, position: int) -> None:
    key = line_key(event["batch_id"], event["line_id"])
    amount = event["amount_fen"]
    world.add(event["offset_id"], Offset(key))
    line = world.edit(PayoutLine, key)
    rows.append(world, LineOffsets, key, line.offsets, LineOffset(event["overpayment_id"], amount))
    line.offsets += 1
    line.offset_fen += amount
    world.edit(Batch, event["batch_id"]).offsets_fen += amount
    world.edit(Overpayment, event["overpayment_id"]).offset_fen += amount


def release(world: World, key: str, line: PayoutLine) -> None:
    """The line is live no longer: what its offsets reserved is owed again."""
    for _, one in rows.scan(world, LineOffsets, key, line.offsets):
        world.edit(Overpayment, one.overpayment_id).offset_fen -= one.amount_fen


# --- decisions -------------------------------------------------------------------------------------------------------


def offset_benefit(command: Command, world: World) -> list[Draft]:
    if world.get(Offset, command["offset_id"]) is not None:
        raise Rejected("offset_exists", f"offset {command['offset_id']} is recorded already", "offset_id")
    overpayment = overpayment_of(world, command["overpayment_id"])
    batch = batch_of(world, command["batch_id"])
    line = line_of(world, command["batch_id"], command["line_id"])
    refuse_unless_pending(batch, line)
    if (line.card_id, line.beneficiary) != (overpayment.card_id, overpayment.beneficiary):
        raise Rejected("offset_other_card", "the line is not for the card and person that were overpaid", "line_id")
    if batch.budget != overpayment.budget:
        raise Rejected("offset_other_programme", f"the overpayment is one of {overpayment.budget}", "line_id")
    refuse_above_outstanding(overpayment, command["amount_fen"])
    if line.net_fen - command["amount_fen"] < 1:
        raise Rejected("offset_exceeds_line", f"of {line.net_fen} fen at least 1 must be left", "amount_fen")
    return [Draft("BenefitOffset")]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Offset, command["offset_id"]
    yield Overpayment, command["overpayment_id"]
    yield Batch, command["batch_id"]
    yield PayoutLine, line_key(command["batch_id"], command["line_id"])


COMMANDS = (
    CommandType(
        "OffsetBenefit",
        "benefit",
        (
            required("offset_id", types.identifier),
            required("overpayment_id", types.identifier),
            required("batch_id", types.identifier),
            required("line_id", types.identifier),
            required("amount_fen", types.amount),
        ),
        offset_benefit,
        keys=keys,
    ),
)
EVENTS = (EventType("BenefitOffset", "benefit", batch_stream, offset),)
