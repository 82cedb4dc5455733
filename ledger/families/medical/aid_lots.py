"""Family aid received lies in lots, one for each transfer, used first in first out (contract 4.4, 4.7, 4.8).

A card has two purses of lots: aid from its own province and, in the wallet, aid from others. A lot keeps its giver's
province, which owes what is spent elsewhere. Each purse knows what every province's lots hold and where the first of
them that may hold anything stands, so an old card does not read its empty lots again.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

import msgspec

from ledger.core import rows
from ledger.core.rows import Page, Row
from ledger.core.world import Name, World
from ledger.families.card.holder import Card

FAMILY_AID: Final = "FAMILY_AID"
WALLET: Final = "WALLET"
ACCOUNTS: Final = {FAMILY_AID: "family_aid", WALLET: "wallet"}

# --- facts -----------------------------------------------------------------------------------------------------------


class Share(Row):
    """What the lots of one giver's province still hold; none before index `first` holds anything."""

    remaining: int
    first: int


class Purse(Row):
    """Key: card:purse. `shares`: by giver's province."""

    kind: ClassVar[str] = "aid_purse"
    lots: int = 0
    shares: dict[str, Share] = msgspec.field(default_factory=dict)


class Lot(Row):
    transfer_id: str
    province: str
    remaining: int


class Lots(Page):
    """Owner: card:purse. In the order they were received."""

    kind: ClassVar[str] = "aid_lots"
    items: list[Lot]


class Used(Row):
    purse: str
    index: int
    amount_fen: int


class UsedLots(Page):
    """Owner: settlement:<id> or spend:<id>. What it took, to be given back when it is undone."""

    kind: ClassVar[str] = "aid_lots_used"
    items: list[Used]


def owner(card_id: str, purse: str) -> str:
    return f"{card_id}:{purse}"


def account(card_id: str, purse: str) -> str:
    return f"card:{card_id}:{ACCOUNTS[purse]}"


# --- evolution -------------------------------------------------------------------------------------------------------


def move(world: World, card_id: str, purse: str, amount: int) -> None:
    """The card's balance of a purse changes with its lots."""
    card = world.edit(Card, card_id)
    if purse == WALLET:
        card.wallet += amount
    else:
        card.family_aid += amount


def receive(world: World, card_id: str, purse: str, lot: Lot) -> int:
    """A new lot; returns its index."""
    key = owner(card_id, purse)
    found = world.edit_or_add(Purse, key)
    index = found.lots
    rows.append(world, Lots, key, index, lot)
    found.lots += 1
    share = found.shares.setdefault(lot.province, Share(0, index))
    if not share.remaining:
        share.first = index
    share.remaining += lot.remaining
    move(world, card_id, purse, lot.remaining)
    return index


def change(world: World, card_id: str, purse: str, index: int, amount: int) -> Lot:
    """Add to a lot what is given back to it, or take (negative) from it."""
    key = owner(card_id, purse)
    lot: Lot = rows.edit_item(world, Lots, key, index)
    lot.remaining += amount
    share = world.edit(Purse, key).shares[lot.province]
    share.remaining += amount
    share.first = min(share.first, index)
    move(world, card_id, purse, amount)
    return lot


def use(world: World, card_id: str, user: str, lots_used: list[dict[str, Any]]) -> None:
    """Take from lots what an event says it used; `user` remembers."""
    for number, used in enumerate(lots_used):
        purse = used["purse"]
        key = owner(card_id, purse)
        share = world.edit(Purse, key).shares[used["province"]]
        index = share.first
        while rows.item_at(world, Lots, key, index).transfer_id != used["transfer_id"]:
            index += 1
        lot = change(world, card_id, purse, index, -used["amount_fen"])
        share.first = index if lot.remaining else index + 1
        rows.append(world, UsedLots, user, number, Used(purse, index, used["amount_fen"]))


def give_back(world: World, card_id: str, user: str, count: int) -> None:
    """Every lot used gets its amount back."""
    for _, used in rows.scan(world, UsedLots, user, count):
        change(world, card_id, used.purse, used.index, used.amount_fen)


# --- questions -------------------------------------------------------------------------------------------------------


def held(world: World, card_id: str, purse: str, province: str) -> int:
    """What the lots of one giver's province hold."""
    found = world.get(Purse, owner(card_id, purse))
    share = found.shares.get(province) if found else None
    return share.remaining if share else 0


def first_out(world: World, card_id: str, purse: str, amount: int, province: str = "") -> Iterator[dict[str, Any]]:
    """Lots to take `amount` from, in order, each as an event names it; of one giver's province if one is named."""
    key = owner(card_id, purse)
    found = world.get(Purse, key) if amount else None
    if found is None:
        return
    starts = [share.first for name, share in found.shares.items() if province in ("", name) and share.remaining]
    for _, lot in rows.scan(world, Lots, key, found.lots, min(starts, default=found.lots)):
        if not lot.remaining or province not in ("", lot.province):
            continue
        part = min(lot.remaining, amount)
        yield {"transfer_id": lot.transfer_id, "province": lot.province, "purse": purse, "amount_fen": part}
        amount -= part
        if not amount:
            return


def owed_elsewhere(lots_used: Iterable[dict[str, Any]], treatment: str) -> dict[str, int]:
    """What each giver's province other than the treatment province owes it, by province."""
    owed: dict[str, int] = {}
    for used in lots_used:
        if used["province"] != treatment:
            owed[used["province"]] = owed.get(used["province"], 0) + used["amount_fen"]
    return dict(sorted(owed.items()))


def pages_of(world: World, card_id: str, purse: str) -> Iterator[Name]:
    """Pages to read first: where the lots that hold something begin, and where a new one will lie."""
    key = owner(card_id, purse)
    found = world.get(Purse, key)
    if found is not None:
        starts = [share.first for share in found.shares.values() if share.remaining]
        yield Lots, Lots.at(key, min(starts, default=found.lots))
    yield Lots, Lots.at(key, found.lots if found else 0)
