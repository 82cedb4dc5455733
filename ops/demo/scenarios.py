"""The stories that `onecard demo --scenario` can tell beside the working day: a file, and what to look at."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

GOLDEN: Final = Path(__file__).resolve().parents[2] / "samples" / "golden"


@dataclass(frozen=True)
class Scenario:
    """`cycle`: the month whose clearing is shown; `card` and `settlement`: a card_sn and a bill worth a look."""

    name: str
    title: str
    file: Path
    cycle: str
    card: str
    settlement: str
    remark: str


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "golden-month",
            "June 2025 between Anhui and Shanghai: a stay, an accident, refunds, a voided bill, a deduction by audit",
            GOLDEN / "E01.jsonl",
            "2025-06",
            "340000D15600000500000000000000A1",
            "S5",
            "a bill of the month's last seconds, confirmed too late for the month's cut-off",
        ),
    )
}
