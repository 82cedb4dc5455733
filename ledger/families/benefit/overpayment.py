"""Benefits paid wrongly: found on a paid line, recovered by instalments (contract 3.12, 3.13).

Outstanding is what was found less what was recovered and less the offsets standing on live lines.
"""

from collections.abc import Iterable
from typing import ClassVar

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import optional, required
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.rows import Row, Rows
from ledger.core.world import Name, World
from ledger.families.benefit.payout import PAID, Batch, PayoutLine, batch_of, line_key, line_of
from ledger.families.card.holder import Card, on_card

# --- facts -----------------------------------------------------------------------------------------------------------


class Overpayment(Row):
    """Key: overpayment_id. `budget`: province:programme of the line; `offset_fen`: offsets on live lines."""

    kind: ClassVar[str] = "overpayment"
    card_id: str
    beneficiary: str
    budget: str
    found_fen: int
    recovered_fen: int = 0
    offset_fen: int = 0

    @property
    def outstanding_fen(self) -> int:
        return self.found_fen - self.recovered_fen - self.offset_fen


class Recovery(Row):
    """That a recovery_id is in use (key: recovery_id), and for which overpayment."""

    kind: ClassVar[str] = "recovery"
    overpayment_id: str


# --- evolution -------------------------------------------------------------------------------------------------------


def found(world: World, event: Event, position: int) -> None:
    amount = event["amount_fen"]
    line = world.edit(PayoutLine, line_key(event["batch_id"], event["line_id"]))
    line.overpaid_fen += amount
    budget = f"{event['province']}:{event['programme']}"
    world.add(event["overpayment_id"], Overpayment(line.card_id, line.beneficiary, budget, amount))
    card = world.edit(Card, event["card_id"])
    card.benefits -= amount
    card.recovery += amount


def recovered(world: World, event: Event, position: int) -> None:
    world.add(event["recovery_id"], Recovery(event["overpayment_id"]))
    world.edit(Overpayment, event["overpayment_id"]).recovered_fen += event["amount_fen"]
    world.edit(Card, event["card_id"]).recovery -= event["amount_fen"]


# --- questions -------------------------------------------------------------------------------------------------------


def overpayment_of(world: Rows, overpayment_id: str) -> Overpayment:
    """The overpayment a command names, or `overpayment_unknown`."""
    overpayment = world.get(Overpayment, overpayment_id)
    if overpayment is None:
        raise Rejected("overpayment_unknown", f"no overpayment {overpayment_id} is recorded here", "overpayment_id")
    return overpayment


def refuse_above_outstanding(overpayment: Overpayment, amount: int) -> None:
    if amount > overpayment.outstanding_fen:
        raise Rejected(
            "recovery_exceeds_outstanding",
            f"{overpayment.outstanding_fen} fen are still owed and not reserved by offsets",
            "amount_fen",
        )


# --- decisions -------------------------------------------------------------------------------------------------------


def find(command: Command, world: World) -> list[Draft]:
    if world.get(Overpayment, command["overpayment_id"]) is not None:
        raise Rejected(
            "overpayment_exists", f"overpayment {command['overpayment_id']} is recorded already", "overpayment_id"
        )
    batch = batch_of(world, command["batch_id"])
    line = line_of(world, command["batch_id"], command["line_id"])
    if line.outcome != PAID:
        raise Rejected("line_not_paid", f"the line is {line.state(batch)}: only what was paid is overpaid", "line_id")
    if line.overpaid_fen + command["amount_fen"] > line.amount_fen:
        raise Rejected(
            "overpayment_exceeds_paid",
            f"of {line.amount_fen} fen paid {line.overpaid_fen} were found overpaid before",
            "amount_fen",
        )
    return [Draft("OverpaymentFound", {"province": batch.province, "programme": batch.programme}, card_id=line.card_id)]


def recover(command: Command, world: World) -> list[Draft]:
    if world.get(Recovery, command["recovery_id"]) is not None:
        raise Rejected("recovery_exists", f"recovery {command['recovery_id']} is recorded already", "recovery_id")
    overpayment = overpayment_of(world, command["overpayment_id"])
    refuse_above_outstanding(overpayment, command["amount_fen"])
    province, programme = overpayment.budget.split(":")
    derived = {
        "outstanding_fen": overpayment.outstanding_fen - command["amount_fen"],
        "province": province,
        "programme": programme,
    }
    return [Draft("BenefitRecovered", derived, card_id=overpayment.card_id)]


def find_keys(command: Command, world: World) -> Iterable[Name]:
    yield Overpayment, command["overpayment_id"]
    yield Batch, command["batch_id"]
    yield PayoutLine, line_key(command["batch_id"], command["line_id"])


def find_keys_then(command: Command, world: World) -> Iterable[Name]:
    line = world.get(PayoutLine, line_key(command["batch_id"], command["line_id"]))
    if line is not None:
        yield Card, line.card_id


def recover_keys(command: Command, world: World) -> Iterable[Name]:
    yield Recovery, command["recovery_id"]
    yield Overpayment, command["overpayment_id"]


def recover_keys_then(command: Command, world: World) -> Iterable[Name]:
    overpayment = world.get(Overpayment, command["overpayment_id"])
    if overpayment is not None:
        yield Card, overpayment.card_id


# --- postings --------------------------------------------------------------------------------------------------------


def found_postings(event: Event) -> Iterable[Posting]:
    yield f"card:{event['card_id']}:recovery", event["amount_fen"]
    yield f"card:{event['card_id']}:benefits", -event["amount_fen"]


def recovered_postings(event: Event) -> Iterable[Posting]:
    """The money goes back to the fund; the budget line is not restored."""
    yield f"programme:{event['province']}:{event['programme']}", event["amount_fen"]
    yield f"card:{event['card_id']}:recovery", -event["amount_fen"]


COMMANDS = (
    CommandType(
        "FindOverpayment",
        "benefit",
        (
            required("overpayment_id", types.identifier),
            required("batch_id", types.identifier),
            required("line_id", types.identifier),
            required("amount_fen", types.amount),
            required("reason", types.one_of("DEATH", "NOT_ELIGIBLE", "DUPLICATE", "WRONG_AMOUNT")),
            optional("repay_by", types.day),
        ),
        find,
        keys=find_keys,
        keys_then=find_keys_then,
    ),
    CommandType(
        "RecoverBenefit",
        "benefit",
        (
            required("recovery_id", types.identifier),
            required("overpayment_id", types.identifier),
            required("amount_fen", types.amount),
            required("bank_transaction", types.identifier),
        ),
        recover,
        keys=recover_keys,
        keys_then=recover_keys_then,
    ),
)
EVENTS = (
    EventType("OverpaymentFound", "benefit", on_card, found, found_postings),
    EventType("BenefitRecovered", "benefit", on_card, recovered, recovered_postings),
)
