"""Journeys, operators' days and what cities owe each other, as the view `journeys` has them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ledger.core.calendar import business_date
from projections.questions.counted_days import Closings, Days
from projections.questions.national.marks import Element
from projections.questions.snapshot import Cursor
from projections.questions.summed import Summed
from projections.questions.things import Things
from projections.views.business.journeys import (
    CLOSED,
    JOURNEYS,
    CityPair,
    Closing,
    Correction,
    Obligation,
    Operator,
    OperatorDay,
    Tap,
    TransitRestricted,
)

FIGURES: Final = ("due_fen", "paid_fen", "subsidy_fen")


class Journeys:
    """The journeys of a card by their first instant, from its taps. The sums are of all its journeys.

    A restricted card's are left out, and its sums kept.
    """

    def __init__(
        self,
        cursor: Cursor,
        source: str,
        card_id: str,
        state: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> None:
        mine = {"card_id": card_id}
        taps = Things(cursor, source, JOURNEYS, Tap, mine)
        self._taps: list[Tap] = list(taps.found())
        is_restricted = any(Things(cursor, source, JOURNEYS, TransitRestricted, mine).found())
        self._shown = [] if is_restricted else self._taps
        self._corrections = [] if is_restricted else list(Things(cursor, source, JOURNEYS, Correction, mine).rows())
        self._state, self._first, self._last = state, first, last
        self._rest = {"card_id": card_id, "restricted": is_restricted, **taps.rest()}

    def rows(self) -> Iterator[Element]:
        taps = {(tap.chip, tap.counter): tap for tap in self._shown}
        found = []
        for tap in self._shown:
            if tap.tap_type == "EXIT" and tap.state == CLOSED:
                continue
            exit_tap = None if tap.exit_counter is None else taps[tap.chip, tap.exit_counter]
            found.append([tap] if exit_tap is None else [tap, exit_tap])
        found.sort(key=lambda taps: (taps[0].tapped_at, taps[0].chip, taps[0].counter))
        return (_journey(taps) for taps in found if self._is_wanted(taps[0]))

    def _is_wanted(self, tap: Tap) -> bool:
        day = business_date(tap.tapped_at)
        return (
            self._state in (None, tap.state)
            and (self._first is None or day >= self._first)
            and (self._last is None or day <= self._last)
        )

    def rest(self) -> dict[str, Any]:
        """What the document says beside its journeys."""
        sums = {"due_fen": sum(tap.due_fen for tap in self._taps), "paid_fen": sum(tap.paid_fen for tap in self._taps)}
        sums["subsidy_fen"] = sums["due_fen"] - sums["paid_fen"]
        return {"chips": _chips(self._shown), "corrections": self._corrections, **sums, **self._rest}


def _journey(taps: list[Tap]) -> Element:
    first, last = taps[0], taps[-1]
    due, paid = sum(tap.due_fen for tap in taps), sum(tap.paid_fen for tap in taps)
    return {
        "state": first.state,
        "operator": first.operator,
        "mode": first.mode,
        "concession_class": last.concession_class,
        "due_fen": due,
        "paid_fen": paid,
        "subsidy_fen": due - paid,
        "missing_exit_fen": first.missing_exit_fen,
        "transfer_of_counter": last.transfer_of_counter,
        "corrections": sum(tap.corrections for tap in taps),
        "missing_counters": sum(tap.missing_counters for tap in taps),
        "chain": _chain({tap.chain for tap in taps}),
        "taps": [JOURNEYS.tables[Tap].as_json(tap) for tap in taps],
    }


def _chain(chains: set[str]) -> str:
    """Whether the balances that the chip showed follow from each other."""
    if "broken" in chains:
        return "broken"
    return "ok" if chains == {"ok"} else "unchecked"


def _chips(taps: Iterable[Tap]) -> list[Element]:
    """Each chip with the counters that it has passed and that are not recorded yet."""
    counters = defaultdict(list)
    for tap in taps:
        counters[tap.chip].append(tap.counter)
    return [{"chip": chip, "taps": len(used), "gaps": _gaps(sorted(used))} for chip, used in counters.items()]


def _gaps(used: list[int]) -> list[Element]:
    return [
        {"from": before + 1, "to": counter - 1}
        for before, counter in zip([0, *used], used, strict=False)
        if counter > before + 1
    ]


def taps(
    cursor: Cursor, source: str, first: int | None, last: int | None, has_gap: bool, where: Mapping[str, str | None]
) -> Summed:
    """Taps. `where`: operator, state, chain, tap_type, issue_city, use_city; days are operating days."""
    least = {"operating_day": first, "missing_counters": 1 if has_gap else None}
    most = {"operating_day": last}
    return Summed(Things(cursor, source, JOURNEYS, Tap, where, least, most, TransitRestricted), "due_fen", "paid_fen")


def obligations(
    cursor: Cursor, source: str, issue_city: str | None, use_city: str | None, first: int | None, last: int | None
) -> Summed:
    """What issuing cities came to owe cities of use, by clearing day."""
    where = {"issue_city": issue_city, "use_city": use_city}
    least, most = {"clearing_day": first}, {"clearing_day": last}
    return Summed(Things(cursor, source, JOURNEYS, Obligation, where, least, most), "owed_fen")


def pairs(cursor: Cursor, source: str, issue_city: str | None, use_city: str | None) -> Summed:
    """What is owed now: the balances of `transit_clearing:...`."""
    where = {"issue_city": issue_city, "use_city": use_city}
    return Summed(Things(cursor, source, JOURNEYS, CityPair, where), "owed_fen", "remitted_fen", "balance_fen")


def days(cursor: Cursor, source: str, operator: str | None, first: int | None, last: int | None) -> Summed:
    """What operators' days count, and which of them are closed."""
    found = Days(cursor, source, JOURNEYS, OperatorDay, Operator, operator, first, last)
    return Summed(found, "tap_count", "correction_count", *FIGURES)


def closings(cursor: Cursor, source: str, operator: str | None, first: int | None, last: int | None) -> Closings:
    """What operators closed, and whether the days still say so."""
    return Closings(cursor, source, JOURNEYS, Closing, OperatorDay, operator, first, last)
