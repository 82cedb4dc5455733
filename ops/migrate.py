"""Numbered migrations, applied once each, in order, in one transaction each, by whoever starts first.

A file that was applied must never change: its SHA-256 is kept and compared. A database that knows more migrations than
this program was written by a newer one, and is refused.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from ledger.store import connecting
from ops import roles
from ops.problems import EnvironmentProblem

FOLDER = Path(__file__).parent / "migrations"
NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
LOCK = 1_663_000
KEPT = """
    CREATE SCHEMA IF NOT EXISTS onecard;
    CREATE TABLE IF NOT EXISTS onecard.migrations (
        number integer PRIMARY KEY,
        name text NOT NULL,
        sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    );
"""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """The migrations of this program, numbered 1..n without a gap."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = NAME.fullmatch(path.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise EnvironmentProblem(f"{path.name} is not migration number {len(found) + 1}.")
        found.append(Migration(int(match[1]), path.stem, path.read_text()))
    return found


def migrate(dsn: str) -> list[str]:
    """Bring the database up to this program; names of what was applied. Two at once: the second waits."""
    ours = migrations()
    applied = []
    try:
        with connecting.connect(dsn) as connection:
            known = _known(connection)
            if [known.get(one.number) for one in ours] == [one.sha256 for one in ours] and len(known) == len(ours):
                roles.take_up(connection, LOCK)
                return []
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            connection.execute(KEPT)
            known = _known(connection)
            for one in ours:
                if one.number not in known:
                    _apply(connection, one)
                    applied.append(one.name)
                elif known[one.number] != one.sha256:
                    raise EnvironmentProblem(
                        f"Migration {one.name} was changed after it was applied: restore the file."
                    )
            if len(known) > len(ours):
                raise EnvironmentProblem("The database was made by a newer onecard-ledger: upgrade this program.")
            roles.take_up(connection, LOCK)
    except psycopg.errors.InsufficientPrivilege as error:
        raise EnvironmentProblem(
            f"The database user may not open the ledger ({error.diag.message_primary}): every command uses the"
            " database's owner, and docs/operating.md says which roles an administrator gives it."
        ) from None
    except psycopg.errors.RaiseException as error:  # a migration says why it cannot be applied
        raise EnvironmentProblem(str(error.diag.message_primary)) from None
    return applied


def _known(connection: psycopg.Connection[Any]) -> dict[int, str]:
    exists = connection.execute("SELECT to_regclass('onecard.migrations')").fetchone()
    if exists is None or exists[0] is None:
        return {}
    return dict(connection.execute("SELECT number, sha256 FROM onecard.migrations").fetchall())


def _apply(connection: psycopg.Connection[Any], one: Migration) -> None:
    with connection.transaction():
        connection.execute(one.text)
        connection.execute(
            "INSERT INTO onecard.migrations (number, name, sha256) VALUES (%s, %s, %s)",
            (one.number, one.name, one.sha256),
        )
