"""What every view is: tables that carry its version in their names, made, filled and compared as a whole."""

from typing import Any, Protocol

import psycopg

from projections.feed.port import Page
from projections.findings import Finding

Cursor = psycopg.Cursor[Any]


class View(Protocol):
    """Stateless: everything it knows is in its tables. All rows are keyed by source first."""

    name: str

    def create(self, cursor: Cursor, version: int) -> None:
        """Its tables and indexes of `version`, empty."""

    def drop(self, cursor: Cursor, version: int) -> None:
        """Remove the tables of a version."""

    def apply(self, cursor: Cursor, version: int, page: Page) -> None:
        """Everything the page's events say, in a few statements."""

    def differences(self, cursor: Cursor, version: int, other: int, source: str) -> list[Finding]:
        """Rows of `version` that differ from those of `other`, which is right, at the same position."""
