"""Registration of care in another province: who may be treated where, and until when (contract 4.2, 4.3).

A registration holds for a whole treatment province. A card's registrations lie in pages in the order they were
recorded; the id of one leads to its place.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

from ledger.core import fields as types
from ledger.core import rows
from ledger.core.calendar import add_months
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, asking
from ledger.core.fields import optional, required
from ledger.core.provinces import province
from ledger.core.rejection import Rejected
from ledger.core.rows import Page, Row
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE, card_of
from ledger.families.card.holder import Card, on_card
from ledger.families.medical.account import card_expected

LONG_TERM: Final = "LONG_TERM"
TEMPORARY: Final = "TEMPORARY"
REASONS: Final = {
    LONG_TERM: ("RETIRED", "RESIDENT", "STATIONED"),
    TEMPORARY: ("REFERRAL", "EMERGENCY", "OTHER"),
}

# --- facts -----------------------------------------------------------------------------------------------------------


class Registered(Row):
    """One registration of a card. `valid_to`: last valid day, None while open; `ended`: by an order of its own."""

    long_term: bool
    home: str
    treatment: str
    valid_from: int
    valid_to: int | None
    ended: bool = False

    def reaches(self, day: int) -> bool:
        return self.valid_to is None or self.valid_to >= day


class Registrations(Page):
    """Owner: the card."""

    kind: ClassVar[str] = "registrations"
    SIZE: ClassVar[int] = 64
    items: list[Registered]


class Registration(Row):
    """Where a registration (key: its id) stands."""

    kind: ClassVar[str] = "registration"
    card_id: str
    index: int


# --- evolution -------------------------------------------------------------------------------------------------------


def registered(world: World, event: Event, position: int) -> None:
    """A new long-term registration ends the earlier ones that began before it."""
    card_id = event["card_id"]
    card = world.edit(Card, card_id)
    new = Registered(
        event["kind"] == LONG_TERM,
        event["home_province"],
        event["treatment_province"],
        event["valid_from"],
        event["valid_to"],
    )
    if new.long_term:
        for index, earlier in rows.scan(world, Registrations, card_id, card.registrations):
            if earlier.long_term and earlier.valid_from < new.valid_from and earlier.reaches(new.valid_from):
                rows.edit_item(world, Registrations, card_id, index).valid_to = new.valid_from - 1
    rows.append(world, Registrations, card_id, card.registrations, new)
    world.add(event["registration_id"], Registration(card_id, card.registrations))
    card.registrations += 1


def ended(world: World, event: Event, position: int) -> None:
    found = world.get(Registration, event["registration_id"])
    assert found is not None
    registration = rows.edit_item(world, Registrations, found.card_id, found.index)
    registration.ended = True
    if registration.reaches(event["ended_on"]):
        registration.valid_to = event["ended_on"]


# --- questions -------------------------------------------------------------------------------------------------------


def of_card(world: World, card_id: str) -> Iterator[Registered]:
    for _, registration in rows.scan(world, Registrations, card_id, card_of(world, card_id).registrations):
        yield registration


def is_registered(world: World, card_id: str, home: str, treatment: str, day: int, until: int) -> bool:
    """Whether care there is registered: begun by `day` and lasting to `until` at least."""
    return any(
        one.home == home and one.treatment == treatment and one.valid_from <= day and one.reaches(until)
        for one in of_card(world, card_id)
    )


# --- decisions -------------------------------------------------------------------------------------------------------


def _fitting_reason(fields: dict[str, Any]) -> None:
    if fields["reason"] not in REASONS[fields["kind"]]:
        wanted = ", ".join(REASONS[fields["kind"]])
        raise Rejected("unknown_code", f"reason of a {fields['kind']} registration must be one of {wanted}", "reason")


asking(_fitting_reason, reason="; ".join(f"with kind {kind} one of {', '.join(fit)}" for kind, fit in REASONS.items()))


def pages_of(command: Command, world: World) -> Iterable[Name]:
    """The pages of the card's registrations."""
    card_id = card_expected(command, world)
    card = world.get(Card, card_id)
    for index in range(0, card.registrations + 1 if card else 0, Registrations.SIZE):
        yield Registrations, Registrations.at(card_id, index)


