"""How far a command may be ahead of the ledger's clock."""

import pytest

from tests.families.counter import ACTIVE, act
from tests.families.given import Ledger

NOW = "2025-06-01T04:00:00Z"  # 12:00 in China
TOLERANCE = {"key": "clock.future_tolerance_seconds", "effective_from": "2025-06-01", "value": 60}


@pytest.mark.parametrize(
    ("configuration", "last", "too_late"),
    [
        ((), "2025-06-01T12:05:00+08:00", "2025-06-01T12:05:00.000001+08:00"),
        ((TOLERANCE,), "2025-06-01T12:01:00+08:00", "2025-06-01T12:01:00.000001+08:00"),
        (({**TOLERANCE, "value": 0},), "2025-06-01T12:00:00+08:00", "2025-06-01T12:00:00.000001+08:00"),
    ],
)
def test_a_command_may_be_ahead_of_the_clock_by_the_tolerance_and_no_more(
    configuration: tuple[dict[str, object], ...], last: str, too_late: str
) -> None:
    ledger = Ledger(*configuration, now=NOW)
    ledger.given(*ACTIVE)
    lock = act("LockCard", "2025-06-01 12:00", reason="RISK")

    assert ledger.submit(lock | {"occurred_at": too_late}) == "occurred_at_in_future"
    ledger.given(lock | {"occurred_at": last})
