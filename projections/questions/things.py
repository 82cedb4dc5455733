"""Things as a business view has them: the rows of one of its tables that a question wants, as documents show them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from projections import tracking
from projections.questions import sources
from projections.questions.naming import quoted
from projections.questions.national.marks import Element, marked
from projections.questions.reach import up_to
from projections.questions.snapshot import Cursor, Unknown
from projections.views.business.folded import Folded
from projections.views.business.rows import FoldedRow

ROWS_AT_ONCE: Final = 5_000


class Listing(Protocol):
    """The elements of a document's list, as they are read, and what else it says once they were."""

    def rows(self) -> Iterator[Element]: ...

    def rest(self) -> dict[str, Any]: ...


class Things:
    """Rows of a type in the order of their key. `where`: column -> the value it must have; None asks for all.

    `most`: column -> the highest value, `least`: column -> the lowest; `without`: rows of cards that stand there are
    left out. Read as they are written out.
    """

    def __init__(
        self,
        cursor: Cursor,
        source: str,
        view: Folded,
        row_type: type[FoldedRow],
        where: Mapping[str, Any],
        least: Mapping[str, Any] | None = None,
        most: Mapping[str, Any] | None = None,
        without: type[FoldedRow] | None = None,
    ) -> None:
        self._cursor = cursor
        self._table = view.tables[row_type]
        self._view = view.name
        self.source = source
        self.version, self.position = tracking.position_of(cursor, view.name, source)
        tests = {
            **{f"{name} = %s": value for name, value in where.items()},
            **{f"{name} >= %s": value for name, value in (least or {}).items()},
            **{f"{name} <= %s": value for name, value in (most or {}).items()},
        }
        wanted = {test: value for test, value in tests.items() if value is not None}
        conditions = ["source = %s", *wanted]
        if without is not None:
            mine, others = (view.tables[one].name(self.version) for one in (row_type, without))
            same = f"(other.source, other.card_id) = ({mine}.source, {mine}.card_id)"
            conditions.append(f"NOT EXISTS (SELECT FROM {others} AS other WHERE {same})")
        self._where = " AND ".join(conditions)
        self._values = [source, *wanted.values()]

    def found(self) -> Iterator[Any]:
        """The rows themselves."""
        key = ", ".join(self._table.row_type.key)
        with self._cursor.connection.cursor(f"things_{self._table.row_type.table}") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(
                f"SELECT {self._table.select_list} FROM {self._table.name(self.version)}"
                f" WHERE {self._where} ORDER BY {key}",
                self._values,
            )
            yield from self._table.rows(cursor)

    def rows(self) -> Iterator[Element]:
        """The same as objects."""
        return map(self._table.as_json, self.found())

    def of(self, kind: str, name: str, listed: str) -> list[Element]:
        """The objects of the one thing that was asked for by this id, which is Unknown if there are none.

        `listed`: the command that lists things of this kind.
        """
        found = list(self.rows())
        if not found:
            looked = up_to(self._cursor, self.source, self.position, self._view)
            said = f"no {kind} is known by {quoted(name, 'id')} {looked}; `onecard {listed}` shows those there are"
            raise Unknown(f"{kind.split()[-1]}_unknown", said)
        return found

    def rest(self) -> dict[str, Any]:
        """What the document says beside its rows."""
        return {"position": self.position}


class OfAll:
    """The same of every ledger that the view follows, by source; each object begins with its source.

    What one ledger says beside its elements, all say by source. A card or another object that only some know is asked
    of those; it is Unknown if none does.
    """

    def __init__(self, cursor: Cursor, view: Folded, ask: Callable[[Cursor, str], Listing]) -> None:
        self._parts: dict[str, Listing] = {}
        unknown = None
        for source in sources.every(cursor, view.name):
            try:
                self._parts[source] = ask(cursor, source)
            except Unknown as none:
                unknown = none
        if unknown is not None and not self._parts:
            raise unknown

    def rows(self) -> Iterator[Element]:
        for source, part in self._parts.items():
            yield from marked(source, part.rows())

    def rest(self) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for source, part in self._parts.items():
            for key, value in part.rest().items():
                said.setdefault(key, {})[source] = value
        return said
