"""How far each view has come, and who drives it (queries.md section 6: the views of `status`)."""

from dataclasses import dataclass

from projections import presence, tracking
from projections.questions.snapshot import Cursor
from projections.views.registry import VIEWS


@dataclass(frozen=True, slots=True)
class Standing:
    """A view's live version (None: not built yet) and the last position of the source it has applied."""

    view: str
    version: int | None
    position: int
    running: bool


def standings(cursor: Cursor, source: str) -> list[Standing]:
    """Every view, by name."""
    found = []
    for name in sorted(view.name for view in VIEWS):
        version: int | None
        try:
            version, position = tracking.position_of(cursor, name, source)
        except tracking.NotBuilt:
            version, position = None, 0
        found.append(Standing(name, version, position, presence.is_followed(cursor, name)))
    return found


def head_position(cursor: Cursor) -> int:
    """Position of the log's last event, 0 for an empty store."""
    row = cursor.execute("SELECT coalesce(max(notification_id), 0) FROM ledger.events").fetchone()
    assert row is not None
    return int(row[0])
