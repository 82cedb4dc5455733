"""Every built view against one made again from the log, at the position where the view stands.

The second version is made and filled in a transaction that is rolled back: whoever is killed leaves nothing behind, and
followers and readers never see it. Views that are told to stop by a damaged log are a finding, not compared.
"""

from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg import IsolationLevel

from projections import applying, tracking
from projections.feed.log import LogFeed
from projections.feed.port import Broken, Page
from projections.findings import Finding
from projections.follow import PAGE_RECORDS
from projections.verification.report import DAMAGE
from projections.views.port import Cursor, View
from projections.views.registry import VIEWS

ATTEMPTS: Final = 3
SCRATCH_VERSION: Final = 1_000_000
"""Added to a session's number this is a version that no rebuild comes to."""


def require_built(connection: psycopg.Connection[Any], source: str) -> None:
    """NotBuilt if a view cannot be compared."""
    for view in VIEWS:
        tracking.position_of(connection, view.name, source)


def check(connection: psycopg.Connection[Any], source: str, progress: Callable[[int], None]) -> list[Finding]:
    """On an autocommit connection of its own, with the right to make tables of views."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = False
    for _ in range(ATTEMPTS - 1):
        try:
            return _in_one_snapshot(connection, source, progress)
        except psycopg.errors.UndefinedTable:
            continue  # a rebuild has just put another version in place
    return _in_one_snapshot(connection, source, progress)


def _in_one_snapshot(
    connection: psycopg.Connection[Any], source: str, progress: Callable[[int], None]
) -> list[Finding]:
    scratch = SCRATCH_VERSION + connection.info.backend_pid
    found: list[Finding] = []
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        standing = {view.name: tracking.position_of(cursor, view.name, source) for view in VIEWS}
        ahead = {view.name: tracking.ahead_of(cursor, view.name, source) for view in VIEWS}
        for view in VIEWS:
            view.create(cursor, scratch)
        filled = _Filling(connection, cursor, source, scratch)
        filled.up_to({view.name: position for view, (_, position) in _of(standing)}, progress)
        for view, (_, position) in _of(standing):
            filled.ahead(view, position, ahead[view.name])
        for view, (version, position) in _of(standing):
            if view.name in filled.stopped:
                found.append(Finding("view_not_compared", view.name, position, filled.stopped[view.name]))
            else:
                found.extend(view.differences(cursor, version, scratch, source))
    return found


def _of(standing: dict[str, tuple[int, int]]) -> list[tuple[View, tuple[int, int]]]:
    return [(view, standing[view.name]) for view in VIEWS]


class _Filling:
    """`stopped`: views that the log cannot fill, and why."""

    def __init__(self, connection: psycopg.Connection[Any], cursor: Cursor, source: str, version: int) -> None:
        self._connection = connection
        self._cursor = cursor
        self._feed = LogFeed(source, lambda: connection)
        self._version = version
        self.stopped: dict[str, str] = {}

    def up_to(self, targets: dict[str, int], progress: Callable[[int], None]) -> None:
        """Apply each page to every view that is to have it; pages end where a view stands."""
        position = 0
        while True:
            due = [view for view in VIEWS if targets[view.name] > position and view.name not in self.stopped]
            if not due:
                return
            limit = min(targets[view.name] for view in due) - position
            try:
                records = self._feed.read(position, min(limit, PAGE_RECORDS))
                if not records:
                    raise Broken(f"the view has applied events after {position}, where the log ends")
                page = Page(self._feed.source, records)
            except (Broken, *DAMAGE) as error:
                self.stopped.update({view.name: str(error) for view in due})
                return
            for view in due:
                try:
                    with self._connection.transaction():
                        view.apply(self._cursor, self._version, page)
                except (Broken, *DAMAGE) as error:
                    self.stopped[view.name] = str(error).partition("\n")[0]
            position = page.last_position
            progress(position)

    def ahead(self, view: View, position: int, ahead: tracking.Ahead) -> None:
        """What partitions that shares have brought further than the view's position have applied."""
        last = max(ahead.positions.values(), default=0)
        try:
            while position < last and view.name not in self.stopped:
                records = self._feed.read(position, min(last - position, PAGE_RECORDS))
                if not records:
                    raise Broken(f"the view has applied events after {position}, where the log ends")
                position = records[-1].position
                if found := applying.only(records, ahead):
                    with self._connection.transaction():
                        view.apply(self._cursor, self._version, Page(self._feed.source, found))
        except (Broken, *DAMAGE) as error:
            self.stopped[view.name] = str(error).partition("\n")[0]
