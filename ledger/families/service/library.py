"""Libraries: lending an item on the card, taking it back from anyone at any library, fines (contract 6.6, 6.7).

An item has one name in the whole ledger, so a return needs no card: the loan is found by the item and its end recorded
on the borrower's card.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.holder import Card, on_card

# --- facts -----------------------------------------------------------------------------------------------------------


class Loan(Row):
    """A loan_id used. Key: loan_id."""

    kind: ClassVar[str] = "loan"
    card_id: str


class Item(Row):
    """An item ever lent (key: item). `loan_id`: the loan it is out on, None while it is in; the rest is of the last."""

    kind: ClassVar[str] = "library_item"
    loan_id: str | None = None
    card_id: str = ""
    lent_at: int = 0
    due_on: int = 0


class Fine(Row):
    """A fine_id used. Key: fine_id."""

    kind: ClassVar[str] = "fine"
    loan_id: str


# --- evolution -------------------------------------------------------------------------------------------------------


def borrowed(world: World, event: Event, position: int) -> None:
    world.add(event["loan_id"], Loan(event["card_id"]))
    item = world.edit_or_add(Item, event["item"])
    item.loan_id, item.card_id = event["loan_id"], event["card_id"]
    item.lent_at, item.due_on = event["occurred_at"], event["due_on"]


def returned(world: World, event: Event, position: int) -> None:
    world.edit(Item, event["item"]).loan_id = None


def fined(world: World, event: Event, position: int) -> None:
    world.add(event["fine_id"], Fine(event["loan_id"]))


# --- decisions -------------------------------------------------------------------------------------------------------


def borrow(command: Command, world: World) -> list[Draft]:
    if world.get(Loan, command["loan_id"]) is not None:
        raise Rejected("loan_exists", "this loan_id is in use: choose another", "loan_id")
    item = world.get(Item, command["item"])
    if item is not None and item.loan_id is not None:
        raise Rejected("item_on_loan", "the item is out: return it first", "item")
    if command["due_on"] < command.bdate:
        raise Rejected("period_invalid", "due_on must not be earlier than the business date", "due_on")
    return [Draft("ItemBorrowed", card_id=command.card_id)]


def return_item(command: Command, world: World) -> list[Draft]:
    item = world.get(Item, command["item"])
    if item is None or item.loan_id is None:
        raise Rejected("item_not_on_loan", "the item is not out", "item")
    if command.occurred_at < item.lent_at:
        raise Rejected("before_loan", "occurred_at is before that of the loan", "occurred_at")
    derived = {"loan_id": item.loan_id, "overdue_days": max(0, command.bdate - item.due_on)}
    return [Draft("ItemReturned", derived, item.card_id)]


def charge(command: Command, world: World) -> list[Draft]:
    if world.get(Fine, command["fine_id"]) is not None:
        raise Rejected("fine_exists", "this fine_id is in use: choose another", "fine_id")
    loan = world.get(Loan, command["loan_id"])
    if loan is None or loan.card_id != command.card_id:
        raise Rejected("loan_unknown", "no such loan on this card", "loan_id")
    return [Draft("FineCharged", card_id=command.card_id)]


def keys_of_loan(command: Command, world: World) -> Iterable[Name]:
    yield Loan, command["loan_id"]
    yield Item, command["item"]


def keys_of_return(command: Command, world: World) -> Iterable[Name]:
    yield Item, command["item"]


def keys_of_return_then(command: Command, world: World) -> Iterable[Name]:
    """The borrower's card."""
    item = world.get(Item, command["item"])
    if item is not None and item.loan_id is not None:
        yield Card, item.card_id


def keys_of_fine(command: Command, world: World) -> Iterable[Name]:
    yield Fine, command["fine_id"]
    yield Loan, command["loan_id"]


# --- postings --------------------------------------------------------------------------------------------------------


def post_fine(event: Event) -> Iterable[Posting]:
    yield f"library:{event['library']}", event["amount_fen"]
    yield f"cash:{event['library']}", -event["amount_fen"]


LIBRARY: Final = (required("library", types.identifier), required("library_area", types.area))
ITEM: Final = required("item", types.identifier)
COMMANDS: Final = (
    CommandType(
        "BorrowItem",
        "service",
        (required("loan_id", types.identifier), *LIBRARY, ITEM, required("due_on", types.day)),
        borrow,
        card=True,
        use="SERVICE",
        person=True,
        states=IS_ACTIVE,
        keys=keys_of_loan,
    ),
    CommandType(
        "ReturnItem",
        "service",
        (*LIBRARY, ITEM),
        return_item,
        keys=keys_of_return,
        keys_then=keys_of_return_then,
    ),
    CommandType(
        "ChargeFine",
        "service",
        (
            required("fine_id", types.identifier),
            required("loan_id", types.identifier),
            *LIBRARY,
            required("amount_fen", types.amount),
            required("reason", types.one_of("OVERDUE", "DAMAGED", "LOST")),
        ),
        charge,
        card=True,
        person=True,
        keys=keys_of_fine,
    ),
)
EVENTS: Final = (
    EventType("ItemBorrowed", "service", on_card, borrowed),
    EventType("ItemReturned", "service", on_card, returned),
    EventType("FineCharged", "service", on_card, fined, post_fine),
)
