"""Bills of utilities: each bill is paid once, by any card, until its payment is given back (contract 6.9)."""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.postings import Posting, mirrored
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.holder import on_card
from ledger.families.service.payments import (
    Refund,
    UtilityPayment,
    payment_keys,
    refuse_before,
    refuse_used_payment,
    refuse_used_refund,
)

# --- facts -----------------------------------------------------------------------------------------------------------


class Bill(Row):
    """A bill ever paid. Key: utility:account_hash:month. `is_paid`: by a payment that was not given back."""

    kind: ClassVar[str] = "utility_bill"
    is_paid: bool = False


def bill_key(fields: Command | Event) -> str:
    return f"{fields['utility']}:{fields['account_hash']}:{fields['bill_month']}"


# --- evolution -------------------------------------------------------------------------------------------------------


def paid(world: World, event: Event, position: int) -> None:
    bill = bill_key(event)
    payment = UtilityPayment(event["card_id"], event["occurred_at"], event["utility"], bill, event["amount_fen"])
    world.add(event["payment_id"], payment)
    world.edit_or_add(Bill, bill).is_paid = True


def refunded(world: World, event: Event, position: int) -> None:
    world.add(event["refund_id"], Refund(event["payment_id"]))
    payment = world.edit(UtilityPayment, event["payment_id"])
    payment.refunded = True
    world.edit(Bill, payment.bill).is_paid = False


# --- decisions -------------------------------------------------------------------------------------------------------


def pay(command: Command, world: World) -> list[Draft]:
    refuse_used_payment(command, world)
    bill = world.get(Bill, bill_key(command))
    if bill is not None and bill.is_paid:
        raise Rejected("bill_already_paid", "this month's bill of the account is paid", "bill_month")
    return [Draft("UtilityPaid", card_id=command.card_id)]


def refund(command: Command, world: World) -> list[Draft]:
    refuse_used_refund(command, world)
    payment = world.get(UtilityPayment, command["payment_id"])
    if payment is None or payment.card_id != command.card_id:
        raise Rejected("payment_unknown", "no such payment of a utility's bill on this card", "payment_id")
    if payment.refunded:
        raise Rejected("payment_refunded", "the payment was given back before", "payment_id")
    refuse_before(command, payment)
    derived = {"utility": payment.utility, "amount_fen": payment.amount}
    return [Draft("UtilityRefunded", derived, command.card_id)]


def keys_of_payment(command: Command, world: World) -> Iterable[Name]:
    yield from payment_keys(command)
    yield Bill, bill_key(command)


def keys_of_refund(command: Command, world: World) -> Iterable[Name]:
    yield UtilityPayment, command["payment_id"]
    yield Refund, command["refund_id"]


def keys_of_refund_then(command: Command, world: World) -> Iterable[Name]:
    payment = world.get(UtilityPayment, command["payment_id"])
    if payment is not None:
        yield Bill, payment.bill


# --- postings --------------------------------------------------------------------------------------------------------


def post_payment(event: Event) -> list[Posting]:
    return [(f"utility:{event['utility']}", event["amount_fen"]), (f"cash:{event['utility']}", -event["amount_fen"])]


def post_refund(event: Event) -> list[Posting]:
    return mirrored(post_payment(event))


COMMANDS: Final = (
    CommandType(
        "PayUtility",
        "service",
        (
            required("payment_id", types.identifier),
            required("utility", types.identifier),
            required("utility_area", types.area),
            required("account_hash", types.digest),
            required("bill_month", types.month),
            required("amount_fen", types.amount),
        ),
        pay,
        card=True,
        use="SERVICE",
        states=IS_ACTIVE,
        keys=keys_of_payment,
    ),
    CommandType(
        "RefundUtility",
        "service",
        (required("payment_id", types.identifier), required("refund_id", types.identifier)),
        refund,
        card=True,
        always=True,
        keys=keys_of_refund,
        keys_then=keys_of_refund_then,
    ),
)
EVENTS: Final = (
    EventType("UtilityPaid", "service", on_card, paid, post_payment),
    EventType("UtilityRefunded", "service", on_card, refunded, post_refund),
)
