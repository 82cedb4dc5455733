"""Days that an operator or a merchant closed, each beside what the days add up to now: a closed day never changes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from projections.questions.national.marks import Element
from projections.questions.snapshot import Cursor
from projections.questions.things import Things
from projections.views.business.folded import Folded
from projections.views.business.rows import FoldedRow, Key

AT_ONCE: Final = 1_000


class Closings:
    """Rows of closings (key: who, day). `days`: rows of single days (same key) with the same figures."""

    def __init__(
        self,
        cursor: Cursor,
        source: str,
        view: Folded,
        closings: type[FoldedRow],
        days: type[FoldedRow],
        where: Mapping[str, Any],
        least: Mapping[str, Any],
        most: Mapping[str, Any],
    ) -> None:
        self._cursor = cursor
        self._closings = Things(cursor, source, view, closings, where, least, most)
        self._table = view.tables[closings]
        self._days = view.tables[days]
        self._figures = [column.name for column in self._days.values if column.name != "position"]
        self._who = days.key[0]
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
