"""Several business views asked for one answer, which stands at the lowest of their positions."""

from typing import Any

from projections import tracking
from projections.questions import streams
from projections.questions.national.marks import Element
from projections.questions.snapshot import Cursor, Unknown
from projections.views.business.folded import Folded
from projections.views.business.rows import FoldedRow


class Together:
    """The live versions of these views. A view that is ahead of `position` says what it knows."""

    def __init__(self, cursor: Cursor, source: str, *views: Folded) -> None:
        self._cursor = cursor
        self.source = source
        self._standing = {view.name: tracking.position_of(cursor, view.name, source) for view in views}
        self.names = tuple(self._standing)
        self._view_of = {row_type: view for view in views for row_type in view.tables}
        self.position = min(position for _, position in self._standing.values())

    def table(self, row_type: type[FoldedRow]) -> str:
        """The name of a table, for a statement of one's own."""
        view = self._view_of[row_type]
        return view.tables[row_type].name(self._standing[view.name][0])

    def rows(self, row_type: type[FoldedRow], condition: str, **values: Any) -> list[Element]:
        """Rows of a type in the order of their key, as documents show them. `condition` names its values `%(name)s`."""
        table = self._view_of[row_type].tables[row_type]
        found = self.ask(
            f"SELECT {table.select_list} FROM {self.table(row_type)}"
            f" WHERE source = %(source)s AND ({condition}) ORDER BY {', '.join(row_type.key)}",
            **values,
        )
        return [table.as_json(row) for row in table.rows(found)]

    def card(self, row_type: type[FoldedRow], name: str, key: str, otherwise: Unknown) -> Element:
        """The row of the card that a card_sn or card_id names; `otherwise`: what to say of a card that has none.

        `key`: what else could have been given, and was not.
        """
        try:
            card_id = streams.find_card(self._cursor, self.source, name).stream_id
        except Unknown as unknown:
            raise Unknown(unknown.code, f"this is no {key}, and {unknown}") from None
        found = self.rows(row_type, "card_id = %(card_id)s", card_id=card_id)
        if not found:
            raise otherwise
        return found[0]

    def ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a statement finds; `%(source)s` is given."""
        self._cursor.execute(statement, {"source": self.source, **values})
        return self._cursor.fetchall()
