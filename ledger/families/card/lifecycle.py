"""The life of a card after its issue: activation, loss, locks, cancellation (contract 2.3 to 2.6, 2.8, 2.9).

Every command here moves along the table of states in contract section 2; which states it accepts is data, told at the
foot. A temporary loss ends by itself: the timer's event only makes visible what state_at has answered before.
"""

from collections.abc import Callable, Iterable
from typing import Final

from ledger.core import fields as types
from ledger.core.calendar import DAY, start_of, working_day_after
from ledger.core.decider import Accepts, Command, CommandType, Draft, Event, EventType, needed_only
from ledger.core.fields import optional, required
from ledger.core.rejection import Rejected
from ledger.core.world import Name, World
from ledger.families.benefit import doubt
from ledger.families.card import electronic
from ledger.families.card.holder import (
    ACTIVE,
    ALL_BUT_CANCELLED,
    CANCELLED,
    FORMAL_LOSS,
    ISSUED,
    LOCKED,
    TEMPORARY_LOSS,
    Card,
    Enterprise,
    Person,
    card_named,
    card_of,
    enter,
    next_span_named,
    on_card,
    state_at,
)

# --- evolution -------------------------------------------------------------------------------------------------------


def activated(world: World, event: Event, position: int) -> None:
    """The bank's activation sets no state but counts in the life cycle's order."""
    card = world.edit(Card, event["card_id"])
    card.life_instant = event["occurred_at"]
    if event["application"] == "BANK":
        card.bank_active = True
    else:
        card.social_security_active = True
        enter(world, event["card_id"], ACTIVE, event["occurred_at"])


def loss_reported(world: World, event: Event, position: int) -> None:
    card = world.edit(Card, event["card_id"])
    card.life_instant = event["occurred_at"]
    card.bank_loss_reported = card.bank_loss_reported or event["link_bank"]
    state = TEMPORARY_LOSS if event["kind"] == "TEMPORARY" else FORMAL_LOSS
    enter(world, event["card_id"], state, event["occurred_at"], event["loss_expires_at"])


def loss_lifted(world: World, event: Event, position: int) -> None:
    world.edit(Card, event["card_id"]).bank_loss_reported = False
    _move(world, event, ACTIVE, event["occurred_at"])


def loss_expired(world: World, event: Event, position: int) -> None:
    _move(world, event, ACTIVE, event["loss_expires_at"])


def locked(world: World, event: Event, position: int) -> None:
    _move(world, event, LOCKED, event["occurred_at"])


def unlocked(world: World, event: Event, position: int) -> None:
    _move(world, event, ACTIVE, event["occurred_at"])


def cancelled(world: World, event: Event, position: int) -> None:
    _move(world, event, CANCELLED, event["occurred_at"])
    electronic.revoked(world, event, position)
    card = card_of(world, event["card_id"])
    if card.holder == "ORGANISATION":
        world.edit(Enterprise, card.person).live_card = None
    else:
        person = world.edit(Person, card.person)
        if person.live_card == event["card_id"]:
            person.live_card = None
        if person.last_card == event["card_id"]:
            person.died_on = event["died_on"]
        doubt.card_cancelled(world, card.person)


def _move(world: World, event: Event, state: str, effective: int) -> None:
    """An expiry may take effect before a bank activation recorded earlier; the chain's instant never falls."""
    card = world.edit(Card, event["card_id"])
    card.life_instant = max(card.life_instant, effective)
    enter(world, event["card_id"], state, effective)


# --- decisions -------------------------------------------------------------------------------------------------------


def activate(command: Command, world: World) -> list[Draft]:
    if command["application"] == "BANK" and card_of(world, command.card_id).bank_active:
        raise Rejected("application_already_active", "the bank application is active", "application")
    return [Draft("CardActivated", card_id=command.card_id)]


def report_loss(command: Command, world: World) -> list[Draft]:
    expires = loss_expires_at(command, world) if command["kind"] == "TEMPORARY" else None
    return [Draft("CardLossReported", {"loss_expires_at": expires}, command.card_id)]


def loss_expires_at(command: Command, world: World) -> int:
    """End of a temporary loss reported now: so many days of 24 hours, or the end of so many working days."""
    bdate, province = command.bdate, card_of(world, command.card_id).province
    days: int = world.config.value("card.temporary_loss_days", bdate, province)
    if world.config.value("card.temporary_loss_working_days", bdate, province):
        return start_of(working_day_after(bdate, days, *world.config.calendar(bdate)) + 1)
    return command.occurred_at + days * DAY


