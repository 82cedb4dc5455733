"""Two questions that only a first look asks: what was recorded by family, and which card has had an eventful life."""

from ledger.families.registry import EVENTS
from projections import tracking
from projections.questions.snapshot import Cursor
from projections.views import audit

LONGEST_LIFE = 24


def families(cursor: Cursor, source: str) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """(family, events, (event name, how many) of its most frequent ones first) by number of events."""
    version, _ = tracking.position_of(cursor, audit.NAME, source)
    cursor.execute(
        f"SELECT event, count(*) FROM views.audit_v{version} WHERE source = %s GROUP BY 1 ORDER BY 2 DESC, 1", (source,)
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for event, count in cursor.fetchall():
        found.setdefault(EVENTS[event].family, []).append((event, count))
    counted = [(family, sum(count for _, count in events), events) for family, events in found.items()]
    return sorted(counted, key=lambda one: (-one[1], one[0]))


def eventful_card(cursor: Cursor, source: str) -> str | None:
    """The card_id of a card that was lost and replaced if there is one, with as many kinds of events as possible."""
    version, _ = tracking.position_of(cursor, audit.NAME, source)
    cursor.execute(
        f"""
        SELECT stream_id::text FROM views.audit_v{version} WHERE source = %s
        GROUP BY stream_id HAVING bool_or(event = 'CardIssued') AND count(*) <= %s
        ORDER BY bool_or(event = 'CardLossReported')::int + bool_or(event = 'CardReplaced')::int DESC,
            count(DISTINCT event) DESC, stream_id
        LIMIT 1
        """,
        (source, LONGEST_LIFE),
    )
    row = cursor.fetchone()
    return row[0] if row else None
