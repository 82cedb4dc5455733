"""Passes, their uses and whose their price became, as the view `passes` has them."""

from collections.abc import Iterator, Mapping
from typing import Any

from ledger.families.service.passes import REFUNDED
from projections.questions.national.marks import Element
from projections.questions.snapshot import Cursor
from projections.questions.summed import Summed
from projections.questions.things import Things
from projections.views.business.passes import (
    PASSES,
    Pass,
    PassRestricted,
    PassVenue,
    ProvincePair,
    Revenue,
    Sales,
    Venue,
)


class Passes:
    """Passes. `where`: state, card_id, product, seller, seller_province; `valid_on`: only those valid on this day."""

    def __init__(
        self, cursor: Cursor, source: str, where: Mapping[str, str | None], valid_on: int | None = None
    ) -> None:
        self._is_dated = valid_on is not None
        least, most = {"valid_to": valid_on}, {"valid_from": valid_on}
        self._things = Things(cursor, source, PASSES, Pass, where, least, most, PassRestricted)

    def rows(self) -> Iterator[Element]:
        return (one for one in self._things.rows() if not (self._is_dated and one["state"] == REFUNDED))

    def rest(self) -> dict[str, Any]:
        return self._things.rest()


class Visits:
    """The venues of one pass: uses and, once it has ended, shares; Unknown if there is no such pass."""

    def __init__(self, cursor: Cursor, source: str, pass_id: str) -> None:
        found = Things(cursor, source, PASSES, Pass, {"pass_id": pass_id})
        (self.found,) = found.of("pass", pass_id, "passes list")
        self._venues = Things(cursor, source, PASSES, PassVenue, {"pass_id": pass_id})

    def rows(self) -> Iterator[Element]:
        return self._venues.rows()

    def rest(self) -> dict[str, Any]:
        return {"pass": self.found, **self._venues.rest()}


def venues(cursor: Cursor, source: str, venue: str | None) -> Summed:
    """What venues saw of passes, ended or not."""
    return Summed(Things(cursor, source, PASSES, Venue, {"venue": venue}), "uses", "share_fen")


def sales(cursor: Cursor, source: str, seller: str | None, product: str | None) -> Summed:
    """What sellers took: price = waiting + refunded + split."""
    found = Things(cursor, source, PASSES, Sales, {"seller": seller, "product": product})
    return Summed(found, "price_fen", "waiting_fen", "refunded_fen", "split_fen")


def revenue(
    cursor: Cursor, source: str, where: Mapping[str, str | None], first: str | None, last: str | None
) -> Summed:
    """Shares by the month the passes ended in. `where`: seller, seller_province, venue, venue_province."""
    found = Things(cursor, source, PASSES, Revenue, where, {"month": first}, {"month": last})
    return Summed(found, "uses", "share_fen")


def pairs(cursor: Cursor, source: str, seller_province: str | None, venue_province: str | None) -> Summed:
    """What is owed now: the balances of `pass_clearing:...`."""
    where = {"seller_province": seller_province, "venue_province": venue_province}
    return Summed(Things(cursor, source, PASSES, ProvincePair, where), "owed_fen", "remitted_fen", "balance_fen")
