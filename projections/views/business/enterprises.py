"""enterprises: what an enterprise's file is made of: card, agents, policy funds, uses (contract 2.2, 2.12, 6.12)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from ledger.core.decider import Event
from projections.views.business.cards import AGENT, Authority, HeldCard, authorise, end_of, issue, life_of
from projections.views.business.folded import Folded, Name, Of, On, Rows
from projections.views.business.rows import Day, FoldedRow, Key, Uuid

NAME: Final = "enterprises"


class EnterpriseCard(HeldCard):
    """A card of an enterprise: one that is not cancelled at a time."""

    table: ClassVar[str] = "enterprises_cards"
    indexes: ClassVar[tuple[str, ...]] = ("credit_code",)
    credit_code: str = ""


class Agent(Authority):
    """Who may act with the card of an enterprise."""

    table: ClassVar[str] = "enterprises_agents"
    indexes: ClassVar[tuple[str, ...]] = ("card_id",)


class Grant(FoldedRow):
    """Policy money credited to an enterprise through its card."""

    table: ClassVar[str] = "enterprises_grants"
    key: ClassVar[tuple[str, ...]] = ("grant_id",)
    indexes: ClassVar[tuple[str, ...]] = ("card_id", "province, programme")
    grant_id: str
    card_id: Uuid | None = None
    province: str = ""
    programme: str = ""
    amount_fen: int = 0
    bank_transaction: str = ""
    credited_on: Day = 0


class Use(FoldedRow):
    """What a card of an enterprise was used for: `act` is the event's name, `at` the service, merchant and so on."""

    table: ClassVar[str] = "enterprises_uses"
    key: ClassVar[tuple[str, ...]] = ("card_id", "act", "at")
    card_id: Uuid
    act: str
    at: str
    uses: int = 0
    failures: int = 0
    amount_fen: int = 0
    last_used_on: Day = 0


def issued(rows: Rows, event: Event) -> None:
    card = rows.edit(EnterpriseCard, event["card_id"])
    card.credit_code = event["credit_code"]
    issue(card, event)


def authorised(rows: Rows, event: Event) -> None:
    authorise(rows.edit(Agent, event["delegation_id"]), event, event["agent"], AGENT)


def credited(rows: Rows, event: Event) -> None:
    grant = rows.edit(Grant, event["grant_id"])
    grant.credited_on = event["business_date"]
    for name in ("card_id", "province", "programme", "amount_fen", "bank_transaction"):
        setattr(grant, name, event[name])


# Event -> the field that says where, and the fen it moved.
USES: Final[dict[str, tuple[str, Callable[[Event], int]]]] = {
    "ServiceUsed": ("service_code", lambda event: 0),
    "MerchantPaid": ("merchant", lambda event: event["price_fen"]),
    "MerchantRefunded": ("merchant", lambda event: -event["paid_fen"] - event["discount_fen"]),
    "VenueEntered": ("venue", lambda event: event["price_due_fen"]),
    "UtilityPaid": ("utility", lambda event: event["amount_fen"]),
    "UtilityRefunded": ("utility", lambda event: -event["amount_fen"]),
}


@dataclass(frozen=True, slots=True)
class _Using:
    """Counts uses of cards that are an enterprise's."""

    act: str

    def then(self, rows: Rows, event: Event) -> Iterable[Name]:
        return ((Use, self._key(event)),) if rows.get(EnterpriseCard, event["card_id"]) is not None else ()

    def count(self, rows: Rows, event: Event) -> None:
        if rows.get(EnterpriseCard, event["card_id"]) is None:
            return
        use = rows.edit(Use, *self._key(event))
        use.uses += 1
        use.failures += event.get("result") == "FAILURE"
        use.amount_fen += USES[self.act][1](event)
        use.last_used_on = max(use.last_used_on, event["business_date"])

    def _key(self, event: Event) -> Key:
        return event["card_id"], self.act, event[USES[self.act][0]]


CARD: Final = Of(EnterpriseCard, "card_id")

ENTERPRISES: Final = Folded(
    NAME,
    (EnterpriseCard, Agent, Grant, Use),
    (
        On("EnterpriseCardIssued", issued, CARD),
        *life_of(EnterpriseCard),
        On("AgentAuthorised", authorised, Of(Agent, "delegation_id")),
        end_of(Agent),
        On("PolicyFundCredited", credited, Of(Grant, "grant_id")),
        *(On(act, using.count, CARD, using.then) for act, using in zip(USES, map(_Using, USES), strict=True)),
    ),
)
