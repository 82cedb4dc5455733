"""kill -9 of a process that brings a longer list of rules: the store has all of the extension or nothing of it."""

import random

import pytest

from tests.crash.processes import KILLED, run
from tests.fix_damage import found, identified
from tests.fix_stores import Store, soak

STORE = "SELECT configuration_digest, jsonb_array_length(configuration) FROM ledger.store"
RULE = {"key": "transit.late_days", "scope": "*", "effective_from": "2025-01-01", "value": 9}


@pytest.mark.parametrize("kind", ["before:1", "during:1:{}", "after:1"] * soak(1, 10))
def test_a_killed_extension_is_whole_or_was_none(store: Store, seed: int, kind: str) -> None:
    identified(store)
    before = store.ask(STORE), store.written()
    moment = kind.format(random.Random(seed).randrange(4_000))

    ended = run("extend", store.dsn, moment, 9)

    has_grown = store.ask(STORE) != before[0]
    print(f"{moment}: {'all' if has_grown else 'nothing'}")
    assert ended == KILLED or has_grown
    assert kind == "during:1:{}" or has_grown == (kind == "after:1")
    if has_grown:
        assert store.positions() == [1]
    else:
        assert (store.ask(STORE), store.written()) == before
    assert run("extend", store.dsn, "never", 9) == 0
    store.config = (*store.config, RULE)
    assert store.positions() == [1] and found(store) == []
