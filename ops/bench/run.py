"""The order of a bench: the machine, the raw limits, then what was asked for."""

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from ops.bench import payouts, raw, raw_append, reading, rig, topics, writing
from ops.bench.figures import Figures
from ops.bench.rig import Rig, Scale
from ops.processes import Progress
from ops.server_sizing import MB, machine_memory
from ops.wiring import Ledger

# Name: what it measures. In this order, since following needs what was submitted.
GROUPS: Final[dict[str, Callable[[Rig, Figures], None]]] = {
    "submit": writing.files,
    "processes": writing.two_processes,
    "ledgers": writing.two_ledgers,
    "small": writing.small,
    "follow": reading.follow,
    "rebuild": reading.rebuild,
    "replay": reading.replay,
    "verify": reading.verify,
    "kafka": topics.kafka,
    "payouts": payouts.payouts,
}


def measure(
    ledger: Ledger, folder: Path, scale: Scale, names: Sequence[str], progress: Progress
) -> tuple[dict[str, Any], Figures]:
    """(what the machine is, the figures); durable settings or none at all."""
    durable = rig.durable_settings(ledger)
    progress("issuing cards ...")
    found = Rig(ledger, folder, scale)
    found.open_the_day()
    figures = Figures()
    progress("measuring raw limits ...")
    raw.measure(found, figures)
    raw_append.measure(found, figures)
    for name, group in GROUPS.items():
        if name in names:
            progress(f"measuring {name} ...")
            group(found, figures)
    return {**machine(ledger), **durable, **amounts(found)}, figures


def machine(ledger: Ledger) -> dict[str, Any]:
    """Enough to know later where figures came from."""
    with ledger.connect() as connection:
        shown = {}
        for name in ("server_version", "shared_buffers", "max_wal_size"):
            row = connection.execute(f"SHOW {name}").fetchone()
            shown[name] = str(row[0]) if row else ""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": psutil.cpu_count() or 0,
        "load_per_mille": [round(one * 1_000) for one in os.getloadavg()],
        "memory_mb": machine_memory() // MB,
        "python": platform.python_version(),
        "postgresql": shown["server_version"],
        "shared_buffers": shown["shared_buffers"],
        "max_wal_size": shown["max_wal_size"],
    }


def amounts(found: Rig) -> dict[str, Any]:
    """How much of everything the figures are about."""
    return {
        "cards": found.cards,
        "lines_per_run": found.scale.lines,
        "lines_per_batch": rig.BATCH,
        "replayed_events": found.scale.replayed,
        "runs": found.scale.runs,
        "events": found.head(),
        "seed": rig.SEED,
    }


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
