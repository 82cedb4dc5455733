"""Re-issue: a failed line is paid anew in a correction batch, once (contract 3.11).

The source is claimed for ever, even if the new line fails (then that one is the next source), unless the new line is
struck.
"""

from collections.abc import Iterable

from ledger.core import fields as types
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.benefit import claim, doubt
from ledger.families.benefit.line import PAYEE_FIELDS, begin, payee_card, refuse_payee, refuse_used_id
from ledger.families.benefit.payout import (
    RETURNED,
    STOPPED,
    Batch,
    PayoutLine,
    batch_of,
    batch_stream,
    line_key,
    refuse_unless_open,
)
from ledger.families.card.holder import ALL_BUT_CANCELLED, Person

# --- evolution -------------------------------------------------------------------------------------------------------


def reissued(world: World, event: Event, position: int) -> None:
    key = line_key(event["source_batch_id"], event["source_line_id"])
    source = world.edit(PayoutLine, key)
    source.reissued = True
    line = PayoutLine(
        event["line_card_id"], event["beneficiary"], event["amount_fen"], source.normal, event["retry_count"], key
    )
    begin(world, event, line)


# --- decisions -------------------------------------------------------------------------------------------------------


def reissue(command: Command, world: World) -> list[Draft]:
    batch = batch_of(world, command["batch_id"])
    refuse_unless_open(batch)
    if batch.batch_type != "CORRECTION":
        raise Rejected("batch_not_correction", "re-issues go to a correction batch", "batch_id")
    refuse_used_id(command, world)
    source = source_of(command, world, batch)
    if command["amount_fen"] > source.amount_fen:
        raise Rejected("reissue_exceeds_source", f"the source was for {source.amount_fen} fen", "amount_fen")
    beneficiary = source.beneficiary
    refuse_payee(command, world, batch, beneficiary)
    if source.normal:
        claim.refuse_claimed(claim.claim_of(world, batch, beneficiary).normal, batch)
    claim.refuse_above_ceiling(world, batch, beneficiary, command["amount_fen"], command.bdate)
    derived = payee_card(command, world, source.retry_count + 1)
    return [Draft("BenefitReissued", {"beneficiary": beneficiary, **derived})]


def source_of(command: Command, world: World, batch: Batch) -> PayoutLine:
    """The failed line of the same programme, kind and period that may be paid anew."""
    source_batch = world.get(Batch, command["source_batch_id"])
    source = world.get(PayoutLine, line_key(command["source_batch_id"], command["source_line_id"]))
    if source_batch is None or source is None:
        raise Rejected("source_line_unknown", "no such line to re-issue", "source_line_id")
    if source.reissued:
        raise Rejected("line_already_reissued", "the source was re-issued before", "source_line_id")
    if source.outcome not in (RETURNED, STOPPED) or source.struck or not source_batch.is_sent_or_closed:
        raise Rejected(
            "source_line_not_failed",
            "only a returned or stopped line of a sent or closed batch is re-issued, never a struck one",
            "source_line_id",
        )
    paid = (source_batch.budget, source_batch.benefit, source_batch.period)
    if paid != (batch.budget, batch.benefit, batch.period):
        raise Rejected(
            "batch_programme_differs", "the source is of another programme, kind or period", "source_batch_id"
        )
    return source


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Batch, command["batch_id"]
    yield PayoutLine, line_key(command["batch_id"], command["line_id"])
    yield Batch, command["source_batch_id"]
    yield PayoutLine, line_key(command["source_batch_id"], command["source_line_id"])
    yield doubt.PendingLines, command["payee"]


def keys_then(command: Command, world: World) -> Iterable[Name]:
    batch = world.get(Batch, command["batch_id"])
    source = world.get(PayoutLine, line_key(command["source_batch_id"], command["source_line_id"]))
    if batch is not None and source is not None:
        yield Person, source.beneficiary
        yield doubt.PendingLines, source.beneficiary
        yield claim.ClaimYear, claim.year_key(batch, source.beneficiary)
        yield claim.ClaimBeside, claim.beside_key(command["batch_id"], source.beneficiary)
        yield from doubt.batches_of(world, command["payee"], source.beneficiary)


COMMANDS = (
    CommandType(
        "ReissueBenefit",
        "benefit",
        (
            required("batch_id", types.identifier),
            required("line_id", types.identifier),
            required("source_batch_id", types.identifier),
            required("source_line_id", types.identifier),
            *PAYEE_FIELDS,
        ),
        reissue,
        card=True,
        person=True,
        always=True,
        states=Accepts(ALL_BUT_CANCELLED),
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS = (EventType("BenefitReissued", "benefit", batch_stream, reissued),)
