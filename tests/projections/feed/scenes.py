"""Views over topics and over the log, side by side, row by row."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from projections.feed.port import Feed
from projections.follow import Step, catch_up, prepare
from projections.views.port import View
from projections.views.registry import VIEWS
from tests.fix_stores import Store

# A hot account has a row per share, which are summed when asked: they are compared summed.
SUMMED = (
    "SELECT account, sum(debit_fen), sum(credit_fen), sum(entries), max(last_position)"
    " FROM views.{table} WHERE source = %s GROUP BY account ORDER BY 1"
)


def followed(store: Store, feed: Feed, views: Sequence[View] = VIEWS, limit: int = 200) -> list[Step]:
    """Until caught up."""
    with closing(store.connect()) as connection:
        prepare(connection, views, feed.source)
        return list(catch_up(connection, views, feed, limit))


def rows_of(store: Store, source: str) -> dict[str, list[Any]]:
    """Every row of the live views that is about a source, without its name and without numbers of versions."""
    found: dict[str, list[Any]] = {}
    ((audit, balances, clearing),) = store.ask(
        "SELECT (SELECT version FROM views.live WHERE view = 'audit'),"
        " (SELECT version FROM views.live WHERE view = 'balances'),"
        " (SELECT version FROM views.live WHERE view = 'clearing')"
    )
    if balances is not None:
        found["balances"] = store.ask(SUMMED.format(table=f"balances_v{balances}"), source)
    if audit is not None:
        for table, key in (("audit", "position"), ("audit_card_sns", "position, card_sn_sha256")):
            rows = store.ask(f"SELECT * FROM views.{table}_v{audit} WHERE source = %s ORDER BY {key}", source)
            found[table] = [row[1:] for row in rows]
    if clearing is not None:
        numbers = store.ask(f"SELECT number FROM views.clearing_v{clearing} WHERE source = %s", source)
        for (number,) in numbers:
            prefix = f"clearing_v{clearing}_{number}_"
            tables = store.ask(
                "SELECT table_name FROM information_schema.tables WHERE starts_with(table_name, %s)", prefix
            )
            for (table,) in tables:
                rows = store.ask(f"SELECT t::text FROM views.{table} t ORDER BY 1")
                found[f"clearing {table.removeprefix(prefix)}"] = rows
    return found


def positions_of(store: Store, source: str) -> dict[str, int]:
    return dict(store.ask("SELECT view, position FROM views.tracking WHERE source = %s", source))


def incidents_of(store: Store, source: str) -> list[tuple[Any, ...]]:
    return store.ask(
        "SELECT view, kind, position FROM views.incidents WHERE source = %s AND resumed_at IS NULL ORDER BY view",
        source,
    )
