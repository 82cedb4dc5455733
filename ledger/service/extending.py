"""A store's configuration grows: the longer list and the event that says so, in one transaction under the lease.

 1. Look: is the list that was brought the store's own? Nothing is locked for that.   A crash leaves nothing.
 2. Take the lease and look again: of two that bring longer lists one comes second.   Nothing.
 3. Commit events, receipt, row and the store's list together.                        Nothing, or everything.
 4. Give the lease back.                                                              It dies with the process.
The store's first list is recorded by no event: it comes with the store, and positions begin with the first command.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.decider import Command
from ledger.core.identity import Keyring
from ledger.core.world import World
from ledger.families.governance.configuration import EXTENSION, drafts
from ledger.service.recording import record
from ledger.store import appending, identity, state
from ledger.store.appending import Append
from ledger.store.identity import StoreMismatch
from ledger.store.lease import held
from ledger.store.source import StoreSource
from ledger.store.submissions import Submission

SUBMITTER: Final = "onecard-config"


def extend(connection: psycopg.Connection[Any], config: Configuration, keyring: Keyring, now: int) -> None:
    """Make a list that begins with the store's own the store's; StoreMismatch if it does not begin with it,
    or if rows are not kept as this program keeps them.

    On an autocommit connection that does nothing else, as the owner of the tables.
    """
    if not _adds(connection, config):
        return
    with held(connection) as lease:
        identity.require_rows(connection)
        if _adds(connection, config):
            appending.commit(connection, _append(connection, lease.number, config, keyring, now))


def _adds(connection: psycopg.Connection[Any], config: Configuration) -> bool:
    kept = identity.kept(connection)
    if kept is None:
        raise StoreMismatch("this store was not made yet: open it first")
    kept.require_beginning_of(config)
    return kept.digest != config.digest()


def _append(
    connection: psycopg.Connection[Any], lease: int, config: Configuration, keyring: Keyring, now: int
) -> Append:
    kept = identity.kept(connection)
    assert kept is not None
    before = kept.configuration()
    source = StoreSource(connection)
    position, recorded_at = source.head()
    world = World(source, config, keyring, now, position + 1)
    fields = {"command": EXTENSION.name, "submitter": SUBMITTER, "occurred_at": now}
    fields["reference"] = next(one for one in _references(config) if not source.find([(SUBMITTER, one)]))
    command = Command(EXTENSION, fields, bytes.fromhex(config.digest()), "", {})
    events = record(command, drafts(before, config), world, max(now, recorded_at))
    rows = [
        state.encoded(row_type.kind, key, revision, row)
        for (row_type, key), (row, revision) in world.take_changes().items()
    ]
    receipt = Submission(command.digest, events[0].stream_id, events[0].version, events[0].position)
    return Append(
        lease,
        events=events,
        submissions=[((command.submitter, command.reference), receipt)],
        rows=rows,
        configuration=(kept.digest, config),
    )


def _references(config: Configuration) -> Iterator[str]:
    """Submitters choose their own names and references, so the plain one may be taken."""
    yield f"configuration-{config.digest()}"
    yield from (f"configuration-{config.digest()}-{number}" for number in count(2))
