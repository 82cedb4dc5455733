"""A broker killed, stopped or hanging while it ends a transaction: all of it is committed afterwards, or nothing of it.

A single node of Kafka 4.3.1 holds this only because its controller is started alone first and its session is long
(docs/adr/0025). Killed, it would come back as the coordinator under the registration it had, be fenced, take partitions
without a leader for deleted ones, and end the transaction without their markers; a hanging one is fenced likewise.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from ops.kafka.broker import Broker
from ops.kafka.properties import ALWAYS
from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Cluster
from projections.kafka.publisher import Publisher
from projections.kafka.reader import Reader
from tests.fix_kafka import Kafka
from tests.fix_stores import soak
from tests.ops.registrations import LOG, as_kafka_reads, fencings

PARTITIONS = 60
# Of last year: a marker of today begins a new file in each partition, and ending takes the broker a while.
OLD_MS = 1_735_689_600_000
LEFT_OUT = "likely deleted already"
# Who says so; at INFO, which log4j2.yaml lets through for it alone.
MARKERS = "(kafka.coordinator.transaction.TransactionMarkerChannelManager)"
LONGER_THAN_SESSIONS_WERE = 4


TEN_MINUTES_MS = 600_000


def killed_and_revived(kafka: Kafka) -> None:
    kafka.kill()
    kafka.revive()


def stopped_and_revived(kafka: Kafka) -> None:
    assert kafka.broker is not None
    kafka.broker.stop(lambda _: None)
    kafka.revive()


def hung_and_woken(kafka: Kafka) -> None:
    assert kafka.broker is not None
    pid = kafka.broker.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(LONGER_THAN_SESSIONS_WERE)
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("fault", [killed_and_revived, stopped_and_revived, hung_and_woken])
def test_a_broker_that_fails_while_it_ends_a_transaction_ends_it_afterwards(
    own_broker: Kafka, fault: Callable[[Kafka], None], seed: int
) -> None:
    assert own_broker.broker is not None
    chance = random.Random(seed)
    met: list[int] = []
    for nth in range(soak(2, 40)):
        # A new one each time: in one that was written to before, a marker of today stands in a file of today already.
        topic = f"onecard.card.ended{nth}.events.v1"
        with Cluster(own_broker.access()) as cluster:
            cluster.create(topic, PARTITIONS, 1, {"retention.ms": "-1"})
        publisher = Publisher(own_broker.access(), "onecard-relay-ended")
        publisher.open()
        publisher.begin()
        for partition in range(PARTITIONS):
            publisher.send(topic, partition, b"k", b"v", [], OLD_MS)
        committed = threading.Event()
        ending = threading.Thread(target=_commit, args=(publisher, committed))
        ending.start()
        met.append(_wait_for_markers(own_broker.broker, topic, chance))
        told = f"seed {seed}, round {nth}: the fault came when {met[-1]} of {PARTITIONS} partitions had their marker"
        fault(own_broker)
        ending.join()
        with closing(Publisher(own_broker.access(), "onecard-relay-ended")) as following:
            following.open()
        found = _found(own_broker, topic)
        wanted = (PARTITIONS,) if committed.is_set() else (0, PARTITIONS)
        assert found in wanted, f"{told}; {found} of {PARTITIONS} partitions are committed"
        said = own_broker.broker.log.read_text()
        assert LEFT_OUT not in said, told
        assert MARKERS in said, "nobody would have said that markers are left out"
    assert [begun for begun in met if 0 < begun < PARTITIONS], f"seed {seed}: no fault met a commit under way: {met}"
    if fault is hung_and_woken:
        # What it comes to is seldom seen; what it comes from is written down each time.
        (records,) = as_kafka_reads(own_broker.broker.data / LOG / f"{0:020}.log")
        assert fencings(records) == [True, -1], "it was fenced when it woke"


def test_a_session_outlasts_a_hang_of_ten_minutes() -> None:
    assert int(ALWAYS["broker.session.timeout.ms"]) >= TEN_MINUTES_MS


def _commit(publisher: Publisher, committed: threading.Event) -> None:
    try:
        publisher.commit()
        committed.set()
    except BrokerProblem:
        publisher.close()


def _wait_for_markers(broker: Broker, topic: str, chance: random.Random) -> int:
    """Wait until some partitions have the file that begins with their marker, or the others will not get it."""
    awaited = chance.randrange(1, PARTITIONS * 3 // 4)
    begun = 0
    until = time.monotonic() + 10
    while begun < awaited and time.monotonic() < until:
        begun = sum(len(list(folder.glob("*.log"))) > 1 for folder in broker.data.glob(f"{topic}-*"))
    return begun


def _found(kafka: Kafka, topic: str) -> int:
    """How many partitions hold the record."""
    places = [(topic, partition) for partition in range(PARTITIONS)]
    with closing(Reader(kafka.access())) as reader:
        ends = reader.stable_ends(places)
        reader.assign(reader.beginning_offsets(places))
        holding: set[tuple[str, int]] = set()
        while any(reader.position(place) < end for place, end in ends.items()):
            holding.update(reader.poll(500))
    return len(holding)
