"""Policy money credited to an enterprise's card, straight from a budget line (contract 6.12).

The event belongs to the privacy family of benefits: who may read what people are paid may read this.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.benefit import budget
from ledger.families.benefit.budget import Budget
from ledger.families.card.holder import ALL_BUT_CANCELLED, on_card

# --- facts -----------------------------------------------------------------------------------------------------------


class Grant(Row):
    """A grant_id used. Key: grant_id."""

    kind: ClassVar[str] = "policy_grant"
    card_id: str


# --- evolution -------------------------------------------------------------------------------------------------------


def credited(world: World, event: Event, position: int) -> None:
    world.add(event["grant_id"], Grant(event["card_id"]))
    line = world.edit(Budget, budget.key_of(event))
    line.available -= event["amount_fen"]
    line.paid += event["amount_fen"]


# --- decisions -------------------------------------------------------------------------------------------------------


def credit(command: Command, world: World) -> list[Draft]:
    if world.get(Grant, command["grant_id"]) is not None:
        raise Rejected("grant_exists", "this grant_id is in use: choose another", "grant_id")
    available = budget.available(world, budget.key_of(command))
    if command["amount_fen"] > available:
        raise Rejected("insufficient_budget", f"the budget line has {available} fen available", "amount_fen")
    return [Draft("PolicyFundCredited", card_id=command.card_id)]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Grant, command["grant_id"]
    yield Budget, budget.key_of(command)


# --- postings --------------------------------------------------------------------------------------------------------


def post(event: Event) -> Iterable[Posting]:
    yield f"card:{event['card_id']}:policy_fund", event["amount_fen"]
    yield f"programme:{event['province']}:{event['programme']}", -event["amount_fen"]
    yield from budget.moved(event, "available", "paid", event["amount_fen"])


COMMANDS: Final = (
    CommandType(
        "CreditPolicyFund",
        "service",
        (
            required("grant_id", types.identifier),
            required("province", types.province),
            required("programme", types.identifier),
            required("amount_fen", types.amount),
            required("bank_transaction", types.identifier),
        ),
        credit,
        card=True,
        enterprise=True,
        states=Accepts(ALL_BUT_CANCELLED),
        keys=keys,
    ),
)
EVENTS: Final = (EventType("PolicyFundCredited", "benefit", on_card, credited, post),)
