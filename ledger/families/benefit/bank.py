"""The agent bank: a batch is sent, and for every line the bank credits the payee or returns the money (3.8 to 3.10).

What the bank reports is recorded whatever the card's state: it is a fact.
"""

from collections.abc import Iterable

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.benefit import budget, doubt
from ledger.families.benefit.budget import Budget
from ledger.families.benefit.line import end, line_keys_then
from ledger.families.benefit.payout import (
    APPROVED,
    IN_PAYMENT,
    PAID,
    RETURNED,
    SENT,
    Batch,
    PayoutLine,
    batch_of,
    batch_stream,
    line_key,
    line_of,
    refuse_empty,
)
from ledger.families.card.holder import Card, card_of, on_card

# --- evolution -------------------------------------------------------------------------------------------------------


def sent(world: World, event: Event, position: int) -> None:
    world.edit(Batch, event["batch_id"]).state = SENT
    line = world.edit(Budget, budget.key_of(event))
    line.available -= event["gross_fen"]
    line.frozen += event["gross_fen"]


def credited(world: World, event: Event, position: int) -> None:
    gross = event["gross_fen"]
    world.edit(PayoutLine, line_key(event["batch_id"], event["line_id"])).outcome = PAID
    batch = world.edit(Batch, event["batch_id"])
    batch.paid_count += 1
    batch.paid_fen += gross
    line = world.edit(Budget, budget.key_of(event))
    line.frozen -= gross
    line.paid += gross
    card = world.edit(Card, event["card_id"])
    card.benefits += gross
    card.recovery -= event["offset_fen"]


def returned(world: World, event: Event, position: int) -> None:
    gross = event["gross_fen"]
    batch, _ = end(world, event["batch_id"], event["line_id"], RETURNED)
    batch.returned_count += 1
    batch.returned_fen += gross
    line = world.edit(Budget, budget.key_of(event))
    line.available += gross
    if not event["was_paid"]:
        line.frozen -= gross
        return
    line.paid -= gross
    batch.paid_count -= 1
    batch.paid_fen -= gross
    card = world.edit(Card, event["card_id"])
    card.benefits -= gross
    card.recovery += event["offset_fen"]


# --- decisions -------------------------------------------------------------------------------------------------------


def send(command: Command, world: World) -> list[Draft]:
    batch = batch_of(world, command["batch_id"])
    if batch.state != APPROVED:
        raise Rejected("batch_not_approved", f"the batch is {batch.state}", "batch_id")
    refuse_empty(batch)
    gone = doubt.first_gone(world, command["batch_id"], command.occurred_at)
    if gone is not None:
        raise Rejected(
            "line_card_cancelled",
            f"line {gone}: its card is cancelled or its beneficiary dead, stop it first",
            "line_id",
        )
    available = budget.available(world, batch.budget)
    if available < batch.live_fen:
        raise Rejected(
            "insufficient_budget", f"{available} fen are available, {batch.live_fen} are to be paid", "batch_id"
        )
    derived = {
        "gross_fen": batch.live_fen,
        "net_fen": batch.net_fen,
        "line_count": batch.live_count,
        "province": batch.province,
        "programme": batch.programme,
        "bank": batch.bank,
    }
    return [Draft("BatchSent", derived)]


def credit(command: Command, world: World) -> list[Draft]:
    batch = batch_of(world, command["batch_id"])
    line = line_of(world, command["batch_id"], command["line_id"])
    state = line.state(batch)
    if state != IN_PAYMENT:
        raise Rejected("line_not_in_payment", f"the line is {state}", "line_id")
    if command["amount_fen"] != line.net_fen:
        raise Rejected("amount_differs", f"the line's net amount is {line.net_fen} fen", "amount_fen")
    derived = {
        "province": batch.province,
        "card_province": card_of(world, line.card_id).province,
        "programme": batch.programme,
        "kind": batch.benefit,
        "period": batch.period,
        "beneficiary": line.beneficiary,
        "gross_fen": line.amount_fen,
        "offset_fen": line.offset_fen,
        "bank": batch.bank,
    }
    return [Draft("BenefitCredited", derived, card_id=line.card_id)]


