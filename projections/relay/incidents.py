"""Incidents of the relay: kept beside those of the views, and closed by the next relay that finds nothing wrong."""

from typing import Any

import psycopg

from projections import incidents
from projections.feed.port import Broken
from projections.incidents import Incident
from projections.relay.log import NAME

VERSION = 0  # views count theirs from 1
OTHERS = """
    UPDATE views.incidents SET resumed_at = now()
    WHERE view = %s AND version = %s AND source = %s AND kind <> %s AND resumed_at IS NULL
"""


def opened(connection: psycopg.Connection[Any], source: str, position: int, broken: Broken) -> Incident | None:
    """Keep why the relay does not publish; None if it is known already. `position`: up to where it has."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(OTHERS, (NAME, VERSION, source, broken.kind))
        return incidents.open_one(cursor, NAME, VERSION, source, position, broken)


def closed(connection: psycopg.Connection[Any], source: str) -> None:
    """The relay publishes."""
    with connection.cursor() as cursor:
        incidents.close(cursor, NAME, VERSION, source)
