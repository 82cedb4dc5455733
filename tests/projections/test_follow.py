"""A follower all of whose views are stopped at a source stands by: neither the database nor the brokers hear of it."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from projections import follow, incidents, tracking
from projections.feed.log import LogFeed
from projections.feed.port import Broken, Page, Record
from projections.views.balances import Balances
from projections.views.registry import VIEWS
from tests.fix_stores import Store

FIRST_DAY = Path(__file__).parents[2] / "samples" / "first-day.jsonl"


class Spoilt:
    """A feed that breaks at once. Afterwards it stands nowhere, so that it would say at once that it was woken."""

    source, lags = "33", True
    store_id = None

    def head(self) -> int:
        return 1

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        raise Broken("spoilt", "record_missing", after + 1)

    def wait(self, timeout_seconds: int) -> bool:
        raise AssertionError("nobody reads, and it is waited for")


def test_who_is_stopped_everywhere_does_not_turn_round_and_round(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[int] = []
    monkeypatch.setattr(follow, "pause", lambda milliseconds, is_stopped: pauses.append(milliseconds))
    with closing(store.connect()) as connection:
        steps = list(follow.follow(connection, [Balances()], Spoilt(), False, lambda: len(pauses) == 2))
        assert [step.incident is not None for step in steps] == [True]
        assert pauses == [follow.WAIT_SECONDS * 1_000] * 2
        with connection.transaction(), connection.cursor() as cursor:
            incidents.close(cursor, "balances", 1, "33")
        (standing,) = tracking.standing(connection, ["balances"], "33")
        assert standing.incident is None
        steps = list(follow.follow(connection, [Balances()], Spoilt(), False, lambda: len(pauses) == 3))
        assert [step.incident is not None for step in steps] == [True], "it looks again once somebody has resumed"


class Trickling(LogFeed):
    """A log of which a reading gives one record, and the next nothing, as if it grew that slowly."""

    lags = True
    reads = 0

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        self.reads += 1
        return super().read(after, 1) if self.reads % 2 else []


@pytest.fixture
def growing(store: Store) -> Iterator[Trickling]:
    """A few cards' log; every view at its beginning."""
    store.submit(FIRST_DAY)
    with closing(store.connect()) as connection, closing(Trickling("33", store.connect)) as feed:
        feed.store_id = "6f1c3a52-0000-4000-8000-000000000000"
        follow.prepare(connection, VIEWS, "33")
        connection.execute("UPDATE views.tracking SET store_id = %s", (feed.store_id,))
        yield feed


def test_where_views_stand_is_asked_once_for_what_comes_in_a_short_page(
    store: Store, growing: Trickling, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []
    standing = tracking.standing

    def counted(connection: Any, views: Sequence[str], source: str) -> list[tracking.Standing]:
        asked.append(views)
        return standing(connection, views, source)

    monkeypatch.setattr(tracking, "standing", counted)
    with closing(store.connect()) as connection:
        for position in (1, 2, 3):
            (step,) = follow.catch_up(connection, VIEWS, growing)
            assert (step.position, set(step.views)) == (position, {view.name for view in VIEWS})
    assert len(asked) == 3


def test_a_view_that_somebody_else_moves_between_two_short_pages_is_not_given_one_twice(
    store: Store, growing: Trickling, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_by_one(after: int, limit: int, since: int = 0) -> Sequence[Record]:
        records = LogFeed.read(growing, after, min(limit, 1)) if after < 4 else []
        if after == 1 and not taken:
            taken.extend(follow.apply_page(other, {"balances": Balances()}, ["balances"], Page("33", records), 1))
        return records

    taken: list[str] = []
    monkeypatch.setattr(growing, "read", one_by_one)
    with closing(store.connect()) as connection, closing(store.connect()) as other:
        steps = list(follow.catch_up(connection, VIEWS, growing))
        assert set(follow.positions(connection, VIEWS, "33").values()) == {4}
    assert taken == ["balances"]
    assert [step.position for step in steps if "balances" in step.views] == [1, 3, 4]


def test_what_a_view_does_not_know_what_to_do_with_is_told_apart_from_a_damaged_record(
    store: Store, growing: Trickling, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = Balances.apply

    def refusing(self: Balances, cursor: Any, version: int, page: Page) -> None:
        if page.records[-1].position >= 3:
            raise KeyError("purse")
        apply(self, cursor, version, page)

    monkeypatch.setattr(growing, "read", partial(LogFeed.read, growing))
    monkeypatch.setattr(Balances, "apply", refusing)
    with closing(store.connect()) as connection:
        stopped = [step.incident for step in follow.catch_up(connection, VIEWS, growing) if step.incident]
        assert [(one.view, one.kind) for one in stopped] == [("balances", "view_refuses")]
        assert "position 3: balances cannot take" in stopped[0].message
        assert "if it finds the log in order, `onecard rebuild balances`" in stopped[0].message
        assert follow.positions(connection, VIEWS, "33")["balances"] == 2
        # Once the view knows it, the incident is resumed and nothing was lost.
        monkeypatch.setattr(Balances, "apply", apply)
        with connection.transaction(), connection.cursor() as cursor:
            incidents.close(cursor, "balances", 1, "33")
        assert not [step for step in follow.catch_up(connection, VIEWS, growing) if step.incident]
        assert len(set(follow.positions(connection, VIEWS, "33").values())) == 1
