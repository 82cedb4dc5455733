"""What a cut-off or a seal reads of the log before the lease is taken, while others go on deciding.

Either may read millions of rows. What was read is kept with the session's source until the decision is made, which then
looks only at what came since. If the connection is lost meanwhile, all of it is read under the lease, or the decision
finds out what is wrong; for a retry, or what comes too late anyway, nothing is read.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Final

from ledger.core.configuration import Configuration
from ledger.core.decider import Command
from ledger.families.clearing.cycle import Cycle
from ledger.families.governance.seal import SealId
from ledger.service.session import Connect
from ledger.store import appending
from ledger.store.source import StoreSource


class Barriers:
    """What a writer knows that barriers need."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def reading_for(
        self, command: Command, config: Configuration
    ) -> "Callable[[StoreSource], AbstractContextManager[None]] | None":
        """What is to be done around the decision of a command that is alone; None: nothing."""
        read = READ.get(command.type.name)
        return None if read is None else lambda source: read(self, source, command, config)

    @contextmanager
    def cut_off(self, source: StoreSource, command: Command, config: Configuration) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                if not _is_known(source, command) and not any(source.load([(Cycle, command["cycle"])])):
                    connection = stack.enter_context(closing(self._connect()))
                    limit = config.value("clearing.max_deferrals", command.bdate)
                    source.prepare_cut_off(connection, command["cycle"], limit)
            except appending.GONE:
                pass
            try:
                yield
            finally:
                source.prepared = None

    @contextmanager
    def seal(self, source: StoreSource, command: Command, config: Configuration) -> Iterator[None]:
        try:
            if not _is_known(source, command) and not any(source.load([(SealId, command["seal_id"])])):
                source.prepare_seal()
        except appending.GONE:
            pass
        try:
            yield
        finally:
            source.grown_ahead = None


def _is_known(source: StoreSource, command: Command) -> bool:
    """Whether the command's reference was recorded before."""
    return bool(source.find([(command.submitter, command.reference)]))


READ: Final[dict[str, Callable[[Barriers, StoreSource, Command, Configuration], AbstractContextManager[None]]]] = {
    "CutOffCycle": Barriers.cut_off,
    "SealLog": Barriers.seal,
}
