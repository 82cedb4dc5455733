"""A real ledger that reads the lines of a history, with its clearing view and what people ask of it."""

from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.service.batch import Line, Outcome
from ledger.service.run import shaped
from ledger.service.writer import Writer
from ops.migrate import migrate
from projections import follow
from projections.feed.log import LogFeed
from projections.feed.port import Broken
from projections.questions import clearing, clearing_lines, clearing_show, snapshot
from projections.questions.snapshot import Cursor
from projections.resuming import Resumed, resume
from projections.views.clearing.view import Clearing

SOURCE = "33"
VIEWS = (Clearing(),)


class Scene:
    """`submit` lines, `follow` the view, ask. Use as a context manager."""

    def __init__(self, dsn: str, entries: list[dict[str, Any]], clock: int, secret: bytes = b"s" * 32) -> None:
        migrate(dsn)
        self.dsn = dsn
        self.config = Configuration.load(entries)
        self._keyring = Keyring(secret)
        self._clock = clock
        self._writer = Writer(self.connect, self.config, self._keyring, lambda: self._clock)
        self.feed = LogFeed(SOURCE, self.connect)
        self.following = self.connect()
        self._asking = self.connect()
        self._numbers = 0
        follow.prepare(self.following, VIEWS, SOURCE)

    def __enter__(self) -> "Scene":
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.__exit__()
        self.feed.close()
        self.following.close()
        self._asking.close()

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn, autocommit=True)

    def submit(self, lines: Iterable[bytes]) -> list[Outcome]:
        """Outcomes of lines, decided in batches; a command that is decided alone ends one."""
        outcomes: list[Outcome] = []
        batch: list[Line] = []
        for raw in lines:
            line = shaped(raw, self._numbers, self._keyring)[1]
            self._numbers += 1
            if line.is_alone:
                outcomes += self._writer.submit(batch) if batch else []
                outcomes += self._writer.submit([line])
                batch = []
            else:
                batch.append(line)
        return outcomes + (self._writer.submit(batch) if batch else [])

    def follow(self, limit: int = follow.PAGE_RECORDS) -> None:
        """Until the view has caught up, in pages of at most `limit` events; Broken if an incident stops it."""
        for step in follow.catch_up(self.following, VIEWS, self.feed, limit):
            if step.incident is not None:
                raise Broken(step.incident.message, step.incident.kind)

    def resume(self) -> Resumed:
        """Go on after the newest incident."""
        ((number,),) = self.following.execute("SELECT max(number) FROM views.incidents").fetchall()
        return resume(self.following, VIEWS, number, lambda _: self.feed)

    def ask(self, question: Callable[[Cursor], Any]) -> Any:
        return snapshot.ask(self._asking, question)

    def table(self, month: str) -> Any:
        return self.ask(lambda cursor: clearing.table(cursor, SOURCE, month, self.config))

    def notices(self, month: str) -> Any:
        return self.ask(lambda cursor: clearing.notices(cursor, SOURCE, month, self.config))

    def net(self, month: str) -> Any:
        return self.ask(lambda cursor: clearing.net(cursor, SOURCE, month))

    def show(self, name: str) -> Any:
        return self.ask(lambda cursor: clearing_show.show(cursor, SOURCE, name, self.config))

    def lines(self, **wanted: Any) -> list[dict[str, Any]]:
        def told(cursor: Cursor) -> list[dict[str, Any]]:
            filters = clearing_lines.Wanted(**wanted)
            return list(clearing_lines.Lines(cursor, SOURCE, filters).rows())

        return snapshot.ask(self._asking, told)


def without_position(document: dict[str, Any]) -> dict[str, Any]:
    """A document as the second model tells it, which has no view that could lag."""
    return {key: value for key, value in document.items() if key != "position"}
