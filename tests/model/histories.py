"""Random histories of the seven families, for tests that let the product and the second model read the same lines.

    python -m tests.model.histories --seed 1 --lines 3000            the lines
    python -m tests.model.histories --seed 1 --lines 3000 --report   what they do, by command and by reject code

The same seed gives the same lines. A test must give the ledger CLOCK_MICROS, CONFIG and any secret.

Over a few seeds of 5,000 lines every command of the seven families is accepted sometimes and every reject code met.
"""

import argparse
import copy
import json
import sys
from collections import Counter
from typing import Any

from tests.model import (
    acts_benefit,
    acts_card,
    acts_clearing,
    acts_governance,
    acts_medical,
    acts_passes,
    acts_provoke,
    acts_service,
    acts_transit,
)
from tests.model.commands import OWN_FIELDS
from tests.model.spoil import broken
from tests.model.world import CLOCK_MICROS, DAY, SECRET, Command, World

__all__ = ["CLOCK_MICROS", "CONFIG", "SECRET", "history", "tell"]


def _entry(key: str, scope: str, effective_from: str, value: Any) -> dict[str, Any]:
    return {"key": key, "scope": scope, "effective_from": effective_from, "value": value}


CONFIG: list[dict[str, Any]] = [
    _entry("clock.future_tolerance_seconds", "*", "2025-12-01", 600),
    _entry("calendar.holidays", "*", "2024-01-01", ["2024-05-01", "2024-05-02", "2024-05-03", "2024-10-01"]),
    _entry("calendar.workdays", "*", "2024-01-01", ["2024-05-11", "2024-04-28"]),
    _entry("calendar.holidays", "*", "2025-01-01", ["2025-01-28", "2025-01-29", "2025-05-01", "2025-10-01"]),
    _entry("calendar.workdays", "*", "2025-01-01", ["2025-01-26", "2025-02-08"]),
    _entry("card.temporary_loss_days", "31", "2024-01-01", 3),
    _entry("card.temporary_loss_days", "11", "2024-01-01", 0),
    _entry("card.temporary_loss_working_days", "33", "2024-01-01", True),
    _entry("card.temporary_loss_working_days", "11", "2025-01-01", True),
    _entry("card.formal_loss_liftable", "32", "2024-01-01", False),
    _entry("card.formal_loss_liftable", "34", "2025-03-01", False),
    _entry("card.guardian_below_age", "31", "2025-01-01", 18),
    _entry("payout.disclosure_working_days", "34:grain", "2024-09-01", 3),
    _entry("payout.disclosure_working_days", "31", "2024-06-01", 1),
    _entry("payout.disclosure_working_days", "34", "2025-06-01", 0),
    _entry("payout.ceiling_fen", "34:grain", "2024-01-01", 6000),
    _entry("payout.ceiling_fen", "31", "2025-01-01", 4000),
    _entry("medical.registration_required_other", "32", "2024-06-01", True),
    _entry("medical.registration_required_inpatient", "33", "2024-01-01", False),
    _entry("medical.temporary_registration_months", "31", "2024-01-01", 3),
    _entry("medical.registration_lock_months", "31", "2024-01-01", 2),
    _entry("medical.clear_personal_account", "33", "2024-01-01", False),
    _entry("medical.clear_personal_account", "31", "2025-02-01", False),
    _entry("family_aid.max_transfer_fen", "31", "2024-01-01", 50000),
    _entry("family_aid.max_transfers_per_day", "31", "2024-01-01", 2),
    _entry("transit.offline_grace_fen", "31", "2024-01-01", 500),
    _entry("transit.offline_grace_fen", "32", "2025-01-01", 0),
    _entry("transit.late_days", "34", "2024-01-01", 10),
    _entry("transit.blacklist_delay_minutes", "34", "2024-06-01", 60),
    _entry("transit.journey_timeout_minutes", "31", "2024-01-01", 120),
    _entry("transit.day_cut_minutes", "34", "2024-01-01", 240),
    _entry("transit.day_cut_minutes", "31", "2025-01-01", 0),
    _entry("transit.purse_max_fen", "32", "2024-01-01", 50000),
    _entry("pass.activation_days", "33", "2024-01-01", 0),
    _entry("pass.activation_days", "34", "2024-01-01", 10),
    _entry("pass.activation_days", "34", "2025-01-01", 30),
    _entry("retention.years", "*", "2024-01-01", 0),
    _entry("retention.years", "*", "2025-06-01", 1),
    _entry("clearing.negative_pair", "34", "2024-01-01", "CARRY"),
    _entry("clearing.negative_pair", "34", "2025-08-01", "FLIP"),
    _entry("clearing.negative_pair", "32", "2024-06-01", "CARRY"),
    _entry("clearing.max_deferrals", "*", "2025-01-01", 1),
    _entry("clearing.max_deferrals", "*", "2025-06-01", 3),
    _entry("prepayment.multiple", "31", "2024-01-01", 3),
    _entry("prepayment.yellow_percent", "*", "2025-01-01", 60),
    _entry("prepayment.red_percent", "*", "2025-01-01", 80),
]

