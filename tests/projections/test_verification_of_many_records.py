"""Comparing topics takes memory for what is in flight, not for what is published. A million with ONECARD_SOAK."""

import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from projections.verification import topics
from projections.verification.report import Report
from projections.verification.topics import Published, Topics
from tests.fix_kafka import Kafka
from tests.fix_stores import Store, soak
from tests.projections.relay.rig import READER_ROLE, Rig

EVENTS = soak(20_000, 1_000_000)
MOST_BYTES = 400 << 20
# The same bytes again under new positions: for the topics each is another event.
MULTIPLY = """
    INSERT INTO ledger.events (notification_id, originator_id, originator_version, topic, state)
    SELECT n, originator_id, 1000000 + n, topic, state
    FROM generate_series(%(head)s + 1, %(events)s) AS n
    JOIN ledger.events ON notification_id = 1 + (n - 1) %% %(head)s
"""


@pytest.mark.slow
def test_many_records_are_compared_in_bounded_memory(kafka: Kafka, store: Store, tmp_path: Path) -> None:
    rig = Rig.of(kafka, store)
    head = rig.submit(tmp_path, 11, 400)
    with closing(store.connect()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(MULTIPLY, {"head": head, "events": EVENTS})
    began = time.monotonic()
    rig.publish()
    print(f"\npublished {EVENTS:,} in {time.monotonic() - began:.0f} s")
    report, highest = Report(), 0
    process = psutil.Process()
    before = process.memory_info().rss

    def progress(_: int) -> None:
        nonlocal highest
        highest = max(highest, process.memory_info().rss - before)

    began, worked = time.monotonic(), time.process_time()
    with closing(store.connect(READER_ROLE)) as connection:
        published = Topics(kafka.access(), kafka.topology, rig.source)
        reached = topics.check(connection, published, rig.store_id, report, progress)
    took = f"{time.monotonic() - began:.0f} s, {time.process_time() - worked:.0f} of them worked"
    print(f"compared {report.records:,} in {took}, {highest >> 20} MB more at the most")

    assert report.findings == []
    assert reached == Published(EVENTS, EVENTS) and report.records == EVENTS
    assert highest < MOST_BYTES
