"""A PostgreSQL as a province has one: of another build than the embedded one, over TCP, with TLS and passwords.

Such builds are found where Debian's and Red Hat's packages put them. ONECARD_TEST_SERVERS names other folders of
programs (bin), with the system's separator of paths between them. Where there is none, the tests that need one are
skipped and say so.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest

from ops.server_account import server_account
from tests.certificates import Authority
from tests.room import made_room

PREFIX = "onecard-server-test-"
ELSEWHERE = "ONECARD_TEST_SERVERS"
ADMIN, PASSWORD = "admin", "p w@%:/?"
SETTINGS = ("fsync=off", "shared_buffers=64MB", "listen_addresses='127.0.0.1'", "unix_socket_directories=''")
CERTIFICATE, KEY = "server.pem", "server.key"
HBA = f"""
local all all reject
host all {ADMIN} 127.0.0.1/32 scram-sha-256
hostssl certified all 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
"""


def installed() -> list[Path]:
    """Folders of server programs, newest version last."""
    named = os.environ.get(ELSEWHERE)
    if named:
        return [Path(one) for one in named.split(os.pathsep)]
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    return sorted(folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists())


@dataclass
class Server:
    """A running server; whoever signed its certificate; where it keeps that."""

    folder: Path
    port: int
    authority: Authority
    account: tuple[int, int]

    def url(
        self, user: str, database: str, password: str | None = PASSWORD, host: str = "localhost", **more: str
    ) -> str:
        """As ONECARD_DATABASE_URL takes it: with TLS, and the server's certificate checked, unless `more` says else."""
        login = user if password is None else f"{user}:{quote(password, safe='')}"
        options = {"sslmode": "verify-full", "sslrootcert": str(self.authority.file), "hostaddr": "127.0.0.1", **more}
        return f"postgresql://{login}@{host}:{self.port}/{database}?{urlencode(options)}"

    def administer(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements as a superuser, one by one; the rows of the last."""
        with psycopg.connect(self.url(ADMIN, database, sslmode="prefer"), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def keep(self, certificate: tuple[Path, Path]) -> None:
        """The certificate and its key to be shown from the next start or reload on."""
        for made, name in zip(certificate, (CERTIFICATE, KEY), strict=True):
            kept = self.folder / name
            shutil.copy(made, kept)
            os.chown(kept, *self.account)
            kept.chmod(0o600)

    def reload(self) -> None:
        """Have what was changed taken up for the next connection."""
        before = self.administer("SELECT pg_conf_load_time()")
        self.administer("SELECT pg_reload_conf()")
        until = time.monotonic() + 20
        while self.administer("SELECT pg_conf_load_time()") == before:
            assert time.monotonic() < until, "the server did not take up what was changed"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def named_server() -> Iterator[Server]:
    """The first one installed, running for all tests of this worker."""
    found = installed()
    if not found:
        pytest.skip(
            "NO OTHER POSTGRESQL, NOT TESTED: a server by URL, TLS to it, and versions but the embedded one are tested"
            f" where one is installed (apt-get install postgresql), or {ELSEWHERE} names the folder of its programs"
        )
    home = made_room(PREFIX)
    try:
        with _running(found[0], home) as server:
            yield server
    finally:
        shutil.rmtree(home)


@contextmanager
def _running(programs: Path, home: Path) -> Iterator[Server]:
    """A new server in a folder, for the block."""
    data = home / "data"
    account = server_account(data, [programs / "postgres", home.parent])
    owner = (account.uid, account.gid) if account else (os.geteuid(), os.getegid())
    options: dict[str, Any] = {"cwd": home, "env": {"LC_ALL": "C", "TZ": "UTC"}}
    options |= account.process_options() if account else {}
    os.chown(home, *owner)

    def run(program: str, *arguments: str) -> str:
        command = [str(programs / program), "-D", str(data), *arguments]
        return str(subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout)

    (home / "password").write_text(PASSWORD)
    run(
        "initdb",
        "-U",
        ADMIN,
        "-A",
        "scram-sha-256",
        "--pwfile",
        str(home / "password"),
        "-E",
        "UTF8",
        "--locale=C",
        "-N",
    )
    if not run("postgres", "-C", "ssl_library").strip():
        pytest.skip(f"{programs} HAS NO TLS, NOT TESTED: a server by URL, and TLS to it")
    (data / "pg_hba.conf").write_text(HBA)
    server = Server(home, _free_port(), Authority(home / "authority.pem"), owner)
    server.keep(server.authority.server())
    lines = [*SETTINGS, f"port={server.port}", "ssl=on", f"ssl_ca_file='{server.authority.file}'"]
    lines += [f"ssl_cert_file='{home / CERTIFICATE}'", f"ssl_key_file='{home / KEY}'"]
    with (data / "postgresql.conf").open("a") as settings:
        settings.writelines(f"{line}\n" for line in lines)
    with (home / "server.log").open("wb") as log:
        command = [str(programs / "postgres"), "-D", str(data)]
        process = subprocess.Popen(command, stdout=log, stderr=log, **options)
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _wait_until_ready(server: Server, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while True:
        try:
            server.administer("SELECT 1")
            return
        except psycopg.OperationalError:
            assert process.poll() is None and time.monotonic() < until, (server.folder / "server.log").read_text()
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
