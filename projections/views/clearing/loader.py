"""Loading the clearing view: bills and what they owe in any order, then in order the few events that ask for it.

Most events of clearing settle something: they open a unit and read nothing, so any process may write them. All others
are applied as ever, to units that are all there by then. A cut-off looks at what lies before it.
"""

from typing import Final, Protocol

from projections.feed.port import Page
from projections.loading import indexes
from projections.views.clearing import tables
from projections.views.clearing.stretch import OPENING, UNIT_EVENTS, Stretch
from projections.views.port import Cursor, Ordered

IN_ORDER: Final = UNIT_EVENTS | frozenset(
    "CycleCutOff CycleClosed NoticeIssued RemittanceRecorded PrepaymentPaid PrepaymentReturned"
    " PrepaymentAlertRaised".split()
)


class Apply(Protocol):
    """The view's own way of applying a page."""

    def __call__(self, cursor: Cursor, *, page: Page) -> None: ...


class ClearingLoader:
    wants = OPENING

    def __init__(self, apply: Apply, version: int, source: str) -> None:
        self._apply = apply
        self._version = version
        self._source = source
        self._indexes: list[str] = []

    def begin(self, cursor: Cursor) -> None:
        self._indexes = indexes.take_off(cursor, self._tables(cursor))

    def gather(self, cursor: Cursor, page: Page) -> None:
        stretch = Stretch(tables.find(cursor, self._version, self._source))
        for record in page.records:
            if record.name in OPENING:
                stretch.take(record)
        stretch.load(cursor)

    def flush(self, cursor: Cursor) -> None:
        """Every page was written as it came."""

    def finish(self, cursor: Cursor, ordered: Ordered) -> None:
        indexes.put_back(cursor, self._indexes)
        for page in ordered(IN_ORDER):
            if page.records:
                self._apply(cursor, page=page)

    def _tables(self, cursor: Cursor) -> list[str]:
        own = tables.open_set(cursor, self._version, self._source)
        return [own.lines, own.units, own.named("bills"), own.named("acts")]
