"""What one place owes another by a book of its own, less what was remitted: transit between cities, passes between
provinces (contract section 1 and 7.9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger.core.decider import Event
from projections.views.business.folded import Name, On, Rows
from projections.views.business.rows import FoldedRow


class OwingPair(FoldedRow):
    """Its key names the debtor, then the creditor. balance = owed - remitted: less than 0 where they turn round."""

    charges: int = 0
    owed_fen: int = 0
    remitted_fen: int = 0
    balance_fen: int = 0

    def owe(self, fen: int) -> None:
        self.charges += 1
        self.owed_fen += fen
        self.balance_fen += fen

    def remit(self, fen: int) -> None:
        self.remitted_fen += fen
        self.balance_fen -= fen


@dataclass(frozen=True, slots=True)
class _Remitting:
    """Remittances of one book. A RETURN exchanges payer and payee, so it takes back what it returns."""

    book: str
    pair_type: type[OwingPair]

    def pair_of(self, event: Event) -> Iterable[Name]:
        key: tuple[Any, ...] = event["home"], event["treatment"]
        return ((self.pair_type, key),) if event["book"] == self.book else ()

    def __call__(self, rows: Rows, event: Event) -> None:
        for _, key in self.pair_of(event):
            is_paid = event["payer"] == event["home"]
            rows.edit(self.pair_type, *key).remit(event["amount_fen"] if is_paid else -event["amount_fen"])


def on_remittance(book: str, pair_type: type[OwingPair]) -> On:
    """What a view of what is owed by a book does about remittances."""
    remitting = _Remitting(book, pair_type)
    return On("RemittanceRecorded", remitting, remitting.pair_of)
