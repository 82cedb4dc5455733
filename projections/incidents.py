"""Incidents: why a view does not go on with a source, with the record in question kept byte by byte.

An open incident stops its source in its view, and nothing else. It is closed by going past the place where it was
found: by `resume`, which reads and applies there again, or by a rebuild. Nothing closes one by skipping. A source that
was never there has no such place; that it was named is forgotten (projections/forgetting.py).
"""

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from projections.feed.port import Broken, Evidence

# Nothing was read that is wrong: what was missing is surroundings, and a follower that starts again looks again.
OF_SURROUNDINGS: Final = frozenset(("topic_forbidden", "source_unknown"))
OPEN: Final = """
    INSERT INTO views.incidents (view, version, source, position, kind, message, topic, partition, record_offset,
        timestamp_ms, key, value, header_names, header_values)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (view, version, source) WHERE resumed_at IS NULL DO NOTHING RETURNING number
"""


# The newest one, if nothing was applied since a follower that started has forgotten it.
REOPEN: Final = """
    UPDATE views.incidents SET resumed_at = NULL, message = %s
    WHERE number = (SELECT max(number) FROM views.incidents WHERE view = %s AND version = %s AND source = %s)
        AND position = %s AND kind = %s AND resumed_at IS NOT NULL
    RETURNING number
"""


@dataclass(frozen=True, slots=True)
class Incident:
    """One that was opened just now, or again."""

    number: int
    view: str
    source: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"incident {self.number}: {self.view} stops at source {self.source}: {self.kind}: {self.message}"


def open_one(
    cursor: psycopg.Cursor[Any], view: str, version: int, source: str, position: int, broken: Broken
) -> Incident | None:
    """Stop a source in a view; None if somebody else has just done so. `position`: of the last event applied.

    What surroundings are still to blame for is the same incident as before, and not one more at each try.
    """
    message = storable(str(broken))
    if broken.kind in OF_SURROUNDINGS:
        cursor.execute(REOPEN, (message, view, version, source, position, broken.kind))
        if (again := cursor.fetchone()) is not None:
            return Incident(again[0], view, source, broken.kind, str(broken))
    kept = broken.evidence or Evidence(None)
    cursor.execute(
        OPEN,
        (
            view, version, source, position, broken.kind, message, kept.topic, kept.partition,
            kept.offset, kept.timestamp_ms, kept.key, kept.value,
            [name.encode("utf-8", "surrogateescape") for name, _ in kept.headers],
            [value for _, value in kept.headers],
        ),
    )  # fmt: skip
    row = cursor.fetchone()
    return Incident(row[0], view, source, broken.kind, str(broken)) if row else None


def close(cursor: psycopg.Cursor[Any], view: str, version: int, source: str) -> None:
    """The view has gone past the place."""
    cursor.execute(
        "UPDATE views.incidents SET resumed_at = now()"
        " WHERE view = %s AND version = %s AND source = %s AND resumed_at IS NULL",
        (view, version, source),
    )


def close_version(cursor: psycopg.Cursor[Any], view: str, version: int) -> None:
    """The version is no more."""
    cursor.execute(
        "UPDATE views.incidents SET resumed_at = now() WHERE view = %s AND version = %s AND resumed_at IS NULL",
        (view, version),
    )


def close_source(cursor: psycopg.Cursor[Any], source: str) -> list[int]:
    """The source is followed no longer; the numbers of its incidents that were open."""
    rows = cursor.execute(
        "UPDATE views.incidents SET resumed_at = now() WHERE source = %s AND resumed_at IS NULL RETURNING number",
        (source,),
    ).fetchall()
    return sorted(number for (number,) in rows)


def look_again(connection: psycopg.Connection[Any], views: list[str], source: str) -> None:
    """Forget what surroundings were to blame for: a follower that starts will see whether they still are."""
    connection.execute(
        "UPDATE views.incidents SET resumed_at = now()"
        " WHERE view = ANY(%s) AND source = %s AND kind = ANY(%s) AND resumed_at IS NULL",
        (views, source, list(OF_SURROUNDINGS)),
    )


def storable(text: str) -> str:
    """A text as the database can hold it."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
