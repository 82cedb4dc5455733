"""journeys: taps and what became of them, operators' days, and what cities owe each other (contract section 5).

A chip is known by the SHA-256 of its card_sn, as in the audit view: counters are the chip's, not the card's. A journey
is an ENTRY and its EXIT, or one tap alone; questions put the two together, so a tap is one row for ever.
"""

import hashlib
from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core.decider import Event
from projections.views.business.folded import Each, Folded, Name, Of, On, Rows
from projections.views.business.owing import OwingPair, on_remittance
from projections.views.business.restricted import RestrictedCard, on_restriction
from projections.views.business.rows import Day, FoldedRow, Hash, Instant, Uuid

NAME: Final = "journeys"
OPEN, CLOSED, TIMED_OUT = "OPEN", "CLOSED", "TIMED_OUT"
WAITING, UNMATCHED, NONE = "WAITING", "UNMATCHED", "NONE"
MISSING_EXIT = "MISSING_EXIT"


class Tap(FoldedRow):
    """A tap with the fare in effect. `state`: that of its journey now; WAITING: an EXIT whose ENTRY is not recorded.

    `missing_exit_fen`: the maximum fare an ENTRY was charged, also if its EXIT came late and undid it.
    """

    table: ClassVar[str] = "journeys_taps"
    key: ClassVar[tuple[str, ...]] = ("chip", "counter")
    indexes: ClassVar[tuple[str, ...]] = ("card_id", "operator, operating_day")
    chip: Hash
    counter: int
    card_id: Uuid | None = None
    tap_type: str = ""
    state: str = ""
    operator: str = ""
    mode: str = ""
    line: str | None = None
    station: str | None = None
    terminal: str = ""
    operating_area: str = ""
    entry_counter: int | None = None
    exit_counter: int | None = None
    transfer_of_counter: int | None = None
    concession_class: str = ""
    due_fen: int = 0
    paid_fen: int = 0
    sent_due_fen: int = 0
    sent_paid_fen: int = 0
    missing_exit_fen: int | None = None
    corrections: int = 0
    missing_counters: int = 0
    chain: str = ""
    issue_city: str = ""
    use_city: str = ""
    inter_city: bool = False
    operating_day: Day = 0
    clearing_day: Day = 0
    tapped_at: Instant = 0
    uploaded_at: Instant = 0


class Awaited(FoldedRow):
    """An ENTRY that its EXIT named before it was recorded."""

    table: ClassVar[str] = "journeys_awaited"
    key: ClassVar[tuple[str, ...]] = ("chip", "operator", "counter")
    chip: Hash
    operator: str
    counter: int
    exit_counter: int = 0


class Correction(FoldedRow):
    """A fare stated anew, whole; what was in effect before stands beside it."""

    table: ClassVar[str] = "journeys_corrections"
    key: ClassVar[tuple[str, ...]] = ("correction_id",)
    indexes: ClassVar[tuple[str, ...]] = ("card_id",)
    correction_id: str
    card_id: Uuid | None = None
    chip: Hash | None = None
    counter: int = 0
    operator: str = ""
    reason: str = ""
    previous_due_fen: int = 0
    previous_paid_fen: int = 0
    due_fen: int = 0
    paid_fen: int = 0
    corrected_on: Day = 0
    clearing_day: Day = 0


class OperatorDay(FoldedRow):
    """What a clearing day of an operator counts."""

    table: ClassVar[str] = "journeys_days"
    key: ClassVar[tuple[str, ...]] = ("operator", "day")
    operator: str
    day: Day
    tap_count: int = 0
    correction_count: int = 0
    due_fen: int = 0
    paid_fen: int = 0
    subsidy_fen: int = 0


class Closing(FoldedRow):
    """What TransitDayClosed says of the days from `closed_from` (null: from the beginning) to `day`."""

    table: ClassVar[str] = "journeys_closings"
    key: ClassVar[tuple[str, ...]] = ("operator", "day")
    operator: str
    day: Day
    closed_from: Day | None = None
    tap_count: int = 0
    correction_count: int = 0
    due_fen: int = 0
    paid_fen: int = 0
    subsidy_fen: int = 0


class Operator(FoldedRow):
    """The last day that an operator closed."""

    table: ClassVar[str] = "journeys_operators"
    key: ClassVar[tuple[str, ...]] = ("operator",)
    operator: str
    closed_to: Day | None = None


class Obligation(FoldedRow):
    """What the issuing city came to owe the city of use by the fares of a clearing day; corrections may lower it."""

    table: ClassVar[str] = "journeys_obligations"
    key: ClassVar[tuple[str, ...]] = ("issue_city", "use_city", "clearing_day")
    issue_city: str
    use_city: str
    clearing_day: Day
    charges: int = 0
    owed_fen: int = 0


class CityPair(OwingPair):
    """What the issuing city owes the city of use: its balance is that of `transit_clearing:<issue>:<use>`."""

    table: ClassVar[str] = "journeys_pairs"
    key: ClassVar[tuple[str, ...]] = ("issue_city", "use_city")
    issue_city: str = ""
    use_city: str = ""


class TransitRestricted(RestrictedCard):
    """A card whose journeys lists leave out."""

    table: ClassVar[str] = "journeys_restricted"


def chip(event: Event) -> str:
    return hashlib.sha256(event["card_sn"].encode()).hexdigest()


# --- what is charged -------------------------------------------------------------------------------------------------

Charge = tuple[str, int]


def _owed(event: Event) -> list[Charge]:
    """(city of use, fen) that the event makes the issuing city owe; a late EXIT also undoes what its ENTRY made."""
    charges = []
    if event["inter_city"]:
        charges.append((event["use_city"], event["paid_fen"] - event.get("previous_paid_fen", 0)))
    if event.get("reversed_inter_city"):
        charges.append((event["reversed_use_city"], -event["reversed_paid_fen"]))
    return [charge for charge in charges if charge[1]]


