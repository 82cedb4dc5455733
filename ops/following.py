"""Following put together: for a source its connection, its feed (topics or log), read ahead, whole or shared."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from ops.problems import EnvironmentProblem
from ops.wiring import Ledger
from projections import presence, shares
from projections.feed.ahead import Ahead
from projections.feed.port import Broken
from projections.follow import WAIT_SECONDS, Step, follow, positions, prepare, stop
from projections.followers import Running
from projections.incidents import OF_SURROUNDINGS, look_again
from projections.kafka.access import BrokerProblem
from projections.kafka.reader import Corrupt, Reader, Truncated
from projections.relay.progress import Foreign, published
from projections.shares import Share
from projections.tracking import followed
from projections.views.port import View

OPEN = "SELECT number, view, kind FROM views.incidents WHERE resumed_at IS NULL AND view = ANY(%s) AND source = %s"


@dataclass
class Following:
    """Views to be kept up with sources. `begun` hears where the views of a source stand before the first step."""

    ledger: Ledger
    views: Sequence[View]
    share: Share | None
    running: Running
    begun: Callable[[str, dict[str, int]], None]
    is_stopped: bool = False

    def discovered(self) -> Iterable[str]:
        """The store's own source, and every one that has a relay's topic."""
        return self.ledger.sources()

    def known_head(self, source: str) -> int:
        """For a bar that shows how far it is; 0 if that cannot be told."""
        with closing(self.ledger.feed(source)) as feed:
            try:
                return feed.head()
            except (Broken, BrokerProblem):
                return 0

    def steps(self, source: str) -> Iterator[Step]:
        """Follow one source, with connections that nobody else uses."""
        names = [view.name for view in self.views]
        self._refuse_namesake(source)
        with closing(self.ledger.connect()) as connection:
            presence.announce(connection, [*names, presence.any_of(source)])
            if source not in followed(connection, names):
                self._meet(source)
            prepare(connection, self.views, source)
            self.begun(source, positions(connection, self.views, source))
            self._tell_of_open_incidents(connection, names, source)
            if self.share is not None:
                yield from self._shared(connection, names, source, self.share)
            else:
                yield from self._whole(connection, source)

    def _meet(self, source: str) -> None:
        """Ask a source for its end before anything of it is kept: of what was not reached, views would answer 0."""
        feed = self.ledger.feed(source, is_stopped=self.running.stopping.is_set)
        with closing(feed), suppress(Broken):  # what is wrong with it, the views that stop there will tell
            feed.head()

    def _refuse_namesake(self, source: str) -> None:
        """The store's own source from topics, but another store's: its log would be taken for that of our views."""
        ledger = self.ledger
        if source != ledger.source or ledger.settings.kafka_bootstrap is None:
            return
        with closing(Reader(ledger.access())) as reader:
            try:
                found = published(reader, ledger.topology, source)
            except (Foreign, Corrupt, Truncated):
                return  # the feed will tell
            except BrokerProblem as problem:
                if problem.code in ("topic_unknown", "not_allowed"):
                    return
                raise
        if found is not None and found.store_id != ledger.store_id:
            raise EnvironmentProblem(
                f"Source {source} on Kafka is another store's than this one, which bears the same name: a store that"
                " follows others has a name of its own. Make it anew with another ONECARD_SOURCE, such as nation."
            )

    def _whole(self, connection: psycopg.Connection[Any], source: str) -> Iterator[Step]:
        decoded = frozenset().union(*(view.loader(0, source).wants for view in self.views))
        presence.announce(connection, [presence.whole(view.name, source) for view in self.views])
        stopping = self.running.stopping.is_set
        left = threading.Event()
        feed = self.ledger.feed(source, self.running.until_caught_up, lambda: left.is_set() or stopping())
        with closing(feed), closing(Ahead(feed, decoded, left.set)) as ahead:
            yield from follow(connection, self.views, ahead, self.running.until_caught_up, stopping)

    def _shared(
        self, connection: psycopg.Connection[Any], names: list[str], source: str, share: Share
    ) -> Iterator[Step]:
        with closing(self.ledger.share_feed(source, share, self.running.stopping.is_set)) as feed:
            shares.claim(connection, self.views, source, share, list(feed.numbers))
            look_again(connection, names, source)
            while not self.running.stopping.is_set():
                goes_on = yield from shares.catch_up(connection, self.views, feed, share)
                if self.running.until_caught_up:
                    return
                if goes_on:
                    try:
                        feed.wait(WAIT_SECONDS)
                    except Broken as broken:
                        yield from stop(connection, names, source, 0, broken)
                else:
                    self.running.stopping.wait(WAIT_SECONDS)

    def _tell_of_open_incidents(self, connection: psycopg.Connection[Any], names: list[str], source: str) -> None:
        """What stopped before we came is said once more."""
        for number, view, kind in connection.execute(OPEN, (names, source)).fetchall():
            if kind not in OF_SURROUNDINGS:
                self.is_stopped = True
                self.running.say(
                    f"onecard: {view} stays stopped at source {source}: `onecard incidents show {number}`."
                )
