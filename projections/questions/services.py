"""What cards were used for, as the view `services` counts it, grouped as wanted, and items with their uses."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ledger.core.calendar import date_text
from projections import tracking
from projections.questions.national.marks import Element
from projections.questions.snapshot import Cursor
from projections.questions.things import ROWS_AT_ONCE, Things
from projections.views.business.services import SERVICES, Item, Uses

BY: Final = {
    "scheme": "scheme",
    "item": "item",
    "act": "act",
    "province": "province",
    "area": "area",
    "code": "code",
    "step": "step",
    "package": "package",
    "channel": "channel",
    "result": "result",
    "month": "to_char(date '1970-01-01' + day, 'YYYY-MM')",
    "day": "to_char(date '1970-01-01' + day, 'YYYY-MM-DD')",
}
"""What uses can be grouped by, in the order of an element's keys."""


class Counts:
    """Uses, a row for each combination of `by` that occurs; keys that are not grouped by, or do not apply, are null.

    `where`: one of the columns of BY but month and day -> the value it must have; days first..last.
    `amount_fen` is null unless grouped by act: payments and refunds do not add up.
    """

    def __init__(
        self,
        cursor: Cursor,
        source: str,
        by: Sequence[str],
        where: Mapping[str, str | None],
        first: int | None = None,
        last: int | None = None,
    ) -> None:
        self._cursor = cursor
        self._by = [name for name in BY if name in by]
        self.source = source
        self.version, self.position = tracking.position_of(cursor, SERVICES.name, source)
        asked = {
            **{f"{name} = %s": value for name, value in where.items()},
            "day >= %s": first,
            "day <= %s": last,
        }
        self._asked = {test: value for test, value in asked.items() if value is not None}

    def rows(self) -> Iterator[Element]:
        table = SERVICES.tables[Uses].name(self.version)
        keys = "".join(f"{BY[name]}, " for name in self._by)
        places = ", ".join(str(number + 1) for number in range(len(self._by)))
        ordered = f" GROUP BY {places} ORDER BY {places}" if self._by else ""
        with self._cursor.connection.cursor("services_counts") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(
                f"SELECT {keys} coalesce(sum(uses), 0)::bigint, coalesce(sum(away), 0)::bigint,"
                f" coalesce(sum(amount_fen), 0)::bigint FROM {table}"
                f" WHERE {' AND '.join(['source = %s', *self._asked])}{ordered}",
                [self.source, *self._asked.values()],
            )
            for *found, uses, away, amount in cursor:
                told = {name: value or None for name, value in zip(self._by, found, strict=True)}
                element: Element = {name: told.get(name) for name in BY}
                yield {**element, "uses": uses, "away": away, "amount_fen": amount if "act" in told else None}

    def rest(self) -> dict[str, Any]:
        return {"by": self._by, "position": self.position}


class Items:
    """Items that schemes switched on, each with how often it was used while it was on; `on`: only those on that day."""

    def __init__(self, cursor: Cursor, source: str, on: int | None, **where: str | None) -> None:
        self._cursor = cursor
        self._on = None if on is None else date_text(on)
        self._things = Things(cursor, source, SERVICES, Item, where, most={"valid_from": on})

    def rows(self) -> Iterator[Element]:
        used = self._used()
        for item in self._things.rows():
            if self._on is None or item["valid_to"] is None or item["valid_to"] >= self._on:
                uses, away = used.get(tuple(item[name] for name in Item.key), (0, 0))
                yield {**item, "uses": uses, "away": away}

    def _used(self) -> dict[tuple[str, ...], tuple[int, int]]:
        """By item: how often, and how often with a card of another province."""
        items, uses = (SERVICES.tables[one].name(self._things.version) for one in (Item, Uses))
        self._cursor.execute(
            f"SELECT scheme, item, province, to_char(date '1970-01-01' + valid_from, 'YYYY-MM-DD'),"
            f" sum(uses)::bigint, sum(away)::bigint FROM {items} AS i JOIN {uses} AS u"
            " USING (source, scheme, item, province)"
            " WHERE source = %s AND day >= valid_from AND (valid_to IS NULL OR day <= valid_to) GROUP BY 1, 2, 3, 4",
            (self._things.source,),
        )
        return {tuple(key): (uses, away) for *key, uses, away in self._cursor.fetchall()}

    def rest(self) -> dict[str, Any]:
        return self._things.rest()