def lift_loss(command: Command, world: World) -> list[Draft]:
    card = card_of(world, command.card_id)
    formal = state_at(world, command.card_id, card, command.occurred_at) == FORMAL_LOSS
    if formal and not world.config.value("card.formal_loss_liftable", command.bdate, card.province):
        raise Rejected("loss_not_liftable", "this province does not lift formal losses: replace the card", "card_sn")
    return [Draft("CardLossLifted", card_id=command.card_id)]


def expire_temporary_loss(command: Command, world: World) -> list[Draft]:
    span = card_of(world, command.card_id).span
    if span.state != TEMPORARY_LOSS or span.expires is None:
        raise Rejected("card_not_lost", "the card's last state is no temporary loss", "card_sn")
    if command.occurred_at < span.expires:
        raise Rejected("loss_not_expired", "the temporary loss still runs at occurred_at", "occurred_at")
    return [Draft("CardTemporaryLossExpired", {"loss_expires_at": span.expires}, command.card_id)]


def cancel(command: Command, world: World) -> list[Draft]:
    died_on = command.get("died_on")
    if died_on is not None and died_on > command.bdate:
        raise Rejected("period_invalid", "died_on must not be later than the business date", "died_on")
    return [Draft("CardCancelled", card_id=command.card_id)]


def records(event: str) -> Callable[[Command, World], list[Draft]]:
    """For commands with nothing to refuse beyond the card's state."""
    return lambda command, world: [Draft(event, card_id=command.card_id)]


def activatable(command: Command) -> Accepts:
    if command["application"] == "BANK":
        return Accepts((ISSUED, ACTIVE))
    return Accepts((ISSUED,), {ACTIVE: "application_already_active"}, "application")


def losable(command: Command) -> Accepts:
    return Accepts((ACTIVE,) if command["kind"] == "TEMPORARY" else (ACTIVE, TEMPORARY_LOSS))


def rows_of_cancellation(command: Command, world: World) -> Iterable[Name]:
    yield from next_span_named(command, world)
    yield from electronic.last_interval(command, world)
    if (found := card_named(command, world)) is not None:
        card = found[1]
        yield (Person if card.holder == "PERSON" else Enterprise), card.person
        yield doubt.PendingLines, card.person


COMMANDS: Final = (
    CommandType(
        "ActivateCard",
        "card",
        (required("application", types.one_of("SOCIAL_SECURITY", "BANK")),),
        activate,
        card=True,
        states=activatable,
        chain=True,
        keys_then=next_span_named,
    ),
    CommandType(
        "ReportLoss",
        "card",
        (required("kind", types.one_of("TEMPORARY", "FORMAL")), optional("link_bank", types.boolean, False)),
        report_loss,
        card=True,
        states=losable,
        chain=True,
        keys_then=next_span_named,
    ),
    CommandType(
        "LiftLoss",
        "card",
        (),
        lift_loss,
        card=True,
        states=Accepts((TEMPORARY_LOSS, FORMAL_LOSS), {ACTIVE: "card_not_lost"}),
        chain=True,
        keys_then=next_span_named,
    ),
    CommandType("ExpireTemporaryLoss", "card", (), expire_temporary_loss, card=True, keys_then=next_span_named),
    CommandType(
        "LockCard",
        "card",
        (required("reason", types.one_of("PIN_ERRORS", "RISK")),),
        records("CardLocked"),
        card=True,
        states=Accepts((ACTIVE,)),
        chain=True,
        keys_then=next_span_named,
    ),
    CommandType(
        "UnlockCard",
        "card",
        (),
        records("CardUnlocked"),
        card=True,
        states=Accepts((LOCKED,), {ACTIVE: "card_not_locked"}),
        chain=True,
        keys_then=next_span_named,
    ),
    CommandType(
        "CancelCard",
        "card",
        (
            required("reason", types.one_of("DEATH", "EMIGRATION", "DUPLICATE", "OTHER")),
            optional("died_on", types.day),
        ),
        cancel,
        card=True,
        always=True,
        states=Accepts(ALL_BUT_CANCELLED),
        chain=True,
        electronic_chain=True,
        shape=(needed_only("died_on", lambda fields: fields["reason"] == "DEATH", "for reason DEATH"),),
        keys_then=rows_of_cancellation,
    ),
)
EVENTS: Final = (
    EventType("CardActivated", "card", on_card, activated),
    EventType("CardLossReported", "card", on_card, loss_reported),
    EventType("CardLossLifted", "card", on_card, loss_lifted),
    EventType("CardTemporaryLossExpired", "card", on_card, loss_expired),
    EventType("CardLocked", "card", on_card, locked),
    EventType("CardUnlocked", "card", on_card, unlocked),
    EventType("CardCancelled", "card", on_card, cancelled),
)
