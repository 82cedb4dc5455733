"""May this card be used for this command at its instant: stages 4 and 5 of every decision (contract 0.7 to 0.9)."""

from collections.abc import Iterable
from typing import Final

from ledger.core.decider import Accepts, Command, CommandType
from ledger.core.identity import card_id_of
from ledger.core.rejection import Rejected
from ledger.core.shape import province_of_use
from ledger.core.world import Name, World
from ledger.families import scheme
from ledger.families.card import delegation, electronic
from ledger.families.card.holder import (
    ACTIVE,
    CANCELLED,
    FORMAL_LOSS,
    ISSUED,
    LOCKED,
    TEMPORARY_LOSS,
    Card,
    CardSn,
    Spans,
    card_id_named,
    card_of,
    keys_of_card_sn,
    state_at,
)

STATE_CODES: Final = {
    ISSUED: ("card_not_activated", "the card was only issued at that instant: activate it first"),
    TEMPORARY_LOSS: ("card_lost", "the card was reported lost at that instant"),
    FORMAL_LOSS: ("card_lost", "the card was reported lost at that instant"),
    LOCKED: ("card_locked", "the card was locked at that instant"),
    CANCELLED: ("card_cancelled", "the card was cancelled at that instant"),
}
# Who does not accept an ACTIVE card says so by a code of its own.
ACTIVE_CODE: Final = ("", "the card was active at that instant")


def keys(command: Command, world: World) -> Iterable[Name]:
    """Rows of the cards a command names; right at once unless a card has been replaced."""
    type, fields = command.type, command.fields
    if type.card:
        card_id = card_id_of(fields["card_sn"])
        yield Card, card_id
        yield CardSn, command.sn_key
        if type.use and command.acting_person is not None:
            actor = delegation.actor_key(card_id, command.acting_person)
            yield delegation.Actor, actor
            yield delegation.Authorisations, delegation.Authorisations.at(actor, 0)
    if type.other_card:
        other = fields[type.other_card]
        yield from keys_of_card_sn(other, world.keyring.card_sn(other))
    if "scheme" in fields:
        yield from scheme.keys(fields["scheme"], fields["scheme_item"], province_of_use(command))


def keys_then(command: Command, world: World) -> Iterable[Name]:
    """Cards under another card_sn than their first; the last page of states for a fact from before the present one."""
    type = command.type
    if not type.card:
        return ()
    behind = _behind(command, world, command["card_sn"], command.sn_key)
    if type.other_card:
        other = command[type.other_card]
        behind += _behind(command, world, other, world.keyring.card_sn(other))
    return behind


def _behind(command: Command, world: World, card_sn: str, sn_key: str) -> tuple[Name, ...]:
    card_id = card_id_named(world, card_sn, sn_key)
    if card_id is None:
        return ()
    card = world.rows.get((Card, card_id))
    if card is None:
        return ((Card, card_id),)
    if isinstance(card, Card) and command.occurred_at < card.span.since:
        return ((Spans, Spans.at(card_id, card.spans - 1)),)
    return ()


def admit(command: Command, world: World) -> None:
    """Stages 4 and 5; fills in the command's card ids."""
    identify(command, world)
    type = command.type
    if type.card:
        card = card_of(world, command.card_id)
        test_order(command, card)
        if type.state_test is not None:
            type.state_test(command, world)
        else:
            test_state(command, world, card)
        if type.use:
            test_use(command, world, card)
    if "scheme" in command.fields:
        test_scheme(command, world)
    test_holder(command, world)


def identify(command: Command, world: World) -> None:
    """Stage 4 of the card, then of the other card."""
    type = command.type
    if type.stage_four is not None:
        type.stage_four(command, world)
    elif type.card:
        command.card_id = find_card(command, world, command["card_sn"], command.sn_key, "card_sn")
        if type.other_card:
            other = command[type.other_card]
            command.other_card_id = find_card(command, world, other, world.keyring.card_sn(other), type.other_card)


