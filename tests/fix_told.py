"""One random history of every family, told and followed once for all tests of a run that only read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ledger.core.decider import Event
from ledger.store import codec
from tests.fix_damage import followed
from tests.fix_postgres import Databases
from tests.fix_stores import Store, soak
from tests.model.acts_transit import leave_one_under_way
from tests.model.histories import tell


@dataclass(frozen=True)
class ToldHistory:
    """A store with a history, all views of it, and its events in order."""

    store: Store
    events: list[tuple[int, str, Event]]

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.store.ask(query, *values)

    def of(self, *names: str) -> list[Event]:
        """The events so named, in order, each with its `position` and `name`."""
        return [{**event, "position": at, "name": name} for at, name, event in self.events if name in names]

    def balances(self, prefix: str) -> dict[str, int]:
        """Balances that are not 0, by account."""
        rows = self.ask(
            "SELECT account, sum(debit_fen - credit_fen)::bigint FROM views.balances_v1"
            " WHERE starts_with(account, %s) GROUP BY 1",
            prefix,
        )
        return {account: fen for account, fen in rows if fen}


@pytest.fixture(scope="session")
def told_history(
    databases: Databases, migrated: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ToldHistory]:
    """Nobody may write into it."""
    made = Store(databases.create(migrated))
    path = tmp_path_factory.mktemp("told") / "history.jsonl"
    world = tell(seed, soak(3_000, 12_000))
    leave_one_under_way(world)
    path.write_bytes(b"\n".join(world.lines) + b"\n")
    made.submit(path)
    followed(made)
    rows = made.ask("SELECT notification_id, state FROM ledger.events ORDER BY notification_id")
    yield ToldHistory(made, [(position, *codec.decode(data)) for position, data in rows])
    databases.drop(made.dsn)
