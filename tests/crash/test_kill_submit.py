"""kill -9 of a process that submits, at any commit: the same files again end as if nothing had happened."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.families.registry import TABLE
from tests.crash.processes import answers, run, submit_until_done
from tests.fix_stores import Store, assert_same, soak
from tests.model.histories import history

Stores = Callable[[], Store]
LINES = soak(600, 6_000)
SIZE = 60
ALONE = [name.encode() for name, command in TABLE.commands.items() if command.alone]


@pytest.mark.parametrize("part", range(soak(1, 6)))
def test_a_killed_submission_submitted_again_changes_no_outcome(
    stores: Stores, tmp_path: Path, seed: int, part: int
) -> None:
    chance = random.Random(seed + part)
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in history(seed + part, LINES)))
    kinds = ["before:{}", "after:{}", "during:{}:{}"] * soak(1, 10)
    chance.shuffle(kinds)
    moments = [kind.format(chance.randrange(1, 5), chance.randrange(3_000)) for kind in kinds]

    undisturbed, disturbed = stores(), stores()
    assert run("submit", undisturbed.dsn, tmp_path / "wanted", SIZE, "never", path) == 0
    wanted = answers(tmp_path / "wanted")
    found, kills = submit_until_done(disturbed, [path], tmp_path / "found", SIZE, moments)

    print(f"seed {seed + part}: {kills} kills at {moments}")
    assert kills >= len(moments) // 2
    assert found == wanted
    assert_same(disturbed.written(), undisturbed.written())
    assert disturbed.ask("SELECT count(*) FROM ledger.runs WHERE NOT finished AND input_bytes > 0") == [(0,)]


@pytest.mark.parametrize("moment", ["before:{}", "after:{}"])
def test_a_kill_around_the_last_commit_is_found_out(stores: Stores, tmp_path: Path, seed: int, moment: str) -> None:
    path = tmp_path / "short.jsonl"
    # Without commands that are decided alone all batches are full.
    lines = [line for line in history(seed, 150) if line.strip(b" ") and not any(name in line for name in ALONE)]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    store = stores()
    last = -(-len(lines) // SIZE) + 1  # the batches, and the one that ends the run
    assert run("submit", store.dsn, tmp_path / "out", SIZE, moment.format(last), path) < 0
    assert len(answers(tmp_path / "out")) >= SIZE
    events = store.written()["events"]

    assert run("submit", store.dsn, tmp_path / "again", SIZE, "never", path) == 0

    found = answers(tmp_path / "again")
    if moment.startswith("before"):
        # The end of the run was not stored: it goes on, and says the same again.
        assert [one[0] for one in found].count("recorded") == len({one[3] for one in found if one[0] == "recorded"}) > 0
        assert_same({"events": store.written()["events"]}, {"events": events})
    else:
        # It was: this is a resubmission, in which lines refused before may be recorded now.
        assert not ["recorded" for one in found if one[0] == "recorded" and one[3] <= len(events)]
        assert store.written()["events"][: len(events)] == events
