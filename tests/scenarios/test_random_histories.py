"""A ledger and the second, slow model read the same random lines: every answer, code and balance must be the same.

The model shares no code with the product (tests/model). The history is submitted as a file in parts, so that batches of
several sizes end at random places; at each end the books must balance and every invariant of the contract hold.
"""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ledger.core.rejection import Rejected
from ledger.service.batch import Outcome
from projections import follow, tracking
from projections.feed.log import LogFeed
from projections.questions import balances, snapshot
from projections.views import balances as balances_view
from projections.views.balances import Balances
from tests.fix_stores import Store, soak
from tests.model.histories import CLOCK_MICROS, CONFIG, SECRET, history
from tests.model.ledger import Model
from tests.model.ledger import Outcome as Predicted

SOURCE = "33"
PARTS = 4


def answered(outcome: Outcome) -> tuple[Any, ...]:
    if isinstance(outcome, Rejected):
        return "rejected", outcome.code
    return outcome.status, outcome.card_id, outcome.card_version, outcome.position


def predicted(outcome: Predicted) -> tuple[Any, ...]:
    if outcome.status == "rejected":
        return "rejected", outcome.code
    return outcome.status, outcome.card_id, outcome.card_version, outcome.position


@pytest.mark.parametrize("nth", range(soak(3, 60)))
def test_the_ledger_answers_a_random_history_as_the_second_model_does(
    store: Store, tmp_path: Path, seed: int, nth: int
) -> None:
    lines = history(seed + nth, soak(1_500, 6_000))
    model = Model(CLOCK_MICROS, config_entries=CONFIG, secret=SECRET)
    rng = random.Random(seed + nth)
    cuts = sorted({0, len(lines), *(rng.randrange(len(lines)) for _ in range(PARTS - 1))})
    for begin, end in pairwise(cuts):
        part = tmp_path / f"{begin}.jsonl"
        part.write_bytes(b"".join(line + b"\n" for line in lines[begin:end]))
        wanted = [predicted(one) for one in map(model.submit_line, lines[begin:end]) if one is not None]
        found = [answered(one) for one in store.submit(part, size=rng.choice([1, 7, 100, 500]))]
        for number, (ours, theirs) in enumerate(zip(found, wanted, strict=True), begin):
            assert ours == theirs, (seed + nth, number, lines[number][:500])
        assert_books_agree(store, model)


def assert_books_agree(store: Store, model: Model) -> None:
    views = (Balances(),)
    with store.connect() as connection:
        feed = LogFeed(SOURCE, store.connect)
        follow.prepare(connection, views, SOURCE)
        for _ in follow.catch_up(connection, views, feed, 700):
            pass
        feed.close()
        with connection.cursor() as cursor:
            version = tracking.live_version(connection, "balances")
            assert version is not None
            found = [one.as_json() for one in balances_view.accounts(cursor, version, SOURCE)]
        assert found == model.accounts()
        trial = snapshot.ask(connection, lambda cursor: balances.trial_balance(cursor, SOURCE))
    assert trial["balanced"] and trial["balance_fen"] == 0
    assert all(invariant["holds"] for invariant in trial["invariants"]), trial["invariants"]
    assert bool(trial["entries"]) == bool(found)  # the first part may be too short to book anything
