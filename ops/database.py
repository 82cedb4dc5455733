"""The database of one command: a server named by ONECARD_DATABASE_URL, or the embedded one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ops.embedded import embedded_server
from ops.problems import EnvironmentProblem
from ops.processes import Progress
from ops.settings import Settings

OLDEST, NEWEST = 15, 18
CONNECT_SECONDS = 10
PREPARED: Final = "docs/operating.md says how an administrator prepares a server"
# What the client library says of a server that does not let us in, and what to do about it.
ADVICE: Final = (
    (
        r"certificate verify failed",
        "either sslrootcert names another authority than the one that signed the server's certificate, or that has"
        " expired: `openssl s_client -starttls postgres -connect {address}` shows it",
    ),
    (r"does not match host name", "name the server in ONECARD_DATABASE_URL as its certificate does"),
    (r"root certificate file", "name the file of the authority that signs the server's certificate by sslrootcert"),
    (
        r"does not support SSL",
        "turn `ssl` on at the server; without it whoever is on the way reads and alters everything",
    ),
    (
        r", no encryption$",
        "the server wants TLS: add sslmode=verify-full and sslrootcert to ONECARD_DATABASE_URL; or it does not know"
        " this user and address (pg_hba.conf)",
    ),
    (
        r"client certificate|alert (unknown ca|certificate)|private key file|certificate file",
        "name the certificate that the server knows this user by, and its key, by sslcert and sslkey",
    ),
    (r"no pg_hba\.conf entry", "the server's pg_hba.conf must let this user in from this address"),
    (
        r"password|authentication",
        "correct user and password; in the URL all of them but letters, digits and -._~ is written as %XX",
    ),
    (r'"[^"]*" does not exist$', PREPARED),
    (r"invalid \w+ value|invalid value", "correct that part of ONECARD_DATABASE_URL"),
)
OTHERWISE: Final = "start it, correct ONECARD_DATABASE_URL, or unset that to use the embedded database"


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
        with _connected(url) as connection:
            version = connection.info.server_version // 10000
            encoding = connection.info.parameter_status("server_encoding")
            sessions_are_shared = _shares_sessions(connection, url)
    except psycopg.ProgrammingError as error:
        raise EnvironmentProblem(
            f"ONECARD_DATABASE_URL is not a PostgreSQL connection URL{_part(url, error)}."
        ) from None
    except psycopg.OperationalError as error:
        reason = _reason(error)
        advice = next((advice for telling, advice in ADVICE if re.search(telling, reason)), OTHERWISE)
        raise EnvironmentProblem(
            f"PostgreSQL at {_place(url)} does not let us in ({reason}); {advice.format(address=_address(url))}."
        ) from None
    if not OLDEST <= version <= NEWEST:
        raise EnvironmentProblem(
            f"PostgreSQL at {_place(url)} is version {version}; versions {OLDEST} to {NEWEST} are known to work."
        )
    if encoding != "UTF8":
        raise EnvironmentProblem(f"The database at {_place(url)} keeps its text as {encoding}; make one with UTF8.")
    if sessions_are_shared:
        raise EnvironmentProblem(
            f"A pooler at {_place(url)} gives every transaction another session of the server, and locks, roles and"
            " notifications are kept by the session: name the server itself, or have this database pooled by session."
        )


def _connected(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=True)


def _shares_sessions(connection: psycopg.Connection[Any], url: str) -> bool:
    """Whether what answers is a pooler that lends a session for as long as a transaction lasts.

    Any pooler tells another process than the server's. One of that kind lends what was just given back to who asks
    next, or at last gives the first one another than before.
    """
    first = _process(connection)
    if first == connection.info.backend_pid:
        return False
    with _connected(url) as other:
        return _process(other) == first or _process(connection) != first


def _process(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def _place(url: str) -> str:
    """Where the URL leads, without user or password."""
    parts = conninfo_to_dict(url)
    host = parts.get("host") or parts.get("hostaddr") or "the local socket"
    return f"{host} port {parts.get('port') or 5432}, database {parts.get('dbname') or parts.get('user') or 'default'}"


def _address(url: str) -> str:
    """The first of its hosts as other programs are told it."""
    parts = conninfo_to_dict(url)
    host, port = (
        str(parts.get(name) or other).split(",")[0] for name, other in (("host", "localhost"), ("port", 5432))
    )
    return f"{host}:{port}"


def _part(url: str, error: psycopg.ProgrammingError) -> str:
    """Which option of a URL is none; nothing where the URL may have been split within the password."""
    found = re.search(r'invalid URI query parameter: "(\w+)"', str(error))
    return "" if found is None or "@" in url.partition("?")[2] else f": it knows no option {found[1]!r}"


def _reason(error: psycopg.OperationalError) -> str:
    """The gist of the client library's several lines: what follows the last "failed:".

    A line for each address of the host, and for each of TLS and no TLS, where either will do. The one that got furthest
    tells: not one that nobody listened at, nor the second try of who was refused within TLS.
    """
    lines = str(error).strip().splitlines()
    telling = [line for line in lines if "failed: " in line] or lines
    for idle in (r"Connection refused|could not translate|Cannot assign|unreachable", r", no encryption$"):
        telling = [line for line in telling if not re.search(idle, line)] or telling
    return telling[-1].rpartition("failed: ")[2].removeprefix("connection is bad: ").strip()