FAMILIES = [
    (acts_card.ACTS, 16),
    (acts_benefit.ACTS, 24),
    (acts_medical.ACTS, 27),
    (acts_transit.ACTS, 15),
    (acts_service.ACTS, 20),
    (acts_passes.ACTS, 9),
    (acts_governance.ACTS, 6),
    (acts_clearing.ACTS, 18),
    (acts_provoke.ACTS, 4),
]


def history(seed: int, lines: int) -> list[bytes]:
    """The lines of a history."""
    return tell(seed, lines).lines


def tell(seed: int, lines: int) -> World:
    """The same history with the world that told it: its model, its outcomes, its lines."""
    world = World(seed, lines, CONFIG)
    for command in acts_card.beginnings(world):
        if len(world.lines) < lines:
            world.say(command)
    while len(world.lines) < lines:
        world.now = min(world.now + world.rng.randint(0, 2 * world.step), CLOCK_MICROS - DAY)
        _next_line(world)
    return world


def _act(world: World) -> Command:
    acts, weights = zip(*FAMILIES, strict=True)
    family = world.rng.choices(acts, weights)[0]
    choices, counts = zip(*family, strict=True)
    command: Command = world.rng.choices(choices, counts)[0](world)
    return command


def _next_line(world: World) -> None:
    kind = world.rng.random()
    if kind < 0.045:
        command = _act(world)
        world.say_raw(broken(world, command), command)
    elif kind < 0.07:
        world.say(_again(world))
    elif kind < 0.073:
        command = _act(world)
        if command["command"] not in acts_card.LIFE_AND_ELECTRONIC:
            command["occurred_at"] = world.text(CLOCK_MICROS + world.rng.randint(-DAY // 24, DAY // 24))
        world.say(command)
    else:
        world.say(_act(world))


def _again(world: World) -> Command:
    """An earlier command once more: as it was, rewritten with the same content, or with other content."""
    command: Command = copy.deepcopy(world.recent(world.sent, 200))
    if world.chance(0.5):
        return command
    recorded = [
        number for number in range(max(0, len(world.sent) - 200), len(world.sent)) if world.outcomes[number].position
    ]
    if recorded:
        command = copy.deepcopy(world.sent[world.pick(recorded)])
    if world.chance(0.5):
        command["channel"] = None if "channel" in command else "WEB"
    else:
        command["occurred_at"] = world.text(world.now)
    return command


def report(world: World) -> str:
    by_status = Counter(outcome.status for outcome in world.outcomes)
    accepted = Counter(outcome.command for outcome in world.outcomes if outcome.status == "recorded")
    codes = Counter(outcome.code for outcome in world.outcomes if outcome.code)
    text = [f"lines {len(world.lines)}: " + ", ".join(f"{word} {count}" for word, count in sorted(by_status.items()))]
    text.append(f"events {len(world.log.events)}, cards {len(world.cards())}, cycles {world.model.cycles()}")
    text.append("recorded, by command:")
    text += [f"  {accepted[name]:6} {name}" for name in OWN_FIELDS]
    text.append("rejected, by code:")
    text += [f"  {codes[code]:6} {code}" for code in sorted(codes)]
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print a random history, or a report on it.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=3000)
    parser.add_argument("--report", action="store_true", help="counts per command and per reject code")
    parser.add_argument("--config", action="store_true", help="the configuration entries the history is told under")
    chosen = parser.parse_args()
    if chosen.config:
        print(json.dumps(CONFIG, ensure_ascii=False, indent=1))
    elif chosen.report:
        print(report(tell(chosen.seed, chosen.lines)))
    else:
        for line in history(chosen.seed, chosen.lines):
            sys.stdout.buffer.write(line + b"\n")


if __name__ == "__main__":
    main()
