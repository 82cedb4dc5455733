"""How a card_sn comes to a card: a first card for a person or an enterprise, a new one for an old (2.1, 2.2, 2.7).

A holder has one live card. A replacement changes the number people type, not the relationship: the card, its purses and
what was granted on it stay, while taps of the retired chip are judged as if its retirement were one more blocked state.
"""

from collections.abc import Iterable
from typing import Final

from ledger.core import fields as types
from ledger.core.calendar import full_years
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType, both_or_neither
from ledger.core.fields import optional, required
from ledger.core.identity import card_id_of
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.card import electronic
from ledger.families.card.holder import (
    ACTIVE,
    FORMAL_LOSS,
    ISSUED,
    LOCKED,
    TEMPORARY_LOSS,
    Card,
    CardSn,
    Enterprise,
    Person,
    card_id_named,
    enter,
    keys_of_card_sn,
    next_span,
    next_span_named,
    on_card,
)

# --- evolution -------------------------------------------------------------------------------------------------------


def card_issued(world: World, event: Event, position: int) -> None:
    _open(world, event, "PERSON", event["person_key"])
    person = world.edit_or_add(Person, event["person_key"])
    world.edit(Card, event["card_id"]).previous_card = person.last_card
    person.live_card = person.last_card = event["card_id"]
    person.cards += 1
    person.died_on = None


def enterprise_card_issued(world: World, event: Event, position: int) -> None:
    _open(world, event, "ORGANISATION", event["credit_code"])
    world.edit_or_add(Enterprise, event["credit_code"]).live_card = event["card_id"]


def _open(world: World, event: Event, holder: str, person: str) -> None:
    card_id, since = event["card_id"], event["occurred_at"]
    card = world.edit(Card, card_id)
    card.holder = holder
    card.person = person
    card.card_sn = event["card_sn"]
    card.issuing_area = event["issuing_area"]
    card.bank = event["bank"]
    card.bank_account = event["bank_account"]
    card.sn_since = card.life_instant = since
    enter(world, card_id, ISSUED, since)


def replaced(world: World, event: Event, position: int) -> None:
    card_id, since = event["card_id"], event["occurred_at"]
    card = world.edit(Card, card_id)
    old_key = world.keyring.card_sn(card.card_sn)
    if card_id == card_id_of(card.card_sn):
        world.add(old_key, CardSn(card_id, card.sn_since))
    old = world.edit(CardSn, old_key)
    old.retired_at = since
    run = card.span.run_reaching(since)
    old.blocked_since = since if run is None else run
    old.highest_counter = card.highest_counter
    world.add(world.keyring.card_sn(event["new_card_sn"]), CardSn(card_id, since))
    card.card_sn = event["new_card_sn"]
    card.highest_counter = 0
    card.sn_since = card.life_instant = since
    if event["bank_account"] is not None:
        card.bank, card.bank_account = event["bank"], event["bank_account"]
        card.bank_active = card.bank_loss_reported = False
    enter(world, card_id, ACTIVE, since)
    electronic.revoked(world, event, position)


# --- decisions -------------------------------------------------------------------------------------------------------


def refuse_known_card_sn(command: Command, world: World) -> None:
    """Stage 4 of a first card: its card_sn was never recorded, retired ones included."""
    if card_id_named(world, command["card_sn"], command.sn_key) is not None:
        raise Rejected("card_sn_exists", "this card_sn was recorded before", "card_sn")


def refuse_expired(command: Command) -> None:
    if command["expires_on"] <= command.bdate:
        raise Rejected("period_invalid", "expires_on must be later than the business date", "expires_on")


def issue(command: Command, world: World) -> list[Draft]:
    refuse_expired(command)
    person = world.get(Person, command["social_security_number"])
    if person is not None and person.live_card is not None:
        raise Rejected(
            "person_has_live_card",
            "this person holds a card that is not cancelled: one live card per person",
            "social_security_number",
        )
    card_sn, guardian = command["card_sn"], command.get("guardian")
    adult = world.config.value("card.guardian_below_age", command.bdate, card_sn[:2])
    born = types.birth_date(command.births["social_security_number"])
    if guardian is None and full_years(born, command.bdate) < adult:
        raise Rejected("guardian_required", f"a holder below {adult} needs a guardian", "guardian")
    if guardian == command["social_security_number"]:
        raise Rejected("guardian_is_holder", "nobody is the own guardian", "guardian")
    return [Draft("CardIssued", {"issuing_area": card_sn[:6]}, card_id_of(card_sn))]


