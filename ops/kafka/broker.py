"""One Apache Kafka broker (KRaft, a single node) on one data directory: make it, start it, find it again, stop it.

It outlives the command that started it. Its ports are chosen when its data is made and kept, so that what a person
exported yesterday is right today; a port that somebody else has taken meanwhile is the only reason for new ones.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Literal

import psutil

from ops.kafka import properties
from ops.kafka.archive import ClassArchive
from ops.kafka.jars import jars, java
from ops.kafka.properties import (
    ADMIN,
    CLIENTS,
    LOCAL,
    MECHANISM,
    NODE,
    Ports,
    controller_properties,
    server_properties,
)
from ops.kafka.registration import Registration
from ops.problems import EnvironmentProblem
from ops.processes import MB, Progress, first_number, is_over, log_since, stands_in, ticks
from ops.settings import make_home

NAME = "broker"
LOG_CONFIGURATION = Path(__file__).with_name("log4j2.yaml")
START_MARK = "==== a broker is started ====\n"
LARGEST_LOG = 16 * MB
Profile = Literal["laptop", "brief"]
# A demo's or a test's broker lives for a minute: compiling its code well would take longer than running it badly.
_MACHINE = {"laptop": ["-Xmx768m"], "brief": ["-Xmx512m", "-XX:TieredStopAtLevel=1"]}
_ALWAYS = ["-Xms128m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"]
# A stop writes everything down and takes a second or two; a broker that hangs longer than this is killed.
LONGEST_STOP = 60
LONGEST_BURIAL = 120
# Of a broker that somebody else started: one that hangs for longer loses its session, whoever waits for it.
LONGEST_SILENCE = 600
# What Java ends with when it is told to stop (128 + SIGTERM), once it listens to it; before, the signal ends it.
_TOLD_TO_STOP = 143
# What the controller answers to a node that comes back while another start of it counts as alive.
_REFUSED = "DUPLICATE_BROKER_REGISTRATION"
_LOWEST_PORT, _PORTS = 20_000, 12_000
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
# The smallest question there is: which requests do you know? (ApiVersions, version 0, without a client id.)
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class Broker:
    """The broker of one home directory, whoever started it."""

    def __init__(self, home: Path, lib: Path | None = None, profile: Profile = "laptop") -> None:
        self.home = home.absolute()
        self.folder = self.home / "kafka"
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.lib = lib or self.folder / "lib"
        self._properties = self.folder / "server.properties"
        self._controller_properties = self.folder / "controller.properties"
        self.pid_file = self.folder / "broker.pid"
        self._archive = ClassArchive(self.folder)
        self._profile = profile

    # -- where it is ---------------------------------------------------------------------------------------------

    @property
    def clients(self) -> str:
        """host:port where users log in with a password."""
        return self._ports().address(CLIENTS)

    @property
    def local(self) -> str:
        """host:port where everybody on this machine may do everything."""
        return self._ports().address(LOCAL)

    def password_file(self, user: str) -> Path:
        """Where the password of a user that we made is kept."""
        return self.folder / "users" / user

    def make_password(self, user: str) -> Path:
        """The password file of a user, made now unless it is there; linked into place whole, since two may make it."""
        path = self.password_file(user)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            draft = path.with_name(f".{user}.{secrets.token_hex(4)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(24) + "\n")
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        return path

    # -- making and starting -------------------------------------------------------------------------------------

    def launch_unless_running(self, progress: Progress) -> subprocess.Popen[bytes] | None:
        """Start the process (None: one is running already). Two callers at once must be kept apart by a lock."""
        if self._running() is not None:
            return None
        try:
            return self._launch(progress)
        except OSError as error:
            self.stop(progress)
            file = f" ({error.filename})" if error.filename else ""
            raise EnvironmentProblem(
                f"The Kafka broker in {self.folder} cannot be started: {error.strerror}{file}. "
                "Make room on its disk or mend its rights, then start it again."
            ) from None

    def _launch(self, progress: Progress) -> subprocess.Popen[bytes]:
        program, classes = java(), jars(self.lib, progress).resolve()
        # A controller alone: whoever started it to bury the dead was killed meanwhile.
        self.kill(progress)
        make_home(self.home)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        # Written at each start, so that a broker made by an older version of ours is set up as a new one is.
        self._write_properties(self._ports_to_listen_on(progress))
        if not (self.data / "meta.properties").exists():
            self._make_data(program, classes, progress)
        registration = Registration(self.data, NODE)
        if registration.counts_as_alive():
            self._bury(registration, program, classes, progress)
        return self._start_process(program, classes, self._properties)

    def wait_until_ready(self, launched: subprocess.Popen[bytes] | None, progress: Progress) -> bool:
        """Wait until it answers requests. False when somebody else's broker went away meanwhile; one that hangs is a
        problem, and so is one of our own that ends, told with the last lines of its log."""
        seconds_gone = ticks()
        while True:
            if _answers(self._ports().clients) and _answers(self._ports().local):
                if launched is not None:
                    # It stays behind when we leave: not ours to wait for.
                    launched.returncode = 0
                return True
            doing = "the Kafka broker is starting"
            if launched is None:
                if (pid := self._running()) is None:
                    return False
                doing = f"the Kafka broker runs in process {pid}, which `make kafka-down` ends, and has not answered"
            elif (ended := launched.poll()) is not None:
                raise self._did_not_start(ended)
            if seconds := next(seconds_gone):
                if launched is None and seconds >= LONGEST_SILENCE:
                    raise EnvironmentProblem(f"{doing[0].upper()}{doing[1:]} for {seconds} s: it hangs.")
                progress(f"{doing}, {seconds} s ...")

    def _did_not_start(self, ended: int) -> EnvironmentProblem:
        if ended in (-signal.SIGTERM, _TOLD_TO_STOP):
            return EnvironmentProblem("The Kafka broker was stopped by somebody else while it started.")
        how = f"was ended by signal {-ended} while it started" if ended < 0 else "did not start"
        said = log_since(self.log, START_MARK)
        if _REFUSED in said:
            return EnvironmentProblem(
                f"The Kafka broker did not start: its controller counts the one before it as alive ({_REFUSED} in "
                f"{self.log}), which we read otherwise in {self.data}. Another start is refused likewise. Keep a copy "
                f"of that folder for who mends this program, and {self._how_to_begin_anew()}"
            )
        lines = "\n".join(said.splitlines()[-12:])
        return EnvironmentProblem(f"The Kafka broker {how}; {self.log} ends with:\n{lines}")

    def _how_to_begin_anew(self) -> str:
        return f"remove {self.data}: a new broker is made, and the relay says how everything is published to it again."

    def _make_data(self, program: str, classes: Path, progress: Progress) -> None:
        """Format the data directory with the administrator in it; an interrupted making is begun anew."""
        progress(f"making a Kafka broker in {self.data} (once) ...")
        shutil.rmtree(self.data, ignore_errors=True)
        password = self.make_password(ADMIN).read_text("ascii").strip()
        words = ["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", f"{classes}/*", "kafka.tools.StorageTool", "format"]
        words += ["-t", _random_cluster_id(), "-c", str(self._properties), "--standalone"]
        words += ["--add-scram", f"{MECHANISM}=[name={ADMIN},password={password}]"]
        # The words are read from a file of our own: what is typed on a command line, the whole machine can read.
        typed = self.folder / "format.args"
        descriptor = os.open(typed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.writelines(f'"{word}"\n' for word in words)
            done = subprocess.run(
                [program, f"@{typed}"],
                cwd=self.folder,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        finally:
            typed.unlink()
        if done.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            said = done.stdout.decode(errors="replace").replace(password, "***").strip()
            raise EnvironmentProblem(f"Kafka could not format {self.data}:\n{said}")

    def _bury(self, registration: Registration, program: str, classes: Path, progress: Progress) -> None:
        """Let the controller alone give up the registration of a broker that has ended (docs/adr/0025).

        A node that came back under it would lead its partitions for a moment in which it cannot reach itself, and
        lose what is left to do of a transaction that it was ending.
        """
        progress("the Kafka controller gives up the broker that has ended ...")
        seconds_gone = ticks()
        try:
            controller = self._start_process(program, classes, self._controller_properties)
            while registration.counts_as_alive():
                if (ended := controller.poll()) is not None:
                    raise self._did_not_start(ended)
                if seconds := next(seconds_gone):
                    progress(f"the Kafka controller is starting, {seconds} s ...")
                    if seconds >= LONGEST_BURIAL:
                        raise EnvironmentProblem(
                            f"The Kafka controller does not give up the broker that has ended in {seconds} s; "
                            f"{self.log} may say what hinders it. Start it again. If it stays so, "
                            f"{self._how_to_begin_anew()}"
                        )
        finally:
            self.stop(progress)

    def _start_process(self, program: str, classes: Path, told: Path) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.old"))
        self.log.touch(mode=0o600)
        archive = self._archive.options(program, classes, whole=told == self._properties)
        machine = [*_MACHINE[self._profile], *_ALWAYS, *archive]
        logging = f"-Dlog4j2.configurationFile=file:{LOG_CONFIGURATION}"
        with self.log.open("ab") as log:
            log.write(START_MARK.encode())
            log.flush()
            process = subprocess.Popen(
                [program, *machine, logging, "-cp", f"{classes}/*", "kafka.Kafka", str(told)],
                cwd=self.data,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid_file.write_text(f"{process.pid}\n", encoding="ascii")
        return process

    # -- finding and stopping ------------------------------------------------------------------------------------

    def pid(self) -> int | None:
        """The process id of our broker, if it is alive: the one written down, or any that has the directory."""
        if not self.data.exists():
            return None
        written = first_number(self.pid_file)
        if written is not None and written > 0 and self._is_ours(written):
            return written
        return next((pid for pid in psutil.pids() if self._is_ours(pid)), None)

    def _running(self) -> int | None:
        """The process id of the whole node, if it is alive: not that of a controller alone."""
        pid = self.pid()
        return None if pid is None or self._is_controller(pid) else pid

    def stop(self, progress: Progress) -> None:
        """Let it write everything down, and return when the process is gone."""
        self._end(signal.SIGTERM, progress)

    def kill(self, progress: Progress = lambda _: None) -> None:
        """What a crash does to it."""
        self._end(signal.SIGKILL, progress)

    def _end(self, how: signal.Signals, progress: Progress) -> None:
        pid = self.pid()
        if pid is None:
            return
        try:
            process = psutil.Process(pid)
            os.kill(pid, how)
        except (ProcessLookupError, psutil.NoSuchProcess):
            return
        seconds_gone = ticks()
        while not is_over(process):
            if seconds := next(seconds_gone):
                progress(f"the Kafka broker is stopping, {seconds} s ...")
                if seconds >= LONGEST_STOP:
                    how = signal.SIGKILL
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, how)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        self.pid_file.unlink(missing_ok=True)
        if how == signal.SIGTERM:
            self._archive.keep()

    def _is_ours(self, pid: int) -> bool:
        return stands_in(pid, "java", (str(self.data.resolve()),))

    def _is_controller(self, pid: int) -> bool:
        """Whether a process of ours is the controller alone."""
        try:
            # By its name, since a home may be reached by more than one path.
            return Path(psutil.Process(pid).cmdline()[-1]).name == self._controller_properties.name
        except (psutil.Error, IndexError):
            return False

    # -- small things --------------------------------------------------------------------------------------------

    def _ports(self) -> Ports:
        try:
            found = properties.read(self._properties.read_text("utf-8"))
            return Ports(*(int(listener.rpartition(":")[2]) for listener in found["listeners"].split(",")))
        except (FileNotFoundError, KeyError, TypeError, ValueError):  # a crash of the machine may leave it empty
            raise EnvironmentProblem(f"There is no broker in {self.folder}: make kafka-up makes one.") from None

    def _ports_to_listen_on(self, progress: Progress) -> Ports:
        try:
            ports = self._ports()
        except EnvironmentProblem:
            return _free_ports()
        if taken := [port for port in (ports.clients, ports.local, ports.controller) if not _free(port)]:
            progress(f"port {taken[0]} is taken by somebody else: the broker moves to other ports")
            return _free_ports()
        return ports

    def _write_properties(self, ports: Ports) -> None:
        for path, told in (
            (self._controller_properties, controller_properties(ports, str(self.data))),
            (self._properties, server_properties(ports, str(self.data))),
        ):
            draft = path.with_suffix(".new")
            draft.write_text(properties.written(told), encoding="utf-8")
            draft.replace(path)


def _answers(port: int) -> bool:
    """Whether the broker answers a request, which it does some time after it has opened the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(_API_VERSIONS)
            return len(connection.recv(4)) == 4
    except OSError:
        return False


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_ports() -> Ports:
    """Three ports that nobody has, and that no client is given while the broker is down: those begin at 32768."""
    with contextlib.ExitStack() as held:
        taken: list[int] = []
        while len(taken) < 3:
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", _LOWEST_PORT + secrets.randbelow(_PORTS)))
                taken.append(int(probe.getsockname()[1]))
    return Ports(*taken)


def _random_cluster_id() -> str:
    """22 characters of base64 for 16 random bytes, never with a dash in front, as Kafka itself makes them."""
    while (found := secrets.token_urlsafe(16)).startswith("-"):
        time.sleep(0)
    return found
