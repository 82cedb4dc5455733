"""What the city that issued a card owes the city it was used in (contract sections 1 and 5).

The balance of `transit_clearing:<issue>:<use>` is kept as a row because a remittance may not exceed it (7.9).
"""

from collections.abc import Iterable
from typing import ClassVar

from ledger.core.postings import Posting, owed
from ledger.core.provinces import MUNICIPALITIES, city, province
from ledger.core.rows import Row, Rows
from ledger.core.world import World

# --- facts -----------------------------------------------------------------------------------------------------------


class CityPair(Row):
    """Key: issue_city:use_city."""

    kind: ClassVar[str] = "transit_pair"
    balance: int = 0


# --- evolution -------------------------------------------------------------------------------------------------------


def move(world: World, issue_city: str, use_city: str, amount: int) -> None:
    """The issuing city owes `amount` more; less if it is negative."""
    if amount:
        world.edit_or_add(CityPair, pair_key(issue_city, use_city)).balance += amount


# --- questions -------------------------------------------------------------------------------------------------------


def pair_key(issue_city: str, use_city: str) -> str:
    return f"{issue_city}:{use_city}"


def pair_balance(world: Rows, issue_city: str, use_city: str) -> int:
    """What the issuing city owes now: the balance of `transit_clearing:<issue_city>:<use_city>`."""
    pair = world.get(CityPair, pair_key(issue_city, use_city))
    return pair.balance if pair else 0


def is_inter_city(issuing_area: str, operating_area: str) -> bool:
    """Whether a fare makes an obligation: not within a municipality, nor where only the province is told."""
    if city(issuing_area) == city(operating_area):
        return False
    if province(issuing_area) != province(operating_area):
        return True
    whole_province = issuing_area.endswith("0000") or operating_area.endswith("0000")
    return province(issuing_area) not in MUNICIPALITIES and not whole_province


# --- postings --------------------------------------------------------------------------------------------------------


def charge(
    card_id: str, operator: str, issue_city: str, use_city: str, inter_city: bool, due: int, paid: int
) -> Iterable[Posting]:
    """A fare: the operator earns it; the purse pays its part, local finance the rest (5.2)."""
    yield f"operator:{operator}", due
    yield f"card:{card_id}:transit_purse", -paid
    yield f"subsidy:{province(use_city)}", paid - due
    if inter_city:
        yield from owed("transit_", issue_city, use_city, paid)
