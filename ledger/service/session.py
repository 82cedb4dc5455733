"""What a writer holds in the database: four connections, the decider lease and the runs it works on.

All of it dies with the process. When the server or the network takes a connection away, everything is made anew: a
lease is never carried over, and a run is claimed again before anything of it is decided.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from ledger.store import appending, runs
from ledger.store.lease import READ_COMMITTED, Lease
from ledger.store.source import StoreSource, probe_only

RECONNECT_SECONDS = 30
RETRY_SECONDS = 1
# A server at work does not read yet what it is sent next: room for all of it, so that sending never waits.
UNREAD_BYTES = 1 << 20
Connect = Callable[[], psycopg.Connection[Any]]


class StoreUnreachable(Exception):
    """The database went away and did not come back in time. What was committed is safe; submit the same input again."""


class RunTaken(StoreUnreachable):
    """While the database was away another process took up the run. What was committed is safe."""


def _make_room(connection: psycopg.Connection[Any]) -> None:
    """Unless there is as much already, as over TCP, or the system gives none: then sending waits at times."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        if line.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) < UNREAD_BYTES:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)


class Session:
    """`reading` (on the spot, through `source`) and `ahead` (for the next batch) are used by the thread that decides,
    `writing` by the one that commits, `leasing` also by whoever looks at who waits."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._claimed: set[int] = set()
        self._open()

    def _open(self) -> None:
        opened: list[psycopg.Connection[Any]] = []
        try:
            for _ in range(4):
                opened.append(self._connect())
                opened[-1].execute(READ_COMMITTED)
            self.source = StoreSource(opened[0])
            probe_only(opened[3])
            for connection in opened:
                _make_room(connection)
        except BaseException:
            for connection in opened:
                connection.close()
            raise
        self.reading, self.writing, self.leasing, self.ahead = self._opened = opened
        self.lease = Lease(self.leasing)

    def close(self) -> None:
        for connection in self._opened:
            connection.close()

    def is_lost(self, error: BaseException | None) -> bool:
        """Whether an error means that a connection is gone, not that a statement was wrong."""
        return appending.is_lost_connection(error, *self._opened)

    def claim(self, run_id: int) -> bool:
        """Make a run this session's, unless another living process works on it."""
        if run_id not in self._claimed and runs.claim(self.leasing, run_id):
            self._claimed.add(run_id)
        return run_id in self._claimed

    def give_up(self, run_id: int) -> None:
        """Let others take up a run."""
        if run_id in self._claimed:
            self._claimed.remove(run_id)
            with suppress(psycopg.OperationalError, psycopg.InterfaceError):
                runs.give_up(self.leasing, run_id)

    def renew(self) -> None:
        """Fresh connections and the claims of before; StoreUnreachable if that takes too long."""
        self.close()
        last: psycopg.OperationalError | None = None
        for attempt in range(RECONNECT_SECONDS // RETRY_SECONDS):
            if attempt:
                time.sleep(RETRY_SECONDS)
            try:
                self._open()
                # The server may not have noticed yet that the old session is gone.
                if all(runs.claim(self.leasing, run_id) for run_id in self._claimed):
                    return
                last = None
            except psycopg.OperationalError as error:
                last = error
            self.close()
        if last is None:
            raise RunTaken("another process has taken this run up")
        raise StoreUnreachable(str(last).partition("\n")[0]) from last
