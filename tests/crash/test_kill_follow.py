"""kill -9 of a process that follows: the views end as if nothing had happened."""

import random
from collections.abc import Callable
from pathlib import Path

from tests.crash.processes import KILLED, run
from tests.fix_stores import Store, soak
from tests.model.histories import history

Stores = Callable[[], Store]
LINES = soak(600, 6_000)
PAGE = 25


def views(store: Store) -> dict[str, list[str]]:
    """Every row of every table of the reading side."""
    tables = store.ask("SELECT table_name FROM information_schema.tables WHERE table_schema = 'views'")
    return {
        table: [row[0] for row in store.ask(f"SELECT t::text FROM views.{table} t ORDER BY 1")]
        for (table,) in sorted(tables)
    }


def test_killed_followers_leave_views_as_undisturbed_ones(stores: Stores, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in history(seed, LINES)))
    undisturbed, disturbed = stores(), stores()
    for store in (undisturbed, disturbed):
        store.submit(path)
    assert run("follow", undisturbed.dsn, 5_000, "never") == 0

    kills = 0
    for kind in ["before:{}", "after:{}", "during:{}:{}"] * soak(1, 10):
        moment = kind.format(chance.randrange(1, 4), chance.randrange(20_000))
        kills += run("follow", disturbed.dsn, PAGE, moment) == KILLED
    assert run("follow", disturbed.dsn, PAGE, "never") == 0

    print(f"seed {seed}: {kills} kills")
    assert kills
    assert views(disturbed) == views(undisturbed)
