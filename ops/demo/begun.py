"""How somebody started the demo: what it says to type next must run in that shell, and lead back to where it was."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from shlex import quote


@dataclass(frozen=True)
class Begun:
    """`home`: the ONECARD_HOME there was; `unset`: variables that would lead elsewhere than the demo's store."""

    program: str
    home: str | None
    unset: list[str]

    def typed(self, command: str) -> str:
        """A command of the documents as it is typed here."""
        return quote(self.program) + command.removeprefix("onecard")


def program() -> str:
    """What to type for this program from here: its name where PATH has it, else where it lies."""
    started = Path(os.path.abspath(sys.argv[0]))
    if started.name != "onecard":
        started = Path(sys.executable).with_name("onecard")
    known = shutil.which("onecard")
    if known is not None and os.path.realpath(known) == os.path.realpath(started):
        return "onecard"
    here = Path.cwd()
    if started.parent == here:
        return "./onecard"
    return str(started.relative_to(here) if started.is_relative_to(here) else started)
