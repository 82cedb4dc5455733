"""Payout batches, their lines and the budget lines behind them, as the view `payouts` has them."""

from collections.abc import Iterator
from typing import Any

from projections.questions.national.marks import Element
from projections.questions.snapshot import Cursor
from projections.questions.things import Things
from projections.views.business.payouts import (
    PAYOUTS,
    Batch,
    Budget,
    Objection,
    Offset,
    Overpayment,
    PayoutLine,
    Restricted,
)

BEFORE_PAYMENT = ("OPEN", "PUBLISHED", "APPROVED")
FAILED = ("STOPPED", "STRUCK", "RETURNED")


def budgets(cursor: Cursor, source: str, province: str | None, programme: str | None) -> Things:
    """Budget lines: issued = available + frozen + paid."""
    return Things(cursor, source, PAYOUTS, Budget, {"province": province, "programme": programme})


def batches(cursor: Cursor, source: str, **where: str | None) -> Things:
    """Payout batches. `where`: state, province, programme, period, bank."""
    return Things(cursor, source, PAYOUTS, Batch, where)


class Lines:
    """The lines of one batch, as they are read, and the batch behind them; Unknown if there is no such batch.

    Lines to a restricted card are left out, and stay in the sums of the batch.
    """

    def __init__(self, cursor: Cursor, source: str, batch_id: str, state: str | None = None) -> None:
        (self.batch,) = batches(cursor, source, batch_id=batch_id).of("payout batch", batch_id, "payouts list")
        self._state = state
        self._lines = Things(cursor, source, PAYOUTS, PayoutLine, {"batch_id": batch_id}, without=Restricted)
        self._objections = list(Things(cursor, source, PAYOUTS, Objection, {"batch_id": batch_id}).rows())

    def rows(self) -> Iterator[Element]:
        is_sent = self.batch["state"] not in BEFORE_PAYMENT
        for line in self._lines.rows():
            if is_sent and line["state"] == "PENDING":
                line["state"] = "IN_PAYMENT"
            if self._state in (None, line["state"]):
                yield line

    def rest(self) -> dict[str, Any]:
        """What the document says beside its lines."""
        return {"batch": self.batch, "objections": self._objections, "position": self._lines.position}


class Overpayments:
    """What was paid and must come back. What lines kept back for it counts until they fail."""

    def __init__(self, cursor: Cursor, source: str, card_id: str | None) -> None:
        self._cursor = cursor
        self._things = Things(cursor, source, PAYOUTS, Overpayment, {"card_id": card_id}, without=Restricted)

    def rows(self) -> Iterator[Element]:
        kept = self._kept()
        for one in self._things.rows():
            one["offset_fen"] = kept.get(one["overpayment_id"], 0)
            one["outstanding_fen"] = one["amount_fen"] - one["recovered_fen"] - one["offset_fen"]
            yield one

    def rest(self) -> dict[str, Any]:
        return self._things.rest()

    def _kept(self) -> dict[str, int]:
        """By overpayment."""
        offsets, lines = (PAYOUTS.tables[row_type].name(self._things.version) for row_type in (Offset, PayoutLine))
        self._cursor.execute(
            f"SELECT overpayment_id, sum(o.amount_fen)::bigint FROM {offsets} AS o"
            f" JOIN {lines} AS l USING (source, batch_id, line_id)"
            " WHERE source = %s AND l.state <> ALL(%s) GROUP BY 1",
            (self._things.source, list(FAILED)),
        )
        return dict(self._cursor.fetchall())
