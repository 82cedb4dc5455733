"""Lines of a batch: adding and stopping (contract 3.3, 3.7).

A line stopped while its batch is OPEN is struck: a clerk corrects a list in preparation and the line counts nowhere.
"""

from collections.abc import Iterable

from ledger.core import fields as types
from ledger.core.calendar import first_day
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType
from ledger.core.fields import Field, optional, required
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.benefit import claim, doubt, offset
from ledger.families.benefit.payout import (
    OPEN,
    RURAL_SUBSIDY,
    STOPPED,
    Batch,
    PayoutLine,
    batch_of,
    batch_stream,
    line_key,
    pending_line,
    refuse_unless_open,
)
from ledger.families.card.holder import ALL_BUT_CANCELLED, Person, card_of, is_dead

RELATIONSHIP = types.one_of(
    "SPOUSE", "PARENT", "CHILD", "SIBLING", "GRANDPARENT", "GRANDCHILD", "GUARDIAN", "OTHER", "SELF", "HEAD"
)
PAYEE_FIELDS: tuple[Field, ...] = (
    required("payee", types.person),
    optional("household_head", types.person),
    required("relationship", RELATIONSHIP),
    required("bank_account", types.digest),
    optional("village", types.text),
    required("amount_fen", types.amount),
)

# --- evolution -------------------------------------------------------------------------------------------------------


def added(world: World, event: Event, position: int) -> None:
    normal = world.edit(Batch, event["batch_id"]).batch_type == "NORMAL"
    begin(world, event, PayoutLine(event["line_card_id"], event["beneficiary"], event["amount_fen"], normal))


def begin(world: World, event: Event, line: PayoutLine) -> None:
    """A new live line of the event's batch."""
    batch_id, line_id = event["batch_id"], event["line_id"]
    batch = world.edit(Batch, batch_id)
    world.add(line_key(batch_id, line_id), line)
    batch.live_count += 1
    batch.live_fen += line.amount_fen
    batch.counted_count += 1
    batch.counted_fen += line.amount_fen
    claim.enter(world, batch_id, batch, line)
    doubt.watch(world, batch_id, line_id, line, event["payee"])


def end(world: World, batch_id: str, line_id: str, outcome: str) -> tuple[Batch, PayoutLine]:
    """The line is live no longer: its claim and its offsets are free again."""
    key = line_key(batch_id, line_id)
    batch = world.edit(Batch, batch_id)
    line = world.edit(PayoutLine, key)
    line.outcome = outcome
    batch.live_count -= 1
    batch.live_fen -= line.amount_fen
    batch.offsets_fen -= line.offset_fen
    claim.leave(world, batch_id, batch, line)
    offset.release(world, key, line)
    return batch, line


def stop(world: World, batch_id: str, line_id: str) -> None:
    """A pending line is stopped; a struck re-issue frees its source."""
    batch, line = end(world, batch_id, line_id, STOPPED)
    if batch.state != OPEN:
        batch.stopped_count += 1
        batch.stopped_fen += line.amount_fen
        return
    line.struck = True
    batch.counted_count -= 1
    batch.counted_fen -= line.amount_fen
    if line.source:
        world.edit(PayoutLine, line.source).reissued = False


def stopped(world: World, event: Event, position: int) -> None:
    stop(world, event["batch_id"], event["line_id"])


# --- decisions -------------------------------------------------------------------------------------------------------


def add(command: Command, world: World) -> list[Draft]:
    batch = batch_of(world, command["batch_id"])
    refuse_unless_open(batch)
    if batch.batch_type == "CORRECTION":
        raise Rejected("batch_is_correction", "a correction batch takes re-issues only", "batch_id")
    beneficiary = command["beneficiary"]
    refuse_used_id(command, world)
    refuse_payee(command, world, batch, beneficiary)
    if batch.batch_type == "NORMAL":
        claim.refuse_claimed(claim.claim_of(world, batch, beneficiary).live, batch)
    claim.refuse_above_ceiling(world, batch, beneficiary, command["amount_fen"], command.bdate)
    return [Draft("PayoutLineAdded", payee_card(command, world, 0))]


