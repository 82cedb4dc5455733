"""Runs: how far an input has been decided, stored in the same transaction as what it recorded.

An unfinished run is found again by the bytes it had read (their number and SHA-256), so submitting the same files after
a kill goes on at the next line, and the lines before it are answered from the store.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ledger.store.arrays import column, unnested
from ledger.store.lease import CLASS

RUN_LOCKS = CLASS + 1
ESCAPED = re.compile(r"\\([\\0])")
# No reject code of the contract; a line answered so has no message.
DUPLICATE = "duplicate"
SELECT = "SELECT run_id, input_bytes, input_sha256, next_line, head_before FROM ledger.runs"
FIND = f"{SELECT} WHERE NOT finished AND input_bytes > 0 ORDER BY input_bytes DESC, run_id"
ADVANCE = """
    UPDATE ledger.runs SET input_bytes = %s, input_sha256 = %s, next_line = %s, finished = %s, changed_at = now()
    WHERE run_id = %s
"""
REJECT = f"""
    INSERT INTO ledger.run_rejects (run_id, line, code, field, message)
    SELECT %s, {unnested("%s::bigint[]", "%s::text[]", "%s::text[]", "%s::text[]")}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """An unfinished run. `next_line`: number (over all files) of the first line not decided; `head_before`: position
    of the log when it began."""

    run_id: int
    input_bytes: int
    input_sha256: bytes
    next_line: int
    head_before: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused line of a run; or, under the code DUPLICATE, one that repeats what was recorded since the run began."""

    line: int
    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands after a batch, and the lines of that batch it refused."""

    run_id: int
    input_bytes: int
    input_sha256: bytes
    next_line: int
    finished: bool
    refusals: Sequence[Refusal]


def unfinished(connection: psycopg.Connection[Any]) -> list[Run]:
    """Runs that were interrupted, longest input first."""
    return [Run(*row) for row in connection.execute(FIND).fetchall()]


def claim(connection: psycopg.Connection[Any], run_id: int) -> bool:
    """Make the run this session's, unless another living process works on it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (RUN_LOCKS, run_id % 2**31)).fetchone()
    return row is not None and bool(row[0])


def give_up(connection: psycopg.Connection[Any], run_id: int) -> None:
    """Undo one claim."""
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", (RUN_LOCKS, run_id % 2**31))


def is_still(connection: psycopg.Connection[Any], run: Run) -> bool:
    """Whether a run is unfinished and where it was; asked once it is claimed, since its process may have gone on."""
    row = connection.execute(f"{SELECT} WHERE run_id = %s AND NOT finished", (run.run_id,)).fetchone()
    return row is not None and Run(*row) == run


def has_reached(connection: psycopg.Connection[Any], progress: "Progress") -> bool:
    """Whether a run is in the store as far as this, or further."""
    row = connection.execute(
        "SELECT next_line >= %s AND (finished OR NOT %s) FROM ledger.runs WHERE run_id = %s",
        (progress.next_line, progress.finished, progress.run_id),
    ).fetchone()
    return row is not None and bool(row[0])


def supersede(connection: psycopg.Connection[Any], run_id: int) -> None:
    """End an interrupted run whose input another run takes to its end."""
    with connection.transaction():
        connection.execute("UPDATE ledger.runs SET finished = true, changed_at = now() WHERE run_id = %s", (run_id,))
        connection.execute("DELETE FROM ledger.run_rejects WHERE run_id = %s", (run_id,))


def begin(connection: psycopg.Connection[Any], head: int) -> Run:
    """A new run, to be claimed."""
    row = connection.execute(
        "INSERT INTO ledger.runs (input_bytes, input_sha256, next_line, head_before) VALUES (0, '', 0, %s)"
        " RETURNING run_id",
        (head,),
    ).fetchone()
    assert row is not None
    return Run(row[0], 0, b"", 0, head)


def advance(cursor: psycopg.Cursor[Any], progress: Progress) -> None:
    """Inside the append transaction of the batch that ends at `progress.next_line`."""
    cursor.execute(
        ADVANCE,
        (progress.input_bytes, progress.input_sha256, progress.next_line, progress.finished, progress.run_id),
    )
    if progress.finished:
        cursor.execute("DELETE FROM ledger.run_rejects WHERE run_id = %s", (progress.run_id,))
    elif progress.refusals:
        cursor.execute(
            REJECT,
            (
                progress.run_id,
                column("bigint", [refusal.line for refusal in progress.refusals]),
                column("text", [refusal.code for refusal in progress.refusals]),
                column("text", [_without_nul(refusal.field) for refusal in progress.refusals]),
                column("text", [_without_nul(refusal.message) for refusal in progress.refusals]),
            ),
        )


def refusals(connection: psycopg.Connection[Any], run_id: int, first: int, last: int) -> dict[int, Refusal]:
    """Refused lines first..last of a run, by line."""
    rows = connection.execute(
        "SELECT line, code, field, message FROM ledger.run_rejects WHERE run_id = %s AND line BETWEEN %s AND %s",
        (run_id, first, last),
    ).fetchall()
    return {line: Refusal(line, code, _with_nul(field), _with_nul(message)) for line, code, field, message in rows}


def _without_nul(text: str) -> str:
    """PostgreSQL keeps no U+0000, and a submitter may have named a field so."""
    return text.replace("\\", "\\\\").replace("\0", "\\0") if "\0" in text or "\\" in text else text


def _with_nul(text: str) -> str:
    return ESCAPED.sub(lambda found: "\0" if found[1] == "0" else "\\", text)
