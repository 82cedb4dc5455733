"""The writer: batches of lines in, outcomes out, committed in order under the decider lease.

While one batch commits in a thread, the next is decided on top of it (its rows and references overlaid). Steps of one
batch, and what a crash before each leaves behind:
 1. take the lease, read the head            nothing
 2. look up references, load rows, decide    nothing
 3. commit events, submissions, rows, run    nothing, or everything if the answer was lost: step 4 finds out
 4. answer the lines                         everything; a retry is answered `duplicate`, a resumed run goes on
If a commit fails, that batch and every batch decided on top of it are decided again on fresh connections.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.service.batch import Decided, Line, Outcome, decide_batch, keys_of, preload
from ledger.store import appending
from ledger.store.lease import Lease, LeaseLost
from ledger.store.runs import Progress
from ledger.store.source import StoreSource

IN_FLIGHT = 1
RECONNECT_SECONDS = 30
RETRY_SECONDS = 1


class StoreUnreachable(Exception):
    """The database went away and did not come back in time. What was committed is safe; submit the same input again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines decided and committed together; a command that is decided alone is a batch of its own.

    `progress` makes the run's row from the outcomes, None outside a run.
    """

    lines: Sequence[Line]
    progress: Callable[[Sequence[Outcome]], Progress] | None = None

    @property
    def is_alone(self) -> bool:
        return any(line.command is not None and line.command.type.alone for line in self.lines)


@dataclass(slots=True)
class _InFlight:
    batch: Batch
    decided: Decided
    commit: "Future[None]"


class _Session:
    """Three connections as the writer's role and the lease between them."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self.reading = connect()
        self.writing = connect()
        self.leasing = connect()
        self.lease = Lease(self.leasing)
        self.source = StoreSource(self.reading)

    def close(self) -> None:
        for connection in (self.reading, self.writing, self.leasing):
            connection.close()

    def is_broken(self, error: Exception) -> bool:
        return appending.is_lost_connection(error, self.reading, self.writing, self.leasing)


