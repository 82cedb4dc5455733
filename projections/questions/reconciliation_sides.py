"""One setl_id on both sides: which row answers which, and the class of what is not the same (queries.md section 5)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Side:
    """One row of either side; `line` of the file, 0 for ours; `ledger`: whose ours is."""

    line: int
    flag: int
    visit_id: str | None
    total_fen: int
    fund_fen: int
    account_fen: int
    count: int = 1
    ledger: int = 0

    @property
    def figures(self) -> tuple[int, ...]:
        return self.total_fen, self.fund_fen, self.account_fen, self.count

    def is_same(self, theirs: "Side") -> bool:
        """Whether the file's row is this one of ours; a visit it does not name is not compared."""
        named = (self.flag, *self.figures) == (theirs.flag, *theirs.figures)
        return named and theirs.visit_id in (None, self.visit_id)


Found = tuple[str | None, list[Side], list[Side]]
"""setl_id, our rows, the file's rows"""


def apart(ours: Sequence[Side], theirs: Sequence[Side]) -> Iterator[tuple[list[Side], list[Side]]]:
    """What is not the same of one id, each ledger's settlement by itself.

    A row of the file belongs to the ledger that says the same, else to the first that still lacks one of its flag.
    """
    ledgers = sorted({side.ledger for side in ours})
    if len(ledgers) < 2:
        yield list(ours), list(theirs)
        return
    given: dict[int, list[Side]] = {ledger: [] for ledger in ledgers}
    left = list(theirs)
    for exactly in (True, False):
        for side in ours:
            own = given[side.ledger]
            fits = (one for one in left if one.flag == side.flag and (side.is_same(one) or not exactly))
            if not any(one.flag == side.flag for one in own) and (found := next(fits, None)) is not None:
                own.append(found)
                left.remove(found)
    given[ledgers[0]] += left
    for ledger in ledgers:
        mine = [side for side in ours if side.ledger == ledger]
        rows = sorted(given[ledger], key=lambda side: (side.flag, side.line))
        if len(mine) != len(rows) or not all(side.is_same(row) for side, row in zip(mine, rows, strict=True)):
            yield mine, rows


def classified(key: str | None, ours: Sequence[Side], theirs: Sequence[Side]) -> str:
    """The first class that applies to a setl_id that is not the same on both sides."""
    flags = [side.flag for side in theirs]
    if key is None or len(set(flags)) < len(flags):
        return "DUPLICATE_CENTRE"
    if not ours:
        return "ONLY_CENTRE"
    if not theirs:
        return "ONLY_LOCAL"
    return "STATE_DIFF" if {side.flag for side in ours} != set(flags) else "AMOUNT_DIFF"
