"""Family aid is given from one card to another and, as far as unspent, returned (contract 4.7, 4.10).

Each makes two events, one on each card, over `aid_in_transit` of the giver's province, so that every card's history
stands alone. On the receiver a transfer is a lot (`aid_lots`).
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.decider import Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.identity import card_id_of
from ledger.core.postings import Posting
from ledger.core.provinces import province
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.holder import Card, card_of, on_card
from ledger.families.medical import aid_lots
from ledger.families.medical.account import card_expected, medical_account, require_account
from ledger.families.medical.aid_lots import FAMILY_AID, WALLET, Lot

EMPLOYEE_INSURANCE: Final = "310"

# --- facts -----------------------------------------------------------------------------------------------------------


class Transfer(Row):
    """Key: transfer_id. `index`: of its lot in the receiver's purse."""

    kind: ClassVar[str] = "transfer"
    giver_card_id: str
    receiver_card_id: str
    purse: str
    giver_province: str
    index: int


class WalletTransfers(Row):
    """How many a card gave on one business date (key: card:date). Returns do not lower it."""

    kind: ClassVar[str] = "wallet_transfers"
    count: int = 0


def _day_key(card_id: str, day: int) -> str:
    return f"{card_id}:{day}"


# --- evolution -------------------------------------------------------------------------------------------------------


def transferred(world: World, event: Event, position: int) -> None:
    card_id = event["card_id"]
    world.edit(Card, card_id).medical_account -= event["amount_fen"]
    if event["purse"] == WALLET:
        world.edit_or_add(WalletTransfers, _day_key(card_id, event["business_date"])).count += 1


def received(world: World, event: Event, position: int) -> None:
    lot = Lot(event["transfer_id"], event["giver_province"], event["amount_fen"])
    index = aid_lots.receive(world, event["card_id"], event["purse"], lot)
    world.add(
        event["transfer_id"],
        Transfer(event["giver_card_id"], event["card_id"], event["purse"], event["giver_province"], index),
    )


def returned(world: World, event: Event, position: int) -> None:
    transfer = world.get(Transfer, event["transfer_id"])
    assert transfer is not None
    aid_lots.change(world, event["card_id"], event["purse"], transfer.index, -event["amount_fen"])


def restored(world: World, event: Event, position: int) -> None:
    world.edit(Card, event["card_id"]).medical_account += event["amount_fen"]


# --- decisions -------------------------------------------------------------------------------------------------------


def purse_of(command: Command) -> str:
    """Aid within one province, or the wallet across provinces."""
    return FAMILY_AID if province(command["giver_area"]) == province(command["receiver_area"]) else WALLET


def keys(command: Command, world: World) -> Iterator[Name]:
    yield Transfer, command["transfer_id"]
    yield aid_lots.Purse, aid_lots.owner(card_id_of(command["receiver_card_sn"]), purse_of(command))
    if purse_of(command) == WALLET:
        yield WalletTransfers, _day_key(card_id_of(command["card_sn"]), command.bdate)


def keys_then(command: Command, world: World) -> Iterator[Name]:
    yield from aid_lots.pages_of(world, card_id_of(command["receiver_card_sn"]), purse_of(command))


def transfer(command: Command, world: World) -> list[Draft]:
    amount, purse, giver_province = command["amount_fen"], purse_of(command), province(command["giver_area"])
    if command.card_id == command.other_card_id:
        raise Rejected("same_card", "giver and receiver are one card", "receiver_card_sn")
    if world.get(Transfer, command["transfer_id"]) is not None:
        raise Rejected("transfer_exists", "this transfer_id was used before", "transfer_id")
    if command["giver_insutype"] != EMPLOYEE_INSURANCE:
        raise Rejected("giver_not_employee", "only employees' accounts (310) may be given from", "giver_insutype")
    if purse == WALLET:
        require_within_limits(command, world, giver_province)
    require_account(card_of(world, command.card_id), amount, "amount_fen")
    derived = {"purse": purse, "giver_province": giver_province, "receiver_card_id": command.other_card_id}
    return [
        Draft("FamilyAidTransferred", derived, command.card_id),
        Draft("FamilyAidReceived", {**derived, "giver_card_id": command.card_id}, command.other_card_id),
    ]


