"""Whose events a view has applied. A source's name can be given to another store; a store's id cannot.

Positions of another store begin anew, so that nothing about its events shows that they do not continue those that were
applied. So each view remembers, for each source, the store that its events came from, and stops where another one's
begin.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from projections.feed.port import Broken
from projections.tracking import Standing

REMEMBER = """
    UPDATE views.tracking SET store_id = %s
    WHERE (view, version) IN (SELECT * FROM unnest(%s::text[], %s::int[])) AND source = %s AND store_id IS NULL
"""


def is_another(stood: Standing, store_id: str | None) -> bool:
    """Whether a view has applied events of another store than this one; None: it is not known whose these are."""
    return None not in (stood.store_id, store_id) and stood.store_id != store_id


def estranged(
    connection: psycopg.Connection[Any], stood: Sequence[Standing], source: str, store_id: str | None, has_more: bool
) -> dict[str, Broken]:
    """The views that must not apply what was read, and why. `has_more`: the others will, and remember whose it is."""
    new = [one for one in stood if one.store_id is None]
    if has_more and new and store_id is not None:
        named = ([one.view for one in new], [one.version for one in new])
        connection.execute(REMEMBER, (store_id, *named, source))
    return {one.view: differs(one, source, store_id) for one in stood if is_another(one, store_id)}


def differs(stood: Standing, source: str, store_id: str | None) -> Broken:
    """What to do cannot be told from here: which of the two stores is the right one, somebody must know."""
    return Broken(
        f"source {source} is store {store_id} now, and the view holds events of store {stood.store_id}: nothing of the"
        f" new one was applied. If the source was exchanged on purpose, `onecard rebuild {stood.view} --source {source}"
        " --force`; else see to it that its own store publishes again, and resume this incident",
        "store_differs",
    )
