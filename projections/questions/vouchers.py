"""Vouchers, what merchants took of them, and what programmes gave and bore, as the view `vouchers` has them."""

from collections.abc import Iterator, Mapping
from typing import Any

from projections.questions import streams
from projections.questions.national.marks import Element
from projections.questions.snapshot import Cursor
from projections.questions.summed import Summed
from projections.questions.things import Things
from projections.views.business.vouchers import VOUCHERS, Programme, Redemption, Taken, Voucher, VoucherRestricted

SUMS = ("face_fen", "redeemed_fen", "expired_fen", "open_fen")


def vouchers(
    cursor: Cursor, source: str, where: Mapping[str, str | None], valid_on: int | None, ended_by: int | None
) -> Summed:
    """Vouchers. `where`: state, card_id, province, programme; `ended_by`: with this last day or an earlier."""
    bounds = {"valid_to": valid_on}, {"valid_from": valid_on, "valid_to": ended_by}
    return Summed(Things(cursor, source, VOUCHERS, Voucher, where, *bounds, VoucherRestricted), *SUMS)


class Redemptions:
    """The redemptions of one voucher and, beside them, the merchants it names; Unknown if there is no such voucher."""

    def __init__(self, cursor: Cursor, source: str, voucher_id: str) -> None:
        found = Things(cursor, source, VOUCHERS, Voucher, {"voucher_id": voucher_id})
        (self.voucher,) = found.of("voucher", voucher_id, "vouchers list")
        self.merchants = self._named(cursor, source) if self.voucher["merchants"] else []
        self._redemptions = Things(cursor, source, VOUCHERS, Redemption, {"voucher_id": voucher_id})

    def _named(self, cursor: Cursor, source: str) -> list[str]:
        """Read from the event that issued it."""
        (record,) = streams.at_positions(cursor, source, [self.voucher["issued_at_position"]])
        return list(record.event["merchants"])

    def rows(self) -> Iterator[Element]:
        return self._redemptions.rows()

    def rest(self) -> dict[str, Any]:
        return {"voucher": self.voucher, "merchants": self.merchants, **self._redemptions.rest()}


def redemptions(cursor: Cursor, source: str, merchant: str | None, first: int | None, last: int | None) -> Summed:
    """What merchants took, by redemption; days are those of the redemptions."""
    bounds = {"redeemed_on": first}, {"redeemed_on": last}
    return Summed(Things(cursor, source, VOUCHERS, Redemption, {"merchant": merchant}, *bounds), "amount_fen")


def programmes(cursor: Cursor, source: str, province: str | None, programme: str | None) -> Summed:
    """What programmes gave in vouchers and bore of payments."""
    where = {"province": province, "programme": programme}
    figures = ("issued_fen", "redeemed_fen", "expired_fen", "open_fen", "discount_fen")
    return Summed(Things(cursor, source, VOUCHERS, Programme, where), *figures)


def taken(cursor: Cursor, source: str, where: Mapping[str, str | None]) -> Summed:
    """What merchants took of each programme's vouchers. `where`: province, programme, merchant."""
    return Summed(Things(cursor, source, VOUCHERS, Taken, where), "redemptions", "redeemed_fen")
