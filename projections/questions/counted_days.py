"""Days of operators and of merchants: what each counts, whether it is closed, and what its closing said.

A closed day never changes, so a closing stands beside what its days add up to now.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from projections.questions.national.marks import Element
from projections.questions.snapshot import Cursor
from projections.questions.things import Things
from projections.views.business.folded import Folded
from projections.views.business.rows import FoldedRow, Key

AT_ONCE: Final = 1_000


class Days:
    """What days count (key: who, day), and which of them are closed. `heads`: rows by who, with `closed_to`."""

    def __init__(
        self,
        cursor: Cursor,
        source: str,
        view: Folded,
        days: type[FoldedRow],
        heads: type[FoldedRow],
        who: str | None,
        first: int | None,
        last: int | None,
    ) -> None:
        self._who = days.key[0]
        where = {self._who: who}
        self._days = Things(cursor, source, view, days, where, {"day": first}, {"day": last})
        self._table = view.tables[days]
        found = Things(cursor, source, view, heads, where).found()
        self._closed_to = {getattr(one, self._who): one.closed_to for one in found if one.closed_to is not None}

    def rows(self) -> Iterator[Element]:
        for row in self._days.found():
            closed_to = self._closed_to.get(getattr(row, self._who))
            yield {**self._table.as_json(row), "closed": closed_to is not None and row.day <= closed_to}

    def rest(self) -> dict[str, Any]:
        return self._days.rest()


class Closings:
    """Rows of closings (key: who, day). `days`: rows of single days (same key) with the same figures."""

    def __init__(
        self,
        cursor: Cursor,
        source: str,
        view: Folded,
        closings: type[FoldedRow],
        days: type[FoldedRow],
        who: str | None,
        first: int | None,
        last: int | None,
    ) -> None:
        self._cursor = cursor
        self._who = days.key[0]
        self._closings = Things(cursor, source, view, closings, {self._who: who}, {"day": first}, {"day": last})
        self._table = view.tables[closings]
        self._days = view.tables[days]
        self._figures = [column.name for column in self._days.values if column.name != "position"]
        self._differing = 0

    def rows(self) -> Iterator[Element]:
        found = self._closings.found()
        while page := list(islice(found, AT_ONCE)):
            sums = self._sums(page)
            for row in page:
                one = self._table.as_json(row)
                now = sums[getattr(row, self._who), row.day]
                differing = [name for name, fen in zip(self._figures, now, strict=True) if one[name] != fen]
                self._differing += bool(differing)
                yield {**one, "agrees": not differing, "differing": differing}

    def _sums(self, closings: Sequence[Any]) -> dict[Key, tuple[int, ...]]:
        """What the days of these closings count now."""
        sums = ", ".join(f"coalesce(sum(d.{name}), 0)::bigint" for name in self._figures)
        self._cursor.execute(
            f"SELECT c.who, c.last, {sums}"
            " FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS c (who, first, last)"
            f" LEFT JOIN {self._days.name(self._closings.version)} AS d ON d.source = %s AND d.{self._who} = c.who"
            " AND d.day BETWEEN coalesce(c.first, d.day) AND c.last"
            " GROUP BY 1, 2",
            (
                [getattr(one, self._who) for one in closings],
                [one.closed_from for one in closings],
                [one.day for one in closings],
                self._closings.source,
            ),
        )
        return {(who, last): tuple(figures) for who, last, *figures in self._cursor.fetchall()}

    def rest(self) -> dict[str, Any]:
        return {"differing": self._differing, **self._closings.rest()}
