"""Figures of `submit`: files in large batches by one process and by two, a file sent again, and small batches."""

import multiprocessing
import re
import time
import zlib
from pathlib import Path
from typing import Any, Final

from ledger.service.run import shaped
from ops.bench import raw_append
from ops.bench.figures import Figures, elapsed, micros, percentile, rate
from ops.bench.rig import BATCH, Rig, submit
from ops.collector import expect_a_long_run
from ops.settings import Settings
from ops.wiring import open_ledger

PROCESSES: Final = 2
CARD: Final = re.compile(rb'"card_sn":"([0-9A-F]+)"')
PAYOUT: Final = re.compile(rb'"batch_id":"([^"]+)"')  # its lines need its opening before them
LONGEST_SECONDS: Final = 600


def files(rig: Rig, figures: Figures) -> None:
    """New files, then the last of them again. The first run warms up and does not count."""
    scale = rig.scale
    values, again = [], []
    for run in range(scale.runs + 1):
        path = rig.file(rig.lines(scale.lines))
        took = elapsed(lambda: rig.submit(path))  # noqa: B023
        if run:
            values.append(rate(scale.lines, took))
    figures.add(f"submit_{BATCH}", "commands/s", values, raw_append.FIGURE)
    for run in range(scale.runs + 1):
        took = elapsed(lambda: rig.submit(path))
        if run:
            again.append(rate(scale.lines, took))
    figures.add("submit_again", "commands/s", again, "raw_json")


def small(rig: Rig, figures: Figures) -> None:
    """One batch after the other, each answered before the next is sent: what an online sender sees."""
    with rig.ledger.writer() as writer:
        for size, count in rig.scale.small:
            rates, p50, p99 = [], [], []
            for _ in range(rig.scale.passes):
                lines = [shaped(line.rstrip(b"\n"), 0, rig.ledger.keyring)[1] for line in rig.lines(size * count)]
                batches = [lines[start : start + size] for start in range(0, len(lines), size)]
                durations = [elapsed(lambda: writer.submit(batch)) for batch in batches]  # noqa: B023
                rates.append(rate(len(lines), sum(durations)))
                p50.append(micros(percentile(durations, 50)))
                p99.append(micros(percentile(durations, 99)))
            figures.add(f"submit_{size}", "commands/s", rates, f"raw_insert_{size}")
            figures.add(f"submit_{size}_p50", "us", p50, "raw_fsync_p50")
            figures.add(f"submit_{size}_p99", "us", p99, "raw_fsync_p99")


def two_processes(rig: Rig, figures: Figures) -> None:
    """Two processes with half a file each, of different payouts and cards; they take turns at deciding."""
    context = multiprocessing.get_context("spawn")
    values = []
    for run in range(rig.scale.passes + 1):
        parts: list[list[bytes]] = [[] for _ in range(PROCESSES)]
        for line in rig.lines(rig.scale.lines):
            named = PAYOUT.search(line) or CARD.search(line)
            parts[zlib.crc32(named.group(1)) % PROCESSES if named else 0].append(line)
        barrier, answers = context.Barrier(PROCESSES), context.SimpleQueue()
        workers = [
            context.Process(target=_work, args=(rig.ledger.settings, rig.file(part), barrier, answers), daemon=True)
            for part in parts
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(LONGEST_SECONDS)
            if worker.exitcode != 0:
                raise RuntimeError(f"a submitting process ended with exit code {worker.exitcode}")
        spans = [answers.get() for _ in workers]
        took = max(end for _, end in spans) - min(begun for begun, _ in spans)
        if run:
            values.append(rate(rig.scale.lines, took))
    figures.add("submit_two_processes", "commands/s", values, raw_append.FIGURE)


def _work(settings: Settings, path: Path, barrier: Any, answers: Any) -> None:
    """One of the processes: everything is loaded and connected before the clock runs."""
    expect_a_long_run()
    with open_ledger(settings, lambda _: None) as ledger:
        barrier.wait(LONGEST_SECONDS)
        begun = time.monotonic_ns()
        submit(ledger, path)
        answers.put((begun, time.monotonic_ns()))
