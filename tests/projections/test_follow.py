"""A follower all of whose views are stopped at a source stands by: neither the database nor the brokers hear of it."""

from collections.abc import Sequence
from contextlib import closing

import pytest

from projections import follow, incidents, tracking
from projections.feed.port import Broken, Record
from projections.views.balances import Balances
from tests.fix_stores import Store


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
