"""What a card and an authority to act with it are, for the files of persons and of enterprises (contract section 2).

Events of a card's life do not tell whose it is: a view passes over cards that are not of its kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from ledger.core.decider import Event
from projections.views.business.folded import Of, On, Rows
from projections.views.business.rows import Day, FoldedRow, Hash, Instant, Uuid


class HeldCard(FoldedRow):
    """A card as recorded last. A temporary loss that ran out is one until its expiry is recorded.

    `accesses` are looks into its records that were themselves recorded, `accesses_elsewhere` those of other provinces.
    """

    key: ClassVar[tuple[str, ...]] = ("card_id",)
    card_id: Uuid
    state: str = ""
    issuing_area: str = ""
    bank: str = ""
    issued_on: Day = 0
    expires_on: Day = 0
    social_security_active: bool = False
    bank_active: bool = False
    bank_loss_reported: bool = False
    loss_expires_at: Instant | None = None
    electronic: str = "NONE"
    electronic_level: str | None = None
    replacements: int = 0
    cancelled_on: Day | None = None
    cancelled_for: str | None = None
    died_on: Day | None = None
    restricted_on: Day | None = None
    restricted_for: str | None = None
    accesses: int = 0
    accesses_elsewhere: int = 0


class Authority(FoldedRow):
    """The right of `person` to act with a card in `matters` (words between commas), unless it ended before."""

    key: ClassVar[tuple[str, ...]] = ("delegation_id",)
    delegation_id: str
    card_id: Uuid | None = None
    person: Hash | None = None
    relation: str = ""
    matters: str = ""
    valid_from: Day = 0
    valid_to: Day = 0
    ended_on: Day | None = None


AGENT: Final = "AGENT"
"""What stands for the relation of an enterprise's agent."""

Change = Callable[[HeldCard, Event], None]


# --- a card's life ---------------------------------------------------------------------------------------------------


def issue(card: HeldCard, event: Event) -> None:
    card.state = "ISSUED"
    card.issued_on = event["business_date"]
    for name in ("issuing_area", "bank", "expires_on"):
        setattr(card, name, event[name])


def activated(card: HeldCard, event: Event) -> None:
    if event["application"] == "BANK":
        card.bank_active = True
    else:
        card.social_security_active = True
        _enter(card, "ACTIVE")


def loss_reported(card: HeldCard, event: Event) -> None:
    _enter(card, "TEMPORARY_LOSS" if event["kind"] == "TEMPORARY" else "FORMAL_LOSS")
    card.loss_expires_at = event["loss_expires_at"]
    card.bank_loss_reported = card.bank_loss_reported or event["link_bank"]


def loss_lifted(card: HeldCard, event: Event) -> None:
    _enter(card, "ACTIVE")
    card.bank_loss_reported = False


def active_again(card: HeldCard, event: Event) -> None:
    _enter(card, "ACTIVE")


def locked(card: HeldCard, event: Event) -> None:
    _enter(card, "LOCKED")


def replaced(card: HeldCard, event: Event) -> None:
    _enter(card, "ACTIVE")
    card.replacements += 1
    card.expires_on = event["expires_on"]
    if event["bank_account"] is not None:
        card.bank = event["bank"]
        card.bank_active = card.bank_loss_reported = False
    electronic_revoked(card, event)


def cancelled(card: HeldCard, event: Event) -> None:
    _enter(card, "CANCELLED")
    card.cancelled_on, card.cancelled_for = event["business_date"], event["reason"]
    card.died_on = event["died_on"]
    electronic_revoked(card, event)


def electronic_issued(card: HeldCard, event: Event) -> None:
    card.electronic, card.electronic_level = "IN_FORCE", event["level"]


def electronic_revoked(card: HeldCard, event: Event) -> None:
    if card.electronic == "IN_FORCE":
        card.electronic, card.electronic_level = "REVOKED", None


def restricted(card: HeldCard, event: Event) -> None:
    card.restricted_on, card.restricted_for = event["business_date"], event["reason"]


def accessed(card: HeldCard, event: Event) -> None:
    card.accesses += 1
    card.accesses_elsewhere += event["cross_province"]


def _enter(card: HeldCard, state: str) -> None:
    card.state, card.loss_expires_at = state, None


LIFE: Final[dict[str, Change]] = {
    "CardActivated": activated,
    "CardLossReported": loss_reported,
    "CardLossLifted": loss_lifted,
    "CardTemporaryLossExpired": active_again,
    "CardLocked": locked,
    "CardUnlocked": active_again,
    "CardReplaced": replaced,
    "CardCancelled": cancelled,
    "ElectronicCardIssued": electronic_issued,
    "ElectronicCardRevoked": electronic_revoked,
    "ProcessingRestricted": restricted,
    "AuditAccessed": accessed,
}


@dataclass(frozen=True, slots=True)
class _Living:
    """Changes a card that the view has a row of."""

    row_type: type[HeldCard]
    event: str
    field: str

    def __call__(self, rows: Rows, event: Event) -> None:
        if rows.get(self.row_type, event[self.field]) is not None:
            LIFE[self.event](rows.edit(self.row_type, event[self.field]), event)


def life_of(row_type: type[HeldCard]) -> tuple[On, ...]:
    """What becomes of cards that the view has a row of."""
    fields = {event: "subject_card_id" if event == "AuditAccessed" else "card_id" for event in LIFE}
    return tuple(On(event, _Living(row_type, event, field), Of(row_type, field)) for event, field in fields.items())


# --- authority -------------------------------------------------------------------------------------------------------


def authorise(found: Authority, event: Event, person: str, relation: str) -> None:
    found.person, found.relation = person, relation
    found.matters = ",".join(event["matters"])
    for name in ("card_id", "valid_from", "valid_to"):
        setattr(found, name, event[name])


@dataclass(frozen=True, slots=True)
class _Ending:
    """Ends an authority that the view has a row of."""

    row_type: type[Authority]

    def __call__(self, rows: Rows, event: Event) -> None:
        if rows.get(self.row_type, event["delegation_id"]) is not None:
            rows.edit(self.row_type, event["delegation_id"]).ended_on = event["business_date"]


def end_of(row_type: type[Authority]) -> On:
    """What ends an authority."""
    return On("DelegationEnded", _Ending(row_type), Of(row_type, "delegation_id"))
