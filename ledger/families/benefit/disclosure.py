"""Publishing the roster, objections to it, and approval (contract 3.4 to 3.6)."""

from collections.abc import Iterable
from typing import ClassVar

from ledger.core import fields as types
from ledger.core.calendar import date_text, working_day_after
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.benefit.line import stop
from ledger.families.benefit.payout import (
    APPROVED,
    OPEN,
    PENDING,
    PUBLISHED,
    RURAL_SUBSIDY,
    Batch,
    PayoutLine,
    batch_of,
    batch_stream,
    line_key,
    line_of,
    refuse_empty,
    refuse_other_totals,
    refuse_unless_open,
    refuse_unless_pending,
)

RURAL_DISCLOSURE_DAYS = 7

# --- facts -----------------------------------------------------------------------------------------------------------


class Objection(Row):
    """Key: objection_id."""

    kind: ClassVar[str] = "objection"
    batch_id: str
    line_id: str
    resolved: bool = False


# --- evolution -------------------------------------------------------------------------------------------------------


def published(world: World, event: Event, position: int) -> None:
    batch = world.edit(Batch, event["batch_id"])
    batch.state = PUBLISHED
    batch.published_on = event["business_date"]
    batch.disclosure_days = event["disclosure_days"]


def raised(world: World, event: Event, position: int) -> None:
    world.add(event["objection_id"], Objection(event["batch_id"], event["line_id"]))
    world.edit(Batch, event["batch_id"]).objections_open += 1


def resolved(world: World, event: Event, position: int) -> None:
    """UPHELD stops a pending line; a line stopped before stays as it is."""
    world.edit(Objection, event["objection_id"]).resolved = True
    batch = world.edit(Batch, event["batch_id"])
    batch.objections_open -= 1
    line = world.get(PayoutLine, line_key(event["batch_id"], event["line_id"]))
    if event["outcome"] == "UPHELD" and line is not None and line.state(batch) == PENDING:
        stop(world, event["batch_id"], event["line_id"])


def approved(world: World, event: Event, position: int) -> None:
    world.edit(Batch, event["batch_id"]).state = APPROVED


# --- questions -------------------------------------------------------------------------------------------------------


def days_of_disclosure(world: World, batch: Batch, day: int) -> int:
    """Working days a roster published on `day` stays on display."""
    days: int | None = world.config.value("payout.disclosure_working_days", day, batch.province, batch.programme)
    if days is None:
        return RURAL_DISCLOSURE_DAYS if batch.benefit == RURAL_SUBSIDY else 0
    return days


def end_of_disclosure(world: World, batch: Batch, day: int) -> int:
    """Last day of disclosure by the working calendar in force on `day`."""
    if batch.published_on is None:
        raise LookupError("the batch was never published")
    return working_day_after(batch.published_on, batch.disclosure_days, *world.config.calendar(day))


# --- decisions -------------------------------------------------------------------------------------------------------


def publish(command: Command, world: World) -> list[Draft]:
    batch = batch_of(world, command["batch_id"])
    refuse_unless_open(batch)
    refuse_empty(batch)
    refuse_other_totals(batch)
    return [Draft("RosterPublished", {"disclosure_days": days_of_disclosure(world, batch, command.bdate)})]


def raise_objection(command: Command, world: World) -> list[Draft]:
    batch = batch_of(world, command["batch_id"])
    if batch.state != PUBLISHED:
        raise Rejected("batch_not_published", f"the batch is {batch.state}", "batch_id")
    refuse_unless_pending(batch, line_of(world, command["batch_id"], command["line_id"]))
    if world.get(Objection, command["objection_id"]) is not None:
        raise Rejected("objection_exists", f"objection {command['objection_id']} is recorded already", "objection_id")
    last = end_of_disclosure(world, batch, command.bdate)
    if command.bdate > last:
        raise Rejected("disclosure_over", f"objections were taken until {date_text(last)}", "occurred_at")
    return [Draft("ObjectionRaised")]


def resolve_objection(command: Command, world: World) -> list[Draft]:
    objection = world.get(Objection, command["objection_id"])
    if objection is None:
        raise Rejected("objection_unknown", f"no objection {command['objection_id']} is recorded here", "objection_id")
    if objection.resolved:
        raise Rejected("objection_resolved", "the objection was resolved before", "objection_id")
    return [Draft("ObjectionResolved", {"batch_id": objection.batch_id, "line_id": objection.line_id})]


def approve(command: Command, world: World) -> list[Draft]:
    batch = batch_of(world, command["batch_id"])
    if batch.state != PUBLISHED and (batch.state != OPEN or days_of_disclosure(world, batch, command.bdate)):
        what_to_do = "publish its roster first" if batch.state == OPEN else "it needs no approval any more"
        raise Rejected("batch_not_published", f"the batch is {batch.state}: {what_to_do}", "batch_id")
    refuse_empty(batch)
    refuse_other_totals(batch)
    if batch.state == PUBLISHED and batch.disclosure_days:
        last = end_of_disclosure(world, batch, command.bdate)
        if command.bdate <= last:
            raise Rejected("disclosure_not_over", f"the roster is on display until {date_text(last)}", "occurred_at")
    if batch.objections_open:
        raise Rejected("objection_open", f"{batch.objections_open} objections are unresolved", "batch_id")
    if command.acting_person == batch.maker:
        raise Rejected("approver_is_maker", "who opened the batch may not approve it", "acting_person")
    return [Draft("BatchApproved")]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Batch, command["batch_id"]


def raise_keys(command: Command, world: World) -> Iterable[Name]:
    yield Batch, command["batch_id"]
    yield PayoutLine, line_key(command["batch_id"], command["line_id"])
    yield Objection, command["objection_id"]


def resolve_keys(command: Command, world: World) -> Iterable[Name]:
    yield Objection, command["objection_id"]


def resolve_keys_then(command: Command, world: World) -> Iterable[Name]:
    objection = world.get(Objection, command["objection_id"])
    if objection is not None:
        yield Batch, objection.batch_id
        yield PayoutLine, line_key(objection.batch_id, objection.line_id)


BATCH_ID = required("batch_id", types.identifier)
COMMANDS = (
    CommandType("PublishRoster", "benefit", (BATCH_ID, required("place", types.text)), publish, keys=keys),
    CommandType(
        "RaiseObjection",
        "benefit",
        (
            required("objection_id", types.identifier),
            BATCH_ID,
            required("line_id", types.identifier),
            required("reason", types.text),
        ),
        raise_objection,
        keys=raise_keys,
    ),
    CommandType(
        "ResolveObjection",
        "benefit",
        (
            required("objection_id", types.identifier),
            required("reason", types.text),
            required("outcome", types.one_of("UPHELD", "DISMISSED")),
        ),
        resolve_objection,
        keys=resolve_keys,
        keys_then=resolve_keys_then,
    ),
    # The envelope's acting_person is the approver, so this command requires it.
    CommandType("ApproveBatch", "benefit", (required("acting_person", types.person), BATCH_ID), approve, keys=keys),
)
EVENTS = (
    EventType("RosterPublished", "benefit", batch_stream, published),
    EventType("ObjectionRaised", "benefit", batch_stream, raised),
    EventType("ObjectionResolved", "benefit", batch_stream, resolved),
    EventType("BatchApproved", "benefit", batch_stream, approved),
)
