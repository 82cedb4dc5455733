"""The database of one command: a server named by ONECARD_DATABASE_URL, or the embedded one."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ops.embedded import embedded_server
from ops.problems import EnvironmentProblem
from ops.processes import Progress
from ops.settings import Settings

OLDEST, NEWEST = 15, 18
CONNECT_SECONDS = 10


@contextmanager
def open_database(settings: Settings, progress: Progress) -> Iterator[str]:
    """Give the connection string of a database that answers; with the embedded server, keep it running inside."""
    if settings.database_url is None:
        with embedded_server(settings.home, progress) as dsn:
            yield dsn
    else:
        check_server(settings.database_url)
        yield settings.database_url


def check_server(url: str) -> None:
    """An EnvironmentProblem unless a PostgreSQL we know answers at this URL and keeps its text as UTF-8."""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            version = connection.info.server_version // 10000
            encoding = connection.info.parameter_status("server_encoding")
    except psycopg.ProgrammingError:
        raise EnvironmentProblem("ONECARD_DATABASE_URL is not a PostgreSQL connection URL.") from None
    except psycopg.OperationalError as error:
        raise EnvironmentProblem(
            f"PostgreSQL at {_place(url)} does not let us in ({_reason(error)}); start it, "
            "correct ONECARD_DATABASE_URL, or unset that to use the embedded database."
        ) from None
    if not OLDEST <= version <= NEWEST:
        raise EnvironmentProblem(
            f"PostgreSQL at {_place(url)} is version {version}; versions {OLDEST} to {NEWEST} are known to work."
        )
    if encoding != "UTF8":
        raise EnvironmentProblem(f"The database at {_place(url)} keeps its text as {encoding}; make one with UTF8.")


def _place(url: str) -> str:
    """Where the URL leads, without user or password."""
    parts = conninfo_to_dict(url)
    host = parts.get("host") or parts.get("hostaddr") or "the local socket"
    return f"{host} port {parts.get('port') or 5432}, database {parts.get('dbname') or parts.get('user') or 'default'}"


def _reason(error: psycopg.OperationalError) -> str:
    """The gist of the client library's several lines: what follows the last "failed:"."""
    lines = str(error).strip().splitlines()
    telling = [line for line in lines if "failed: " in line] or lines
    return telling[-1].rpartition("failed: ")[2].strip()
