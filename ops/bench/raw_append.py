"""The raw limit of submit: what PostgreSQL takes to read and write what batches read and wrote, nothing decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import psycopg

from ledger.store import state, submissions
from ledger.store.recorder import INSERT, columns
from ops.bench import raw
from ops.bench.figures import Figures, elapsed, rate
from ops.bench.rig import BATCH, Rig

FIGURE: Final = f"raw_append_{BATCH}"
# Tables of the same shape beside the store's; rows are there already, as for most of what a batch changes.
MAKE: Final = (
    "CREATE SCHEMA bench",
    "CREATE TABLE bench.events (LIKE ledger.events INCLUDING ALL)",
    "CREATE TABLE bench.submissions (LIKE ledger.submissions INCLUDING ALL)",
    "CREATE TABLE bench.state (LIKE ledger.state INCLUDING ALL) WITH (fillfactor = 75)",
    "INSERT INTO bench.state SELECT * FROM ledger.state",
)
CLEAR: Final = "TRUNCATE bench.events, bench.submissions"
DROP: Final = "DROP SCHEMA bench CASCADE"
SUBMITTED: Final = """
    SELECT submitter, reference, digest, stream_id::text, version, position FROM ledger.submissions
    WHERE position > %s ORDER BY position LIMIT %s
"""
CHANGED: Final = """
    SELECT kind, key, revision, data FROM ledger.state WHERE revision > %s AND revision <= %s ORDER BY revision
"""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Parameters, made before the clock runs: of the rows' names, and of what is written."""

    names: tuple[str, str, int]
    rows: tuple[Any, ...]
    events: tuple[Any, ...]
    submissions: tuple[Any, ...]
    commands: int


def measure(rig: Rig, figures: Figures) -> None:
    """Commands a second into tables of the store's shape, in its own statements; there must be events of the day."""
    with rig.ledger.connect() as connection:
        batches = _batches(connection, rig)
        for statement in MAKE:
            connection.execute(statement)
        try:
            found = []
            for run in range(rig.scale.runs + 1):
                connection.execute(CLEAR)
                took = elapsed(lambda: _append_all(connection, batches))
                if run:
                    found.append(rate(sum(batch.commands for batch in batches), took))
        finally:
            connection.execute(DROP)
    figures.add(FIGURE, "commands/s", found)


def _batches(connection: psycopg.Connection[Any], rig: Rig) -> list[_Batch]:
    """What the day's batches wrote. Of a row that several of them changed only the last one's is known."""
    made = connection.execute(SUBMITTED, (rig.first, rig.scale.lines), binary=True).fetchall()
    parts = [made[start : start + BATCH] for start in range(0, len(made), BATCH)]
    ends = [rig.first, *(part[-1][5] for part in parts)]
    return [_batch(connection, part, *span) for part, span in zip(parts, pairwise(ends), strict=True)]


def _batch(connection: psycopg.Connection[Any], made: list[Any], after: int, last: int) -> _Batch:
    rows = connection.execute(CHANGED, (after, last), binary=True).fetchall()
    return _Batch(
        state.question([row[0] for row in rows], [row[1] for row in rows]),
        state.columns(rows),
        columns(*zip(*raw.rows_after(connection, after, last - after), strict=True)),
        submissions.columns([((row[0], row[1]), submissions.Submission(*row[2:])) for row in made]),
        len(made),
    )


def _append_all(connection: psycopg.Connection[Any], batches: Sequence[_Batch]) -> None:
    for batch in batches:
        connection.execute(_beside(state.SELECT), batch.names, binary=True).fetchall()
        with connection.pipeline(), connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_beside(INSERT), batch.events)
            cursor.execute(_beside(submissions.INSERT), batch.submissions)
            cursor.execute(_beside(state.UPSERT), batch.rows)


def _beside(statement: str) -> bytes:
    return statement.replace("ledger.", "bench.").encode()
