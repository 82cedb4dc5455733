"""How long a command tries to reach the brokers: its start is taken off, so that it tells within ten seconds in all."""

import time
from pathlib import Path

import psutil
import pytest

from ops import wiring
from ops.processes import age_ms
from ops.settings import Settings
from projections.kafka.access import LIMIT_MS


@pytest.mark.parametrize(
    ("age", "reaching"),
    [(200, LIMIT_MS), (1_000, LIMIT_MS), (1_500, 7_500), (4_000, 5_000), (6_000, 3_000)],
)
def test_what_starting_took_is_taken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: int, reaching: int
) -> None:
    monkeypatch.setattr(wiring, "age_ms", lambda: age)

    access = wiring.kafka_access(Settings(home=tmp_path, kafka_bootstrap="127.0.0.1:1"))

    assert access.reaching_ms == access.settings()["bootstrap_timeout_ms"] == reaching
    assert age + reaching < 10_000


@pytest.mark.parametrize("age", [6_001, 9_500, 86_400_000, -5_000])
def test_a_process_that_runs_or_whose_start_took_long_tries_as_long_as_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: int
) -> None:
    monkeypatch.setattr(wiring, "age_ms", lambda: age)

    assert wiring.kafka_access(Settings(home=tmp_path, kafka_bootstrap="127.0.0.1:1")).reaching_ms == LIMIT_MS


def test_the_age_of_a_process_is_counted_from_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = psutil.Process().create_time()
    monkeypatch.setattr(time, "time", lambda: begun + 2.5)

    assert age_ms() == 2_500
