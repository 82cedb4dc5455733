"""A lost end in which the configuration grew comes back with the list as it grew, in the store's row and in the log."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.core.configuration import Configuration
from ledger.service import restoring
from ledger.service.restoring import Restorer, Unfit
from ledger.store import codec
from tests.fix_damage import extended, found, identified
from tests.fix_postgres import Databases
from tests.fix_stores import Store, told
from tests.model.histories import history

LINES = 900
STORE = "SELECT configuration, configuration_digest, first_entries FROM ledger.store"
TAIL = "SELECT notification_id, originator_id::text, state FROM ledger.events WHERE notification_id > %s ORDER BY 1"


def limit(value: int) -> dict[str, Any]:
    return {"key": "clearing.max_deferrals", "scope": "*", "effective_from": "2025-06-01", "value": value}


def restored(backup: Store, tail: list[Any]) -> None:
    with Restorer(backup.connect, Configuration.load(backup.config), backup.keyring()) as restorer:
        for _ in restorer.append(tail):
            pass


@pytest.fixture
def backup(store: Store, databases: Databases, tmp_path: Path, seed: int) -> Iterator[Store]:
    """What was kept of `store` before it grew twice, with lines of a history before, between and behind."""
    lines, path = list(history(seed, LINES)), tmp_path / "part.jsonl"

    def submit(first: int, last: int) -> None:
        path.write_bytes(b"\n".join(lines[first:last]) + b"\n")
        store.submit(path)

    identified(store)
    submit(0, 300)
    copy = Store(databases.create(str(conninfo_to_dict(store.dsn)["dbname"])))
    extended(store, limit(0))
    submit(300, 600)
    extended(store, limit(2), limit(1))
    submit(600, LINES)
    yield copy
    databases.drop(copy.dsn)


@pytest.mark.parametrize("most", [1, 500])
def test_a_restored_end_brings_the_list_with_it(
    store: Store, backup: Store, tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "EVENTS_A_COMMIT", most)
    restored(backup, store.ask(TAIL, len(backup.positions())))

    assert backup.ask(STORE) == store.ask(STORE)
    assert backup.positions() == store.positions()
    backup.config = store.config
    assert found(backup) == []
    assert told(backup.submit(tmp_path / "part.jsonl")) == told(store.submit(tmp_path / "part.jsonl"))
    extended(backup, limit(4))
    assert found(backup) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.update(previous_configuration_digest="ab" * 32),
        lambda event: event.update(configuration_digest="ab" * 32),
        lambda event: event["added"][0].update(value="7"),
        lambda event: event["added"][0].update(key="no.rule"),
        lambda event: event.update(entries_before=0),
    ],
)
def test_a_list_that_does_not_grow_from_the_stores_is_refused(
    store: Store, backup: Store, change: Callable[[dict[str, Any]], None]
) -> None:
    before = backup.ask(STORE)
    tail = store.ask(TAIL, len(backup.positions()))
    position, stream, data = tail[0]
    name, event = codec.decode(data)
    assert name == "ConfigurationExtended"
    change(event)
    with pytest.raises(Unfit, match=f"position {position}: "):
        restored(backup, [(position, stream, codec.encode(name, event)), *tail[1:]])
    assert backup.ask(STORE) == before