def require_within_limits(command: Command, world: World, giver_province: str) -> None:
    """What a giver may send across provinces at once and in a day."""
    most = world.config.value("family_aid.max_transfer_fen", command.bdate, giver_province)
    if command["amount_fen"] > most:
        raise Rejected("transfer_too_large", f"at most {most} fen at once across provinces", "amount_fen")
    limit = world.config.value("family_aid.max_transfers_per_day", command.bdate, giver_province)
    today = world.get(WalletTransfers, _day_key(command.card_id, command.bdate))
    if (today.count if today else 0) >= limit:
        raise Rejected("too_many_transfers_today", f"at most {limit} a day across provinces", "card_sn")


def keys_of_return(command: Command, world: World) -> Iterator[Name]:
    yield Transfer, command["transfer_id"]


def keys_of_return_then(command: Command, world: World) -> Iterator[Name]:
    found = world.get(Transfer, command["transfer_id"])
    if found is not None and found.receiver_card_id == card_expected(command, world):
        owner = aid_lots.owner(found.receiver_card_id, found.purse)
        yield aid_lots.Purse, owner
        yield aid_lots.Lots, aid_lots.Lots.at(owner, found.index)
        yield Card, found.giver_card_id


def give_back(command: Command, world: World) -> list[Draft]:
    found = world.get(Transfer, command["transfer_id"])
    if found is None or found.receiver_card_id != command.card_id:
        raise Rejected("transfer_unknown", "this card received no such transfer", "transfer_id")
    lot: Lot = rows.item_at(world, aid_lots.Lots, aid_lots.owner(command.card_id, found.purse), found.index)
    if command["amount_fen"] > lot.remaining:
        raise Rejected("return_exceeds_unspent", f"{lot.remaining} fen of it are unspent", "amount_fen")
    derived = {
        "purse": found.purse,
        "giver_province": found.giver_province,
        "giver_card_id": found.giver_card_id,
        "receiver_card_id": found.receiver_card_id,
    }
    return [
        Draft("FamilyAidReturned", derived, found.receiver_card_id),
        Draft("FamilyAidRestored", derived, found.giver_card_id),
    ]


# --- postings --------------------------------------------------------------------------------------------------------


def _in_transit(event: Event) -> str:
    return f"aid_in_transit:{event['giver_province']}"


def post_transfer(event: Event) -> Iterable[Posting]:
    yield _in_transit(event), event["amount_fen"]
    yield medical_account(event["card_id"]), -event["amount_fen"]


def post_receipt(event: Event) -> Iterable[Posting]:
    yield aid_lots.account(event["card_id"], event["purse"]), event["amount_fen"]
    yield _in_transit(event), -event["amount_fen"]


def post_return(event: Event) -> Iterable[Posting]:
    yield _in_transit(event), event["amount_fen"]
    yield aid_lots.account(event["card_id"], event["purse"]), -event["amount_fen"]


def post_restoration(event: Event) -> Iterable[Posting]:
    yield medical_account(event["card_id"]), event["amount_fen"]
    yield _in_transit(event), -event["amount_fen"]


RELATIONS: Final = types.one_of("SPOUSE", "PARENT", "CHILD", "SIBLING", "GRANDPARENT", "GRANDCHILD")
COMMANDS: Final = (
    CommandType(
        "TransferFamilyAid",
        "medical",
        (
            required("transfer_id", types.identifier),
            required("receiver_card_sn", types.card_sn),
            required("giver_area", types.area),
            required("receiver_area", types.area),
            required("giver_insutype", types.insutype),
            required("relation", RELATIONS),
            required("amount_fen", types.amount),
        ),
        transfer,
        card=True,
        other_card="receiver_card_sn",
        use="MEDICAL",
        person=True,
        states=IS_ACTIVE,
        keys=keys,
        keys_then=keys_then,
    ),
    CommandType(
        "ReturnFamilyAid",
        "medical",
        (required("transfer_id", types.identifier), required("amount_fen", types.amount)),
        give_back,
        card=True,
        always=True,
        keys=keys_of_return,
        keys_then=keys_of_return_then,
    ),
)
EVENTS: Final = (
    EventType("FamilyAidTransferred", "medical", on_card, transferred, post_transfer),
    EventType("FamilyAidReceived", "medical", on_card, received, post_receipt),
    EventType("FamilyAidReturned", "medical", on_card, returned, post_return),
    EventType("FamilyAidRestored", "medical", on_card, restored, post_restoration),
)
