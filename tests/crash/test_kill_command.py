"""kill -9 of `onecard submit` itself, at any time: the same command again ends with the same bytes in every output."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fix_command import as_url
from tests.fix_stores import Store, assert_same, soak
from tests.house.tree import ROOT
from tests.model.histories import history

Stores = Callable[[], Store]
LINES = soak(700, 5_000)
KILLS = soak(3, 20)
PROGRAM = "import sys; from ops.cli.main import main; sys.exit(main())"
CLOCK = "2026-01-01T00:00:00Z"  # that of the histories


class Command:
    """`onecard submit` of one file to one store, with outputs of its own each time."""

    def __init__(self, store: Store, folder: Path, file: Path) -> None:
        folder.mkdir()
        secret = folder / "secret"
        secret.write_bytes(b"a secret of these tests")
        self._environment = os.environ | {
            "ONECARD_DATABASE_URL": as_url(store.dsn),
            "ONECARD_HOME": str(folder / "home"),
            "ONECARD_SECRET_FILE": str(secret),
            "ONECARD_CLOCK": CLOCK,
        }
        self._file = file
        self._folders = (folder / f"attempt{n}" for n in range(1_000))
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.folder = next(self._folders)
        self.folder.mkdir()
        outputs = ["--receipts", str(self.folder / "receipts"), "--rejects", str(self.folder / "rejects")]
        arguments = [sys.executable, "-c", PROGRAM, "submit", str(self._file), *outputs, "--batch", "5"]
        self._process = subprocess.Popen(
            arguments, cwd=ROOT, env=self._environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def told(self) -> tuple[bytes, bytes]:
        """What is in its outputs."""
        paths = (self.folder / "receipts", self.folder / "rejects")
        receipts, rejects = (path.read_bytes() if path.exists() else b"" for path in paths)
        return receipts, rejects

    def running(self) -> bool:
        assert self._process is not None
        return self._process.poll() is None

    def wait_for_more_than(self, size: int) -> None:
        """Until more than so many bytes are told, or the process has ended."""
        while self.running() and sum(map(len, self.told())) <= size:
            time.sleep(0.005)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def finish(self) -> None:
        assert self._process is not None
        _, errors = self._process.communicate()
        # Some lines of every history are refused.
        assert self._process.returncode == 1 and "recorded" in errors, errors


def moments(chance: random.Random, seconds: float) -> Iterator[tuple[bool, float]]:
    """(whether after something new was told or after the start, how many seconds later); much is left in the end."""
    for number in range(KILLS):
        yield (True, chance.random() * seconds / KILLS) if number % 3 else (False, chance.random() * 0.6)


def test_a_killed_command_given_again_writes_what_an_undisturbed_one_does(
    stores: Stores, tmp_path: Path, seed: int
) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in history(seed, LINES)))
    undisturbed, disturbed = stores(), stores()
    wanted, found = Command(undisturbed, tmp_path / "wanted", path), Command(disturbed, tmp_path / "found", path)
    wanted.start()
    wanted.wait_for_more_than(0)
    begun = time.monotonic()
    wanted.finish()

    kills = size = 0
    for telling, later in moments(random.Random(seed), time.monotonic() - begun):
        found.start()
        if telling:
            found.wait_for_more_than(size)
        time.sleep(later)
        if not found.running():
            break
        found.kill()
        kills += 1
        size = max(size, sum(map(len, found.told())))
        for ours, theirs in zip(found.told(), wanted.told(), strict=True):
            assert theirs.startswith(ours)
    else:
        found.start()
    found.finish()

    print(f"seed {seed}: the command was killed {kills} times")
    assert kills
    assert found.told() == wanted.told()
    assert_same(disturbed.written(), undisturbed.written())
    assert disturbed.ask("SELECT count(*) FROM ledger.runs WHERE NOT finished AND input_bytes > 0") == [(0,)]
