"""Who may act for a holder: delegates of a person, agents of an enterprise (contract 2.11, 2.12, 0.9).

Both share one space of ids and one index, by card and person, so that a use is checked against the few authorisations
that name its actor. An authorisation counts by its dates even when recorded later; its end counts by its instant.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import Page, Row, Rows
from ledger.core.world import Name, World
from ledger.families.card.holder import ACTIVE, Card, Person, card_id_named, card_of, is_restricted, on_card

# --- facts -----------------------------------------------------------------------------------------------------------


class Authorisation(Row):
    """What one delegation covers; both dates included, ended from `ended_at` on."""

    matters: list[str]
    valid_from: int
    valid_to: int
    ended_at: int | None = None

    def covers(self, matter: str, day: int, instant: int) -> bool:
        return (
            self.valid_from <= day <= self.valid_to
            and (self.ended_at is None or instant < self.ended_at)
            and ("ALL" in self.matters or matter in self.matters)
        )


class Authorisations(Page):
    kind: ClassVar[str] = "authorisations"
    items: list[Authorisation]


class Actor(Row):
    """A person authorised on a card. Key: card_id:person."""

    kind: ClassVar[str] = "actor"
    authorisations: int = 0


class Delegation(Row):
    """Where the delegation of an id (the key) stands: number `index` of its actor."""

    kind: ClassVar[str] = "delegation"
    card_id: str
    person: str
    index: int
    ended: bool = False


# --- evolution -------------------------------------------------------------------------------------------------------


def delegate_authorised(world: World, event: Event, position: int) -> None:
    _authorise(world, event, event["delegate"])


def agent_authorised(world: World, event: Event, position: int) -> None:
    _authorise(world, event, event["agent"])


def _authorise(world: World, event: Event, person: str) -> None:
    owner = actor_key(event["card_id"], person)
    actor = world.edit_or_add(Actor, owner)
    covered = Authorisation(event["matters"], event["valid_from"], event["valid_to"])
    rows.append(world, Authorisations, owner, actor.authorisations, covered)
    world.add(event["delegation_id"], Delegation(event["card_id"], person, actor.authorisations))
    actor.authorisations += 1


def ended(world: World, event: Event, position: int) -> None:
    delegation = world.edit(Delegation, event["delegation_id"])
    delegation.ended = True
    owner = actor_key(delegation.card_id, delegation.person)
    rows.edit_item(world, Authorisations, owner, delegation.index).ended_at = event["occurred_at"]


# --- questions -------------------------------------------------------------------------------------------------------


def actor_key(card_id: str, person: str) -> str:
    return f"{card_id}:{person}"


def covers(world: Rows, card_id: str, person: str, matter: str, day: int, instant: int) -> bool:
    """Whether a delegation on the card lets the person act in a family of matters on a date and instant."""
    owner = actor_key(card_id, person)
    actor = world.get(Actor, owner)
    return actor is not None and any(
        found.covers(matter, day, instant) for _, found in rows.scan(world, Authorisations, owner, actor.authorisations)
    )


# --- decisions -------------------------------------------------------------------------------------------------------


def authorise_delegate(command: Command, world: World) -> list[Draft]:
    _refuse_authorisation(command, world, "delegate")
    if command["delegate"] == card_of(world, command.card_id).person:
        raise Rejected("delegate_is_holder", "the holder needs no delegation", "delegate")
    return [Draft("DelegateAuthorised", card_id=command.card_id)]


def authorise_agent(command: Command, world: World) -> list[Draft]:
    _refuse_authorisation(command, world, "agent")
    return [Draft("AgentAuthorised", card_id=command.card_id)]


def _refuse_authorisation(command: Command, world: World, field: str) -> None:
    if is_restricted(world, command[field]):
        raise Rejected("processing_restricted", f"processing of the {field}'s data is restricted", field)
    if command["valid_from"] > command["valid_to"]:
        raise Rejected("period_invalid", "valid_from must not be later than valid_to", "valid_from")
    if world.get(Delegation, command["delegation_id"]) is not None:
        raise Rejected("delegation_exists", "this delegation_id is in use: choose another", "delegation_id")


def end(command: Command, world: World) -> list[Draft]:
    delegation = world.get(Delegation, command["delegation_id"])
    if delegation is None or delegation.card_id != command.card_id:
        raise Rejected("delegation_unknown", "no such delegation on this card", "delegation_id")
    if delegation.ended:
        raise Rejected("delegation_ended", "this delegation was ended before", "delegation_id")
    return [Draft("DelegationEnded", card_id=command.card_id)]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Delegation, command["delegation_id"]
    for field in ("delegate", "agent"):
        if command.get(field):
            yield Person, command[field]


def keys_then(command: Command, world: World) -> Iterable[Name]:
    """The actor who is authorised or whose authorisation ends, and the restricted card a named person may hold."""
    card_id = card_id_named(world, command["card_sn"], command.sn_key)
    for field in ("delegate", "agent"):
        named = command.get(field)
        if named is not None and card_id is not None:
            owner = actor_key(card_id, named)
            yield Actor, owner
            yield Authorisations, Authorisations.at(owner, 0)
        person = world.get(Person, named) if named is not None else None
        if person is not None and person.last_card is not None:
            yield Card, person.last_card
    delegation = world.get(Delegation, command["delegation_id"])
    if delegation is not None:
        yield Authorisations, Authorisations.at(actor_key(delegation.card_id, delegation.person), delegation.index)


DELEGATION_ID: Final = required("delegation_id", types.identifier)
MATTERS: Final = required("matters", types.list_of(types.one_of("ALL", "CARD", "MEDICAL", "TRANSIT", "SERVICE"), 1, 5))
PERIOD: Final = (required("valid_from", types.day), required("valid_to", types.day))
RELATIONS: Final = types.one_of(
    "SPOUSE", "PARENT", "CHILD", "SIBLING", "GRANDPARENT", "GRANDCHILD", "GUARDIAN", "OTHER"
)  # fmt: skip
COMMANDS: Final = (
    CommandType(
        "AuthoriseDelegate",
        "card",
        (DELEGATION_ID, required("delegate", types.person), required("relation", RELATIONS), MATTERS, *PERIOD),
        authorise_delegate,
        card=True,
        person=True,
        states=Accepts((ACTIVE,)),
        keys=keys,
        keys_then=keys_then,
    ),
    CommandType("EndDelegation", "card", (DELEGATION_ID,), end, card=True, keys=keys, keys_then=keys_then),
    CommandType(
        "AuthoriseAgent",
        "card",
        (DELEGATION_ID, MATTERS, *PERIOD, required("agent", types.person)),
        authorise_agent,
        card=True,
        enterprise=True,
        states=Accepts((ACTIVE,)),
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (
    EventType("DelegateAuthorised", "card", on_card, delegate_authorised),
    EventType("AgentAuthorised", "card", on_card, agent_authorised),
    EventType("DelegationEnded", "card", on_card, ended),
)
