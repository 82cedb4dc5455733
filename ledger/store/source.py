"""The store as the World's source: rows, recorded facts and clearing tables, as the log stands."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import psycopg

from ledger.core.merkle import Tree
from ledger.core.rows import Row
from ledger.core.world import Fact, Name, Reference
from ledger.families.governance.seal import LOG, LastSeal
from ledger.families.registry import postings_for
from ledger.store import identity, lines, sealing, state, submissions
from ledger.store.recorder import History

# A cut-off is prepared again when more units than this have changed meanwhile, but not for ever.
MOST_CHANGED = 20_000
PREPARATIONS = 3


def probe_only(connection: psycopg.Connection[Any]) -> None:
    """Plans are kept from when tables were small; a probe must never become a scan."""
    connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")


class StoreSource:
    """Reads through one connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        probe_only(connection)
        self._history = History(connection)
        self.prepared: lines.Prepared | None = None
        self.grown_ahead: sealing.Grown | None = None
        self._facts: Mapping[Reference, Fact | None] = {}

    def knowing(self, facts: Mapping[Reference, Fact | None]) -> Self:
        """The same for one batch, for which these facts were asked already."""
        informed = copy.copy(self)
        informed._facts = facts
        return informed

    def load(self, names: Sequence[Name]) -> Iterable[tuple[Name, Row]]:
        return state.Asked(self.connection, names).found()

    def find(self, keys: Sequence[submissions.Key]) -> dict[submissions.Key, submissions.Submission]:
        return submissions.find(self.connection, keys)

    def recorded(self, keys: Sequence[Reference]) -> dict[Reference, Fact]:
        known = self._facts
        found = submissions.Recall(self.connection, [key for key in keys if key not in known]).found()
        found.update((key, fact) for key in keys if (fact := known.get(key)) is not None)
        return found

    def prepare_cut_off(self, connection: psycopg.Connection[Any], month: str, limit: int) -> None:
        """The long part of a cut-off, by a connection that is kept open until the decision is made."""
        for _ in range(PREPARATIONS):
            self.prepared = lines.prepare(connection, lines.STORE, month, limit)
            if len(lines.changed(self.connection.cursor(), self.prepared)) <= MOST_CHANGED:
                return

    def cut_off(self, month: str, limit: int) -> Any:
        prepared = self.prepared
        with self.connection.cursor() as cursor:
            if prepared is not None and (prepared.month, prepared.limit) == (month, limit):
                try:
                    # Units that were made again since are not among those that changed by what was recorded.
                    if identity.rows_made(prepared.connection) == identity.rows_made(self.connection):
                        return lines.finish(cursor, prepared)
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    if not prepared.connection.broken:
                        raise
            return lines.cut_off_table(cursor, lines.STORE, month, limit)

    def pair_totals(self, month: str) -> Any:
        with self.connection.cursor() as cursor:
            return lines.pair_totals(cursor, lines.STORE, month)

    def prepare_seal(self) -> None:
        """The long part of a seal: the tree as it is now, with all that was recorded since the last one."""
        last = next((row for _, row in self.load([(LastSeal, LOG)])), LastSeal())
        assert isinstance(last, LastSeal)
        self.grown_ahead = sealing.grow(self._history, last.tree(), last.through_position, self._history.head())

    def grown(self, tree: Tree, after: int, through: int) -> Tree:
        ahead = self.grown_ahead
        if ahead is not None and ahead.after == after and ahead.through <= through:
            tree, after = ahead.tree, ahead.through
        return sealing.grow(self._history, tree, after, through).tree

    def last_posted(self, card_ids: Sequence[str]) -> int | None:
        found = [posted for posted in map(self._last_posted, card_ids) if posted is not None]
        return max(found)[1] if found else None

    def _last_posted(self, card_id: str) -> tuple[int, int] | None:
        """Position and business date of a card's last event that posts anything."""
        for position, name, event in self._history.backwards(card_id):
            if postings_for(name, event):
                return position, event["business_date"]
        return None

    def head(self) -> tuple[int, int]:
        """(last position, its recorded_at); (0, 0) for an empty store."""
        last = self._history.last()
        return (last[0], last[2]["recorded_at"]) if last is not None else (0, 0)