def refuse_used_id(command: Command, world: World) -> None:
    if world.get(PayoutLine, line_key(command["batch_id"], command["line_id"])) is not None:
        raise Rejected("line_exists", f"line_id {command['line_id']} is in use in this batch", "line_id")


def refuse_payee(command: Command, world: World, batch: Batch, beneficiary: str) -> None:
    """`village_required` to `beneficiary_twice` of 3.3."""
    card = card_of(world, command.card_id)
    payee = command["payee"]
    if batch.benefit == RURAL_SUBSIDY and command.get("village") is None:
        raise Rejected("village_required", "a rural subsidy is displayed by village: name it", "village")
    if payee != card.person:
        raise Rejected("payee_not_card_holder", "the payee does not hold this card", "payee")
    if payee not in (beneficiary, command.get("household_head")):
        raise Rejected("payee_not_allowed", "the payee must be the beneficiary or the household's head", "payee")
    if command["bank_account"] != card.bank_account:
        raise Rejected("bank_account_mismatch", "not the account registered with the card", "bank_account")
    if is_dead(world, beneficiary, first_day(batch.period)):
        raise Rejected("beneficiary_dead", f"the beneficiary died before {batch.period}", "beneficiary")
    claim.refuse_twice(world, command["batch_id"], batch, beneficiary)


def payee_card(command: Command, world: World, retry_count: int) -> dict[str, object]:
    """Derived fields of a new line."""
    return {
        "line_card_id": command.card_id,
        "card_province": card_of(world, command.card_id).province,
        "retry_count": retry_count,
    }


def stop_line(command: Command, world: World) -> list[Draft]:
    pending_line(world, command["batch_id"], command["line_id"])
    return [Draft("PayoutLineStopped")]


def add_keys(command: Command, world: World) -> Iterable[Name]:
    batch_id, beneficiary, payee = command["batch_id"], command["beneficiary"], command["payee"]
    yield Batch, batch_id
    yield PayoutLine, line_key(batch_id, command["line_id"])
    yield Person, beneficiary
    yield claim.ClaimBeside, claim.beside_key(batch_id, beneficiary)
    yield doubt.PendingLines, payee
    if beneficiary != payee:
        yield doubt.PendingLines, beneficiary


def add_keys_then(command: Command, world: World) -> Iterable[Name]:
    batch = world.get(Batch, command["batch_id"])
    if batch is not None:
        yield claim.ClaimYear, claim.year_key(batch, command["beneficiary"])
    yield from doubt.batches_of(world, command["payee"], command["beneficiary"])


def stop_keys(command: Command, world: World) -> Iterable[Name]:
    yield Batch, command["batch_id"]
    yield PayoutLine, line_key(command["batch_id"], command["line_id"])


def line_keys_then(command: Command, world: World) -> Iterable[Name]:
    """What changes when the line named by a command ends."""
    batch = world.get(Batch, command["batch_id"])
    line = world.get(PayoutLine, line_key(command["batch_id"], command["line_id"]))
    if batch is not None and line is not None:
        yield claim.ClaimYear, claim.year_key(batch, line.beneficiary)
        yield claim.ClaimBeside, claim.beside_key(command["batch_id"], line.beneficiary)


COMMANDS = (
    CommandType(
        "AddPayoutLine",
        "benefit",
        (
            required("batch_id", types.identifier),
            required("line_id", types.identifier),
            required("beneficiary", types.person),
            *PAYEE_FIELDS,
        ),
        add,
        card=True,
        person=True,
        always=True,
        states=Accepts(ALL_BUT_CANCELLED),
        keys=add_keys,
        keys_then=add_keys_then,
    ),
    CommandType(
        "StopLine",
        "benefit",
        (
            required("batch_id", types.identifier),
            required("line_id", types.identifier),
            required("reason", types.one_of("DEATH", "NOT_ELIGIBLE", "OBJECTION", "DUPLICATE", "OTHER")),
        ),
        stop_line,
        keys=stop_keys,
        keys_then=line_keys_then,
    ),
)
EVENTS = (
    EventType("PayoutLineAdded", "benefit", batch_stream, added),
    EventType("PayoutLineStopped", "benefit", batch_stream, stopped),
)