def return_benefit(command: Command, world: World) -> list[Draft]:
    batch = batch_of(world, command["batch_id"])
    line = line_of(world, command["batch_id"], command["line_id"])
    state = line.state(batch)
    if state not in (IN_PAYMENT, PAID):
        raise Rejected("line_not_in_payment", f"the line is {state}", "line_id")
    if line.overpaid_fen:
        raise Rejected("line_has_overpayment", "an overpayment was found on it: recover it instead", "line_id")
    derived = {
        "was_paid": state == PAID,
        "gross_fen": line.amount_fen,
        "offset_fen": line.offset_fen,
        "province": batch.province,
        "programme": batch.programme,
        "bank": batch.bank,
    }
    return [Draft("BenefitReturned", derived, card_id=line.card_id)]


def send_keys(command: Command, world: World) -> Iterable[Name]:
    yield Batch, command["batch_id"]


def send_keys_then(command: Command, world: World) -> Iterable[Name]:
    batch = world.get(Batch, command["batch_id"])
    if batch is not None:
        yield Budget, batch.budget


def bank_keys(command: Command, world: World) -> Iterable[Name]:
    yield Batch, command["batch_id"]
    yield PayoutLine, line_key(command["batch_id"], command["line_id"])


def credit_keys_then(command: Command, world: World) -> Iterable[Name]:
    batch = world.get(Batch, command["batch_id"])
    line = world.get(PayoutLine, line_key(command["batch_id"], command["line_id"]))
    if batch is not None and line is not None:
        yield Budget, batch.budget
        yield Card, line.card_id


def return_keys_then(command: Command, world: World) -> Iterable[Name]:
    yield from credit_keys_then(command, world)
    yield from line_keys_then(command, world)


# --- postings --------------------------------------------------------------------------------------------------------


def programme(event: Event) -> str:
    return f"programme:{event['province']}:{event['programme']}"


def sent_postings(event: Event) -> Iterable[Posting]:
    yield from budget.moved(event, "available", "frozen", event["gross_fen"])
    yield f"bank:{event['bank']}", event["net_fen"]
    yield programme(event), -event["net_fen"]


def credited_postings(event: Event) -> Iterable[Posting]:
    yield f"card:{event['card_id']}:benefits", event["gross_fen"]
    yield f"bank:{event['bank']}", -event["amount_fen"]
    yield f"card:{event['card_id']}:recovery", -event["offset_fen"]
    yield from budget.moved(event, "frozen", "paid", event["gross_fen"])


def returned_postings(event: Event) -> Iterable[Posting]:
    gross, offset = event["gross_fen"], event["offset_fen"]
    yield programme(event), gross - offset
    if event["was_paid"]:
        yield f"card:{event['card_id']}:recovery", offset
        yield f"card:{event['card_id']}:benefits", -gross
        yield from budget.moved(event, "paid", "available", gross)
    else:
        yield f"bank:{event['bank']}", offset - gross
        yield from budget.moved(event, "frozen", "available", gross)


LINE = (required("batch_id", types.identifier), required("line_id", types.identifier))
COMMANDS = (
    CommandType(
        "SendBatch",
        "benefit",
        (required("batch_id", types.identifier), required("application_id", types.identifier)),
        send,
        keys=send_keys,
        keys_then=send_keys_then,
    ),
    CommandType(
        "CreditBenefit",
        "benefit",
        (*LINE, required("amount_fen", types.amount), required("bank_transaction", types.identifier)),
        credit,
        keys=bank_keys,
        keys_then=credit_keys_then,
    ),
    CommandType(
        "ReturnBenefit",
        "benefit",
        (
            *LINE,
            required(
                "reason",
                types.one_of(
                    "NAME_MISMATCH", "ACCOUNT_CLOSED", "ACCOUNT_DORMANT", "WRONG_ACCOUNT", "ID_MISMATCH", "OTHER"
                ),
            ),
            required("bank_transaction", types.identifier),
        ),
        return_benefit,
        keys=bank_keys,
        keys_then=return_keys_then,
    ),
)
EVENTS = (
    EventType("BatchSent", "benefit", batch_stream, sent, sent_postings),
    EventType("BenefitCredited", "benefit", on_card, credited, credited_postings),
    EventType("BenefitReturned", "benefit", on_card, returned, returned_postings),
)
