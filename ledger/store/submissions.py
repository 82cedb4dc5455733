"""Who submitted what under which reference: one row for each accepted command, written with its events.

A retry is answered from here before anything else is looked at (contract 0.6, 0.7).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from ledger.core.world import Fact
from ledger.store import codec
from ledger.store.arrays import BIGINTS, BYTES, TEXTS, UUIDS, Packed, bigints, byteas, texts, unnested, uuids
from ledger.store.recorder import ROWS_PER_STATEMENT

INSERT = f"""
    INSERT INTO ledger.submissions (submitter, reference, digest, stream_id, version, position)
    SELECT {unnested(TEXTS, TEXTS, BYTES, UUIDS, BIGINTS, BIGINTS)}
"""
SELECT = f"""
    SELECT wanted.submitter, wanted.reference, s.digest, s.stream_id::text, s.version, s.position
    FROM (SELECT {unnested(TEXTS, TEXTS)}) AS wanted (submitter, reference),
        LATERAL (
            SELECT * FROM ledger.submissions
            WHERE submissions.submitter = wanted.submitter AND submissions.reference = wanted.reference OFFSET 0
        ) AS s
"""

# The event that was recorded first under a reference, in one way there and back.
FIRST = f"""
    SELECT wanted.submitter, wanted.reference, s.position, e.state
    FROM (SELECT {unnested(TEXTS, TEXTS)}) AS wanted (submitter, reference),
        LATERAL (
            SELECT position FROM ledger.submissions
            WHERE submissions.submitter = wanted.submitter AND submissions.reference = wanted.reference OFFSET 0
        ) AS s
        LEFT JOIN LATERAL (
            SELECT state FROM ledger.events WHERE events.notification_id = s.position OFFSET 0
        ) AS e ON true
"""

Key = tuple[str, str]
# Instead of a digest: the command was restored with its event from the topics, and its content is what that event says.
RESTORED = b""


class Submission(msgspec.Struct):
    """The first receipt of an accepted command, and the digest of its content (or RESTORED)."""

    digest: bytes
    stream_id: str
    version: int
    position: int


class Question:
    """Which (submitter, reference) were accepted before; in a pipeline it is only sent, and waited for when taken."""

    def __init__(self, connection: psycopg.Connection[Any], keys: Sequence[Key]) -> None:
        self._cursor = _asked(connection, SELECT, keys)

    def found(self) -> dict[Key, Submission]:
        if self._cursor is None:
            return {}
        return {(row[0], row[1]): Submission(*row[2:]) for row in self._cursor.fetchall()}


def find(connection: psycopg.Connection[Any], keys: Sequence[Key]) -> dict[Key, Submission]:
    """Those of (submitter, reference) that were accepted before."""
    return Question(connection, keys).found()


class Recall:
    """What was recorded first under references; in a pipeline it is only asked, and waited for when taken."""

    def __init__(self, connection: psycopg.Connection[Any], keys: Sequence[Key]) -> None:
        self._cursor = _asked(connection, FIRST, keys)

    def found(self) -> dict[Key, Fact]:
        """Where anything was recorded; LookupError if the log lacks it."""
        found: dict[Key, Fact] = {}
        for submitter, reference, position, data in self._cursor.fetchall() if self._cursor is not None else ():
            if data is None:
                raise LookupError(f"no event at position {position}")
            found[submitter, reference] = (*codec.decode(data), position)
        return found


def insert(cursor: psycopg.Cursor[Any], made: Sequence[tuple[Key, Submission]]) -> None:
    for start in range(0, len(made), ROWS_PER_STATEMENT):
        cursor.execute(INSERT, columns(made[start : start + ROWS_PER_STATEMENT]))


def columns(made: Sequence[tuple[Key, Submission]]) -> tuple[str, str, Packed, Packed, Packed, Packed]:
    """Parameters of INSERT."""
    return (
        texts(key[0] for key, _ in made),
        texts(key[1] for key, _ in made),
        byteas([found.digest for _, found in made]),
        uuids([found.stream_id for _, found in made]),
        bigints([found.version for _, found in made]),
        bigints([found.position for _, found in made]),
    )


def _asked(connection: psycopg.Connection[Any], statement: str, keys: Sequence[Key]) -> psycopg.Cursor[Any] | None:
    if not keys:
        return None
    cursor = connection.cursor()
    return cursor.execute(statement, (texts(key[0] for key in keys), texts(key[1] for key in keys)), binary=True)
