"""Budget lines: what a province may spend on a programme (contract 3.1).

issued = available + frozen + paid at every moment: sending freezes, crediting pays, returning makes available again.
"""

from collections.abc import Iterable
from typing import ClassVar

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import required
from ledger.core.postings import Posting
from ledger.core.rows import Rows, StreamRow
from ledger.core.world import Name, World

# --- facts -----------------------------------------------------------------------------------------------------------


class Budget(StreamRow):
    """A budget line (key: province:programme). `frozen`: in payment at the bank."""

    kind: ClassVar[str] = "budget"
    available: int = 0
    frozen: int = 0
    paid: int = 0


def key_of(fields: Command | Event) -> str:
    """Key of the budget line named by a command or event."""
    return f"{fields['province']}:{fields['programme']}"


def stream(event: Event) -> StreamName:
    return Budget, key_of(event)


# --- evolution -------------------------------------------------------------------------------------------------------


def issued(world: World, event: Event, position: int) -> None:
    world.edit(Budget, key_of(event)).available += event["amount_fen"]


# --- questions -------------------------------------------------------------------------------------------------------


def available(world: Rows, key: str) -> int:
    budget = world.get(Budget, key)
    return budget.available if budget else 0


# --- decisions -------------------------------------------------------------------------------------------------------


def issue(command: Command, world: World) -> list[Draft]:
    return [Draft("BudgetIssued")]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Budget, key_of(command)


# --- postings --------------------------------------------------------------------------------------------------------


def account(event: Event, part: str) -> str:
    """`part`: issued, available, frozen or paid."""
    return f"budget:{event['province']}:{event['programme']}:{part}"


def moved(event: Event, origin: str, target: str, amount: int) -> list[Posting]:
    """From one part of the event's budget line to another."""
    return [(account(event, target), amount), (account(event, origin), -amount)]


def issue_postings(event: Event) -> Iterable[Posting]:
    return moved(event, "issued", "available", event["amount_fen"])


COMMANDS = (
    CommandType(
        "IssueBudget",
        "benefit",
        (
            required("province", types.province),
            required("programme", types.identifier),
            required("amount_fen", types.amount),
            required("document", types.text),
        ),
        issue,
        keys=keys,
    ),
)
EVENTS = (EventType("BudgetIssued", "benefit", stream, issued, issue_postings),)
