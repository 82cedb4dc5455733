"""A view whose rows are folded from the log: which events change which rows, and how.

A page is one reading of the rows its events name, the events folded into them in order, and one writing, a table each.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, cast

from ledger.core.decider import Event
from projections.feed.port import Page
from projections.findings import Finding
from projections.views.business.rows import FoldedRow, Key, R, Table
from projections.views.layout import other_layouts
from projections.views.port import Cursor, Ordered

PAGE_RECORDS: Final = 5_000
ROWS_IN_FLIGHT: Final = 500
Name = tuple[type[FoldedRow], Key]


class Rows:
    """The rows of one page as far as it is folded. What was not foreseen is loaded when it is asked for."""

    def __init__(self, cursor: Cursor, version: int, source: str, tables: Mapping[type[FoldedRow], Table]) -> None:
        self._cursor = cursor
        self._version = version
        self._source = source
        self._tables = tables
        self._found: dict[Name, FoldedRow | None] = {}
        self._changed: dict[Name, FoldedRow] = {}
        self.position = 0

    def get(self, row_type: type[R], *key: Any) -> R | None:
        """A row to look at; None if there is none."""
        name = row_type, key
        if name not in self._found:
            self.load([name])
        return cast("R | None", self._found[name])

    def edit(self, row_type: type[R], *key: Any) -> R:
        """A row to change, new if there is none."""
        row = self.get(row_type, *key)
        if row is None:
            row = row_type(**dict(zip(row_type.key, key, strict=True)))
            self._found[row_type, key] = row
        row.position = self.position
        self._changed[row_type, key] = row
        return row

    def load(self, names: Iterable[Name]) -> None:
        """The rows of these names, a statement a table."""
        wanted: dict[type[FoldedRow], list[Key]] = {}
        for name in names:
            if name not in self._found:
                self._found[name] = None
                wanted.setdefault(name[0], []).append(name[1])
        if self._are_few(wanted):
            cursors = {row_type: self._cursor.connection.cursor() for row_type in wanted}
            with self._cursor.connection.pipeline():
                for row_type, keys in wanted.items():
                    self._tables[row_type].ask(cursors[row_type], self._version, self._source, keys)
            found = {row_type: self._tables[row_type].answered(cursor) for row_type, cursor in cursors.items()}
        else:
            found = {
                row_type: self._tables[row_type].load(self._cursor, self._version, self._source, keys)
                for row_type, keys in wanted.items()
            }
        for row_type, rows in found.items():
            for key, row in rows:
                self._found[row_type, key] = row

    def store(self) -> None:
        """Write what was changed, a statement a table."""
        changed: dict[type[FoldedRow], list[FoldedRow]] = {}
        for (row_type, _), row in self._changed.items():
            changed.setdefault(row_type, []).append(row)
        with self._cursor.connection.pipeline() if self._are_few(changed) else nullcontext():
            for row_type, rows in changed.items():
                self._tables[row_type].store(self._cursor, self._version, self._source, rows)

    @staticmethod
    def _are_few(by_table: Mapping[type[FoldedRow], Sequence[Any]]) -> bool:
        """Whether statements go out together: for a few rows each, waiting for answers would take most of the time.

        Large ones wait for one another: what is in flight both ways would fill the buffers of both sides.
        """
        return len(by_table) > 1 and sum(map(len, by_table.values())) <= ROWS_IN_FLIGHT


class Names(Protocol):
    """The rows that what an event changes will ask for."""

    def __call__(self, event: Event) -> Iterable[Name]: ...


class Of:
    """The row whose key these fields of the event are; none if one of them is null."""

    def __init__(self, row_type: type[FoldedRow], *fields: str) -> None:
        self._row_type = row_type
        self._fields = fields

    def __call__(self, event: Event) -> Iterable[Name]:
        key = tuple([event[field] for field in self._fields])
        return () if None in key else ((self._row_type, key),)


class Each:
    """Rows of several kinds."""

    def __init__(self, *kinds: Names) -> None:
        self._kinds = kinds

    def __call__(self, event: Event) -> Iterable[Name]:
        return [name for names in self._kinds for name in names(event)]


def nothing_then(rows: Rows, event: Event) -> Iterable[Name]:
    return ()


@dataclass(frozen=True, slots=True)
class On:
    """What an event so named changes. `names`: loaded for the whole page at once, `then`: rows that those lead to."""

    event: str
    change: Callable[[Rows, Event], None]
    names: Names
    then: Callable[[Rows, Event], Iterable[Name]] = nothing_then


class Folded:
    """A view of the tables of these rows. The order of events matters, so it is not shared out by partition."""

    shareable = False

    def __init__(self, name: str, rows: Sequence[type[FoldedRow]], folds: Sequence[On]) -> None:
        self.name = name
        self.tables: Final = {row_type: Table(row_type) for row_type in rows}
        self._folds: Final = {on.event: on for on in folds}
        self.events: Final = frozenset(self._folds)

    def __reduce__(self) -> tuple[Callable[[str], "Folded"], tuple[str]]:
        """Another process is told its name: what it does is code, which that process has."""
        return _of_name, (self.name,)

    def create(self, cursor: Cursor, version: int) -> None:
        for table in self.tables.values():
            table.create(cursor, version)

    def drop(self, cursor: Cursor, version: int) -> None:
        for table in self.tables.values():
            table.drop(cursor, version)

    def apply(self, cursor: Cursor, version: int, page: Page) -> None:
        due = [(self._folds[record.name], record) for record in page.records if record.name in self._folds]
        if not due:
            return
        rows = Rows(cursor, version, page.source, self.tables)
        rows.load(name for on, record in due for name in on.names(record.event))
        rows.load([name for on, record in due for name in on.then(rows, record.event)])
        for on, record in due:
            rows.position = record.position
            on.change(rows, record.event)
        rows.store()

    def loader(self, version: int, source: str) -> "InOrder":
        return InOrder(self, version)

    def differences(self, cursor: Cursor, version: int, other: int, source: str) -> list[Finding]:
        return [
            finding for table in self.tables.values() for finding in _differences(cursor, table, version, other, source)
        ]

    def replace(self, cursor: Cursor, version: int, other: int, source: str) -> None:
        for table in self.tables.values():
            cursor.execute(f"DELETE FROM {table.name(version)} WHERE source = %s", (source,))
            cursor.execute(
                f"INSERT INTO {table.name(version)} SELECT * FROM {table.name(other)} WHERE source = %s", (source,)
            )


def _of_name(name: str) -> Folded:
    from projections.views.registry import VIEWS  # which imports every view, and so this file

    return next(view for view in VIEWS if isinstance(view, Folded) and view.name == name)


class InOrder:
    """Fills a version by its own events alone, in order, when nothing else is left to do."""

    wants: frozenset[str] = frozenset()

    def __init__(self, view: Folded, version: int) -> None:
        self._view = view
        self._version = version

    def begin(self, cursor: Cursor) -> None:
        """Nothing to prepare."""

    def gather(self, cursor: Cursor, page: Page) -> None:
        """Parts of the log do not add up: all is done at the end."""

    def flush(self, cursor: Cursor) -> None:
        """Nothing was gathered."""

    def finish(self, cursor: Cursor, ordered: Ordered) -> None:
        for page in ordered(self._view.events):
            for start in range(0, len(page.records), PAGE_RECORDS):
                part = page.records[start : start + PAGE_RECORDS]
                self._view.apply(cursor, self._version, replace(page, records=part))


def _differences(cursor: Cursor, table: Table, version: int, other: int, source: str) -> Iterable[Finding]:
    """`other` is right."""
    if found := other_layouts(cursor, [(table.row_type.table, table.name(version), table.name(other))]):
        yield from found
        return
    key = ", ".join(table.row_type.key)
    values = [column.name for column in table.values]
    mine, right = (", ".join(f"{side}.{name}" for name in values) for side in "ab")
    cursor.execute(
        f"""
        SELECT {key}, a.source IS NULL, b.source IS NULL, {mine}, {right}
        FROM (SELECT * FROM {table.name(version)} WHERE source = %s) AS a
        FULL JOIN (SELECT * FROM {table.name(other)} WHERE source = %s) AS b USING ({key})
        WHERE ROW({mine}) IS DISTINCT FROM ROW({right}) OR a.source IS NULL OR b.source IS NULL
        ORDER BY {key}
        """,
        (source, source),
        prepare=False,
    )
    keys, width = len(table.keys), len(values)
    for row in cursor.fetchall():
        subject = f"{table.row_type.table} {':'.join(map(str, row[:keys]))}"
        is_missing, is_extra = row[keys : keys + 2]
        found, wanted = row[keys + 2 : keys + 2 + width], row[keys + 2 + width :]
        position = max(values[-1] for values in (found, wanted) if values[-1] is not None)
        if is_missing:
            yield Finding("row_missing", subject, position, "the log's events make it")
        elif is_extra:
            yield Finding("row_extra", subject, position, "no event of the log makes it")
        else:
            differing = [
                f"{name} {_shown(mine)}, by the log {_shown(right)}"
                for name, mine, right in zip(values, found, wanted, strict=True)
                if mine != right
            ]
            yield Finding("row_differs", subject, position, "; ".join(differing))


def _shown(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
