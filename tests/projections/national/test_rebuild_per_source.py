"""A province's rows made anew in the nation's database, beside those of others, which stay as they are."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from projections.feed.log import LogFeed
from projections.feed.port import Record
from projections.rebuild import Rebuilt, rebuild_together
from projections.views.registry import VIEWS
from tests.fix_stores import Store
from tests.model.histories import history
from tests.projections.national.nation import Nation

A, B = "31", "34"
TAMPERING = {
    "balances": "UPDATE views.balances_v1 SET debit_fen = debit_fen + 1 WHERE source = '31' AND account LIKE 'card:%%'",
    "audit": "UPDATE views.audit_v1 SET data = 'x' WHERE source = '31' AND position = 3",
    "clearing": "UPDATE views.clearing_v1_1_units SET deferrals = 7, confirmed = NOT confirmed",
}


class Elsewhere:
    """A log that is not in the database of the views, as topics are not."""

    lags = True

    def __init__(self, feed: LogFeed) -> None:
        self.source = feed.source
        self.store_id = feed.store_id
        self._feed = feed

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        return self._feed.read(after, limit)

    def head(self) -> int:
        return self._feed.head()

    def wait(self, timeout_seconds: int) -> bool:
        return self._feed.wait(timeout_seconds)


@pytest.fixture
def nation(stores: Callable[[], Store], tmp_path: Path) -> Nation:
    nation = Nation(stores, A, B)
    told = history(1, 600)
    for source, lines in ((A, told), (B, told[:500])):
        (tmp_path / source).write_bytes(b"\n".join(lines) + b"\n")
        nation.tell(source, tmp_path / source)
        nation.follow(source)
    return nation


def rebuilt(nation: Nation, source: str, force: bool = False) -> list[Rebuilt]:
    with closing(nation.whole.connect()) as connection, closing(nation.feed(source)) as feed:
        *_, results = rebuild_together(connection, VIEWS, Elsewhere(feed), force, limit=200)
    return results


def everything(nation: Nation) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every view, by table."""
    tables = nation.whole.ask(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'views' AND tablename ~ '^(audit|balances|clearing)'"
    )
    return {name: sorted(nation.whole.ask(f"SELECT * FROM views.{name}"), key=repr) for (name,) in tables}


def test_rows_that_are_right_are_left_alone(nation: Nation) -> None:
    before = everything(nation)
    assert len(before["clearing_v1"]) == 2
    for source in (A, B):
        results = rebuilt(nation, source)
        assert [(one.view, one.swapped, one.differences) for one in results] == [
            (view.name, True, []) for view in VIEWS
        ]
        assert {(one.from_version, one.to_version) for one in results} == {(1, 1)}
        assert {one.position for one in results} == {nation.provinces[source].positions()[-1]}
    assert everything(nation) == before


@pytest.mark.parametrize("name", TAMPERING)
def test_rows_of_one_source_that_are_wrong_are_put_right_by_force(nation: Nation, name: str) -> None:
    before = everything(nation)
    with nation.whole.connect() as connection:
        assert connection.execute(TAMPERING[name]).rowcount  # type: ignore[arg-type]
    damaged = everything(nation)
    assert damaged != before
    assert all(one.swapped and not one.differences for one in rebuilt(nation, B))
    assert everything(nation) == damaged

    found = {one.view: one for one in rebuilt(nation, A)}
    assert [view for view, one in found.items() if not one.swapped] == [name]
    assert found[name].differences and everything(nation) == damaged
    assert all(one.swapped for one in rebuilt(nation, A, force=True))
    assert everything(nation) == before


def test_other_sources_begin_anew_where_another_version_of_the_program_made_the_view(nation: Nation) -> None:
    table = "views.loans_loans_v{}"
    before = sorted(nation.whole.ask(f"SELECT * FROM {table.format(1)}"), key=repr)
    assert {row[0] for row in before} == {A, B}
    with nation.whole.connect() as connection:
        connection.execute(f"ALTER TABLE {table.format(1)} DROP COLUMN library")  # type: ignore[arg-type]
    found = {one.view: one for one in rebuilt(nation, A, force=True)}
    assert found["loans"].to_version == 2 and {one.to_version for one in found.values()} == {1, 2}
    assert sorted(nation.whole.ask(f"SELECT * FROM {table.format(2)}"), key=repr) == [
        row for row in before if row[0] == A
    ]
    nation.follow(B)
    assert sorted(nation.whole.ask(f"SELECT * FROM {table.format(2)}"), key=repr) == before
