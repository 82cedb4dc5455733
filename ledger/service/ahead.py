"""What a batch needs from the store, asked for while the batch in front of it is decided.

The questions go out in a pipeline on a connection of their own and are taken when the batch comes: the server works
on them meanwhile, and nobody waits. The first batch of a turn has none in front of it, and waits once for all. The
answers are as old as the question. So they hold only under the lease they were asked under, and what the batches not
yet committed then have changed since must be laid over them.
"""

from collections.abc import Sequence
from contextlib import ExitStack, suppress

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.core.world import Fact, Reference, Unasked, World
from ledger.families import registry
from ledger.service.batch import Line, commands_of, keys_of
from ledger.service.session import Session
from ledger.store.appending import GONE
from ledger.store.state import Asked
from ledger.store.submissions import Key, Question, Recall, Submission


class Needs:
    """What lines tell without any lease: the rows they name, and what they recall of the log.

    They hold for the list of rules they were found with: a longer one may name other rows.
    """

    def __init__(self, lines: Sequence[Line], config: Configuration, keyring: Keyring) -> None:
        commands = commands_of(lines)
        self.config = config
        self.names = list(dict.fromkeys(registry.names(commands, World(Unasked(), config, keyring))))
        self.recalls = list(dict.fromkeys(key for command in commands for key in command.type.recalls(command)))


class Ahead:
    """`lines` under the session's lease; `needs` None: nothing but whether they were submitted before."""

    def __init__(
        self, session: Session, lines: Sequence[Line], config: Configuration, keyring: Keyring, needs: Needs | None
    ) -> None:
        self.lines = lines
        self.lease = session.lease.number
        self._facts: dict[Reference, Fact | None] = {}
        self.world = World(session.source.knowing(self._facts), config, keyring)
        self.with_rows = needs is not None
        self.known: dict[Key, Submission] = {}
        self._names = needs.names if needs is not None else []
        self._recalls = needs.recalls if needs is not None else []
        self._pipeline = ExitStack()
        self._failure: psycopg.Error | None = None
        try:
            connection = session.ahead
            self._pipeline.enter_context(connection.pipeline())
            self._question = Question(connection, list(dict.fromkeys(keys_of(lines))))
            self._recall = Recall(connection, self._recalls)
            self._rows = Asked(connection, self._names)
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
        self._facts.update(dict.fromkeys(self._recalls))
        self._facts.update(self._recall.found())

    def drop(self) -> None:
        """Wait out the answers and forget them."""
        with suppress(psycopg.Error):
            self._pipeline.close()
