"""A process to be killed: submits files, or follows, and may end itself by kill -9 at a chosen commit.

    python -m tests.crash.driver submit DSN OUT BATCH MOMENT FILE...
    python -m tests.crash.driver pay DSN OUT BATCH MOMENT FILE
    python -m tests.crash.driver tick DSN OUT BATCH MOMENT UNTIL
    python -m tests.crash.driver extend DSN MOMENT VALUE
    python -m tests.crash.driver follow DSN PAGE MOMENT
    python -m tests.crash.driver follow_topics DSN SOURCE BOOTSTRAP PARTITIONS PAGE

MOMENT: `never`, `before:3`, `after:3` (between the third commit and its answer), or `during:3:400` (400 microseconds
after the third began). OUT receives an outcome a line as they are answered.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ledger.core import fields
from ledger.service import writer as writing
from ledger.service.run import submit_files
from ops.payouts.result import Body, Results, once_each
from ops.timers import recording
from projections import follow as following
from projections.feed.log import LogFeed
from projections.feed.topic import TopicFeed
from projections.kafka.access import Access
from projections.topics.topology import Topology
from projections.views.registry import VIEWS
from tests.fix_damage import extended
from tests.fix_stores import Store, submitted, told


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(work: Callable[..., Any], moment: str) -> Callable[..., Any]:
    """The same work, but its nth call is the last."""
    kind, _, rest = moment.partition(":")
    if kind == "never":
        return work
    number, _, micros = rest.partition(":")
    calls = 0

    def until_death(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        mine = calls == int(number)
        if mine and kind == "before":
            die()
        if mine and kind == "during":
            threading.Thread(target=lambda: (time.sleep(int(micros) / 1e6), die())).start()
        done = work(*given)
        if mine and kind == "after":
            die()
        return done

    return until_death


def submit(dsn: str, out: str, batch: str, moment: str, *files: str) -> None:
    writing.appending.commit = deadly(writing.appending.commit, moment)  # type: ignore[attr-defined]
    with Path(out).open("w") as answers, Store(dsn).writer() as writer:
        for one in submitted(writer, *map(Path, files), size=int(batch)):
            answers.write(json.dumps([getattr(one.outcome, "status", "rejected"), *told([one.outcome])[0]]) + "\n")
            answers.flush()


def pay(dsn: str, out: str, batch: str, moment: str, file: str) -> None:
    writing.appending.commit = deadly(writing.appending.commit, moment)  # type: ignore[attr-defined]
    store = Store(dsn)

    def bodies() -> Iterator[Any]:
        with Path(file).open("rb") as stream:
            yield Body(stream)

    with Path(out).open("w") as answers, store.writer() as writer:
        for some in once_each(submit_files(writer, bodies, store.keyring(), int(batch), Results(store.connect))):
            for one in some:
                answers.write(json.dumps([getattr(one.outcome, "status", "rejected"), *told([one.outcome])[0]]) + "\n")
            answers.flush()


def tick(dsn: str, out: str, batch: str, moment: str, until: str) -> None:
    writing.appending.commit = deadly(writing.appending.commit, moment)  # type: ignore[attr-defined]
    recording.BATCH_LINES = int(batch)  # type: ignore[misc]
    store, ticked = Store(dsn), recording.Ticked()
    with store.writer() as writer, store.connect() as connection:
        recording.tick(writer, connection, store.keyring(), fields.instant(until), ticked)
    Path(out).write_text(json.dumps(ticked.as_json()))


def extend(dsn: str, moment: str, value: str) -> None:
    writing.appending.commit = deadly(writing.appending.commit, moment)  # type: ignore[attr-defined]
    entry = {"key": "transit.late_days", "scope": "*", "effective_from": "2025-01-01", "value": int(value)}
    extended(Store(dsn), entry)


def follow(dsn: str, page: str, moment: str) -> None:
    following.apply_page = deadly(following.apply_page, moment)
    store = Store(dsn)
    feed = LogFeed("33", store.connect)
    for _ in following.follow(store.connect(), VIEWS, feed, True, limit=int(page)):
        pass


def follow_topics(dsn: str, source: str, bootstrap: str, partitions: str, page: str) -> None:
    feed = TopicFeed(Access(bootstrap, client_id="onecard-test"), Topology(int(partitions)), source)
    for step in following.follow(Store(dsn).connect(), VIEWS, feed, True, limit=int(page)):
        assert step.incident is None, step.incident


if __name__ == "__main__":
    works = (submit, pay, tick, extend, follow, follow_topics)
    {work.__name__: work for work in works}[sys.argv[1]](*sys.argv[2:])
