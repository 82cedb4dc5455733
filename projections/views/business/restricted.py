"""Cards whose holders' data may not be processed any more: lists leave them out, sums keep them (contract 8.3).

Each view that lists things of cards remembers them for itself, so that its answers stand at one position.
"""

from dataclasses import dataclass
from typing import ClassVar

from ledger.core.decider import Event
from projections.views.business.folded import Of, On, Rows
from projections.views.business.rows import Day, FoldedRow, Uuid


class RestrictedCard(FoldedRow):
    """A card that lists leave out. A view's own names its table."""

    key: ClassVar[tuple[str, ...]] = ("card_id",)
    card_id: Uuid
    restricted_on: Day = 0


@dataclass(frozen=True, slots=True)
class _Restricting:
    """Remembers the card."""

    row_type: type[RestrictedCard]

    def __call__(self, rows: Rows, event: Event) -> None:
        rows.edit(self.row_type, event["card_id"]).restricted_on = event["business_date"]


def on_restriction(row_type: type[RestrictedCard]) -> On:
    """What a view does about it."""
    return On("ProcessingRestricted", _Restricting(row_type), Of(row_type, "card_id"))
