"""Seals against the log: every root made again from the bytes of the events it covers, in one pass.

A seal says which events it covers and what hash they give together; whoever changes, takes out or slips in an event
under a seal would have to find other bytes with the same hash.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
from psycopg import IsolationLevel

from ledger.core.decider import Event
from ledger.core.identity import NO_DIGEST, stream_id_of
from ledger.core.merkle import Tree
from ledger.families.governance.seal import LOG, LastSeal
from ledger.store import codec, sealing
from ledger.store.recorder import History
from projections.findings import Finding
from projections.verification.report import Report

SEALS: Final = """
    SELECT notification_id, state FROM ledger.events WHERE originator_id = %s::uuid ORDER BY notification_id
"""
BEFORE: Final = "SELECT coalesce(max(notification_id), 0) FROM ledger.events WHERE notification_id < %s"


def check(connection: psycopg.Connection[Any], report: Report, progress: Callable[[int], None]) -> None:
    """On an autocommit connection of its own; findings and the number of seals go to the report."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    try:
        with connection.transaction():
            _Growing(connection, report).compare(progress)
    finally:
        if not connection.broken:
            connection.isolation_level = None
            connection.read_only = None


class _Growing:
    """The tree up to the seal looked at last, and what that seal said."""

    def __init__(self, connection: psycopg.Connection[Any], report: Report) -> None:
        self._connection = connection
        self._history = History(connection)
        self._report = report
        self._tree = Tree()
        self._through = 0
        self._root = NO_DIGEST

    def compare(self, progress: Callable[[int], None]) -> None:
        stream = stream_id_of(LastSeal.kind, LOG)
        for position, data in self._connection.execute(SEALS, (stream,), binary=True).fetchall():
            self._report.seals += 1
            try:
                name, event = codec.decode(data)
            except codec.Undecodable as error:
                self._report.add("undecodable", stream, position, str(error))
                continue
            if name == "LogSealed":
                self._report.extend(self._findings(position, event))
            progress(position)

    def _findings(self, position: int, event: Event) -> Iterator[Finding]:
        seal_id, through = event["seal_id"], event["through_position"]
        (before,) = self._connection.execute(BEFORE, (position,)).fetchone() or (0,)
        if event["after_position"] != self._through:
            detail = f"it begins after position {event['after_position']}, the seal before ends at {self._through}"
            yield Finding("seal_gap", seal_id, position, detail)
        if through != before:
            yield Finding(
                "seal_gap", seal_id, position, f"it ends at position {through}, the log before it at {before}"
            )
        if self._through < through < position:
            self._tree = sealing.grow(self._history, self._tree, self._through, through).tree
        if event["tree_size"] != self._tree.size:
            detail = f"it says that it covers {event['tree_size']} events, there are {self._tree.size}"
            yield Finding("seal_gap", seal_id, position, detail)
        root = self._tree.root().hex()
        if event["root"] != root or event["frontier"] != [hashed.hex() for hashed in self._tree.frontier]:
            detail = f"the events up to position {through} give the root {root}, it says {event['root']}"
            yield Finding("seal_root_differs", seal_id, position, detail)
        if event["previous_root"] != self._root:
            detail = f"the seal before has the root {self._root}, it says {event['previous_root']}"
            yield Finding("seal_root_differs", seal_id, position, detail)
        self._through, self._root = max(through, self._through), event["root"]
