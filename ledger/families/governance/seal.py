"""Sealing the log: one hash over every event so far, which nobody can keep and change an event (contract 8.1).

One tree grows with the log (RFC 6962), so any two seals can be shown to be of one log. A seal is a barrier: it is
decided alone, over bytes that the store reads in pages; what it needs to grow the tree next time is in its event.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import required
from ledger.core.identity import NO_DIGEST
from ledger.core.merkle import Tree
from ledger.core.rejection import Rejected
from ledger.core.rows import Row, StreamRow
from ledger.core.world import Name, World

LOG: Final = "log"

# --- facts -----------------------------------------------------------------------------------------------------------


class LastSeal(StreamRow):
    """The seal recorded last (key: log). `position`: of its event; the rest is what the event says."""

    kind: ClassVar[str] = "seal"
    seal_id: str = ""
    position: int = 0
    through_position: int = 0
    tree_size: int = 0
    root: str = NO_DIGEST
    frontier: list[str] = []  # noqa: RUF012 (msgspec gives every row a list of its own)

    def tree(self) -> Tree:
        return Tree(self.tree_size, map(bytes.fromhex, self.frontier))


class SealId(Row):
    """A seal_id used. Key: seal_id."""

    kind: ClassVar[str] = "seal_id"
    position: int


def on_log(event: Event) -> StreamName:
    return LastSeal, LOG


# --- evolution -------------------------------------------------------------------------------------------------------


def sealed(world: World, event: Event, position: int) -> None:
    world.add(event["seal_id"], SealId(position))
    last = world.edit(LastSeal, LOG)
    last.seal_id = event["seal_id"]
    last.position = position
    last.through_position = event["through_position"]
    last.tree_size = event["tree_size"]
    last.root = event["root"]
    last.frontier = event["frontier"]


# --- decisions -------------------------------------------------------------------------------------------------------


def seal(command: Command, world: World) -> list[Draft]:
    if world.get(SealId, command["seal_id"]) is not None:
        raise Rejected("seal_exists", "this seal_id is in use: choose another", "seal_id")
    last = world.get(LastSeal, LOG) or LastSeal()
    through = world.position - 1
    if through == last.position:
        raise Rejected("nothing_to_seal", "nothing was recorded since the last seal", "seal_id")
    tree = world.grown(last.tree(), last.through_position, through)
    derived = {
        "after_position": last.through_position,
        "through_position": through,
        "tree_size": tree.size,
        "root": tree.root().hex(),
        "previous_root": last.root,
        "frontier": [hashed.hex() for hashed in tree.frontier],
    }
    return [Draft("LogSealed", derived)]


def keys(command: Command, world: World) -> Iterable[Name]:
    yield SealId, command["seal_id"]
    yield LastSeal, LOG


COMMANDS: Final = (
    CommandType("SealLog", "governance", (required("seal_id", types.identifier),), seal, keys=keys, alone=True),
)
EVENTS: Final = (EventType("LogSealed", "governance", on_log, sealed),)
