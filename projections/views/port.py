"""What every view is: tables that carry its version in their names, made, filled and compared as a whole."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import psycopg

from projections.feed.port import Page
from projections.findings import Finding

Cursor = psycopg.Cursor[Any]


# The events with these names up to where a version is being filled, in order.
Ordered = Callable[[frozenset[str]], Iterable[Page]]


class Loader(Protocol):
    """Fills a new version of a view from one source by several processes at once; each has a loader of its own.

    All that is asked of what it leaves is that applying the same events in order would have left the same.
    """

    wants: frozenset[str]
    """Names of the events to gather."""

    def begin(self, cursor: Cursor) -> None:
        """Before all else, in the process that rebuilds."""

    def gather(self, cursor: Cursor, page: Page) -> None:
        """Pages of wanted and other events, each given to one process; a process is given its own in order."""

    def flush(self, cursor: Cursor) -> None:
        """After the last page of each process."""

    def finish(self, cursor: Cursor, ordered: Ordered) -> None:
        """When every process has flushed, in the process that rebuilds."""


class View(Protocol):
    """Stateless: everything it knows is in its tables. All rows are keyed by source first."""

    name: str
    shareable: bool
    """Whether partitions of a source may be applied in any order between them: it only adds or inserts."""

    def create(self, cursor: Cursor, version: int) -> None:
        """Its tables and indexes of `version`, empty."""

    def drop(self, cursor: Cursor, version: int) -> None:
        """Remove the tables of a version."""

    def apply(self, cursor: Cursor, version: int, page: Page) -> None:
        """Everything the page's events say, in a few statements."""

    def loader(self, version: int, source: str) -> Loader:
        """What fills a version, new and empty, faster than `apply` could."""

    def differences(self, cursor: Cursor, version: int, other: int, source: str) -> list[Finding]:
        """Rows of `version` that differ from those of `other`, which is right, at the same position."""

    def replace(self, cursor: Cursor, version: int, other: int, source: str) -> None:
        """The rows of a source in `version` become those of `other`."""