def find_card(command: Command, world: World, card_sn: str, sn_key: str, field: str, retired: bool = False) -> str:
    """card_id of a card_sn that was valid at the command's instant; `retired`: also after its retirement."""
    card_id = card_id_named(world, card_sn, sn_key)
    if card_id is None:
        raise Rejected("card_unknown", f"no card {card_sn} is recorded here", field)
    card = card_of(world, card_id)
    old = None if card.card_sn == card_sn else world.get(CardSn, sn_key)
    if command.occurred_at < (card.sn_since if old is None else old.since):
        raise Rejected("before_card_issue", f"{card_sn} was not issued yet at occurred_at", "occurred_at")
    if not retired and old is not None and old.retired_at is not None and command.occurred_at >= old.retired_at:
        raise Rejected("card_sn_retired", f"{card_sn} was replaced by then: use the new card_sn", field)
    if card.restricted and not command.type.always:
        raise Rejected("processing_restricted", "processing of this person's data is restricted", field)
    return card_id


def test_order(command: Command, card: Card) -> None:
    type = command.type
    if type.chain and command.occurred_at < card.life_instant:
        raise Rejected("out_of_order", "earlier than the card's last life-cycle event", "occurred_at")
    if type.electronic_chain and card.electronic_instant is not None and command.occurred_at < card.electronic_instant:
        raise Rejected("out_of_order", "earlier than the last event of the electronic card", "occurred_at")


def test_state(command: Command, world: World, card: Card) -> None:
    states = command.type.states
    if states is None:
        return
    accepts = states if isinstance(states, Accepts) else states(command)
    instant = command.occurred_at
    refuse_state(state_at(world, command.card_id, card, instant), accepts, "card_sn")
    if command.other_card_id:
        other = card_of(world, command.other_card_id)
        refuse_state(state_at(world, command.other_card_id, other, instant), accepts, command.type.other_card)


def refuse_state(state: str | None, accepts: Accepts, field: str) -> None:
    if state is None or state in accepts.states:
        return
    code, message = STATE_CODES.get(state, ACTIVE_CODE)
    if state in accepts.refusals:
        raise Rejected(accepts.refusals[state], message, accepts.field or field)
    raise Rejected(code, message, field)


def test_use(command: Command, world: World, card: Card) -> None:
    """Electronic card and actor (0.9)."""
    if command.get("channel") == "ELECTRONIC_CARD" and not electronic.in_force(
        world, command.card_id, card, command.occurred_at
    ):
        raise Rejected("electronic_card_not_active", "no electronic card was in force at that instant", "channel")
    actor = command.acting_person
    if card.holder == "ORGANISATION" and actor is None:
        raise Rejected("acting_person_required", "an enterprise acts through a named agent", "acting_person")
    if actor is not None and actor != card.person:
        if not delegation.covers(world, command.card_id, actor, command.type.use, command.bdate, command.occurred_at):
            raise Rejected("acting_person_not_authorised", "no delegation covers this act on this day", "acting_person")


def test_scheme(command: Command, world: World) -> None:
    province = province_of_use(command)
    if not scheme.is_enabled(world, command["scheme"], command["scheme_item"], province, command.bdate):
        raise Rejected(
            "scheme_item_not_enabled",
            f"{command['scheme_item']} is not enabled in {province} on that date",
            "scheme_item",
        )


def test_holder(command: Command, world: World) -> None:
    """First check of stage 6: marks *person* and *enterprise*, for every card the command names."""
    type = command.type
    if type.person or type.enterprise:
        if command.card_id:
            refuse_holder(card_of(world, command.card_id), type, "card_sn")
        if command.other_card_id:
            refuse_holder(card_of(world, command.other_card_id), type, type.other_card)


def refuse_holder(card: Card, type: CommandType, field: str) -> None:
    if type.person and card.holder != "PERSON":
        raise Rejected("not_for_enterprise", "this is for personal cards only", field)
    if type.enterprise and card.holder != "ORGANISATION":
        raise Rejected("not_an_enterprise", "this is for enterprise cards only", field)


IS_ACTIVE: Final = Accepts((ACTIVE,))
