"""persons: what the file of a person is made of: cards, delegations, links of records, erasure (contract 2, 8.2-8.5).

A person is a person key here; whose entitlements and benefits the cards' are stands in the views of these.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core.decider import Event
from projections.views.business.cards import AGENT, Authority, HeldCard, authorise, end_of, issue, life_of
from projections.views.business.folded import Each, Folded, Name, Of, On, Rows
from projections.views.business.rows import Day, FoldedRow, Hash, Uuid

NAME: Final = "persons"


class Person(FoldedRow):
    """Somebody a card was ever issued to."""

    table: ClassVar[str] = "persons_persons"
    key: ClassVar[tuple[str, ...]] = ("person",)
    person: Hash
    cards: int = 0
    erased_on: Day | None = None


class PersonalCard(HeldCard):
    """A card of a person."""

    table: ClassVar[str] = "persons_cards"
    indexes: ClassVar[tuple[str, ...]] = ("person", "guardian")
    person: Hash | None = None
    guardian: Hash | None = None


class EnterpriseCard(FoldedRow):
    """Whose card an agent acts with."""

    table: ClassVar[str] = "persons_enterprise_cards"
    key: ClassVar[tuple[str, ...]] = ("card_id",)
    card_id: Uuid
    credit_code: str = ""


class Delegation(Authority):
    """Given by `giver`, the holder of the card, or by the enterprise of `credit_code` to its agent."""

    table: ClassVar[str] = "persons_delegations"
    indexes: ClassVar[tuple[str, ...]] = ("person", "giver")
    giver: Hash | None = None
    credit_code: str | None = None


class Link(FoldedRow):
    """Two person keys that are said to be one person's, until `ended_on`."""

    table: ClassVar[str] = "persons_links"
    key: ClassVar[tuple[str, ...]] = ("link_id",)
    indexes: ClassVar[tuple[str, ...]] = ("person", "other_person")
    link_id: str
    person: Hash | None = None
    other_person: Hash | None = None
    linked_on: Day = 0
    ended_on: Day | None = None


def issued(rows: Rows, event: Event) -> None:
    card = rows.edit(PersonalCard, event["card_id"])
    card.person, card.guardian = event["person_key"], event["guardian"]
    issue(card, event)
    rows.edit(Person, event["person_key"]).cards += 1


def enterprise_card_issued(rows: Rows, event: Event) -> None:
    rows.edit(EnterpriseCard, event["card_id"]).credit_code = event["credit_code"]


def erased(rows: Rows, event: Event) -> None:
    card = rows.get(PersonalCard, event["card_id"])
    if card is not None:
        rows.edit(Person, card.person).erased_on = event["business_date"]


def _holder(rows: Rows, event: Event) -> Iterable[Name]:
    card = rows.get(PersonalCard, event["card_id"])
    return () if card is None else ((Person, (card.person,)),)


def delegated(rows: Rows, event: Event) -> None:
    card = rows.get(PersonalCard, event["card_id"])
    delegation = rows.edit(Delegation, event["delegation_id"])
    delegation.giver = None if card is None else card.person
    authorise(delegation, event, event["delegate"], event["relation"])


def agent_authorised(rows: Rows, event: Event) -> None:
    card = rows.get(EnterpriseCard, event["card_id"])
    delegation = rows.edit(Delegation, event["delegation_id"])
    delegation.credit_code = None if card is None else card.credit_code
    authorise(delegation, event, event["agent"], AGENT)


def linked(rows: Rows, event: Event) -> None:
    link = rows.edit(Link, event["link_id"])
    link.person, link.other_person, link.linked_on = event["person"], event["other_person"], event["business_date"]


def unlinked(rows: Rows, event: Event) -> None:
    rows.edit(Link, event["link_id"]).ended_on = event["business_date"]


DELEGATION = Of(Delegation, "delegation_id")
LINK = Of(Link, "link_id")

PERSONS: Final = Folded(
    NAME,
    (Person, PersonalCard, EnterpriseCard, Delegation, Link),
    (
        On("CardIssued", issued, Each(Of(PersonalCard, "card_id"), Of(Person, "person_key"))),
        On("EnterpriseCardIssued", enterprise_card_issued, Of(EnterpriseCard, "card_id")),
        *life_of(PersonalCard),
        On("PersonKeyDestroyed", erased, Of(PersonalCard, "card_id"), _holder),
        On("DelegateAuthorised", delegated, Each(DELEGATION, Of(PersonalCard, "card_id"))),
        On("AgentAuthorised", agent_authorised, Each(DELEGATION, Of(EnterpriseCard, "card_id"))),
        end_of(Delegation),
        On("PersonRecordsLinked", linked, LINK),
        On("PersonRecordsUnlinked", unlinked, LINK),
    ),
)
