"""Publisher: whole transactions, or nothing.

Left to itself the client may commit a transaction of which one partition failed, wait for ever for a commit, hold any
number of records in memory, and go on with a producer that can no longer work. So every record's future is kept and
checked before the commit, every wait has an end, what is in flight is bounded, and a publisher that failed is thrown
away: `open()` begins anew, and whoever publishes reads its progress again, because a commit that timed out may have
happened.
"""

import time
from collections.abc import Iterable
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from projections.kafka.access import LIMIT_MS, Access, BrokerProblem, Fenced, translated
from projections.kafka.cluster import Cluster
from projections.kafka.inside import Producer

__all__ = ["Fenced", "Publisher"]

# What may be in flight before `send` waits for it.
WINDOW_RECORDS = 20_000
WINDOW_BYTES = 32 << 20
TRANSACTION_MS = 60_000
# After so many records the sending thread is told of them; a page of fewer is sent when it is complete.
HANDFUL = 256
# The coordinator takes a few milliseconds to end a transaction, and refuses the next one until then.
COORDINATOR_MS = 1
# Records beyond this are measured against what the brokers take.
_LARGE = 256 << 10
_DELIVERY_MS = LIMIT_MS - 1_500
# More than the client takes to give up a record, so that it says itself why.
_SETTLING_MS = _DELIVERY_MS + 500
_ABORTING_MS = 1_000
_CLOSING_MS = 500

Headers = list[tuple[str, bytes]]
Partition = tuple[str, int]


class Publisher:
    """One producer with a transactional id; not for several threads."""

    def __init__(self, access: Access, transactional_id: str, topics: Iterable[str] = (), linger_ms: int = 5) -> None:
        self.access = access
        self.transactional_id = transactional_id
        self._topics = tuple(topics)
        self._linger_ms = linger_ms
        self._producer: Producer | None = None
        self._identity = (-1, -1)
        self._in_transaction = False
        self._futures: list[Any] = []
        self._bytes = 0
        # The partitions that were written to, and those of them that the transaction may write to.
        self._known: dict[Partition, TopicPartition] = {}
        self._entered: set[Partition] = set()
        self._is_flushing = False

    def __enter__(self) -> "Publisher":
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Connect, see that the topics are there, and take over the transactional id from whoever had it."""
        self.close()
        until = _now_ms() + LIMIT_MS
        if self._topics:
            with Cluster(self.access) as cluster:
                cluster.require(self._topics)
        self._producer = self.access.opened(
            Producer,
            transactional_id=self.transactional_id,
            transaction_timeout_ms=TRANSACTION_MS,
            delivery_timeout_ms=_DELIVERY_MS,
            max_block_ms=LIMIT_MS,
            compression_type="zstd",
            linger_ms=self._linger_ms,
            batch_size=256 << 10,
            max_request_size=8 << 20,
            retry_backoff_ms=5,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        self._producer.never_bump_its_epoch()
        self._producer.ask_coordinator_every(COORDINATOR_MS)
        try:
            self._producer.init_within(until - _now_ms())
        except Exception as error:
            raise self._given_up(error) from error
        self._identity = self._producer.identity()

    def begin(self, partitions: Iterable[Partition] = ()) -> None:
        """Begin a transaction; nothing goes to the brokers yet. `partitions`: which it will write to, as far as that
        is known; others may be sent to as well, at the price of another question to the brokers."""
        producer = self._opened()
        entered = set(partitions) & self._known.keys()
        try:
            producer.begin_transaction()
            producer.enter(self._known[one] for one in entered)
        except Exception as error:
            raise self._given_up(error) from error
        self._entered = entered
        self._in_transaction = True

    def send(
        self, topic: str, partition: int, key: bytes | None, value: bytes, headers: Headers, timestamp_ms: int
    ) -> None:
        """Hand over one record of the transaction. Whether it arrived is known when `commit` returns."""
        producer = self._producer or self._opened()
        where = topic, partition
        try:
            if where not in self._entered or len(value) > _LARGE:
                future = producer.send(topic, value, key, headers, partition, timestamp_ms)
                if future.exception is not None:
                    raise future.exception
                self._entered.add(where)
                self._known[where] = TopicPartition(topic, partition)
            else:
                future = producer.send_again(self._known[where], value, key, headers, timestamp_ms)
        except Exception as error:
            raise self._given_up(error) from error
        self._futures.append(future)
        self._bytes += len(value)
        if len(self._futures) >= WINDOW_RECORDS or self._bytes >= WINDOW_BYTES:
            self._settle()
        elif not len(self._futures) % HANDFUL:
            producer.wake()

    def deliver(self) -> None:
        """That was all: have it delivered, while the caller does something else before `commit`."""
        self._opened().begin_flush()
        self._is_flushing = True

    def commit(self) -> None:
        """All records sent since `begin`, or none; when this raises it may be either, and the publisher is closed."""
        until = _now_ms() + LIMIT_MS
        producer = self._opened()
        # 1. Everything is delivered and known to be: a batch that failed does not stop the client's commit by itself.
        self._settle()
        # 2. The commit, in bounded time. A crash before it leaves an open transaction that the next open() aborts.
        try:
            producer.end_transaction(committed=True, milliseconds=max(500, until - _now_ms()))
        except Exception as error:
            raise self._given_up(error) from error
        # 3. By the producer that began it: with another epoch the brokers have aborted what we believe committed.
        if producer.identity() != self._identity:
            raise self._given_up(RuntimeError("the producer's epoch changed during a transaction"))
        self._in_transaction = False
        self._entered.clear()

    def abort(self) -> None:
        """Take back what was sent since `begin` and close; never raises. Readers need not wait for a time-out."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            if self._in_transaction:
                producer.end_transaction(committed=False, milliseconds=_ABORTING_MS)
        except (KafkaError, RuntimeError):
            pass  # what is left open is aborted by the next open(), or by the brokers after a minute
        finally:
            self._forget()
            producer.discard(_CLOSING_MS)

    def close(self) -> None:
        """End in bounded time; an open transaction is taken back."""
        self.abort()

    def _opened(self) -> Producer:
        if self._producer is None:
            raise BrokerProblem("failed", f"The publisher {self.transactional_id} is closed: open it again.")
        return self._producer

    def _settle(self) -> None:
        """Wait until what was sent is delivered, and look at every future: flush() itself tells of no failure."""
        if not self._is_flushing:
            self.deliver()
        self._is_flushing = False
        try:
            self._opened().end_flush(_SETTLING_MS)
        except Exception as error:
            raise self._given_up(error) from error
        for future in self._futures:
            if future.exception is not None or not future.is_done:
                raise self._given_up(future.exception or RuntimeError("a record was neither delivered nor refused"))
        self._forget_sent()

    def _given_up(self, error: BaseException) -> BrokerProblem:
        """Close, and say why. Of several errors the transaction's own counts: the others follow from it."""
        producer = self._producer
        last = producer.last_error() if producer is not None else None
        door = producer.config["kafka_client"] if producer is not None else None
        problem = translated(last or error, self.access, door.failure if door is not None else None)
        if isinstance(problem, Fenced):
            self._in_transaction = False
        self.abort()
        return problem

    def _forget(self) -> None:
        """Of a producer that is no more: another one looks at each partition itself."""
        self._in_transaction = self._is_flushing = False
        self._known.clear()
        self._entered.clear()
        self._forget_sent()

    def _forget_sent(self) -> None:
        self._futures = []
        self._bytes = 0


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
