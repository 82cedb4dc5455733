"""Runs of `submit`: the same bytes again go on where a killed run stopped, or are a resubmission."""

from collections.abc import Callable
from pathlib import Path

from ledger.core.rejection import Rejected
from ledger.service.batch import Outcome, Receipt
from tests.fix_stores import Store, told
from tests.model.histories import history

Stores = Callable[[], Store]


def written(path: Path, lines: list[bytes], end: bytes = b"\n") -> Path:
    path.write_bytes(b"".join(line + end for line in lines))
    return path


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [one.status if isinstance(one, Receipt) else one.code for one in outcomes]


def test_a_finished_run_submitted_again_gives_duplicates(store: Store, tmp_path: Path, seed: int) -> None:
    path = written(tmp_path / "a.jsonl", history(seed, 300))
    first = store.submit(path, size=40)
    before = store.written()

    second = store.submit(path)

    assert [told([two]) for one, two in zip(first, second, strict=True) if isinstance(one, Receipt)] == [
        told([one]) for one in first if isinstance(one, Receipt)
    ]
    assert "recorded" not in statuses(second[: first.index(next(o for o in first if isinstance(o, Rejected)))])
    assert store.written()["events"][: len(before["events"])] == before["events"]
    assert store.ask("SELECT count(*) FROM ledger.runs WHERE NOT finished") == [(0,)]
    assert store.ask("SELECT count(*) FROM ledger.run_rejects") == [(0,)]
