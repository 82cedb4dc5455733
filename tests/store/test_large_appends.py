"""One transaction of tens of thousands of rows goes through, since no statement of it is large."""

import threading
from pathlib import Path

from tests.fix_stores import Store, soak
from tests.service.rivals import Rivals

CARDS = soak(7_000, 40_000)


def test_a_batch_of_twenty_thousand_commands_is_one_transaction_that_returns(store: Store, tmp_path: Path) -> None:
    rivals = Rivals()
    for _ in range(CARDS):
        rivals.card()
    path = tmp_path / "cards.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in rivals.before))
    outcomes: list[object] = []
    thread = threading.Thread(target=lambda: outcomes.extend(store.submit(path, size=10**9)), daemon=True)
    thread.start()
    thread.join(soak(60, 300))

    assert not thread.is_alive(), "the append never returned"
    assert len(outcomes) == 3 * CARDS
    assert store.ask("SELECT count(*), max(notification_id) FROM ledger.events") == [(3 * CARDS, 3 * CARDS)]
    assert store.ask("SELECT count(DISTINCT xmin::text) FROM ledger.events") == [(1,)]
