"""Growing the tree of a seal over the stored log: page by page, so that memory does not grow with it."""

from dataclasses import dataclass
from typing import Final

from ledger.core.merkle import Tree
from ledger.store.recorder import History

PAGE_EVENTS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree over all events up to `through`; the log only grows, so it stays true. `after`: where it began."""

    tree: Tree
    after: int
    through: int


def grow(history: History, tree: Tree, after: int, through: int) -> Grown:
    """The tree with a leaf more for each event with `after` < position <= `through`."""
    grown, reached = tree.copy(), after
    while reached < through and (page := history.rows(reached, min(PAGE_EVENTS, through - reached))):
        for position, _, _, data in page:
            if position > through:
                return Grown(grown, after, through)
            grown.add(data)
        reached = page[-1][0]
    return Grown(grown, after, through)
