"""Ids of payments and refunds: merchants and utilities share both spaces (contract 6.2, 6.3, 6.9)."""

from collections.abc import Iterable
from typing import ClassVar

from ledger.core.decider import Command
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World

# --- facts -----------------------------------------------------------------------------------------------------------


class MerchantPayment(Row):
    """A purchase. Key: payment_id. `refunded_paid`, `refunded_discount`: parts given back so far."""

    kind: ClassVar[str] = "merchant_payment"
    card_id: str
    occurred_at: int
    merchant: str
    merchant_province: str
    funder: str | None
    paid: int
    discount: int
    refunded_paid: int = 0
    refunded_discount: int = 0


class UtilityPayment(Row):
    """A bill paid. Key: payment_id. `bill`: key of its bill."""

    kind: ClassVar[str] = "utility_payment"
    card_id: str
    occurred_at: int
    utility: str
    bill: str
    amount: int
    refunded: bool = False


class Refund(Row):
    """A refund_id used. Key: refund_id."""

    kind: ClassVar[str] = "refund"
    payment_id: str


# --- decisions -------------------------------------------------------------------------------------------------------


def refuse_used_payment(command: Command, world: World) -> None:
    payment_id = command["payment_id"]
    if world.get(MerchantPayment, payment_id) is not None or world.get(UtilityPayment, payment_id) is not None:
        raise Rejected("payment_exists", "this payment_id is in use: choose another", "payment_id")


def refuse_used_refund(command: Command, world: World) -> None:
    if world.get(Refund, command["refund_id"]) is not None:
        raise Rejected("refund_exists", "this refund_id is in use: choose another", "refund_id")


def refuse_before(command: Command, payment: MerchantPayment | UtilityPayment) -> None:
    if command.occurred_at < payment.occurred_at:
        raise Rejected("before_payment", "occurred_at is before that of the payment", "occurred_at")


def payment_keys(command: Command) -> Iterable[Name]:
    yield MerchantPayment, command["payment_id"]
    yield UtilityPayment, command["payment_id"]
