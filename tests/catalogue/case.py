"""A case of the catalogue: what is recorded before, one line, and the code it must be refused with, or none."""

import json
from dataclasses import dataclass, replace
from typing import Any

from tests.families.clearing.scene import Tables
from tests.families.given import KEYRING, LATE, Ledger

Command = dict[str, Any]
Entry = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """`then` after `given`, under `configuration`, is refused with `code`; recorded if there is none. `raw`: the line
    itself, where no command makes it."""

    code: str
    given: tuple[Command, ...]
    then: Command
    configuration: tuple[Entry, ...] = ()
    raw: bytes = b""

    @property
    def command(self) -> str:
        return str(self.then.get("command", ""))

    @property
    def pair(self) -> tuple[str, str]:
        return self.command, self.code

    def __str__(self) -> str:
        return f"{self.command or 'nothing'}-{self.code or 'recorded'}"

    def lines(self) -> list[bytes]:
        """All of it, each command under a reference of its own, as a file holds it."""
        numbered = (line_of({"reference": f"r{n}", **command}) for n, command in enumerate(self.given))
        return [*numbered, self.raw or line_of({"reference": "last", **self.then})]

    def but(self, code: str, *more: Command, **fields: Any) -> "Case":
        """The same after `more`, with other fields, for another code."""
        return replace(self, code=code, given=(*self.given, *more), then={**self.then, **fields})

    def on_a_new_ledger(self) -> tuple[Ledger, bytes]:
        """A ledger in memory that was told everything but the last line; and that line."""
        ledger = Ledger(*self.configuration, now=LATE)
        Tables(ledger)
        *before, last = self.lines()
        for line in before:
            outcome = ledger.submit_line(line)
            assert not isinstance(outcome, str), f"{self}: {line!r} is refused: {outcome}"
        return ledger, last


def line_of(command: Command) -> bytes:
    return json.dumps({"submitter": "T1", **command}, ensure_ascii=False).encode()


__all__ = ["KEYRING", "Case", "Command", "Entry", "line_of"]
