"""entitlements: who is entitled to what, what was used by it, and schools' students (contract 2.13, 6.5, 6.11)."""

from typing import ClassVar, Final

from ledger.core.calendar import date_text
from ledger.core.decider import Event
from projections.views.business.folded import Each, Folded, Name, Of, On, Rows
from projections.views.business.restricted import RestrictedCard, on_restriction
from projections.views.business.rows import Day, FoldedRow, Uuid

NAME: Final = "entitlements"
TO_VENUES: Final = ("VENUE", "ELDER_CARE", "STUDENT")
"""Kinds that lower the price of a venue."""
NONE: Final = "NONE"
"""The kind of what is entered without any."""


class Entitlement(FoldedRow):
    """An entitlement or concession; it holds in its province from `valid_from` to `last_day`, both included.

    `last_day` is `valid_to`, or the day before `ended_on`. `entries`, `visitors` and the amounts are of venues that
    were entered by it. A tap names the class of a concession and no entitlement: see Concession.
    """

    table: ClassVar[str] = "entitlements_entitlements"
    key: ClassVar[tuple[str, ...]] = ("entitlement_id",)
    indexes: ClassVar[tuple[str, ...]] = ("card_id", "kind, province")
    entitlement_id: str
    card_id: Uuid | None = None
    kind: str = ""
    concession_class: str | None = None
    province: str = ""
    valid_from: Day = 0
    valid_to: Day = 0
    ended_on: Day | None = None
    last_day: Day = 0
    granted_on: Day = 0
    entries: int = 0
    visitors: int = 0
    due_fen: int = 0
    paid_fen: int = 0
    subsidy_fen: int = 0
    last_used_on: Day | None = None


class Concession(FoldedRow):
    """Taps at a concession's fare in a province; what they saved stands with the journeys, which corrections change."""

    table: ClassVar[str] = "entitlements_concessions"
    key: ClassVar[tuple[str, ...]] = ("card_id", "province", "concession_class")
    card_id: Uuid
    province: str
    concession_class: str
    taps: int = 0
    last_used_on: Day = 0


class Visits(FoldedRow):
    """Entries of a venue in a month by entitlements of a kind; kind is NONE where none was shown.

    `subsidy_fen` is what local finance owes for them.
    """

    table: ClassVar[str] = "entitlements_visits"
    key: ClassVar[tuple[str, ...]] = ("province", "venue", "month", "kind")
    province: str
    venue: str
    month: str
    kind: str
    entries: int = 0
    visitors: int = 0
    due_fen: int = 0
    paid_fen: int = 0
    subsidy_fen: int = 0


class Student(FoldedRow):
    """The last status of a card's holder at a school; it changes no entitlement."""

    table: ClassVar[str] = "entitlements_students"
    key: ClassVar[tuple[str, ...]] = ("school", "card_id")
    indexes: ClassVar[tuple[str, ...]] = ("card_id",)
    school: str
    card_id: Uuid
    status: str = ""
    valid_from: Day = 0
    valid_to: Day | None = None
    set_on: Day = 0
    changes: int = 0


class Restricted(RestrictedCard):
    """A holder that lists leave out."""

    table: ClassVar[str] = "entitlements_restricted"


def granted(rows: Rows, event: Event) -> None:
    found = rows.edit(Entitlement, event["entitlement_id"])
    for name in ("card_id", "kind", "concession_class", "province", "valid_from", "valid_to"):
        setattr(found, name, event[name])
    found.granted_on, found.last_day = event["business_date"], event["valid_to"]


def ended(rows: Rows, event: Event) -> None:
    found = rows.edit(Entitlement, event["entitlement_id"])
    found.ended_on = event["ended_on"]
    found.last_day = min(found.valid_to, event["ended_on"] - 1)


def entered(rows: Rows, event: Event) -> None:
    by = _shown(rows, event)
    counting: list[Visits | Entitlement] = [rows.edit(Visits, *_visits_key(event), NONE if by is None else by.kind)]
    if by is not None:
        by = rows.edit(Entitlement, by.entitlement_id)
        by.last_used_on = max(by.last_used_on or event["business_date"], event["business_date"])
        counting.append(by)
    for counted in counting:
        counted.entries += 1
        counted.visitors += event["group_size"]
        counted.due_fen += event["price_due_fen"]
        counted.paid_fen += event["price_paid_fen"]
        counted.subsidy_fen += event["subsidy_fen"]


def _shown(rows: Rows, event: Event) -> Entitlement | None:
    """The entitlement an entry was by. Who pays in full may name any, also somebody else's: that is no use of it."""
    if event["entitlement_id"] is None:
        return None
    found, day = rows.get(Entitlement, event["entitlement_id"]), event["business_date"]
    if found is None or found.card_id != event["card_id"] or found.kind not in TO_VENUES:
        return None
    return found if event["venue_area"][:2] == found.province and found.valid_from <= day <= found.last_day else None


def _concession(event: Event) -> tuple[Name, ...]:
    if event["concession_class"] == "ORDINARY":
        return ()
    return ((Concession, (event["card_id"], event["operating_area"][:2], event["concession_class"])),)


def tapped(rows: Rows, event: Event) -> None:
    for _, key in _concession(event):
        concession = rows.edit(Concession, *key)
        concession.taps += 1
        concession.last_used_on = max(concession.last_used_on, event["business_date"])


def status_set(rows: Rows, event: Event) -> None:
    student = rows.edit(Student, event["school"], event["card_id"])
    for name in ("status", "valid_from", "valid_to"):
        setattr(student, name, event[name])
    student.set_on = event["business_date"]
    student.changes += 1


def _visits_key(event: Event) -> tuple[str, str, str]:
    return event["venue_area"][:2], event["venue"], date_text(event["business_date"])[:7]


def _visits(event: Event) -> tuple[Name, ...]:
    """The entitlement's kind is not known yet."""
    return tuple((Visits, (*_visits_key(event), kind)) for kind in (NONE, *TO_VENUES))


ENTITLEMENT = Of(Entitlement, "entitlement_id")

ENTITLEMENTS: Final = Folded(
    NAME,
    (Entitlement, Concession, Visits, Student, Restricted),
    (
        On("EntitlementGranted", granted, ENTITLEMENT),
        On("EntitlementEnded", ended, ENTITLEMENT),
        On("VenueEntered", entered, Each(ENTITLEMENT, _visits)),
        On("TransitTapped", tapped, _concession),
        On("StudentStatusSet", status_set, Of(Student, "school", "card_id")),
        on_restriction(Restricted),
    ),
)