def _charge(rows: Rows, event: Event, due: int, paid: int) -> OperatorDay:
    day = rows.edit(OperatorDay, event["operator"], event["clearing_day"])
    day.due_fen += due
    day.paid_fen += paid
    day.subsidy_fen += due - paid
    for use_city, fen in _owed(event):
        obligation = rows.edit(Obligation, event["issue_city"], use_city, event["clearing_day"])
        obligation.charges += 1
        obligation.owed_fen += fen
        rows.edit(CityPair, event["issue_city"], use_city).owe(fen)
    return day


def charged(event: Event) -> Iterable[Name]:
    """The rows that a fare counts in."""
    yield OperatorDay, (event["operator"], event["clearing_day"])
    for use_city, _ in _owed(event):
        yield Obligation, (event["issue_city"], use_city, event["clearing_day"])
        yield CityPair, (event["issue_city"], use_city)


# --- taps ------------------------------------------------------------------------------------------------------------

SAME: Final = tuple(
    "card_id tap_type operator mode line station terminal operating_area entry_counter transfer_of_counter"
    " concession_class missing_counters chain issue_city use_city inter_city operating_day clearing_day"
    " uploaded_at".split()
)


def tapped(rows: Rows, event: Event) -> None:
    known_chip, counter = chip(event), event["counter"]
    tap = rows.edit(Tap, known_chip, counter)
    for name in SAME:
        setattr(tap, name, event[name])
    tap.state, tap.tapped_at = event["journey"], event["occurred_at"]
    tap.due_fen = tap.sent_due_fen = event["fare_due_fen"]
    tap.paid_fen = tap.sent_paid_fen = event["paid_fen"]
    named = event["entry_counter"]
    if named is not None and tap.state == CLOSED:
        entry = rows.edit(Tap, known_chip, named)
        entry.state, entry.exit_counter = CLOSED, counter
        entry.due_fen = entry.paid_fen = 0
    elif named is not None:
        rows.edit(Awaited, known_chip, tap.operator, named).exit_counter = counter
    elif tap.tap_type == "ENTRY" and tap.state == CLOSED:
        awaited = rows.edit(Awaited, known_chip, tap.operator, counter)
        tap.exit_counter = awaited.exit_counter
        rows.edit(Tap, known_chip, awaited.exit_counter).state = CLOSED
    due, paid = event["fare_due_fen"] - event["reversed_due_fen"], event["paid_fen"] - event["reversed_paid_fen"]
    _charge(rows, event, due, paid).tap_count += 1


def of_tap(event: Event) -> Iterable[Name]:
    known_chip, counter, named = chip(event), event["counter"], event["entry_counter"]
    yield Tap, (known_chip, counter)
    if named is not None:
        yield (Tap, (known_chip, named)) if event["journey"] == CLOSED else _awaited(event, named)
    elif event["tap_type"] == "ENTRY" and event["journey"] == CLOSED:
        yield _awaited(event, counter)
    yield from charged(event)


def then_of_tap(rows: Rows, event: Event) -> Iterable[Name]:
    """The EXIT that came before its ENTRY."""
    if event["tap_type"] == "ENTRY" and event["journey"] == CLOSED:
        awaited = rows.get(Awaited, chip(event), event["operator"], event["counter"])
        if awaited is not None:
            yield Tap, (chip(event), awaited.exit_counter)


def _awaited(event: Event, counter: int) -> Name:
    return Awaited, (chip(event), event["operator"], counter)


# --- corrections -----------------------------------------------------------------------------------------------------


def corrected(rows: Rows, event: Event) -> None:
    tap = rows.edit(Tap, chip(event), event["counter"])
    tap.due_fen, tap.paid_fen = event["fare_due_fen"], event["paid_fen"]
    tap.corrections += 1
    if event["reason"] == MISSING_EXIT:
        tap.state, tap.missing_exit_fen = TIMED_OUT, event["fare_due_fen"]
    correction = rows.edit(Correction, event["correction_id"])
    for name in ("card_id", "counter", "operator", "reason", "previous_due_fen", "previous_paid_fen", "clearing_day"):
        setattr(correction, name, event[name])
    correction.chip, correction.corrected_on = chip(event), event["business_date"]
    correction.due_fen, correction.paid_fen = tap.due_fen, tap.paid_fen
    due, paid = tap.due_fen - event["previous_due_fen"], tap.paid_fen - event["previous_paid_fen"]
    _charge(rows, event, due, paid).correction_count += 1


def of_correction(event: Event) -> Iterable[Name]:
    yield Correction, (event["correction_id"],)
    yield Tap, (chip(event), event["counter"])
    yield from charged(event)


# --- days ----------------------------------------------------------------------------------------------------------


def closed(rows: Rows, event: Event) -> None:
    rows.edit(Operator, event["operator"]).closed_to = event["day"]
    closing = rows.edit(Closing, event["operator"], event["day"])
    for name in ("closed_from", "tap_count", "correction_count", "due_fen", "paid_fen", "subsidy_fen"):
        setattr(closing, name, event[name])


JOURNEYS: Final = Folded(
    NAME,
    (Tap, Awaited, Correction, OperatorDay, Closing, Operator, Obligation, CityPair, TransitRestricted),
    (
        On("TransitTapped", tapped, of_tap, then_of_tap),
        On("FareCorrected", corrected, of_correction),
        On("TransitDayClosed", closed, Each(Of(Operator, "operator"), Of(Closing, "operator", "day"))),
        on_remittance("TRANSIT", CityPair),
        on_restriction(TransitRestricted),
    ),
)
