"""The table of a clearing cycle: its rows, their order, and the digest both sides compare (contract 7.1).

Sums add and subtract, so a table may be put together from parts: what a snapshot saw, less what has changed since.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ledger.families.clearing.lines import Line

Key = tuple[str, str, str, str, str]
"""book, home, treatment, insutype, clr_type"""


@dataclass(slots=True)
class Sums:
    """What the taken lines of one key add up to. Deductions are not in `funds`."""

    count: int = 0
    reversed_count: int = 0
    deduction_count: int = 0
    total_fen: int = 0
    account_fen: int = 0
    other_fen: int = 0
    deduction_fen: int = 0
    funds: dict[str, int] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        return self.count + self.reversed_count + self.deduction_count

    def add(self, other: "Sums", times: int = 1) -> None:
        """Add another sum, or take it away again (`times` -1)."""
        self.count += times * other.count
        self.reversed_count += times * other.reversed_count
        self.deduction_count += times * other.deduction_count
        self.total_fen += times * other.total_fen
        self.account_fen += times * other.account_fen
        self.other_fen += times * other.other_fen
        self.deduction_fen += times * other.deduction_fen
        for type, amount in other.funds.items():
            self.funds[type] = self.funds.get(type, 0) + times * amount


@dataclass(slots=True)
class Tally:
    """Sums by key, and how many deferred lines have been deferred how often."""

    sums: dict[Key, Sums] = field(default_factory=dict)
    deferrals: dict[int, int] = field(default_factory=dict)

    def add(self, other: "Tally", times: int = 1) -> None:
        for key, sums in other.sums.items():
            self.sums.setdefault(key, Sums()).add(sums, times)
        for deferred, lines in other.deferrals.items():
            self.deferrals[deferred] = self.deferrals.get(deferred, 0) + times * lines

    def take(self, line: Line) -> None:
        """Count one line as taken."""
        key = (line.book, line.home, line.treatment, line.insutype, line.clr_type)
        self.sums.setdefault(key, Sums()).add(
            Sums(
                count=line.kind not in ("REVERSAL", "DEDUCTION"),
                reversed_count=line.kind == "REVERSAL",
                deduction_count=line.kind == "DEDUCTION",
                total_fen=line.total_fen,
                account_fen=line.account_fen,
                other_fen=line.other_fen,
                deduction_fen=line.deduction_fen,
                funds=line.funds,
            )
        )

    def defer(self, deferrals: int, lines: int) -> None:
        """Count lines as deferred, for the `deferrals`-th time."""
        self.deferrals[deferrals] = self.deferrals.get(deferrals, 0) + lines

    def table(self, month: str, limit: int) -> "CutOffTable":
        rows = [TableRow.of(month, key, sums) for key, sums in sorted(self.sums.items()) if sums.lines]
        deferrals = tuple(sorted((deferred, lines) for deferred, lines in self.deferrals.items() if lines))
        return CutOffTable(
            rows=rows,
            line_count=sum(sums.lines for sums in self.sums.values()),
            row_count=len(rows),
            deferred_count=sum(lines for _, lines in deferrals),
            alarm_count=alarms(deferrals, limit),
            table_digest=table_digest(rows),
            deferrals=deferrals,
        )


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row, its columns in the order of the digest."""

    cycle: str
    book: str
    home: str
    treatment: str
    insutype: str
    clr_type: str
    count: int
    reversed_count: int
    deduction_count: int
    total_fen: int
    funds: dict[str, int]
    fund_fen: int
    account_fen: int
    other_fen: int
    deduction_fen: int
    payable_fen: int

    @classmethod
    def of(cls, month: str, key: Key, sums: Sums) -> "TableRow":
        funds = {type: amount for type, amount in sorted(sums.funds.items()) if amount}
        fund_fen = sum(funds.values())
        return cls(
            month,
            *key,
            sums.count,
            sums.reversed_count,
            sums.deduction_count,
            sums.total_fen,
            funds,
            fund_fen,
            sums.account_fen,
            sums.other_fen,
            sums.deduction_fen,
            fund_fen + sums.account_fen + sums.other_fen - sums.deduction_fen,
        )

    @property
    def key(self) -> tuple[str, str, str, str, str, str]:
        return self.cycle, self.book, self.home, self.treatment, self.insutype, self.clr_type

    def text(self) -> str:
        """The row as the digest reads it."""
        funds = ",".join(f"{type}={amount}" for type, amount in sorted(self.funds.items())) or "-"
        counts = self.count, self.reversed_count, self.deduction_count
        amounts = self.fund_fen, self.account_fen, self.other_fen, self.deduction_fen, self.payable_fen
        return "\t".join((*self.key, *map(str, counts), str(self.total_fen), funds, *map(str, amounts))) + "\n"


@dataclass(frozen=True, slots=True)
class CutOffTable:
    """What a cut-off takes. `deferrals`: (deferred for the how-manieth time, lines), ascending."""

    rows: list[TableRow]
    line_count: int
    row_count: int
    deferred_count: int
    alarm_count: int
    table_digest: str
    deferrals: tuple[tuple[int, int], ...] = ()


def alarms(deferrals: Iterable[tuple[int, int]], limit: int) -> int:
    """How many deferred lines have been deferred more than `limit` times."""
    return sum(lines for deferred, lines in deferrals if deferred > limit)


def summed(month: str, tables: Iterable[Iterable[TableRow]]) -> list[TableRow]:
    """Tables of the same month added up by key: the nation's table from those of its ledgers (contract 7.1)."""
    sums: dict[Key, Sums] = {}
    for table in tables:
        for row in table:
            key = (row.book, row.home, row.treatment, row.insutype, row.clr_type)
            counts = row.count, row.reversed_count, row.deduction_count
            amounts = row.total_fen, row.account_fen, row.other_fen, row.deduction_fen
            sums.setdefault(key, Sums()).add(Sums(*counts, *amounts, dict(row.funds)))
    return [TableRow.of(month, key, found) for key, found in sorted(sums.items())]


def table_digest(rows: Iterable[TableRow]) -> str:
    """SHA-256 of the rows as text, in the order of their keys."""
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.key):
        digest.update(row.text().encode())
    return digest.hexdigest()


def pair_totals(rows: Iterable[TableRow]) -> list[dict[str, str | int]]:
    """payable_fen of every pair that has rows, sorted by book, home, treatment."""
    totals: dict[tuple[str, str, str], int] = {}
    for row in rows:
        pair = row.book, row.home, row.treatment
        totals[pair] = totals.get(pair, 0) + row.payable_fen
    return [
        {"book": book, "home": home, "treatment": treatment, "payable_fen": payable}
        for (book, home, treatment), payable in sorted(totals.items())
    ]


def positive_medical(pairs: Iterable[Mapping[str, str | int]]) -> int:
    """Sum of the positive pair totals of book MEDICAL."""
    return sum(int(pair["payable_fen"]) for pair in pairs if pair["book"] == "MEDICAL" and int(pair["payable_fen"]) > 0)
