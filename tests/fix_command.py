"""The `onecard` command in this process: arguments in, exit code and output out, on a database of the test's own."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.cli.main import main


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one document on stdout: a single line that ends in LF."""
        assert self.stdout.endswith("\n") and self.stdout.count("\n") == 1, self.stdout
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.stdout.splitlines()]


Onecard = Callable[..., Ended]


@pytest.fixture
def onecard(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Onecard:
    """Runs `onecard` with these arguments; `clock` freezes the ledger's clock from then on."""
    monkeypatch.setenv("ONECARD_DATABASE_URL", as_url(dsn))
    monkeypatch.setenv("ONECARD_HOME", str(tmp_path / "home"))

    def run(*arguments: object, clock: str | None = None) -> Ended:
        if clock is not None:
            monkeypatch.setenv("ONECARD_CLOCK", clock)
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", streams[0])
            patched.setattr(sys, "stderr", streams[1])
            code = main([str(argument) for argument in arguments])
        out, err = (stream.buffer.getvalue().decode() for stream in streams)  # type: ignore[attr-defined]
        return Ended(code, out, err)

    return run


def as_url(dsn: str) -> str:
    """A connection string as ONECARD_DATABASE_URL takes it."""
    if dsn.startswith("postgres"):
        return dsn
    from urllib.parse import urlencode

    from psycopg.conninfo import conninfo_to_dict

    return "postgresql://?" + urlencode(conninfo_to_dict(dsn))
