"""Family aid spent outside a settlement: a drug or device bought, or an insurance premium (contract 4.8, 4.9).

What is spent in another province than the giver's is owed by the giver's province and cleared like a wallet part of a
bill, but born confirmed: nobody on the treatment side has to agree.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, needed_only
from ledger.core.fields import optional, required
from ledger.core.identity import card_id_of
from ledger.core.postings import Posting, owed
from ledger.core.provinces import province
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE, card_of
from ledger.families.card.holder import on_card
from ledger.families.clearing.units import ALL, Calendar, Unit, edit_unit, open_unit
from ledger.families.medical import aid_lots
from ledger.families.medical.account import card_expected
from ledger.families.medical.aid_lots import FAMILY_AID, WALLET

PURCHASE: Final = "PURCHASE"
PREMIUM: Final = "PREMIUM"

# --- facts -----------------------------------------------------------------------------------------------------------


class Spend(Row):
    """Key: spend_id. `lots`: how many parts of lots it used (aid_lots.UsedLots of `spend:<id>`)."""

    kind: ClassVar[str] = "spend"
    card_id: str
    position: int
    occurred_at: int
    purse: str
    purpose: str
    institution: str | None
    fund_pay_type: str | None
    treatment_province: str
    amount_fen: int
    wallet_cleared: dict[str, int]
    lots: int
    reversed: bool = False


class SpendReversal(Row):
    """A reversal_id used: it can name no spend and no other reversal any more. Key: reversal_id."""

    kind: ClassVar[str] = "spend_reversal"
    spend_id: str


def unit_key(spend_id: str) -> str:
    return f"spend:{spend_id}"


# --- evolution -------------------------------------------------------------------------------------------------------


def spent(world: World, event: Event, position: int) -> None:
    spend_id, cleared, lots_used = event["spend_id"], event["wallet_cleared"], event["lots_used"]
    world.add(
        spend_id,
        Spend(
            card_id=event["card_id"],
            position=position,
            occurred_at=event["occurred_at"],
            purse=event["purse"],
            purpose=event["purpose"],
            institution=event["institution"],
            fund_pay_type=event["fund_pay_type"],
            treatment_province=event["treatment_province"],
            amount_fen=event["amount_fen"],
            wallet_cleared=cleared,
            lots=len(lots_used),
        ),
    )
    aid_lots.use(world, event["card_id"], unit_key(spend_id), lots_used)
    if cleared:
        open_unit(world, unit_key(spend_id), position, event["business_date"], len(cleared), confirmed=True)


def undone(world: World, event: Event, position: int) -> None:
    spend_id = event["spend_id"]
    spend = world.edit(Spend, spend_id)
    spend.reversed = True
    world.add(event["reversal_id"], SpendReversal(spend_id))
    aid_lots.give_back(world, spend.card_id, unit_key(spend_id), spend.lots)
    if spend.wallet_cleared:
        unit = edit_unit(world, unit_key(spend_id), position)
        unit.reversed_at, unit.reversed_on = position, event["business_date"]


# --- decisions -------------------------------------------------------------------------------------------------------


def _bought(fields: dict[str, Any]) -> bool:
    return bool(fields["purpose"] == PURCHASE)


def _insured(fields: dict[str, Any]) -> bool:
    return bool(fields["purpose"] == PREMIUM)


def require_unused(world: World, id: str, field: str) -> None:
    """Spends and their reversals share one id space."""
    if world.get(Spend, id) is not None or world.get(SpendReversal, id) is not None:
        raise Rejected("spend_exists", f"this {field} was used before", field)


def keys(command: Command, world: World) -> Iterator[Name]:
    key = unit_key(command["spend_id"])
    yield Spend, command["spend_id"]
    yield SpendReversal, command["spend_id"]
    yield Unit, key
    yield aid_lots.UsedLots, aid_lots.UsedLots.at(key, 0)
    yield aid_lots.Purse, aid_lots.owner(card_id_of(command["card_sn"]), command["purse"])


def keys_then(command: Command, world: World) -> Iterator[Name]:
    yield from aid_lots.pages_of(world, card_expected(command, world), command["purse"])


def spend(command: Command, world: World) -> list[Draft]:
    require_unused(world, command["spend_id"], "spend_id")
    amount, purse, treatment = command["amount_fen"], command["purse"], province(command["spend_area"])
    card = card_of(world, command.card_id)
    if purse == FAMILY_AID and amount > card.family_aid:
        raise Rejected("insufficient_family_aid", f"family aid holds {card.family_aid} fen", "amount_fen")
    if purse == WALLET and amount > card.wallet:
        raise Rejected("insufficient_wallet", f"the wallet holds {card.wallet} fen", "amount_fen")
    lots_used = list(aid_lots.first_out(world, command.card_id, purse, amount))
    derived = {
        "treatment_province": treatment,
        "lots_used": lots_used,
        "wallet_cleared": aid_lots.owed_elsewhere(lots_used, treatment),
    }
    return [Draft("FamilyAidSpent", derived, command.card_id)]


def keys_of_reversal(command: Command, world: World) -> Iterator[Name]:
    yield Spend, command["spend_id"]
    yield Spend, command["reversal_id"]
    yield SpendReversal, command["reversal_id"]
    yield Unit, unit_key(command["spend_id"])
    yield Calendar, ALL
    yield aid_lots.UsedLots, aid_lots.UsedLots.at(unit_key(command["spend_id"]), 0)


def keys_of_reversal_then(command: Command, world: World) -> Iterator[Name]:
    found = world.get(Spend, command["spend_id"])
    if found is not None:
        yield aid_lots.Purse, aid_lots.owner(found.card_id, found.purse)


def reverse(command: Command, world: World) -> list[Draft]:
    found = world.get(Spend, command["spend_id"])
    if found is None or found.card_id != command.card_id:
        raise Rejected("spend_unknown", "no such spend on this card", "spend_id")
    if found.reversed:
        raise Rejected("spend_reversed", "it was reversed before", "spend_id")
    require_unused(world, command["reversal_id"], "reversal_id")
    if command.occurred_at < found.occurred_at:
        raise Rejected("before_settlement", "occurred_at is before that of the spend", "occurred_at")
    derived = {
        "purse": found.purse,
        "purpose": found.purpose,
        "institution": found.institution,
        "fund_pay_type": found.fund_pay_type,
        "treatment_province": found.treatment_province,
        "amount_fen": -found.amount_fen,
        "wallet_cleared": {giver: -amount for giver, amount in found.wallet_cleared.items()},
        "original_position": found.position,
        "original_occurred_at": found.occurred_at,
    }
    return [Draft("FamilyAidSpendReversed", derived, command.card_id)]


# --- postings --------------------------------------------------------------------------------------------------------


def post(event: Event) -> Iterable[Posting]:
    """Legs of a spend; of its reversal too, whose amounts are the same with the opposite sign."""
    treatment = event["treatment_province"]
    if event["purpose"] == PURCHASE:
        yield f"provider:{event['institution']}", event["amount_fen"]
    else:
        yield f"fund:{treatment}:{event['fund_pay_type']}", event["amount_fen"]
    yield aid_lots.account(event["card_id"], event["purse"]), -event["amount_fen"]
    for giver, amount in event["wallet_cleared"].items():
        yield from owed("", giver, treatment, amount)


COMMANDS: Final = (
    CommandType(
        "SpendFamilyAid",
        "medical",
        (
            required("spend_id", types.identifier),
            required("purse", types.one_of(FAMILY_AID, WALLET)),
            required("purpose", types.one_of(PURCHASE, PREMIUM)),
            required("spend_area", types.area),
            optional("institution", types.identifier),
            optional("fund_pay_type", types.fund_type),
            required("amount_fen", types.amount),
        ),
        spend,
        card=True,
        use="MEDICAL",
        person=True,
        states=IS_ACTIVE,
        shape=(
            needed_only("institution", _bought, "of a PURCHASE"),
            needed_only("fund_pay_type", _insured, "of a PREMIUM"),
        ),
        keys=keys,
        keys_then=keys_then,
    ),
    CommandType(
        "ReverseFamilyAidSpend",
        "medical",
        (required("spend_id", types.identifier), required("reversal_id", types.identifier)),
        reverse,
        card=True,
        always=True,
        keys=keys_of_reversal,
        keys_then=keys_of_reversal_then,
    ),
)
EVENTS: Final = (
    EventType("FamilyAidSpent", "medical", on_card, spent, post),
    EventType("FamilyAidSpendReversed", "medical", on_card, undone, post),
)
