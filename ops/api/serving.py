"""Runs the HTTP interface until it is told to stop: the socket, the watch beside it, and an orderly end."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

import uvicorn
from fastapi import FastAPI

from ops.api.app import make_app
from ops.api.health import add_health
from ops.api.look import Looker
from ops.api.metrics import add_metrics
from ops.api.subjects import Subjects
from ops.api.watch import Watch
from ops.database import open_database
from ops.problems import EnvironmentProblem
from ops.processes import Progress
from ops.settings import Settings
from schemas.registry import registry

MOST_CONNECTIONS: Final = 256
IDLE_SECONDS: Final = 15
STOPPING_SECONDS: Final = 5


def serve(settings: Settings, host: str, port: int, schemas_only: bool, progress: Progress, ready: Progress) -> None:
    """Until Ctrl-C or SIGTERM. `ready` is told the address once it is listened on, `progress` what takes its time."""
    subjects = Subjects(registry())
    with _listening(host, port) as listener, _watching(settings, schemas_only, progress) as (watch, parts):
        app = make_app(subjects)
        add_health(app, subjects, watch, parts)
        add_metrics(app, subjects, watch, parts)
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listener.getsockname()[1]}")
        _run(app, listener)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket; bound before anything else is opened, so that a taken port is the first thing told."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise EnvironmentProblem(
            f"Nothing can listen on {host} port {port} ({error.strerror or error}): name others by --host and --port"
        ) from None
    with listener:
        yield listener


@contextmanager
def _watching(
    settings: Settings, schemas_only: bool, progress: Progress
) -> Iterator[tuple[Watch | None, tuple[str, ...]]]:
    if schemas_only:
        yield None, ()
        return
    # A server that is down now may be up soon, and schemas are served meanwhile; only our own must be started.
    opening = open_database(settings, progress) if settings.embedded else nullcontext(settings.database_url or "")
    with opening as dsn:
        looker = Looker(settings, dsn)
        watch = Watch(looker.look)
        watch.start()
        try:
            yield watch, looker.parts
        finally:
            watch.stop()
            looker.close()


def _run(app: FastAPI, listener: socket.socket) -> None:
    """Until Ctrl-C or SIGTERM: requests under way get their answer, idle connections are closed."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http="h11",
        ws="none",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOPPING_SECONDS,
    )
    with _ended_in_order():
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """uvicorn repeats the signal that ended it once it has stopped; by then there is nothing left to end."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
