"""The writer: batches of lines in, outcomes out, committed in order under the decider lease.

While one batch commits in a thread, the next is decided on top of it (its rows and references overlaid), and what the
one after that needs is read. Steps of one batch, and what a crash before each leaves behind:
 1. take the lease, read the head            nothing
 2. look up references, load rows, decide    nothing
 3. commit events, submissions, rows, run    nothing, or everything if the answer was lost: step 4 finds out
 4. answer the lines                         everything; a retry is answered `duplicate`, a resumed run goes on
If a commit fails, those behind it are not tried. If it failed because a connection or the lease was lost, its batch and
every batch decided on top of it are decided again on fresh connections, unless they are found committed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.service.ahead import Ahead, Needs
from ledger.service.barriers import Barriers
from ledger.service.batch import Decided, InFlight, Line, Outcome, decide_batch
from ledger.service.idle import IdleWatch
from ledger.service.session import Connect, RunTaken, Session, StoreUnreachable
from ledger.service.turns import STANDSTILL_SECONDS, Reading, StandstillWatch, Turn
from ledger.store import appending, identity, runs
from ledger.store.lease import LeaseLost, turn
from ledger.store.runs import Progress

__all__ = ["Batch", "RunTaken", "StoreUnreachable", "Writer"]

IN_FLIGHT = 1
RECOVERIES = 30


class NotTried(Exception):
    """A commit was left out because the one before it failed."""


@dataclass(slots=True)
class Batch:
    """Lines decided and committed together; a command that is decided alone is a batch of its own (else ValueError).

    `progress` makes the run's row from the outcomes, None outside a run. `needs`: what its lines need, once found out.
    """

    lines: Sequence[Line]
    progress: Callable[[Sequence[Outcome]], Progress] | None = None
    needs: Needs | None = None

    def __post_init__(self) -> None:
        # It reads the store, where what was decided in its own batch is not yet.
        if len(self.lines) > 1 and any(line.is_alone for line in self.lines):
            raise ValueError("a command that is decided alone is a batch of its own")

    @property
    def is_alone(self) -> bool:
        return len(self.lines) == 1 and self.lines[0].is_alone


Answers = list[tuple[Batch, list[Outcome]]]


@dataclass(slots=True)
class _InFlight:
    batch: Batch
    decided: Decided
    commit: "Future[None]"


class Writer:
    """Appends for one process. Use as a context manager; not to be shared between threads."""

    def __init__(
        self,
        connect: Connect,
        config: Configuration,
        keyring: Keyring,
        clock: Callable[[], int],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`tell` hears, in a whole sentence, what only a person can mend."""
        self._tell = tell
        self._config = config
        self._keyring = keyring
        self._clock = clock
        self._barriers = Barriers(connect)
        self.session = Session(connect)
        self._committer = ThreadPoolExecutor(1, "commit")
        self._idle = IdleWatch(self._hand_over_if_due)
        self._turn = Turn()
        self._reading: Reading | None = None
        self._pending: deque[_InFlight] = deque()
        self._position = 0
        self._recorded_at = 0
        # Decided under this lease, and perhaps not committed yet when the rows for the next batch were read.
        self._recent: deque[Decided] = deque(maxlen=IN_FLIGHT + 1)
        self._ahead: Ahead | None = None

    def __enter__(self) -> "Writer":
        self._idle.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._idle.close()
        self._committer.shutdown(wait=True)
        self.session.close()

    def connection(self) -> psycopg.Connection[Any]:
        """For reading what was recorded; never for appending."""
        return self.session.leasing

    def head(self) -> int:
        return self.session.source.head()[0]

    def submit(self, lines: Sequence[Line]) -> list[Outcome]:
        """Outcomes of a few lines, committed when they are returned."""
        batches = [Batch([line]) for line in lines] if any(line.is_alone for line in lines) else [Batch(lines)]
        return [outcome for _, outcomes in self.run(batches) for outcome in outcomes]

    def run(self, batches: Iterable[Batch], reads_ahead: bool = False) -> Iterator[tuple[Batch, list[Outcome]]]:
        """Outcomes of each batch, in order, each after its commit. A batch is decided when the one after it is known.

        While a batch is fetched or an outcome is taken, the lease may go to whoever waits for it. `reads_ahead`:
        fetching a batch never takes long, so it may be done while the lease is on its way to us.
        """
        self._reading = Reading(batches, self._needs) if reads_ahead else None
        batch: Batch | None = None
        try:
            for following in chain(self._reading or batches, (None,)):
                answers: Answers = []
                try:
                    with self._idle.working:
                        if batch is not None:
                            self._step(batch, following, answers)
                finally:
                    # What is committed is told, even if the next batch cannot be decided.
                    yield from answers
                batch = following
            with self._idle.working:
                answers = []
                self._settle(0, answers)
            yield from answers
        finally:
            with self._idle.working:
                self._abandon()

    def _step(self, batch: Batch, following: Batch | None, answers: Answers) -> None:
        """Decide one batch, and answer those whose commit is due."""
        if batch.is_alone or not self.session.lease.number:
            self._settle(0, answers)
        is_last = self._is_turn_over()
        try:
            with self._barrier_ahead(batch):
                decided = self._decide_anyhow(batch, None if is_last else following)
        except Exception:
            self._settle(0, answers)
            raise
        self._pending.append(self._commit(batch, decided))
        self._settle(0 if batch.is_alone or is_last else IN_FLIGHT, answers)
        if is_last:
            self._release()

    # --- the lease ---------------------------------------------------------------------------------------------------

    def _take_lease(self, batch: Batch | None = None) -> None:
        """For a batch, what it needs is asked at once."""
        if not self.session.lease.number:
            self._wait_for_lease()
            self._turn.begin()
            self._recent.clear()
            if batch is not None:
                self._look_ahead(batch)
            self._position, self._recorded_at = self.session.source.head()
            self._config = identity.in_force(self.session.reading, self._config)

    def _wait_for_lease(self) -> None:
        """Read on meanwhile; interrupted, leave nobody waiting for us."""
        lease, reading = self.session.lease, self._reading
        taking = self._committer.submit(lease.take)
        try:
            while reading is not None and not taking.done() and reading.more():
                pass
            watch = StandstillWatch(self._tell)
            while wait([taking], STANDSTILL_SECONDS).not_done:
                with suppress(*appending.GONE):  # then taking the lease fails, too
                    watch.look(*turn(self.session.reading))
            taking.result()
        except BaseException:
            if not taking.done():
                self.session.leasing.cancel()
                taking.exception()
            raise

    def _is_turn_over(self) -> bool:
        lease = self.session.lease
        return bool(lease.number) and self._turn.is_over(lease.others)

    def _hand_over_if_due(self) -> None:
        if self.session.lease.number:
            self._guarded(self.session.lease.look)
        if self._is_turn_over():
            self._wait()
            self._release()

    def _release(self) -> None:
        self._recent.clear()
        self._guarded(self.session.lease.release)

    def _guarded(self, ask: Callable[[], object]) -> None:
        """Unless the connection is gone: the next step will notice and recover."""
        with suppress(*appending.GONE):
            ask()

    def _wait(self) -> None:
        """Until nothing is on its way to the store any more; what failed is dealt with by whoever answers."""
        for flying in self._pending:
            flying.commit.exception()

    def _abandon(self) -> None:
        """Wait out what is in flight (its outcome is not ours to tell any more) and give the lease back."""
        try:
            self._wait()
        finally:
            self._pending.clear()
            self._forget_ahead()
            self._release()

    # --- deciding and committing -------------------------------------------------------------------------------------

    @contextmanager
    def _barrier_ahead(self, batch: Batch) -> Iterator[None]:
        """A barrier that may read much of the log does so before the lease is taken."""
        command = batch.lines[0].command if len(batch.lines) == 1 else None
        reading = self._barriers.reading_for(command, self._config) if command is not None else None
        if reading is None:
            yield
            return
        self._release()
        source = self.session.source
        with reading(source):
            yield

    def _decide_anyhow(self, batch: Batch, following: Batch | None) -> Decided:
        """Decide a batch on top of those in flight, on fresh connections if need be."""
        for _ in range(RECOVERIES):
            try:
                return self._decide(batch, following)
            except Exception as error:
                if not self.session.is_lost(error):
                    raise
            self._recover()
        raise StoreUnreachable("the database ends our sessions again and again")

    def _decide(self, batch: Batch, following: Batch | None = None) -> Decided:
        self._take_lease(batch)
        ahead = self._taken_ahead(batch)
        world, known = ahead.world, ahead.known
        if following is not None and not batch.is_alone and not following.is_alone:
            self._look_ahead(following)
        world.config = self._config
        world.now = self._clock()
        world.position = self._position + 1
        self._recorded_at = max(world.now, self._recorded_at)
        in_flight: InFlight = {}
        for recent in self._recent:
            world.rows.update(recent.rows)
            known.update(recent.submissions)
            in_flight.update(recent.recorded)
        decided = decide_batch(batch.lines, world, known, self._recorded_at, ahead.lease, in_flight, ahead.with_rows)
        if batch.progress is not None:
            decided.append.progress = batch.progress(decided.outcomes)
        self._position = world.position - 1
        self._recent.append(decided)
        return decided

    # --- reading ahead -----------------------------------------------------------------------------------------------

    def _look_ahead(self, batch: Batch) -> None:
        """Send for what a batch needs. A file that was booked before needs no rows: nothing of it is decided."""
        self._forget_ahead()
        with_rows = not self._recent or bool(self._recent[-1].submissions)
        needs = self._needs(batch) if with_rows else None
        self._ahead = Ahead(self.session, batch.lines, self._config, self._keyring, needs)

    def _needs(self, batch: Batch) -> Needs:
        if batch.needs is None or batch.needs.config is not self._config:
            batch.needs = Needs(batch.lines, self._config, self._keyring)
        return batch.needs

    def _taken_ahead(self, batch: Batch) -> Ahead:
        """What was read for a batch; read now if it was not, or is not true any more."""
        ahead = self._ahead
        if ahead is None or ahead.lines is not batch.lines or ahead.lease != self.session.lease.number:
            self._look_ahead(batch)
            ahead = self._ahead
        assert ahead is not None
        self._ahead = None
        ahead.take()
        return ahead

    def _forget_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.drop()
            self._ahead = None

    def _commit(self, batch: Batch, decided: Decided) -> _InFlight:
        before = self._pending[-1].commit if self._pending else None
        writing, lease = self.session.writing, self.session.lease

        def write() -> None:
            if before is not None and before.exception() is not None:
                raise NotTried
            lease.others = appending.commit(writing, decided.append)

        return _InFlight(batch, decided, self._committer.submit(write))

    def _settle(self, leave: int, answers: Answers) -> None:
        """Answer batches until only `leave` are in flight."""
        while len(self._pending) > leave:
            error = self._pending[0].commit.exception()
            if error is None:
                flying = self._pending.popleft()
                answers.append((flying.batch, flying.decided.outcomes))
            elif isinstance(error, LeaseLost) or self.session.is_lost(error):
                self._recover()
            else:
                raise error

    # --- after a loss ------------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Fresh connections; then every batch in flight is found committed or decided and committed again, in order.

        The lease is taken before anything is looked up: from then on an append of our lost session that is still on
        its way is refused, so what is not in the store will never be.
        """
        self._wait()
        lost = deque(self._pending)
        self._pending.clear()
        for _ in range(RECOVERIES):
            try:
                self._forget_ahead()
                self.session.renew()
                self._take_lease()
                while lost:
                    flying = lost[0]
                    if flying.commit.exception() is not None and not self._was_committed(flying.decided):
                        flying.decided = self._decide(flying.batch)
                        appending.commit(self.session.writing, flying.decided.append)
                    flying.commit = Future()
                    flying.commit.set_result(None)
                    self._pending.append(lost.popleft())
                return
            except (LeaseLost, psycopg.Error) as error:
                if not isinstance(error, LeaseLost) and not self.session.is_lost(error):
                    raise
        raise StoreUnreachable("the database ends our sessions again and again")

    def _was_committed(self, decided: Decided) -> bool:
        """Whether an in-doubt commit took place: all its submissions and its run are in the store as it made them."""
        made = decided.append.submissions
        progress = decided.append.progress
        found = self.session.source.find([key for key, _ in made])
        are_all_there = all(found.get(key) == submission for key, submission in made)
        if progress is None:
            return bool(made) and are_all_there
        if not runs.has_reached(self.session.reading, progress):
            return False
        if not are_all_there:
            raise RunTaken("another process has taken this run up and gone on with it")
        return True