def keys(command: Command, world: World) -> Iterable[Name]:
    yield Registration, command["registration_id"]


def register(command: Command, world: World) -> list[Draft]:
    home, treatment = province(command["home_area"]), province(command["treatment_area"])
    long_term = command["kind"] == LONG_TERM
    valid_from, valid_to = command["valid_from"], command.get("valid_to")
    if home == treatment:
        raise Rejected("same_province", "care at home needs no registration", "treatment_area")
    if world.get(Registration, command["registration_id"]) is not None:
        raise Rejected("registration_exists", "this registration_id was used before", "registration_id")
    if valid_to is not None and valid_to < valid_from:
        raise Rejected("period_invalid", "valid_to is before valid_from", "valid_to")
    if not long_term:
        months = world.config.value("medical.temporary_registration_months", command.bdate, home)
        shortest = add_months(valid_from, months) - 1
        if valid_to is None:
            valid_to = shortest
        elif valid_to < shortest:
            raise Rejected("registration_too_short", f"lasts {months} months or more: move valid_to", "valid_to")
    elif is_locked(command, world, home, treatment):
        raise Rejected(
            "registration_locked", "a long-term registration elsewhere cannot be left yet", "registration_id"
        )
    derived = {"home_province": home, "treatment_province": treatment, "valid_to": valid_to}
    return [Draft("TreatmentRegistered", derived, command.card_id)]


def is_locked(command: Command, world: World, home: str, treatment: str) -> bool:
    """Whether a long-term registration to another province reaches into the new one and is still too young."""
    months = world.config.value("medical.registration_lock_months", command.bdate, home)
    return any(
        one.long_term
        and one.home == home
        and one.treatment != treatment
        and one.reaches(command["valid_from"])
        and command.bdate < add_months(one.valid_from, months)
        for one in of_card(world, command.card_id)
    )


def end(command: Command, world: World) -> list[Draft]:
    found = world.get(Registration, command["registration_id"])
    if found is None or found.card_id != command.card_id:
        raise Rejected("registration_unknown", "no such registration on this card", "registration_id")
    registration: Registered = rows.item_at(world, Registrations, found.card_id, found.index)
    ended_on = command["ended_on"]
    if registration.ended:
        raise Rejected("registration_ended", "it was ended before", "registration_id")
    if ended_on < registration.valid_from:
        raise Rejected("period_invalid", "ended_on is before valid_from", "ended_on")
    if registration.long_term:
        months = world.config.value("medical.registration_lock_months", command.bdate, registration.home)
        if ended_on < add_months(registration.valid_from, months) - 1:
            raise Rejected("registration_locked", f"it holds for {months} months at least", "registration_id")
    return [Draft("TreatmentRegistrationEnded", card_id=command.card_id)]


COMMANDS: Final = (
    CommandType(
        "RegisterTreatment",
        "medical",
        (
            required("registration_id", types.identifier),
            required("kind", types.one_of(LONG_TERM, TEMPORARY)),
            required("reason", types.one_of(*REASONS[LONG_TERM], *REASONS[TEMPORARY])),
            required("home_area", types.area),
            required("treatment_area", types.area),
            required("valid_from", types.day),
            optional("valid_to", types.day),
        ),
        register,
        card=True,
        use="MEDICAL",
        person=True,
        states=IS_ACTIVE,
        shape=(_fitting_reason,),
        keys=keys,
        keys_then=pages_of,
    ),
    CommandType(
        "EndTreatmentRegistration",
        "medical",
        (required("registration_id", types.identifier), required("ended_on", types.day)),
        end,
        card=True,
        person=True,
        keys=keys,
        keys_then=pages_of,
    ),
)
EVENTS: Final = (
    EventType("TreatmentRegistered", "medical", on_card, registered),
    EventType("TreatmentRegistrationEnded", "medical", on_card, ended),
)
