"""Seeded traffic for the ledger: a working day of cards, payouts, settlements, taps and the clearing that follows it.

Whoever tries a ledger needs more commands than anybody has at hand; this package writes as many as wanted, the same
bytes for the same count and seed, in memory that grows by a few bytes a card.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO

from ops.simulate.day import PROVINCES, START, Simulation
from ops.simulate.mixes import MIXES

__all__ = ["MIXES", "PROVINCES", "START", "Simulation", "simulate", "write_commands"]

_NAME = len(b'{"command":"')


def simulate(
    lines: int, seed: int, *, provinces: tuple[str, ...] = PROVINCES, start: date = START, mix: str = "day"
) -> Iterator[bytes]:
    """Exactly `lines` lines of JSON, each ending in LF: the same bytes for the same arguments."""
    return iter(Simulation(lines, seed, provinces=provinces, start=start, mix=mix))


def write_commands(
    target: str | Path | BinaryIO,
    lines: int,
    seed: int,
    *,
    provinces: tuple[str, ...] = PROVINCES,
    start: date = START,
    mix: str = "day",
) -> dict[str, object]:
    """Write a simulation to a file (by path or already open) and say what was written.

    `refused` counts the lines meant to be refused, `resubmitted` those sent a second time on purpose.
    """
    simulation = Simulation(lines, seed, provinces=provinces, start=start, mix=mix)
    if isinstance(target, str | Path):
        with open(target, "wb") as file:
            commands = _write(simulation, file)
    else:
        commands = _write(simulation, target)
    return {
        "lines": sum(commands.values()),
        "seed": seed,
        "mix": mix,
        "start": start.isoformat(),
        "provinces": list(provinces),
        "cards": simulation.world.issued,
        "refused": simulation.refused,
        "resubmitted": simulation.resubmitted,
        "commands": dict(sorted(commands.items())),
    }


def _write(simulation: Simulation, file: BinaryIO) -> dict[str, int]:
    commands: dict[str, int] = {}
    page: list[bytes] = []
    for line in simulation:
        name = line[_NAME : line.index(b'"', _NAME)].decode()
        commands[name] = commands.get(name, 0) + 1
        page.append(line)
        if len(page) == 4_096:
            file.writelines(page)
            page.clear()
    file.writelines(page)
    return commands
