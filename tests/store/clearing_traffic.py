"""Random clearing traffic, told twice: to the product's units and lines, and to a slow model that marks every line.

The model follows contract 7.1 word by word: at each cut-off it looks at every line that no cycle has taken yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.core import rows
from ledger.core.calendar import first_day, last_day
from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.core.world import Fact, Reference, Unasked, World
from ledger.families.clearing.lines import Line
from ledger.families.clearing.table import CutOffTable, Tally
from ledger.families.clearing.units import ALL, Calendar, CutOff, CutOffs, Unit, cycle_of, edit_unit, open_unit

MONTHS = ["2025-01", "2025-02", "2025-03", "2025-04", "2025-05"]
START = first_day("2025-01")
LIMIT = 1
CARD = "2854cb9c-f3e6-58a4-9e2c-2304799a8d1b"
PROVINCES = ("31", "34", "46")
FUNDS = ("310100", "330100", "390100")


class Nothing(Unasked):
    """A source without rows: everything lives in the World."""

    def recorded(self, keys: Sequence[Reference]) -> dict[Reference, Fact]:
        return {}


@dataclass
class Told:
    """What the model knows of one unit. Dates of `undone` and of deductions are those of their own events."""

    key: str
    date: int
    lines: list[Line]
    born_confirmed: bool
    confirmed: bool = False
    disputed: bool = False
    held: bool = False
    voided: bool = False
    undone: int | None = None
    deductions: dict[int, Line] = field(default_factory=dict)


class Traffic:
    """Commands that may be refused are simply not made: `do` tells whether the act was possible."""

    def __init__(self) -> None:
        self.world = World(Nothing(), Configuration(), Keyring(b"test"), 0, 1)  # type: ignore[arg-type]
        self.units: list[Told] = []
        self.owners: dict[int, Told] = {}
        self.lines: list[Line] = []
        self.fresh: list[Line] = []
        self.taken: dict[str, str] = {}
        self.deferrals: dict[str, int] = {}
        self.cut_offs: list[tuple[str, int]] = []

    # --- acts --------------------------------------------------------------------------------------------------------

    def settle(self, day: int, draw: Any) -> bool:
        key = f"settlement:S{len(self.units)}"
        position, date = self.world.position, START + day
        made = []
        if draw(3):
            funds = {type: draw(900) + 1 for type in FUNDS if draw(2)}
            account = draw(2) * draw(500)
            made.append(self._line("SETTLEMENT", 1, key, date, "34", "31", funds=funds, account=account, total=7))
        if draw(3) == 0 or not made:
            made.append(self._line("WALLET", len(made) + 1, key, date, "46", "31", account=draw(50) + 1))
        return self._open(Told(key, date, made, False), position)

    def spend(self, day: int, draw: Any) -> bool:
        key, date = f"spend:X{len(self.units)}", START + day
        book = draw(2)
        line = (
            self._line("PASS", 1, key, date, "46", "34", other=draw(50) + 1)
            if book
            else self._line("WALLET", 1, key, date, "31", "34", account=draw(50) + 1)
        )
        return self._open(Told(key, date, [line], True), self.world.position)

    def _open(self, told: Told, position: int) -> bool:
        self.units.append(told)
        self._record(told.lines, told)
        open_unit(self.world, told.key, position, told.date, len(told.lines), confirmed=told.born_confirmed)
        return True

    def confirm(self, told: Told) -> bool:
        return self._flag(told, not told.confirmed, confirmed=True)

    def withdraw(self, told: Told) -> bool:
        return self._flag(told, told.confirmed, confirmed=False)

    def dispute(self, told: Told) -> bool:
        return self._flag(told, not told.disputed, disputed=True)

    def keep(self, told: Told) -> bool:
        return self._flag(told, told.disputed, disputed=False, held=False)

    def hold(self, told: Told) -> bool:
        return self._flag(told, told.disputed and not told.deductions, disputed=False, held=True)

    def _flag(self, told: Told, allowed: bool, **flags: bool) -> bool:
        if told.born_confirmed or not allowed or told.voided or told.undone is not None or self._is_taken(told):
            return False
        unit = edit_unit(self.world, told.key, self.world.position)
        for name, value in flags.items():
            setattr(told, name, value)
            setattr(unit, name, value)
        return True

    def void(self, told: Told) -> bool:
        possible = not (told.born_confirmed or told.voided or told.deductions or told.undone or self._is_taken(told))
        if possible:
            told.voided = True
            edit_unit(self.world, told.key, self.world.position).voided = True
        return possible

    def reverse(self, told: Told, day: int) -> bool:
        if told.voided or told.undone is not None or told.deductions:
            return False
        position, date = self.world.position, max(told.date, START + day)
        self._record([self._contra(line, "REVERSAL", date, date, -1) for line in told.lines], told)
        told.undone = date
        unit = edit_unit(self.world, told.key, position)
        unit.reversed_at, unit.reversed_on = position, date
        return True

    def deduct(self, told: Told, day: int, amount: int) -> bool:
        original = told.lines[0]
        if told.voided or told.undone is not None or original.kind != "SETTLEMENT":
            return False
        line = self._contra(original, "DEDUCTION", START + day, START + day, 0, amount)
        told.deductions[self.world.position] = line
        self._record([line], told)
        return True

    def give_up(self, told: Told, day: int) -> bool:
        if not told.deductions:
            return False
        _, original = told.deductions.popitem()
        effective = max(START + day, original.business_date)
        self._record([self._contra(original, "DEDUCTION", START + day, effective, 0, -original.deduction_fen)], told)
        return True

    def cut_off(self, month: str) -> CutOffTable:
        table = self.expected(month)
        position = self.world.position
        for line in self.takes(month):
            self.taken[line.line_id] = month
        for line in self.defers(month):
            self.deferrals[line.line_id] = self.deferrals.get(line.line_id, 0) + 1
        calendar = self.world.edit_or_add(Calendar, ALL)
        rows.append(self.world, CutOffs, ALL, calendar.count, CutOff(month, position))
        calendar.count += 1
        self.cut_offs.append((month, position))
        return table

    # --- the model's answers -----------------------------------------------------------------------------------------

    def expected(self, month: str) -> CutOffTable:
        tally = Tally()
        for line in self.takes(month):
            tally.take(line)
        for line in self.defers(month):
            tally.defer(self.deferrals.get(line.line_id, 0) + 1, 1)
        return tally.table(month, LIMIT)

    def takes(self, month: str) -> list[Line]:
        """Each round takes what is eligible with what the rounds before took: a deduction before its reversal."""
        last, taken = last_day(month), set(self.taken)
        found: list[Line] = []
        again = True
        while again:
            again = False
            for line in self.lines:
                if line.line_id not in taken and line.business_date <= last and self._eligible(line, last, taken):
                    taken.add(line.line_id)
                    found.append(line)
                    again = True
        return found

    def _eligible(self, line: Line, last: int, taken: set[str]) -> bool:
        told = self.owners[line.position]
        if line.reverses is not None:
            return f"{line.reverses[0]}-{line.reverses[1]}" in taken
        if told.voided:
            return False
        confirmed = told.confirmed or told.born_confirmed
        return (confirmed and not told.disputed and not told.held) or (told.undone is not None and told.undone <= last)

    def defers(self, month: str) -> list[Line]:
        last, taken = last_day(month), {line.line_id for line in self.takes(month)}
        return [
            line
            for line in self.lines
            if line.reverses is None
            and line.business_date <= last
            and not self.owners[line.position].voided
            and line.line_id not in self.taken
            and line.line_id not in taken
        ]

    # --- helpers of the acts -----------------------------------------------------------------------------------------

    def _is_taken(self, told: Told) -> bool:
        taken = told.lines[0].line_id in self.taken
        assert taken == (cycle_of(self.world, told.key) is not None), told
        return taken

    def _record(self, lines: list[Line], told: Told) -> None:
        self.lines += lines
        self.fresh += lines
        self.owners[self.world.position] = told

    def _line(
        self, kind: str, n: int, key: str, date: int, home: str, treatment: str, *, funds: dict[str, int] | None = None,
        account: int = 0, other: int = 0, total: int = 0,
    ) -> Line:  # fmt: skip
        funds = funds or {}
        amount = sum(funds.values()) + account + other
        return Line(
            position=self.world.position, n=n, kind=kind, book="PASS" if kind == "PASS" else "MEDICAL", home=home,
            treatment=treatment, insutype="310", clr_type="310112" if kind == "SETTLEMENT" else kind,
            amount_fen=amount, unit=key, settlement_id=key.partition(":")[2], business_date=date, effective_date=date,
            occurred_at=0, institution=None, card_id=CARD, total_fen=total, account_fen=account, other_fen=other,
            funds=funds,
        )  # fmt: skip

    def _contra(self, original: Line, kind: str, date: int, effective: int, sign: int, deduction: int = 0) -> Line:
        return Line(
            position=self.world.position, n=original.n, kind=kind, book=original.book, home=original.home,
            treatment=original.treatment, insutype=original.insutype, clr_type=original.clr_type,
            amount_fen=sign * original.amount_fen - deduction, unit=original.unit, settlement_id=original.settlement_id,
            business_date=date, effective_date=effective, occurred_at=0, institution=None, card_id=CARD,
            total_fen=sign * original.total_fen, account_fen=sign * original.account_fen,
            other_fen=sign * original.other_fen, deduction_fen=deduction,
            funds={type: sign * amount for type, amount in original.funds.items()} if sign else {},
            reverses=(original.position, original.n),
        )  # fmt: skip

    def take_changes(self) -> tuple[list[tuple[str, Unit]], list[Line]]:
        """Units and lines changed since the last call, as an append transaction is given them."""
        units = [(key, row) for (_, key), (row, _) in self.world.take_changes().items() if isinstance(row, Unit)]
        fresh, self.fresh = self.fresh, []
        return sorted(units, key=lambda unit: unit[0]), fresh
