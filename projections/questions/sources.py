"""Whose ledger a question is about: the store's own, another that is followed here, or all that are.

`--source S` gives the very document that the ledger of S gives of itself; `--source all` a national one (`national`).
"""

from typing import Final

from projections import tracking
from projections.questions.snapshot import Cursor, Unknown
from projections.views.registry import VIEWS

ALL: Final = "all"
# A mistyped name stays in tracking with its incident, and is no ledger of the nation for that.
FOLLOWED: Final = """
    SELECT source FROM views.tracking JOIN views.live USING (view, version)
    WHERE view = %s AND NOT (position = 0 AND EXISTS (
        SELECT FROM views.incidents
        WHERE (incidents.view, incidents.version, incidents.source) = (tracking.view, tracking.version, tracking.source)
            AND kind = 'source_unknown' AND resumed_at IS NULL
    )) ORDER BY source
"""


def one(cursor: Cursor, own: str, wanted: str | None) -> str:
    """The source asked for; Unknown if no view has ever followed it."""
    if wanted is None or wanted == own:
        return own
    known = sorted({own}.union(*(followed(cursor, view.name) for view in VIEWS)))
    if wanted not in known:
        raise Unknown("source_unknown", f"no view follows a source {wanted!r}: there are {', '.join(known)}")
    return wanted


def followed(cursor: Cursor, view: str) -> list[str]:
    """The sources that the live version of a view follows, by name; none of which nothing was ever found."""
    cursor.execute(FOLLOWED, (view,))
    return [source for (source,) in cursor.fetchall()]


def every(cursor: Cursor, *views: str) -> list[str]:
    """All sources that any of these views follows, by name; NotBuilt if none does."""
    found = sorted(set().union(*(followed(cursor, view) for view in views)))
    if not found:
        raise tracking.NotBuilt(f"the view {views[0]} is not built yet: run `onecard follow --until-caught-up`")
    return found
