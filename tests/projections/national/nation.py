"""Ledgers of several provinces and a nation that follows them: each has a database and a source of its own.

The nation's store is empty. It follows the provinces' logs, which lie elsewhere as far as its database knows.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from ledger.core.configuration import Configuration
from ledger.store import identity
from projections import follow
from projections.feed.log import LogFeed
from projections.questions import snapshot
from projections.questions.snapshot import Cursor
from projections.views.port import View
from projections.views.registry import VIEWS
from tests.fix_stores import Store

NATION = "nation"
T = TypeVar("T")


def named(store: Store, source: str) -> Store:
    """The store as the ledger of a source."""
    with closing(store.connect()) as connection:
        identity.check(connection, source, source, Configuration.load(store.config), store.keyring())
    return store


def followed(store: Store, feed: LogFeed, views: Iterable[View] = VIEWS, limit: int = follow.PAGE_RECORDS) -> None:
    """The views of a store brought up to a log, its own or another's."""
    with closing(store.connect()) as connection:
        for _ in follow.follow(connection, list(views), feed, until_caught_up=True, limit=limit):
            pass


class Nation:
    """`provinces`: their ledgers by source. `whole`: the national database."""

    def __init__(self, make: Callable[[], Store], *sources: str) -> None:
        self.whole = named(make(), NATION)
        self.provinces = {source: named(make(), source) for source in sources}
        self.config = Configuration.load(self.whole.config)

    def tell(self, source: str, path: Path) -> None:
        self.provinces[source].submit(path)

    def feed(self, source: str) -> LogFeed:
        return LogFeed(source, self.provinces[source].connect)

    def follow(self, *sources: str, views: Iterable[View] = VIEWS, limit: int = follow.PAGE_RECORDS) -> None:
        """Every province by itself, and the nation all of them (or these)."""
        for source in sources or self.provinces:
            with closing(self.feed(source)) as feed:
                followed(self.provinces[source], feed, views, limit)
                followed(self.whole, feed, views, limit)

    def ask(self, question: Callable[[Cursor], T], of: str | None = None) -> T:
        """Of the nation, or of a province's own database."""
        store = self.whole if of is None else self.provinces[of]
        with closing(store.connect("onecard_reader")) as connection:
            return snapshot.ask(connection, question)


def without_source(elements: Iterable[dict[str, Any]], source: str) -> list[dict[str, Any]]:
    """The elements of one ledger as it shows them itself."""
    return [
        {key: value for key, value in one.items() if key != "source"} for one in elements if one["source"] == source
    ]
