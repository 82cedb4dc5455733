"""services: what cards were used for, counted for the statistics of regions, and the items that schemes switched on.

Services at counters and halls (contract 6.1) count always, every other act when it belongs to a regional scheme.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from ledger.core.decider import Event
from ledger.core.shape import AREAS_OF_USE
from ledger.families.registry import EVENTS
from projections.views.audit import AMOUNTS
from projections.views.business.folded import Folded, Name, Of, On, Rows
from projections.views.business.rows import Day, FoldedRow, Key

NAME: Final = "services"
SERVICE: Final = "ServiceUsed"
# The second event of an act that is told on two cards.
SECOND: Final = frozenset({"FamilyAidReceived", "FamilyAidRestored"})
AREA_DIGITS: Final = 6
# Its province is the funder's: the command has none, so it was used where the card is from.
OF_THE_CARD: Final = frozenset({"VoucherExpired"})

# What was due or taken back as a whole, where no single field says it: subsidies and discounts are in it, as in prices.
WHOLE: Final[dict[str, Callable[[Event], int]]] = {
    "TransitTapped": lambda event: event["fare_due_fen"] - event["reversed_due_fen"],
    "FareCorrected": lambda event: event["fare_due_fen"] - event["previous_due_fen"],
    "MerchantRefunded": lambda event: event["paid_fen"] + event["discount_fen"],
}


class Uses(FoldedRow):
    """How often a thing was done on a day in the same way at the same place. A key that does not apply is empty.

    `act` is the event's name; `province` is that of use (contract 0.9); `away`: with a card of another province;
    `amount_fen`: sum of the amounts of the acts, with what others bore of them.
    """

    table: ClassVar[str] = "services_uses"
    key: ClassVar[tuple[str, ...]] = (
        "scheme",
        "item",
        "act",
        "day",
        "province",
        "area",
        "code",
        "step",
        "package",
        "channel",
        "result",
    )
    indexes: ClassVar[tuple[str, ...]] = ("day",)
    scheme: str
    item: str
    act: str
    day: Day
    province: str
    area: str
    code: str
    step: str
    package: str
    channel: str
    result: str
    uses: int = 0
    away: int = 0
    amount_fen: int = 0


class Item(FoldedRow):
    """An item of a scheme, switched on in a province for a time; `valid_to` null: until further notice."""

    table: ClassVar[str] = "services_items"
    key: ClassVar[tuple[str, ...]] = ("scheme", "item", "province", "valid_from")
    scheme: str
    item: str
    province: str
    valid_from: Day
    valid_to: Day | None = None
    enabled_on: Day = 0


class Counting:
    """Counts the events of one name."""

    def __init__(self, act: str) -> None:
        self._act = act
        self._amount = WHOLE.get(act, self._named)
        self._places = [name for name in AREAS_OF_USE if name != "province" or act not in OF_THE_CARD]

    def names(self, event: Event) -> Iterable[Name]:
        return ((Uses, self._key(event)),) if self._counts(event) else ()

    def count(self, rows: Rows, event: Event) -> None:
        if not self._counts(event):
            return
        uses = rows.edit(Uses, *self._key(event))
        uses.uses += 1
        uses.away += self._is_away(event, uses.province)
        uses.amount_fen += self._amount(event)

    def _counts(self, event: Event) -> bool:
        return event["scheme"] is not None or self._act == SERVICE

    def _key(self, event: Event) -> Key:
        where = next((event[name] for name in self._places if name in event), "")
        area, province = where if len(where) == AREA_DIGITS else "", where[:2]
        told = (event.get(name) or "" for name in ("service_code", "step", "package_id", "channel", "result"))
        scheme, item = event["scheme"] or "", event["scheme_item"] or ""
        return (scheme, item, self._act, event["business_date"], province, area, *told)

    @staticmethod
    def _named(event: Event) -> int:
        return next((event[name] for name in AMOUNTS if event.get(name) is not None), 0)

    @staticmethod
    def _is_away(event: Event, province: str) -> bool:
        """By the card's province where the event knows it, else by the card_sn that was shown."""
        if "cross_province" in event:
            return bool(event["cross_province"])
        return "card_sn" in event and event["card_sn"][:2] != province


def enabled(rows: Rows, event: Event) -> None:
    item = rows.edit(Item, *_item_key(event))
    item.valid_to, item.enabled_on = event["valid_to"], event["business_date"]


def _item_key(event: Event) -> Key:
    return event["item_scheme"], event["item"], event["province"], event["valid_from"]


COUNTING: Final = {act: Counting(act) for act in sorted(EVENTS) if act not in SECOND}


def enabled_and_counted(rows: Rows, event: Event) -> None:
    """Switching an item on may itself belong to a scheme."""
    enabled(rows, event)
    COUNTING["SchemeItemEnabled"].count(rows, event)


SERVICES: Final = Folded(
    NAME,
    (Uses, Item),
    (
        *(On(act, one.count, one.names) for act, one in COUNTING.items() if act != "SchemeItemEnabled"),
        On("SchemeItemEnabled", enabled_and_counted, Of(Item, "item_scheme", "item", "province", "valid_from")),
    ),
)
