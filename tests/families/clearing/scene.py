"""A ledger in memory with the cards of the medical scene, and a cut-off that looks at every line there is."""

from typing import Any

from ledger.core.calendar import last_day
from ledger.families.clearing.lines import Line, lines_for
from ledger.families.clearing.table import CutOffTable, Tally, pair_totals
from ledger.families.clearing.units import Unit
from tests.families.given import Ledger
from tests.families.medical.scene import CARDS, Scene


class Tables:
    """Answers the log questions of a ledger in memory by marking lines, which the store never does."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.cycles: dict[str, CutOffTable] = {}
        self.taken: dict[str, str] = {}
        self.deferrals: dict[str, int] = {}
        ledger.memory.cut_off = self.cut_off
        ledger.memory.pair_totals = lambda month: pair_totals(self.cycles[month].rows)

    def lines(self) -> list[Line]:
        return [line for position, name, event in self.ledger.events for line in lines_for(name, event, position)]

    def cut_off(self, month: str, limit: int) -> CutOffTable:
        tally, last, before = Tally(), last_day(month), len(self.taken)
        while True:
            for line in self.lines():
                if line.line_id not in self.taken and self._is_eligible(line, last):
                    self.taken[line.line_id] = month
                    tally.take(line)
            if before == len(self.taken):
                break
            before = len(self.taken)
        for line in self.lines():
            if line.reverses is None and line.line_id not in self.taken and self._waits(line, last):
                self.deferrals[line.line_id] = self.deferrals.get(line.line_id, 0) + 1
                tally.defer(self.deferrals[line.line_id], 1)
        self.cycles[month] = tally.table(month, limit)
        return self.cycles[month]

    def _unit(self, line: Line) -> Unit:
        unit: Unit = self.ledger.row(Unit, line.unit)
        return unit

    def _is_eligible(self, line: Line, last: int) -> bool:
        if line.business_date > last or self._unit(line).voided:
            return False
        if line.reverses is not None:
            return f"{line.reverses[0]}-{line.reverses[1]}" in self.taken
        return self._unit(line).is_eligible(last)

    def _waits(self, line: Line, last: int) -> bool:
        return line.business_date <= last and not self._unit(line).voided


class Clearing(Scene):
    """`act` a command of this family without a card; "recorded" or the code of its refusal comes back."""

    def __init__(self, *configuration: dict[str, Any]) -> None:
        super().__init__(*configuration)
        self.tables = Tables(self)

    def act(self, command: str, at: str = "2025-06-03", **own: Any) -> str:
        outcome = self.submit({"command": command, "occurred_at": f"{at}T12:00:00+08:00", **own})
        return outcome if isinstance(outcome, str) else "recorded"

    def settle(self, settlement_id: str, at: str = "2025-05-20", fen: int = 100, **own: Any) -> None:
        """A bill of card A (34) paid by the fund, in Shanghai (31) unless told otherwise."""
        where = {"treatment_area": "310106", **own}
        assert self.bill(settlement_id, at=f"{at}T12:00:00+08:00", funds={"310100": fen}, **where) == "recorded"

    def confirm(self, *settlement_ids: str, province: str = "31") -> str:
        return self.act("ConfirmSettlements", treatment_province=province, settlement_ids=list(settlement_ids))

    def reverse(self, settlement_id: str, at: str = "2025-06-01") -> str:
        own = {"settlement_id": settlement_id, "reversal_id": f"{settlement_id}-R", "reason": "REFUND"}
        return self.order("ReverseMedical", at=f"{at}T12:00:00+08:00", **own)

    def cut_off(self, month: str, at: str = "2026-01-10") -> str:
        return self.act("CutOffCycle", at, cycle=month)

    def close(self, month: str, at: str = "2026-01-10") -> str:
        return self.act("CloseCycle", at, cycle=month)

    def cycle(self, month: str) -> None:
        assert self.cut_off(month) == self.close(month) == "recorded"

    def payable(self, month: str) -> int:
        return sum(row.payable_fen for row in self.tables.cycles[month].rows)


__all__ = ["CARDS", "Clearing", "Tables"]
