"""Rows of things as they stand, and the tables that hold them.

A row type declares its table: each attribute is a column, the first ones, named by `key`, are its primary key behind
the source. Everything is read and written by the page, in one statement a table, as arrays of columns.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import psycopg

from ledger.core.calendar import date_text, instant_text

Cursor = psycopg.Cursor[Any]
ROWS_PER_STATEMENT: Final = 5_000

# What an attribute is, where its Python type does not tell.
Uuid = Annotated[str, "uuid"]
Hash = Annotated[str, "hash"]
Day = Annotated[int, "day"]
Instant = Annotated[int, "instant"]


class _Kind(NamedTuple):
    """How an attribute is kept: column type, type of the array that carries many, and a value there and back."""

    column: str
    array: str
    stored: Any = None
    loaded: Any = None
    shown: Any = None


KINDS: Final[Mapping[Any, _Kind]] = {
    str: _Kind('text COLLATE "C"', "text[]"),
    int: _Kind("bigint", "bigint[]"),
    bool: _Kind("boolean", "boolean[]"),
    "uuid": _Kind("uuid", "uuid[]", None, str),
    "hash": _Kind("bytea", "bytea[]", bytes.fromhex, bytes.hex),
    "day": _Kind("integer", "integer[]", None, None, date_text),
    "instant": _Kind("bigint", "bigint[]", None, None, instant_text),
}


class FoldedRow(msgspec.Struct, kw_only=True):
    """A thing as it stands after the event at `position`, the last that changed it.

    Attributes: str, int (counts; amounts in fen, with names that end so), bool, Uuid, Hash (lower-case hex), Day (days
    since 1970), Instant (UTC microseconds), each optionally `| None`; all but those of the key need a default.
    """

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    indexes: ClassVar[tuple[str, ...]] = ()
    """Column lists of further indexes; the source comes first in each of itself."""

    position: int = 0


R = TypeVar("R", bound=FoldedRow)
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: _Kind
    is_optional: bool

    @classmethod
    def of(cls, name: str, hint: Any) -> "Column":
        parts = [part for part in get_args(hint) if part is not type(None)]
        is_optional = len(parts) < len(get_args(hint))
        inner = parts[0] if is_optional else hint
        mark = get_args(inner)[1] if get_origin(inner) is Annotated else inner
        return cls(name, KINDS[mark], is_optional)

    def stored(self, values: Sequence[Any]) -> list[Any]:
        change = self.kind.stored
        return list(values) if change is None else [None if value is None else change(value) for value in values]


class Table:
    """The table of one row type, in all its versions."""

    def __init__(self, row_type: type[FoldedRow]) -> None:
        self.row_type = row_type
        hints = get_type_hints(row_type, include_extras=True)
        self.columns = [Column.of(field.name, hints[field.name]) for field in msgspec.structs.fields(row_type)]
        # A struct's keyword-only fields stand behind the others: `position` is the last.
        assert self.columns[-1].name == "position"
        self._by_name = {column.name: column for column in self.columns}
        self.keys = [self._by_name[name] for name in row_type.key]
        self._loading = [(n, column.kind.loaded) for n, column in enumerate(self.columns) if column.kind.loaded]
        self._names = ", ".join(column.name for column in self.columns)
        self.values = [column for column in self.columns if column not in self.keys]

    def name(self, version: int) -> str:
        return f"views.{self.row_type.table}_v{version}"

    # --- making ------------------------------------------------------------------------------------------------------

    def create(self, cursor: Cursor, version: int) -> None:
        columns = ", ".join(
            f"{column.name} {column.kind.column}{'' if column.is_optional else ' NOT NULL'}" for column in self.columns
        )
        key = ", ".join(self.row_type.key)
        cursor.execute(
            f'CREATE TABLE {self.name(version)} (source text COLLATE "C" NOT NULL, {columns},'
            f" PRIMARY KEY (source, {key})) WITH (fillfactor = 80)"
        )
        for index in self.row_type.indexes:
            cursor.execute(f"CREATE INDEX ON {self.name(version)} (source, {index})")

    def drop(self, cursor: Cursor, version: int) -> None:
        """Also of a program whose layout was another, and which may not have had this table."""
        cursor.execute(f"DROP TABLE IF EXISTS {self.name(version)}")

    # --- pages of rows -----------------------------------------------------------------------------------------------

    def load(self, cursor: Cursor, version: int, source: str, keys: Sequence[Key]) -> Iterable[tuple[Key, FoldedRow]]:
        """The rows of these keys that there are."""
        for start in range(0, len(keys), ROWS_PER_STATEMENT):
            self.ask(cursor, version, source, keys[start : start + ROWS_PER_STATEMENT])
            yield from self.answered(cursor)

    def ask(self, cursor: Cursor, version: int, source: str, keys: Sequence[Key]) -> None:
        """Send for the rows of as many keys as a statement may have."""
        names = [column.name for column in self.keys]
        wanted = [column.stored(values) for column, values in zip(self.keys, zip(*keys, strict=True), strict=True)]
        cursor.execute(
            f"SELECT {self._names} FROM {self.name(version)}"
            f" JOIN unnest({self._arrays(self.keys)}) AS wanted ({', '.join(names)}) USING ({', '.join(names)})"
            " WHERE source = %s",
            (*wanted, source),
            binary=True,
        )

    def answered(self, cursor: Cursor) -> Iterable[tuple[Key, FoldedRow]]:
        """The rows that were sent for."""
        for row in self.rows(cursor.fetchall()):
            yield self.key_of(row), row

    def store(self, cursor: Cursor, version: int, source: str, rows: Sequence[FoldedRow]) -> None:
        """Rows as they are now, new or changed."""
        key = ", ".join(self.row_type.key)
        changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in self.values)
        statement = (
            f"INSERT INTO {self.name(version)} (source, {self._names})"
            f" SELECT %s, * FROM unnest({self._arrays(self.columns)})"
            f" ON CONFLICT (source, {key}) DO UPDATE SET {changes}"
        )
        for start in range(0, len(rows), ROWS_PER_STATEMENT):
            part = rows[start : start + ROWS_PER_STATEMENT]
            columns = zip(self.columns, zip(*map(msgspec.structs.astuple, part), strict=True), strict=True)
            cursor.execute(statement, (source, *[column.stored(values) for column, values in columns]))

    def key_of(self, row: FoldedRow) -> Key:
        return tuple(getattr(row, name) for name in self.row_type.key)

    def rows(self, found: Iterable[Sequence[Any]]) -> Iterable[Any]:
        """Rows from tuples in the order of `select_list`."""
        row_type, loading = self.row_type, self._loading
        for values in found:
            if loading:
                values = list(values)
                for n, loaded in loading:
                    if values[n] is not None:
                        values[n] = loaded(values[n])
            yield row_type(*values[:-1], position=values[-1])

    @property
    def select_list(self) -> str:
        return self._names

    def as_json(self, row: FoldedRow) -> dict[str, Any]:
        """A row as documents show it: days and instants as text."""
        shown = {}
        for column in self.columns:
            value = getattr(row, column.name)
            shown[column.name] = column.kind.shown(value) if column.kind.shown and value is not None else value
        return shown

    @staticmethod
    def _arrays(columns: Sequence[Column]) -> str:
        return ", ".join(f"%s::{column.kind.array}" for column in columns)
