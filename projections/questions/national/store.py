"""What is known here of ledgers whose stores are elsewhere: their events, streams and cards as the views have them."""

from typing import Any

from ledger.core.configuration import Configuration
from ledger.store import codec
from projections import sources as origins
from projections.questions import sources
from projections.questions import store as own_store
from projections.questions.clearing_lines import View, view_of
from projections.questions.national.clearing import cycles
from projections.questions.progress import Standing, standings
from projections.questions.snapshot import Cursor
from projections.views import audit
from projections.views.clearing.view import NAME as CLEARING
from projections.views.registry import VIEWS


def status_of(cursor: Cursor, source: str, config: Configuration) -> dict[str, Any]:
    """One ledger's `status`; of a foreign one its head is the furthest that a view has come."""
    if not origins.is_foreign(cursor, source):
        return own_store.status(cursor, source)
    found = standings(cursor, source)
    head = max(standing.position for standing in found)
    streams, cards = _counts(cursor, found, source)
    return {
        "source": source,
        "head_position": head,
        "events": head,
        "streams": streams,
        "cards": cards,
        "views": [own_store.view_object(standing, head) for standing in found],
        "cycles": cycles(cursor, _views(cursor, [source]), config),
        "last_seal": _last_seal(cursor, found, source),
    }


def status(cursor: Cursor, config: Configuration) -> dict[str, Any]:
    """The nation's: sums, and how far each ledger is followed."""
    every = sources.every(cursor, *(view.name for view in VIEWS))
    found = {source: status_of(cursor, source, config) for source in every}
    heads = {source: said["head_position"] for source, said in found.items()}
    by_view: dict[str, dict[str, Any]] = {}
    for source, said in found.items():
        for view in said["views"]:
            kept = by_view.setdefault(view["name"], {**view, "position": {}, "behind": 0})
            kept["version"] = view["version"] if kept["version"] is None else kept["version"]
            kept["position"][source] = view["position"]
            kept["behind"] += view["behind"]
    return {
        "source": sources.ALL,
        "head_position": heads,
        **{key: sum(said[key] for said in found.values()) for key in ("events", "streams", "cards")},
        "views": [by_view[name] for name in sorted(by_view)],
        "cycles": cycles(cursor, _views(cursor, every), config),
        "last_seal": None,
    }


def _views(cursor: Cursor, every: list[str]) -> dict[str, View]:
    """The clearing tables of those of the ledgers whose clearing is followed."""
    followed = sources.followed(cursor, CLEARING)
    return {source: view_of(cursor, source) for source in every if source in followed}


def _last_seal(cursor: Cursor, found: list[Standing], source: str) -> dict[str, Any] | None:
    """By the event itself, whose bytes the audit view keeps."""
    version = next(standing.version for standing in found if standing.view == audit.NAME)
    if version is None:
        return None
    cursor.execute(
        f"SELECT data FROM views.audit_v{version} WHERE source = %s AND event = 'LogSealed'"
        " ORDER BY position DESC LIMIT 1",
        (source,),
    )
    row = cursor.fetchone()
    if row is None:
        return None
    _, event = codec.decode(row[0])
    return {key: event[key] for key in ("seal_id", "through_position", "root")}


def _counts(cursor: Cursor, found: list[Standing], source: str) -> tuple[int, int]:
    """(streams, cards): counted, since nobody here remembers them."""
    version = next(standing.version for standing in found if standing.view == audit.NAME)
    if version is None:
        return 0, 0
    cursor.execute(
        f"SELECT (SELECT count(*) FROM views.audit_v{version} WHERE source = %(source)s AND card_version = 1),"
        f" (SELECT count(DISTINCT card_id) FROM views.audit_card_sns_v{version} WHERE source = %(source)s)",
        {"source": source},
    )
    ((streams, cards),) = cursor.fetchall()
    return streams, cards
