"""What a batch needs from the store, asked for while the batch in front of it is decided.

The questions go out in a pipeline on a connection of their own and are taken when the batch comes: the server works
on them meanwhile, and nobody waits. The answers are as old as the question. So they hold only under the lease they were
asked under, and what the batches not yet committed then have changed since must be laid over them.
"""

from collections.abc import Sequence
from contextlib import ExitStack, suppress

import psycopg

from ledger.core.world import World
from ledger.families import registry
from ledger.service.batch import Line, commands_of, keys_of
from ledger.store.appending import GONE
from ledger.store.source import StoreSource
from ledger.store.state import Asked
from ledger.store.submissions import Key, Question, Submission


class Ahead:
    """`lines` under the lease number `lease`; `with_rows`: not only whether they were submitted before."""

    def __init__(self, source: StoreSource, lines: Sequence[Line], world: World, lease: int, with_rows: bool) -> None:
        self.lines = lines
        self.lease = lease
        self.world = world
        self.with_rows = with_rows
        self.known: dict[Key, Submission] = {}
        self._names = list(dict.fromkeys(registry.names(commands_of(lines), world))) if with_rows else []
        self._pipeline = ExitStack()
        self._failure: psycopg.Error | None = None
        try:
            self._pipeline.enter_context(source.connection.pipeline())
            self._question = Question(source.connection, list(dict.fromkeys(keys_of(lines))))
            self._rows = Asked(source.connection, self._names)
        except GONE as error:
            self._failure = error

    def take(self) -> None:
        """Wait for the answers: from now on `known` and the world hold them. Raises what asking or answering met."""
        if self._failure is not None:
            self.drop()
            raise self._failure
        self._pipeline.close()
        self.world.rows.update(dict.fromkeys(self._names))
        self.world.rows.update(self._rows.found())
        self.known = self._question.found()

    def drop(self) -> None:
        """Wait out the answers and forget them."""
        with suppress(psycopg.Error):
            self._pipeline.close()
