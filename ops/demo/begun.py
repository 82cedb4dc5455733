"""How somebody started the demo: what it says to type next must run in that shell, and lead back to where it was."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

DATABASE: Final = "ONECARD_DATABASE_URL"


@dataclass(frozen=True)
class Begun:
    """`home`: the ONECARD_HOME there was; `unset`: variables that would lead elsewhere than the demo's store, as they
    were."""

    program: str
    home: str | None
    unset: dict[str, str]

    def typed(self, command: str) -> str:
        """A command of the documents as it is typed here."""
        return quote(self.program) + command.removeprefix("onecard")

    @property
    def secret(self) -> list[str]:
        """Variables that are not repeated, since a password is in them."""
        return [name for name, value in self.unset.items() if name == DATABASE and _holds_password(value)]

    def back(self) -> list[str]:
        """What is typed to be where one was."""
        home = "unset ONECARD_HOME" if self.home is None else f"export ONECARD_HOME={quote(self.home)}"
        others = [f"export {name}={quote(was)}" for name, was in self.unset.items() if name not in self.secret]
        return [home, *others]


def _holds_password(url: str) -> bool:
    try:
        return bool(conninfo_to_dict(url).get("password"))
    except ProgrammingError:
        return True


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
