"""Paying a merchant with the card, perhaps with a discount that a programme bears; refunds (contract 6.2, 6.3).

The holder pays by a tender outside the ledger. Refunds may be partial; each part of a payment, the holder's and the
funder's, is given back at most once.
"""

from collections.abc import Iterable
from typing import Any, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, needed_only
from ledger.core.fields import optional, required
from ledger.core.postings import Posting
from ledger.core.provinces import province
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.holder import on_card
from ledger.families.service import merchant_days
from ledger.families.service.payments import (
    MerchantPayment,
    Refund,
    payment_keys,
    refuse_before,
    refuse_used_payment,
    refuse_used_refund,
)

# --- evolution -------------------------------------------------------------------------------------------------------


def paid(world: World, event: Event, position: int) -> None:
    payment = MerchantPayment(
        card_id=event["card_id"],
        occurred_at=event["occurred_at"],
        merchant=event["merchant"],
        merchant_province=province(event["merchant_area"]),
        funder=event["funder"],
        paid=event["paid_fen"],
        discount=event["discount_fen"],
    )
    world.add(event["payment_id"], payment)
    merchant_days.sold(world, event)


def refunded(world: World, event: Event, position: int) -> None:
    world.add(event["refund_id"], Refund(event["payment_id"]))
    payment = world.edit(MerchantPayment, event["payment_id"])
    payment.refunded_paid += event["paid_fen"]
    payment.refunded_discount += event["discount_fen"]
    merchant_days.refunded(world, event)


# --- decisions -------------------------------------------------------------------------------------------------------


def pay(command: Command, world: World) -> list[Draft]:
    refuse_used_payment(command, world)
    if command["price_fen"] != command["paid_fen"] + command["discount_fen"]:
        raise Rejected("payment_not_balanced", "price_fen must be paid_fen + discount_fen", "price_fen")
    return [Draft("MerchantPaid", card_id=command.card_id)]


def refund(command: Command, world: World) -> list[Draft]:
    refuse_used_refund(command, world)
    payment = world.get(MerchantPayment, command["payment_id"])
    if payment is None or payment.card_id != command.card_id:
        raise Rejected("payment_unknown", "no such payment to a merchant on this card", "payment_id")
    if not command["paid_fen"] and not command["discount_fen"]:
        raise Rejected("refund_empty", "paid_fen and discount_fen are both 0: there is nothing to refund", "paid_fen")
    refuse_before(command, payment)
    for field, left in (
        ("paid_fen", payment.paid - payment.refunded_paid),
        ("discount_fen", payment.discount - payment.refunded_discount),
    ):
        if command[field] > left:
            raise Rejected("refund_exceeds_payment", f"{left} fen of this part of the payment are left", field)
    derived = {
        "merchant": payment.merchant,
        "merchant_province": payment.merchant_province,
        "funder": payment.funder,
    }
    return [Draft("MerchantRefunded", derived, command.card_id)]


def _is_discounted(fields: dict[str, Any]) -> bool:
    return bool(fields["discount_fen"])


def keys_of_payment(command: Command, world: World) -> Iterable[Name]:
    yield from payment_keys(command)
    yield from merchant_days.counting_keys(command["merchant"], command.bdate)


def keys_of_refund(command: Command, world: World) -> Iterable[Name]:
    yield MerchantPayment, command["payment_id"]
    yield Refund, command["refund_id"]


def keys_of_refund_then(command: Command, world: World) -> Iterable[Name]:
    payment = world.get(MerchantPayment, command["payment_id"])
    if payment is not None:
        yield from merchant_days.counting_keys(payment.merchant, command.bdate)


# --- postings --------------------------------------------------------------------------------------------------------


def post_payment(event: Event) -> Iterable[Posting]:
    yield f"merchant:{event['merchant']}", event["price_fen"]
    yield f"cash:{event['merchant']}", -event["paid_fen"]
    if event["funder"] is not None:
        yield f"programme:{province(event['merchant_area'])}:{event['funder']}", -event["discount_fen"]


def post_refund(event: Event) -> Iterable[Posting]:
    yield f"cash:{event['merchant']}", event["paid_fen"]
    if event["funder"] is not None:
        yield f"programme:{event['merchant_province']}:{event['funder']}", event["discount_fen"]
    yield f"merchant:{event['merchant']}", -(event["paid_fen"] + event["discount_fen"])


COMMANDS: Final = (
    CommandType(
        "PayMerchant",
        "service",
        (
            required("payment_id", types.identifier),
            required("merchant", types.identifier),
            required("merchant_area", types.area),
            required("price_fen", types.amount),
            required("paid_fen", types.amount0),
            required("discount_fen", types.amount0),
            optional("funder", types.identifier),
        ),
        pay,
        card=True,
        use="SERVICE",
        states=IS_ACTIVE,
        shape=(needed_only("funder", _is_discounted, "of a discount"),),
        keys=keys_of_payment,
    ),
    CommandType(
        "RefundMerchant",
        "service",
        (
            required("refund_id", types.identifier),
            required("payment_id", types.identifier),
            required("paid_fen", types.amount0),
            required("discount_fen", types.amount0),
        ),
        refund,
        card=True,
        always=True,
        keys=keys_of_refund,
        keys_then=keys_of_refund_then,
    ),
)
EVENTS: Final = (
    EventType("MerchantPaid", "service", on_card, paid, post_payment),
    EventType("MerchantRefunded", "service", on_card, refunded, post_refund),
)