def issue_to_enterprise(command: Command, world: World) -> list[Draft]:
    refuse_expired(command)
    enterprise = world.get(Enterprise, command["credit_code"])
    if enterprise is not None and enterprise.live_card is not None:
        raise Rejected(
            "enterprise_has_live_card",
            "this enterprise holds a card that is not cancelled: one live card per enterprise",
            "credit_code",
        )
    card_sn = command["card_sn"]
    return [Draft("EnterpriseCardIssued", {"issuing_area": card_sn[:6]}, card_id_of(card_sn))]


def replace(command: Command, world: World) -> list[Draft]:
    card_sn = command["new_card_sn"]
    if card_id_named(world, card_sn, world.keyring.card_sn(card_sn)) is not None:
        raise Rejected("card_sn_exists", "this card_sn was recorded before", "new_card_sn")
    refuse_expired(command)
    return [Draft("CardReplaced", card_id=command.card_id)]


def replaceable(command: Command) -> Accepts:
    if command["reason"] == "LOST":
        return Accepts((FORMAL_LOSS,), {ACTIVE: "card_not_lost", TEMPORARY_LOSS: "card_not_formally_lost"})
    return Accepts((ACTIVE, LOCKED))


def keys_of_issue(command: Command, world: World) -> Iterable[Name]:
    yield from keys_of_card_sn(command["card_sn"], command.sn_key)
    yield next_span(card_id_of(command["card_sn"]), 0)
    if command.type is ISSUE_CARD:
        yield Person, command["social_security_number"]
    else:
        yield Enterprise, command["credit_code"]


def keys_of_replacement(command: Command, world: World) -> Iterable[Name]:
    card_sn = command["new_card_sn"]
    yield from keys_of_card_sn(card_sn, world.keyring.card_sn(card_sn))


def keys_then_of_replacement(command: Command, world: World) -> Iterable[Name]:
    yield from electronic.last_interval(command, world)
    yield from next_span_named(command, world)


CARD_SN: Final = required("card_sn", types.card_sn)
CARD_NUMBER: Final = required("card_number", types.card_number)
BANK: Final = (required("bank", types.identifier), required("bank_account", types.digest))
EXPIRES_ON: Final = required("expires_on", types.day)
REASONS: Final = types.one_of("LOST", "DAMAGED", "EXPIRED", "DATA_CHANGE")
ISSUE_CARD: Final = CommandType(
    "IssueCard",
    "card",
    (
        CARD_SN,
        CARD_NUMBER,
        required("social_security_number", types.person, "person_key"),
        *BANK,
        EXPIRES_ON,
        optional("guardian", types.person),
    ),
    issue,
    stage_four=refuse_known_card_sn,
    keys=keys_of_issue,
)
COMMANDS: Final = (
    ISSUE_CARD,
    CommandType(
        "IssueEnterpriseCard",
        "card",
        (CARD_SN, CARD_NUMBER, *BANK, EXPIRES_ON, required("credit_code", types.credit_code)),
        issue_to_enterprise,
        stage_four=refuse_known_card_sn,
        keys=keys_of_issue,
    ),
    CommandType(
        "ReplaceCard",
        "card",
        (
            required("new_card_sn", types.card_sn),
            required("new_card_number", types.card_number),
            EXPIRES_ON,
            required("reason", REASONS),
            optional("bank", types.identifier),
            optional("bank_account", types.digest),
        ),
        replace,
        card=True,
        states=replaceable,
        chain=True,
        electronic_chain=True,
        shape=(both_or_neither("bank", "bank_account"),),
        keys=keys_of_replacement,
        keys_then=keys_then_of_replacement,
    ),
)
EVENTS: Final = (
    EventType("CardIssued", "card", on_card, card_issued),
    EventType("EnterpriseCardIssued", "card", on_card, enterprise_card_issued),
    EventType("CardReplaced", "card", on_card, replaced),
)
