"""Forgetting a source takes nothing away that was ever read of it, and nothing of other sources."""

import pytest

from projections.forgetting import Forgotten, Kept, UnknownSource, forget
from tests.fix_stores import Store

TRACK = "INSERT INTO views.tracking (view, version, source, position) VALUES (%s, 1, %s, %s)"
SHARE = "INSERT INTO views.shares VALUES (%s, 1, %s, 2, 3, %s, 0)"
STOP = "INSERT INTO views.incidents (view, version, source, position, kind, message) VALUES (%s, 1, %s, 0, %s, 'why')"


def planted(store: Store, *rows: tuple[str, tuple[object, ...]]) -> None:
    with store.connect() as connection:
        for statement, values in rows:
            connection.execute(statement, values)


def test_its_tracking_and_its_incidents_go_and_those_of_others_stay(store: Store) -> None:
    planted(
        store,
        *[(TRACK, (view, source, 0)) for view in ("audit", "balances") for source in ("34", "44")],
        (SHARE, ("balances", "44", 0)),
        (STOP, ("audit", "34", "source_unknown")),
        (STOP, ("audit", "44", "source_unknown")),
        (STOP, ("balances", "44", "topic_forbidden")),
    )
    with store.connect() as connection:
        assert forget(connection, "44") == Forgotten("44", ["audit", "balances"], [2, 3])
        with pytest.raises(UnknownSource):
            forget(connection, "44")
    assert store.ask("SELECT view, source FROM views.tracking ORDER BY view") == [("audit", "34"), ("balances", "34")]
    assert store.ask("SELECT source FROM views.shares") == []
    assert store.ask("SELECT number FROM views.incidents WHERE resumed_at IS NULL") == [(1,)]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((TRACK, ("balances", "44", 5)), r"applied \(balances up to position 5\)"),
        ((SHARE, ("audit", "44", 9)), r"applied \(audit up to position 9\)"),
        ((STOP, ("audit", "44", "foreign_record")), r"audit stops at it \(foreign_record\)"),
    ],
)
def test_what_was_read_of_it_keeps_it_in_every_view(
    found: tuple[str, tuple[object, ...]], told: str, store: Store
) -> None:
    planted(store, (TRACK, ("audit", "44", 0)), found)
    tracked = store.ask("SELECT * FROM views.tracking")
    with store.connect() as connection, pytest.raises(Kept, match=told):
        forget(connection, "44")
    assert store.ask("SELECT * FROM views.tracking") == tracked
    assert store.ask("SELECT * FROM views.incidents WHERE resumed_at IS NOT NULL") == []
