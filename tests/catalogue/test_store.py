"""A store answers the cases as a ledger in memory does: some of them, drawn, in every run, all of them in a long one.

What is in memory here is the log alone; the store looks references up, cuts cycles off and counts pages by SQL.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.core import fields
from ledger.core.rejection import Rejected
from tests.catalogue import gather
from tests.families.given import LATE
from tests.fix_stores import Store, soak

CASES = [*gather.accepted(), *gather.refused()]
PARTS = soak(1, 60)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_store_answers_as_a_ledger_in_memory(
    stores: Callable[[], Store], tmp_path: Path, seed: int, part: int
) -> None:
    chance = random.Random(seed + part)
    path = tmp_path / "case.jsonl"
    for case in chance.sample(CASES, 12) if PARTS == 1 else CASES[part::PARTS]:
        store = replace(stores(), config=case.configuration, clock=lambda: fields.instant(LATE))
        path.write_bytes(b"".join(line + b"\n" for line in case.lines()))

        *before, last = store.submit(path, size=chance.choice([1, 3, 500]))

        assert not [answer for answer in before if isinstance(answer, Rejected)], f"seed {seed}, {case}: {before}"
        assert (last.code if isinstance(last, Rejected) else "") == case.code, f"seed {seed}, {case}: {last}"
        assert store.positions() == list(range(1, len(store.positions()) + 1))
