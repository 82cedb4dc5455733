"""Figures of `submit`: files in large batches by one process and by two, a file sent again, and small batches."""

import multiprocessing
import re
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ledger.service.run import shaped
from ops.bench import raw_append
from ops.bench.figures import Figures, elapsed, micros, percentile, rate
from ops.bench.rig import BATCH, Rig, Scale, submit
from ops.collector import expect_a_long_run
from ops.settings import Settings, make_home
from ops.wiring import open_ledger

PROCESSES: Final = 2
CARD: Final = re.compile(rb'"card_sn":"([0-9A-F]+)"')
PAYOUT: Final = re.compile(rb'"batch_id":"([^"]+)"')  # its lines need its opening before them
LONGEST_SECONDS: Final = 600
# Monotonic nanoseconds: beginning, end.
Span = tuple[int, int]


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
        _run_out(workers)
        if run:
            values.append(rate(rig.scale.lines, _together([answers.get() for _ in workers])))
    figures.add("submit_two_processes", "commands/s", values, raw_append.FIGURE)


def two_ledgers(rig: Rig, figures: Figures) -> None:
    """Two processes with half a file each, for a ledger of its own each: they share the machine and nothing else.

    No way of taking turns can do more than this; how far two processes of one ledger stay behind is what turns cost.
    """
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(PROCESSES), context.SimpleQueue()
    workers = []
    for number in range(1, PROCESSES + 1):
        home = rig.folder / f"ledger-{number}"
        make_home(home)
        settings = rig.ledger.settings.model_copy(update={"home": home})
        workers.append(context.Process(target=_work_alone, args=(settings, rig.scale, barrier, answers), daemon=True))
    _run_out(workers)
    runs = list(zip(*(answers.get() for _ in workers), strict=True))
    values = [rate(rig.scale.lines // PROCESSES * PROCESSES, _together(spans)) for spans in runs[1:]]
    figures.add("submit_two_ledgers", "commands/s", values, raw_append.FIGURE)


def _run_out(workers: Sequence[Any]) -> None:
    """Start all of them and wait for their ends."""
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(LONGEST_SECONDS)
        if worker.exitcode != 0:
            raise RuntimeError(f"a submitting process ended with exit code {worker.exitcode}")


def _together(spans: Sequence[Span]) -> int:
    """From the first beginning to the last end."""
    return max(end for _, end in spans) - min(begun for begun, _ in spans)


def _work(settings: Settings, path: Path, barrier: Any, answers: Any) -> None:
    """One of the processes: everything is loaded and connected before the clock runs."""
    expect_a_long_run()
    with open_ledger(settings, lambda _: None) as ledger:
        answers.put(_span(barrier, lambda: submit(ledger, path)))


def _work_alone(settings: Settings, scale: Scale, barrier: Any, answers: Any) -> None:
    """One of the ledgers, its cards issued before the clock runs; a span for each run."""
    expect_a_long_run()
    spans = []
    with open_ledger(settings, lambda _: None) as ledger:
        rig = Rig(ledger, settings.home, scale)
        rig.open_the_day()
        for _ in range(scale.passes + 1):
            path = rig.file(rig.lines(scale.lines // PROCESSES))
            spans.append(_span(barrier, lambda: rig.submit(path)))  # noqa: B023
    answers.put(spans)


def _span(barrier: Any, work: Callable[[], object]) -> Span:
    """When it began, all having come so far, and when it ended."""
    barrier.wait(LONGEST_SECONDS)
    begun = time.monotonic_ns()
    work()
    return begun, time.monotonic_ns()
