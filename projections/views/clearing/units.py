"""What events do to clearing units (contract 7.1, 7.2, 7.5): the view's side of the rule, apart from the deciders'.

Deciders refuse what may not happen and then change one unit; the view only hears what did happen, a page at a time. A
cut-off is told from dates: with p the last event that touched a unit, the first cut-off after p whose month ends on or
after the day from which the unit is eligible has taken it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.core.decider import Event
from ledger.families.clearing.lines import pass_unit, settlement_unit, spend_unit
from ledger.families.clearing.units import Unit

PASS_EVENTS: Final = frozenset("PassPurchased PassActivated PassUsed PassRefunded PassExpired".split())


@dataclass(frozen=True, slots=True)
class CutOff:
    """A recorded cut-off: its month, the last day of it, the position of its event."""

    cycle: str
    last_day: int
    position: int


class Unnamed(Exception):
    """An event changes a unit that no event has made; `position`: of that event."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def named_by(name: str, event: Event) -> Iterator[str]:
    """Keys of the units that an event is about, whether or not it changes them."""
    if name in ("SettlementsConfirmed", "ConfirmationWithdrawn"):
        yield from map(settlement_unit, event["settlement_ids"])
    elif name in ("FamilyAidSpent", "FamilyAidSpendReversed"):
        yield spend_unit(event["spend_id"])
    elif name in PASS_EVENTS:
        yield pass_unit(event["pass_id"])
    elif name != "MedicalSettled" and event["settlement_id"] is not None:
        yield settlement_unit(event["settlement_id"])


class Units:
    """The units a stretch of events without a cut-off touches; `found`: those known before it."""

    def __init__(self, found: Sequence[tuple[str, Unit]], cut_offs: Sequence[CutOff]) -> None:
        self._units = dict(found)
        self._cut_offs = cut_offs
        self._opened: list[str] = []
        self._changed: set[str] = set()

    def opened(self) -> list[tuple[str, Unit]]:
        """The new ones, as they are now."""
        return [(key, self._units[key]) for key in self._opened]

    def changed(self) -> list[tuple[str, Unit]]:
        """Those of before that are not as they were."""
        return [(key, self._units[key]) for key in sorted(self._changed.difference(self._opened))]

    def open(self, key: str, position: int, business_date: int, lines: int, confirmed: bool) -> None:
        """Its event made `lines` positive lines."""
        self._units[key] = Unit(position, business_date, lines, confirmed, touched=position)
        self._opened.append(key)

    def change(self, name: str, event: Event, position: int) -> None:
        """What an event that makes no unit does to those it is about."""
        if name == "SettlementsConfirmed" or name == "ConfirmationWithdrawn":
            for key in named_by(name, event):
                self._touch(key, position).confirmed = name == "SettlementsConfirmed"
        elif name == "DisputeOpened":
            self._touch(settlement_unit(event["settlement_id"]), position).disputed = True
        elif name == "DisputeResolved":
            self._resolve(settlement_unit(event["settlement_id"]), event["outcome"], position)
        elif name == "MedicalReversed" or name == "FamilyAidSpendReversed":
            if event["wallet_cleared"] or event.get("cross_province"):
                unit = self._touch(next(named_by(name, event)), position)
                unit.reversed_at, unit.reversed_on = position, event["business_date"]
        elif name == "MedicalVoided" and event["effective"] and (event["wallet_cleared"] or event["cross_province"]):
            self._touch(settlement_unit(event["settlement_id"]), position).voided = True

    def _touch(self, key: str, position: int) -> Unit:
        unit = self._units.get(key)
        if unit is None or unit.position > position:
            raise Unnamed(f"no event before position {position} made {key.replace(':', ' ')} owe anything", position)
        self._fold(unit)
        unit.touched = position
        self._changed.add(key)
        return unit

    def _resolve(self, key: str, outcome: str, position: int) -> None:
        """The end of a dispute; too late to matter once the unit is undone or taken."""
        unit = self._units.get(key)
        if unit is None or unit.voided or unit.reversed_at is not None:
            return
        if unit.cycle is None and self._taken_by(unit) is None:
            unit = self._touch(key, position)
            unit.disputed, unit.held = False, outcome == "REVERSE"

    def _taken_by(self, unit: Unit) -> CutOff | None:
        eligible = eligible_on(unit)
        if eligible is None:
            return None
        later = (one for one in self._cut_offs if one.position > unit.touched and one.last_day >= eligible)
        return next(later, None)

    def _fold(self, unit: Unit) -> None:
        """Cut-offs since the last touch have taken the unit, or each left it behind once more."""
        if unit.cycle is not None or not self._cut_offs or self._cut_offs[-1].position < unit.touched:
            return
        taken = self._taken_by(unit)
        if not unit.voided:
            unit.deferrals += sum(
                one.last_day >= unit.business_date
                for one in self._cut_offs
                if one.position > unit.touched and (taken is None or one.position < taken.position)
            )
        if taken is not None:
            unit.cycle = taken.cycle


def eligible_on(unit: Unit) -> int | None:
    """The first day that the last day of a month must reach for its cut-off to take the unit; None: none will."""
    if unit.voided:
        return None
    if unit.confirmed and not unit.disputed and not unit.held:
        return unit.business_date
    return None if unit.reversed_on is None else max(unit.business_date, unit.reversed_on)