class Writer:
    """Appends for one process. Use as a context manager; not to be shared between threads."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        config: Configuration,
        keyring: Keyring,
        clock: Callable[[], int],
    ) -> None:
        self._connect = connect
        self._config = config
        self._keyring = keyring
        self._clock = clock
        self._session = _Session(connect)
        self._committer = ThreadPoolExecutor(1, "commit")
        self._pending: deque[_InFlight] = deque()
        self._position = 0
        self._recorded_at = 0
        self._rows: dict[Name, Row] = {}

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *error: object) -> None:
        self._committer.shutdown(wait=True)
        self._session.close()

    def connection(self) -> psycopg.Connection[Any]:
        """For reading what was recorded, and for claiming runs; never for appending."""
        return self._session.leasing

    def head(self) -> int:
        return self._session.source.head()[0]

    def submit(self, lines: Sequence[Line]) -> list[Outcome]:
        """Outcomes of a few lines, committed when they are returned."""
        alone = [Batch([line]) for line in lines] if Batch(lines).is_alone else [Batch(lines)]
        return [outcome for _, outcomes in self.run(alone) for outcome in outcomes]

    def run(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, list[Outcome]]]:
        """Outcomes of each batch, in order, each after its commit."""
        try:
            for batch in batches:
                if batch.is_alone:
                    yield from self._finish(0)
                self._start(batch)
                yield from self._finish(0 if batch.is_alone else IN_FLIGHT)
                if self._pending_lease_is_wanted():
                    yield from self._finish(0)
                    self._release()
            yield from self._finish(0)
        finally:
            self._abandon()

    def _pending_lease_is_wanted(self) -> bool:
        return bool(self._session.lease.number) and self._guarded(self._session.lease.is_wanted)

    def _guarded(self, ask: Callable[[], bool]) -> bool:
        """An answer, or False where the connection is gone: the next step will notice and recover."""
        try:
            return ask()
        except (psycopg.OperationalError, psycopg.InterfaceError):
            return False

    def _release(self) -> None:
        self._rows = {}
        self._guarded(lambda: bool(self._session.lease.release()))

    def _abandon(self) -> None:
        """Wait out what is in flight (its outcome is not ours to tell any more) and give the lease back."""
        while self._pending:
            self._pending.popleft().commit.exception()
        self._release()

    def _start(self, batch: Batch) -> None:
        """Decide a batch on top of those in flight and hand it to the committing thread."""
        try:
            decided = self._decide(batch)
        except Exception as error:
            if not self._session.is_broken(error):
                raise
            self._recover()
            decided = self._decide(batch)
        self._pending.append(self._commit(batch, decided))

    def _commit(self, batch: Batch, decided: Decided) -> _InFlight:
        return _InFlight(
            batch, decided, self._committer.submit(appending.commit, self._session.writing, decided.append)
        )

    def _decide(self, batch: Batch) -> Decided:
        session = self._session
        if not session.lease.number:
            session.lease.take()
            self._position, self._recorded_at = session.source.head()
            self._rows = {}
        now = self._clock()
        self._recorded_at = max(now, self._recorded_at)
        known = session.source.find(list(dict.fromkeys(keys_of(batch.lines))))
        in_flight = session.source.in_flight = {}
        for flying in self._pending:
            known.update(flying.decided.submissions)
            in_flight.update(flying.decided.recorded)
        world = World(session.source, self._config, self._keyring, now, self._position + 1)
        world.rows.update(self._rows)
        preload(batch.lines, world, known)
        decided = decide_batch(batch.lines, world, known, self._recorded_at, session.lease.number, in_flight)
        if batch.progress is not None:
            decided.append.progress = batch.progress(decided.outcomes)
        self._position = world.position - 1
        self._rows = decided.rows
        return decided

    def _finish(self, leave: int) -> Iterator[tuple[Batch, list[Outcome]]]:
        """Answer batches until only `leave` are in flight."""
        while len(self._pending) > leave:
            error = self._pending[0].commit.exception()
            if error is None:
                flying = self._pending.popleft()
                yield flying.batch, flying.decided.outcomes
            elif isinstance(error, LeaseLost) or (
                isinstance(error, Exception) and self._session.is_broken(error)
            ):
                self._recover()
            else:
                raise error

    def _recover(self) -> None:
        """Fresh connections; then every batch in flight is found committed or decided and committed again, in order."""
        flying = list(self._pending)
        for one in flying:
            one.commit.exception()
        self._pending.clear()
        self._reconnect()
        self._pending.extend(self._again(one.batch, one.decided) for one in flying)

    def _again(self, batch: Batch, decided: Decided) -> _InFlight:
        while not self._was_committed(decided):
            try:
                decided = self._decide(batch)
                appending.commit(self._session.writing, decided.append)
            except (LeaseLost, psycopg.Error) as error:
                if not isinstance(error, LeaseLost) and not self._session.is_broken(error):
                    raise
                self._reconnect()
        done: Future[None] = Future()
        done.set_result(None)
        return _InFlight(batch, decided, done)

    def _was_committed(self, decided: Decided) -> bool:
        """Whether an in-doubt commit took place: its first submission, or its run, is in the store as it made it."""
        if decided.append.submissions:
            key, made = decided.append.submissions[0]
            found = self._session.source.find([key]).get(key)
            return found is not None and found.position == made.position and found.digest == made.digest
        progress = decided.append.progress
        if progress is None:
            return False
        row = self._session.reading.execute(
            "SELECT next_line FROM ledger.runs WHERE run_id = %s", (progress.run_id,)
        ).fetchone()
        return row is not None and row[0] >= progress.next_line

    def _reconnect(self) -> None:
        self._session.close()
        last: Exception | None = None
        for _ in range(RECONNECT_SECONDS // RETRY_SECONDS):
            try:
                self._session = _Session(self._connect)
                return
            except psycopg.OperationalError as error:
                last = error
                time.sleep(RETRY_SECONDS)
        raise StoreUnreachable(str(last).splitlines()[0] if last else "no answer") from last

