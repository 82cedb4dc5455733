"""Sizes that must not grow: a state row with a card's history, a process with its input."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ledger.core.rejection import Rejected
from ledger.core.rows import ROW_LIMIT
from ops.simulate import write_commands
from tests.fix_stores import Store, soak
from tests.house.tree import ROOT
from tests.model.histories import history
from tests.service.rivals import Rivals

TAPS, BILLS, CARDS = soak(2_000, 10_000), soak(200, 1_000), soak(900, 29_000)
FEW, MANY = soak(1_000, 10_000), soak(10_000, 1_000_000)
# A process that submits or follows and then says the most memory it ever had, in KB. (What getrusage says is, on Linux,
# at least what the parent had when it forked.)
MEASURED = """
import re, resource, sys
from pathlib import Path
from tests.crash import driver
getattr(driver, sys.argv[1])(*sys.argv[2:])
status = Path("/proc/self/status")
peak = re.search(r"VmHWM:\\s+(\\d+)", status.read_text()) if status.exists() else None
print(peak[1] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def taps(rivals: Rivals, card_sn: str, count: int) -> list[bytes]:
    """A purse filled once and then emptied tap by tap, hundreds of them in the order they happened to arrive."""
    lines = [rivals.line("TopUpPurse", 3, card_sn=card_sn, operator="OP", amount_fen=90_000)]
    how = {"tap_type": "SINGLE", "mode": "BUS", "concession_class": "ORDINARY", "fare_due_fen": 1, "paid_fen": 1}
    where = {"operator": "OP", "terminal": "G1", "operating_area": "350100"}
    for first in range(1, count + 1, 300):
        some = list(range(first, min(first + 300, count + 1)))
        random.Random(first).shuffle(some)
        for counter in some:
            minute = 10 + counter
            instant = f"2025-06-{3 + minute // 1_440:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}:00+08:00"
            line = json.loads(rivals.line("TapTransit", 3, card_sn=card_sn, counter=counter, **how, **where))
            lines.append(json.dumps({**line, "occurred_at": instant, "uploaded_at": instant}).encode())
    return lines


def test_no_state_row_grows_with_a_cards_history(store: Store, tmp_path: Path) -> None:
    rivals = Rivals()
    card_sn, _ = rivals.card()
    lines = taps(rivals, card_sn, TAPS)
    lines += [rivals.bill(card_sn, f"S{n}", "310106", 5, 0) for n in range(BILLS)]
    settled = [f"S{n}" for n in range(BILLS)]
    for start in range(0, BILLS, 50):
        lines.append(
            rivals.line("ConfirmSettlements", 6, treatment_province="31", settlement_ids=settled[start : start + 50])
        )
    for _ in range(CARDS):
        rivals.card()
    path = tmp_path / "many.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in rivals.before[:3] + lines + rivals.before[3:]))

    outcomes = store.submit(path)

    assert {getattr(one, "code", getattr(one, "status", "")) for one in outcomes} == {"recorded"}
    sizes = dict(store.ask("SELECT kind, max(octet_length(data)) FROM ledger.state GROUP BY kind ORDER BY 2 DESC"))
    print(f"{len(outcomes)} lines, largest rows: {sizes}")
    assert max(sizes.values()) <= ROW_LIMIT


def most_memory(*arguments: object) -> int:
    command = [sys.executable, "-c", MEASURED, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def test_memory_does_not_grow_with_the_input(stores: Callable[[], Store], tmp_path: Path) -> None:
    """Ten or a hundred times the input, refusals and a line of a megabyte among it, within a few megabytes.

    In small batches: a batch holds what its lines name, and a line that confirms a month names hundreds of settlements.
    """
    submits, follows = [], []
    for count in (FEW, MANY):
        store, path = stores(), tmp_path / f"{count}.jsonl"
        assert write_commands(path, count, seed=count)["refused"]
        with path.open("ab") as file:
            file.write(b'{"x": "' + b"x" * 1_000_000 + b'"}')
        submits.append(most_memory("submit", store.dsn, tmp_path / "out", 100, "never", path))
        follows.append(most_memory("follow", store.dsn, 100, "never"))
    print(f"most memory in KB, {FEW} and {MANY} lines: submit {submits}, follow {follows}")
    assert submits[1] - submits[0] < 30_000
    assert follows[1] - follows[0] < 30_000


def test_a_refusal_holds_nothing_of_what_its_batch_was_decided_from(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in history(3, 600)))
    refused = [one for one in store.submit(path) if isinstance(one, Rejected)]
    assert len({one.code for one in refused}) > 20
    assert {(one.__traceback__, one.__context__, one.__cause__) for one in refused} == {(None, None, None)}
