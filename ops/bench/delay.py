"""How long after its commit in the store an event is seen over Kafka, while events come in evenly.

As in a province: one process submits, one relays, one follows (or only reads). Each notes when it was done with which
position, by the clock that all processes of a machine share; starting them is over before anything counts.
"""

import multiprocessing
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final

from ledger.service.batch import Receipt
from ledger.service.run import shaped
from ops.bench.figures import SECOND, Figures, micros, percentile
from ops.bench.rig import RATES, Rig
from ops.cli.opening import READER_ROLE
from ops.collector import expect_a_long_run
from ops.settings import Settings
from ops.wiring import Ledger, open_ledger
from projections.feed.ahead import Ahead
from projections.follow import follow, prepare
from projections.kafka.reader import Reader
from projections.relay.broker import Broker
from projections.relay.log import Log
from projections.relay.pause import pause
from projections.relay.relay import Relay
from projections.topics.envelope import stamp_of
from projections.views.registry import VIEWS

A_SECOND: Final = 50  # batches submitted; at 500 lines a second each has 10
POLL_MS: Final = 50
LOOK_MS: Final = 50
LONGEST_SECONDS: Final = 120
# (nanoseconds, position): from then on everything up to that position was done.
Moment = tuple[int, int]
# What sees events, at which rates; the figure's name.
SEEN: Final = {"published": (1_000,), "visible": (500, 2_000)}


def measure(ledger: Ledger, rig: Rig, figures: Figures) -> None:
    """`published`: read by a consumer that does nothing else; `visible`: applied to all views."""
    for name, work in (("published", _read), ("visible", _follow)):
        for lines_a_second in SEEN[name]:
            assert lines_a_second in RATES
            committed, seen = _run(ledger, rig, work, lines_a_second)
            waits = [micros(wait) for wait in _waits(committed, seen)]
            for per_cent in (50, 99):
                limit = f"raw_kafka_commit_p{per_cent}"
                figures.add(f"{name}_{lines_a_second}_p{per_cent}", "us", [percentile(waits, per_cent)], limit)


def _waits(committed: Sequence[Moment], seen: Sequence[Moment]) -> list[int]:
    """For each commit how long it took until its last position was seen."""
    reached: list[Moment] = []
    for moment, position in seen:
        if not reached or position > reached[-1][1]:
            reached.append((moment, position))
    positions = [position for _, position in reached]
    return [max(1, reached[bisect_left(positions, position)][0] - moment) for moment, position in committed]


def _run(ledger: Ledger, rig: Rig, work: Callable[..., None], lines_a_second: int) -> tuple[list[Moment], list[Moment]]:
    """When what was committed and when it was seen."""
    context = multiprocessing.get_context("spawn")
    stop, answers = context.Event(), context.SimpleQueue()
    reached = context.Value("q", 0)
    workers = [
        context.Process(target=one, args=(ledger.settings, stop, reached, answers), daemon=True)
        for one in (_relay, work)
    ]
    for worker in workers:
        worker.start()
    # One second of it is not counted: it brings everybody up to the head and warms up.
    _submitted(ledger, rig, lines_a_second, 1)
    _wait_for(rig.head(), reached, workers)
    committed = _submitted(ledger, rig, lines_a_second, rig.scale.seconds)
    _wait_for(committed[-1][1], reached, workers)
    stop.set()
    seen: list[Moment] = answers.get()
    for worker in workers:
        worker.join(LONGEST_SECONDS)
        if worker.exitcode != 0:
            raise RuntimeError(f"a process of the bench ended with exit code {worker.exitcode}")
    return committed, seen


def _submitted(ledger: Ledger, rig: Rig, lines_a_second: int, seconds: int) -> list[Moment]:
    """Lines submitted evenly; when each batch was answered, and the last position it names."""
    size = lines_a_second // A_SECOND
    found: list[Moment] = []
    with ledger.writer() as writer:
        lines = [shaped(line.rstrip(b"\n"), 0, ledger.keyring)[1] for line in rig.lines(lines_a_second * seconds)]
        begun = time.monotonic_ns()
        for number, start in enumerate(range(0, len(lines), size)):
            _sleep_until(begun + number * SECOND // A_SECOND)
            outcomes = writer.submit(lines[start : start + size])
            positions = [one.position for one in outcomes if isinstance(one, Receipt) and one.status == "recorded"]
            if positions:
                found.append((time.monotonic_ns(), max(positions)))
    return found


def _sleep_until(moment: int) -> None:
    left = moment - time.monotonic_ns()
    if left > 0:
        time.sleep(left / SECOND)


def _wait_for(position: int, reached: Any, workers: Sequence[Any]) -> None:
    until = time.monotonic_ns() + LONGEST_SECONDS * SECOND
    while reached.value < position:
        if time.monotonic_ns() > until or not all(worker.is_alive() for worker in workers):
            raise RuntimeError(f"a process of the bench has ended or stands still at position {reached.value}")
        pause(LOOK_MS)


# --- the processes ---------------------------------------------------------------------------------------------------


def _relay(settings: Settings, stop: Any, reached: Any, answers: Any) -> None:
    expect_a_long_run()
    with open_ledger(settings, lambda _: None) as ledger:
        with closing(Log(ledger.source, ledger.connect(READER_ROLE))) as log:
            while not log.lock():  # of the one before
                pause(LOOK_MS)
            broker = Broker(ledger.access(), ledger.source)
            relay = Relay(log, ledger.store_id, broker, ledger.topology, lambda _: None)
            for _ in relay.run(until_caught_up=False, is_stopped=stop.is_set):
                pass


def _follow(settings: Settings, stop: Any, reached: Any, answers: Any) -> None:
    expect_a_long_run()
    seen: list[Moment] = []
    with open_ledger(settings, lambda _: None) as ledger, ledger.connect() as connection:
        prepare(connection, VIEWS, ledger.source)
        decoded = frozenset().union(*(view.loader(0, ledger.source).wants for view in VIEWS))
        with closing(ledger.feed(certain=False)) as feed, closing(Ahead(feed, decoded)) as ahead:
            for step in follow(connection, VIEWS, ahead, False, stop.is_set):
                seen.append((time.monotonic_ns(), step.position))
                reached.value = step.position
    answers.put(seen)


def _read(settings: Settings, stop: Any, reached: Any, answers: Any) -> None:
    expect_a_long_run()
    seen: list[Moment] = []
    with open_ledger(settings, lambda _: None) as ledger, closing(Reader(ledger.access())) as reader:
        topology = ledger.topology
        places = [
            (topic, number) for topic in topology.all_events(ledger.source) for number in range(topology.partitions)
        ]
        reader.assign(dict.fromkeys(places))
        while not stop.is_set():
            found = [stamp_of(raw.headers).position for records in reader.poll(POLL_MS).values() for raw in records]
            if found:
                seen.append((time.monotonic_ns(), max(found)))
                reached.value = max(found)
    answers.put(seen)
