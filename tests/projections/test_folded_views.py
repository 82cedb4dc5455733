"""Views by business: rows folded from the log, found again by a rebuild, and every row that somebody altered."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from projections import follow, tracking
from projections.feed.log import LogFeed
from projections.questions.payouts import FAILED
from projections.views.business.folded import Folded
from projections.views.registry import VIEWS
from tests.fix_damage import SOURCE, found_in_views
from tests.fix_stores import Store, soak
from tests.model.histories import history

FOLDED = [view for view in VIEWS if isinstance(view, Folded)]


@pytest.fixture
def told(store: Store, tmp_path: Path, seed: int) -> Store:
    """A store with a random history, followed in small pages of odd sizes."""
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"\n".join(history(seed, soak(1_200, 8_000))) + b"\n")
    store.submit(path)
    return store


def followed(store: Store, page: int) -> None:
    with closing(store.connect()) as connection, closing(LogFeed(SOURCE, store.connect)) as feed:
        follow.prepare(connection, VIEWS, SOURCE)
        for _ in follow.catch_up(connection, VIEWS, feed, page):
            pass


def tables(store: Store) -> Iterator[tuple[str, str, list[str]]]:
    """(view, live table, value columns) of every table of every view by business."""
    with closing(store.connect()) as connection:
        for view in FOLDED:
            version = tracking.live_version(connection, view.name)
            assert version is not None
            for table in view.tables.values():
                yield view.name, table.name(version), [column.name for column in table.values]


@pytest.mark.parametrize("page", [1, 17, 5_000])
def test_the_size_of_a_page_changes_nothing(told: Store, page: int) -> None:
    followed(told, page)
    assert found_in_views(told) == []


def test_a_row_that_is_altered_or_missing_is_found(told: Store) -> None:
    followed(told, 5_000)
    planted = []
    for _, table, values in tables(told):
        rows = told.ask(f"SELECT count(*) FROM {table}")[0][0]
        if rows < 2:
            continue
        told.ask(f"DELETE FROM {table} WHERE ctid = (SELECT max(ctid) FROM {table}) RETURNING 1")
        told.ask(f"UPDATE {table} SET position = position + 1 WHERE ctid = (SELECT min(ctid) FROM {table}) RETURNING 1")
        assert "position" in values
        planted += [(kind, table.removeprefix("views.").rpartition("_v")[0]) for kind in ("row_differs", "row_missing")]
    assert planted
    found = [(one.kind, one.subject.partition(" ")[0]) for one in found_in_views(told)]
    assert sorted(found) == sorted(planted)


def test_a_row_too_many_is_found(told: Store) -> None:
    followed(told, 5_000)
    told.ask("INSERT INTO views.payouts_budgets_v1 VALUES ('33', '33', 'invented', 1, 1, 0, 0, 1) RETURNING 1")
    assert [(one.kind, one.subject) for one in found_in_views(told)] == [("row_extra", "payouts_budgets 33:invented")]


# --- payouts ---------------------------------------------------------------------------------------------------------


def test_budget_lines_are_their_accounts(told: Store) -> None:
    followed(told, 5_000)
    rows = told.ask(
        "SELECT province, programme, -issued_fen, available_fen, frozen_fen, paid_fen FROM views.payouts_budgets_v1"
    )
    assert rows
    booked = dict(
        told.ask(
            "SELECT account, (debit_fen - credit_fen)::bigint FROM views.balances_v1 WHERE account LIKE 'budget:%%'"
        )
    )
    for province, programme, *sums in rows:
        for kind, fen in zip(("issued", "available", "frozen", "paid"), sums, strict=True):
            assert booked.pop(f"budget:{province}:{programme}:{kind}", 0) == fen
    assert not booked


def test_a_batch_counts_what_its_lines_are(told: Store) -> None:
    followed(told, 5_000)
    by_state = {
        (batch, state): (count, fen)
        for batch, state, count, fen in told.ask(
            "SELECT batch_id, state, count(*), sum(amount_fen)::bigint FROM views.payouts_lines_v1 GROUP BY 1, 2"
        )
    }
    rows = told.ask(
        "SELECT batch_id, paid, paid_fen, returned, returned_fen, stopped, stopped_fen, struck, struck_fen,"
        " lines, lines_fen FROM views.payouts_batches_v1"
    )
    assert rows
    for batch, *counted in rows:
        in_states = [by_state.get((batch, state), (0, 0)) for state in ("PAID", "RETURNED", "STOPPED", "STRUCK")]
        pending = by_state.get((batch, "PENDING"), (0, 0))
        every = [sum(column) for column in zip(pending, *in_states, strict=True)]
        assert counted == [figure for pair in (*in_states, every) for figure in pair], batch
    assert {"RETURNED", "STOPPED", "STRUCK"} == set(FAILED)
