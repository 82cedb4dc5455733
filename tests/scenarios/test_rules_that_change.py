"""The list of rules grows in the middle of a random history: what follows is decided as the second model decides it.

The model's list grows at the same position. Half of the processes that submit afterwards bring the longer list, the
others began with the shorter one and go on by the store's.
"""

import random
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ledger.core.configuration import Configuration
from ledger.service.extending import SUBMITTER, extend
from tests.fix_damage import found, identified
from tests.fix_stores import Store, soak
from tests.model.histories import CLOCK_MICROS, CONFIG, SECRET, history
from tests.model.ledger import Model
from tests.scenarios.test_random_histories import answered, assert_books_agree, predicted

CHANGES: list[tuple[str, str, list[Any]]] = [
    ("transit.late_days", "*", [0, 1, 400]),
    ("transit.offline_grace_fen", "31", [0, 100_000]),
    ("transit.blacklist_delay_minutes", "31", [0, 100_000]),
    ("transit.journey_timeout_minutes", "31", [0, 10_000]),
    ("transit.purse_max_fen", "34", [1, 10_000_000]),
    ("payout.ceiling_fen", "34:grain", [1, 100_000_000]),
    ("payout.disclosure_working_days", "34", [0, 30]),
    ("family_aid.max_transfer_fen", "34", [1, 100_000_000]),
    ("family_aid.max_transfers_per_day", "34", [0, 100]),
    ("medical.registration_required_other", "34", [True, False]),
    ("medical.registration_required_inpatient", "34", [True, False]),
    ("medical.clear_personal_account", "34", [True, False]),
    ("card.temporary_loss_days", "34", [0, 1, 100]),
    ("card.formal_loss_liftable", "34", [True, False]),
    ("clearing.negative_pair", "34", ["FLIP", "CARRY"]),
    ("clearing.max_deferrals", "*", [0, 1, 5]),
    ("prepayment.multiple", "34", [1, 3]),
    ("pass.activation_days", "31", [1, 400]),
]


def changes(rng: random.Random) -> list[dict[str, Any]]:
    """Some rules, from days before the history and within it."""
    return [
        {
            "key": key,
            "scope": scope,
            "effective_from": rng.choice(["2025-01-01", "2025-06-01"]),
            "value": rng.choice(of),
        }
        for key, scope, of in rng.sample(CHANGES, 6)
    ]


def grown(store: Store, model: Model, entries: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The store's list and the model's, both with these entries and one event more."""
    longer = (*model.log.config_entries, *entries)
    with closing(store.connect()) as connection:
        extend(connection, Configuration.load(longer), store.keyring(), CLOCK_MICROS)
    model.log.config_entries = list(longer)
    reference = f"configuration-{len(longer)}"
    event = {"submitter": SUBMITTER, "reference": reference, "bdate": "2025-06-30", "digest": ""}
    model.log.append("configuration:ledger", "ConfigurationExtended", event, {}, {})
    return longer


@pytest.mark.parametrize("nth", range(soak(2, 40)))
def test_what_follows_a_new_rule_is_decided_by_it(store: Store, tmp_path: Path, seed: int, nth: int) -> None:
    lines = history(seed + nth, soak(1_500, 6_000))
    model = Model(CLOCK_MICROS, config_entries=list(CONFIG), secret=SECRET)
    rng = random.Random(seed + nth)
    identified(store)
    longer = store.config
    for begin, end in pairwise(sorted({0, len(lines), *rng.sample(range(1, len(lines)), 4)})):
        part = tmp_path / "part.jsonl"
        part.write_bytes(b"".join(line + b"\n" for line in lines[begin:end]))
        wanted = [predicted(one) for one in map(model.submit_line, lines[begin:end]) if one is not None]
        ours = [answered(one) for one in store.submit(part, size=rng.choice([7, 100, 500]))]
        for number, (one, other) in enumerate(zip(ours, wanted, strict=True), begin):
            assert one == other, (seed + nth, number, lines[number][:500])
        longer = grown(store, model, changes(rng))
        if rng.random() < 0.5:
            store.config = longer
    assert_books_agree(store, model)
    store.config = longer
    assert found(store) == []
