"""Clearing lines: what one event makes one province owe another (contract 7.1).

A line is a function of its event alone, so the store, the clearing view and `verify` all make the same lines. Positive
lines (SETTLEMENT, WALLET, PASS) share the state of their unit; contra lines (REVERSAL, DEDUCTION) follow the line they
name in `reverses`.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ledger.core.decider import Event

MEDICAL: Final = "MEDICAL"
PASS: Final = "PASS"
CONTRA: Final = ("REVERSAL", "DEDUCTION")
WALLET_INSUTYPE: Final = "310"
NO_INSUTYPE: Final = "-"


class Line(msgspec.Struct, frozen=True):
    """One owed amount. Amounts are signed as they add to the table's columns; `deduction_fen` adds to that column.

    `settlement_id`: of the settlement, spend or pass. `effective_date`: no cut-off of a month that ends before it takes
    the line; for the line that takes back a deduction the later of both dates, else its own.
    """

    position: int
    n: int
    kind: str
    book: str
    home: str
    treatment: str
    insutype: str
    clr_type: str
    amount_fen: int
    unit: str
    settlement_id: str
    business_date: int
    effective_date: int
    occurred_at: int
    institution: str | None
    card_id: str
    total_fen: int = 0
    account_fen: int = 0
    other_fen: int = 0
    deduction_fen: int = 0
    funds: dict[str, int] = {}
    reverses: tuple[int, int] | None = None

    @property
    def fund_fen(self) -> int:
        return sum(self.funds.values())

    @property
    def line_id(self) -> str:
        return f"{self.position}-{self.n}"


def settlement_unit(settlement_id: str) -> str:
    """Key of the unit of a settlement."""
    return f"settlement:{settlement_id}"


def spend_unit(spend_id: str) -> str:
    """Key of the unit of a family-aid spend."""
    return f"spend:{spend_id}"


def pass_unit(pass_id: str) -> str:
    """Key of the unit of a pass whose price was split."""
    return f"pass:{pass_id}"


def lines_for(event_name: str, event: Event, position: int) -> list[Line]:
    """The lines of an event recorded at `position`, in the order of their numbers; most events make none."""
    make = MAKERS.get(event_name)
    return list(make(event, position)) if make else []


def _settled(event: Event, position: int) -> Iterable[Line]:
    return _of_settlement(event, position, "SETTLEMENT", "WALLET", None)


def _reversed(event: Event, position: int) -> Iterable[Line]:
    return _of_settlement(event, position, "REVERSAL", "REVERSAL", event["original_position"])


def _of_settlement(event: Event, position: int, settled: str, wallet: str, original: int | None) -> Iterable[Line]:
    """Lines of a settlement, or of its reversal, whose amounts are negated already."""
    number = 0
    if event["cross_province"]:
        number = 1
        yield Line(
            position=position,
            n=1,
            kind=settled,
            book=MEDICAL,
            home=event["home_province"],
            treatment=event["treatment_province"],
            insutype=event["insutype"],
            clr_type=event["clr_type"],
            amount_fen=event["cleared_fen"],
            unit=settlement_unit(event["settlement_id"]),
            settlement_id=event["settlement_id"],
            business_date=event["business_date"],
            effective_date=event["business_date"],
            occurred_at=event["occurred_at"],
            institution=event["institution"],
            card_id=event["card_id"],
            total_fen=event["total_fen"],
            account_fen=event["cleared_fen"] - sum(event["funds"].values()),
            funds=dict(sorted(event["funds"].items())),
            reverses=None if original is None else (original, 1),
        )
    unit = settlement_unit(event["settlement_id"])
    yield from _of_wallet(event, position, number, wallet, unit, event["settlement_id"], original)


def _spent(event: Event, position: int) -> Iterable[Line]:
    return _of_wallet(event, position, 0, "WALLET", spend_unit(event["spend_id"]), event["spend_id"], None)


def _spend_reversed(event: Event, position: int) -> Iterable[Line]:
    unit, original = spend_unit(event["spend_id"]), event["original_position"]
    return _of_wallet(event, position, 0, "REVERSAL", unit, event["spend_id"], original)


def _of_wallet(
    event: Event, position: int, before: int, kind: str, unit: str, id: str, original: int | None
) -> Iterable[Line]:
    """One line per province whose family aid was used elsewhere; `before`: lines of the event so far."""
    for number, (giver, amount) in enumerate(sorted(event["wallet_cleared"].items()), before + 1):
        yield Line(
            position=position,
            n=number,
            kind=kind,
            book=MEDICAL,
            home=giver,
            treatment=event["treatment_province"],
            insutype=WALLET_INSUTYPE,
            clr_type="WALLET",
            amount_fen=amount,
            unit=unit,
            settlement_id=id,
            business_date=event["business_date"],
            effective_date=event["business_date"],
            occurred_at=event["occurred_at"],
            institution=event["institution"],
            card_id=event["card_id"],
            account_fen=amount,
            reverses=None if original is None else (original, number),
        )


def _deducted(event: Event, position: int) -> Iterable[Line]:
    return _of_deduction(event, position, event["amount_fen"], event["business_date"])


def _deduction_reversed(event: Event, position: int) -> Iterable[Line]:
    effective = max(event["business_date"], event["deducted_on"])
    return _of_deduction(event, position, -event["amount_fen"], effective)


def _of_deduction(event: Event, position: int, deduction: int, effective_date: int) -> Iterable[Line]:
    if event["cross_province"]:
        yield Line(
            position=position,
            n=1,
            kind="DEDUCTION",
            book=MEDICAL,
            home=event["home_province"],
            treatment=event["treatment_province"],
            insutype=event["insutype"],
            clr_type=event["clr_type"],
            amount_fen=-deduction,
            unit=settlement_unit(event["settlement_id"]),
            settlement_id=event["settlement_id"],
            business_date=event["business_date"],
            effective_date=effective_date,
            occurred_at=event["occurred_at"],
            institution=event["institution"],
            card_id=event["card_id"],
            deduction_fen=deduction,
            reverses=(event["original_position"], 1),
        )


def shares_elsewhere(event: Event) -> dict[str, int]:
    """What the seller's province of a pass owes for shares of the price, by province; sums of 0 are left out."""
    sums: dict[str, int] = {}
    for share in event["shares"]:
        if share["province"] != event["seller_province"]:
            sums[share["province"]] = sums.get(share["province"], 0) + share["amount_fen"]
    return {province: amount for province, amount in sorted(sums.items()) if amount}


def _pass_expired(event: Event, position: int) -> Iterable[Line]:
    for number, (province, amount) in enumerate(shares_elsewhere(event).items(), 1):
        yield Line(
            position=position,
            n=number,
            kind=PASS,
            book=PASS,
            home=event["seller_province"],
            treatment=province,
            insutype=NO_INSUTYPE,
            clr_type=PASS,
            amount_fen=amount,
            unit=pass_unit(event["pass_id"]),
            settlement_id=event["pass_id"],
            business_date=event["business_date"],
            effective_date=event["business_date"],
            occurred_at=event["occurred_at"],
            institution=None,
            card_id=event["card_id"],
            other_fen=amount,
        )


MAKERS: Final[dict[str, Callable[[Event, int], Iterable[Line]]]] = {
    "MedicalSettled": _settled,
    "MedicalReversed": _reversed,
    "FamilyAidSpent": _spent,
    "FamilyAidSpendReversed": _spend_reversed,
    "AuditDeducted": _deducted,
    "AuditDeductionReversed": _deduction_reversed,
    "PassExpired": _pass_expired,
}
