"""The few places where guarding the client means touching what it keeps to itself. No other file may.

Written against kafka-python 3.0.12 and checked by tests that cause the fault each part is there for; a new version of
the client is let in by those tests, not by its number.
"""

import threading
from collections.abc import Awaitable, Callable, Iterable
from io import BytesIO
from typing import Any

import zstandard
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import (
    AuthorizationError,
    KafkaConnectionError,
    KafkaTimeoutError,
    SaslAuthenticationFailedError,
    for_code,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.metadata import MetadataRequest
from kafka.record import default_records

_LOGIN_FAILURES = (SaslAuthenticationFailedError, AuthorizationError)


class _Zstandard(threading.local):
    """What a thread compresses with. Left to itself the client makes it anew for every batch; a page of a few records
    has a batch for almost each of them, and making it takes ten times as long as the work."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor()
        self.decompressor = zstandard.ZstdDecompressor()


_zstandard = _Zstandard()


def _compressed(payload: bytes) -> bytes:
    return _zstandard.compressor.compress(payload)


def _decompressed(payload: bytes) -> bytes:
    with _zstandard.decompressor.stream_reader(BytesIO(payload), read_across_frames=True) as reader:
        return reader.read()


default_records.zstd_encode = _compressed
default_records.zstd_decode = _decompressed


class Door:
    """Makes the client's network part, remembers why it could not connect, and shuts it if the client gives up.

    The client retries every failure until its time is over and then says no more than "unable to bootstrap". A refused
    login is final and worth saying at once; and a consumer that fails to start leaves its thread running.
    """

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.client: KafkaNetClient | None = None

    def __call__(self, **settings: Any) -> KafkaNetClient:
        net = NetworkSelector(**settings)
        # Less than a request may take: requests wait for the connection without a limit of their own.
        settings |= {"socket_connection_setup_timeout_ms": 3_000, "socket_connection_setup_timeout_max_ms": 4_000}
        self.client = KafkaNetClient(net=net, manager=_Connections(self, net, **settings), **settings)
        return self.client

    def shut(self) -> None:
        if self.client is not None:
            self.client.close()


class _Connections(KafkaConnectionManager):
    def __init__(self, door: Door, net: NetworkSelector, **settings: Any) -> None:
        self._door = door
        self._hung_up_on = 0
        super().__init__(net, **settings)

    def get_connection(self, node_id: Any, **options: Any) -> Any:
        is_new = node_id not in self._conns
        connection = super().get_connection(node_id, **options)
        if is_new:
            connection.init_future.add_errback(self._remember)
            connection.init_future.add_callback(self._forget)
            connection._sasl_authenticate = self._watched(connection._sasl_authenticate)
        return connection

    def maybe_raise_auth_failure(self, node_id: Any) -> None:
        if not self.bootstrapped and isinstance(self._door.failure, _LOGIN_FAILURES):
            raise self._door.failure
        super().maybe_raise_auth_failure(node_id)

    def _watched(self, log_in: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """Brokers often hang up on a wrong password before their answer is out: twice in a row is an answer."""

        async def watched(*arguments: Any) -> None:
            try:
                await log_in(*arguments)
            except KafkaConnectionError:
                self._hung_up_on += 1
                if self._hung_up_on > 1:
                    self._door.failure = SaslAuthenticationFailedError("the brokers hang up when we log in")
                raise
            self._hung_up_on = 0

        return watched

    def _remember(self, error: Exception) -> None:
        # The attempt that is under way when the time is over tells nothing; those before it may have said why.
        if self._door.failure is None or "timed out" not in str(error):
            self._door.failure = error

    def _forget(self, _: object) -> None:
        self._door.failure = None


class Producer(KafkaProducer):
    """The client's producer, without its way of silencing the logger of the whole process when one of them ends."""

    _closed: bool

    def close(self, timeout: Any = None, null_logger: bool = False) -> None:
        super().close(timeout=timeout)

    def __del__(self) -> None:
        if getattr(self, "_closed", True) is False:
            self._sender.force_close()

    def never_bump_its_epoch(self) -> None:
        """An epoch bumped inside a transaction lets commit_transaction() return although the broker has aborted it,
        and may fence a rightful successor. A publisher that was told off starts anew instead."""
        self._transaction_manager._supports_epoch_bump = lambda: False

    def ask_coordinator_every(self, milliseconds: int) -> None:
        """How soon to repeat what the coordinator refuses while it is still ending the transaction before. Records
        that a broker refuses keep waiting as they are configured to."""
        self._sender.config["retry_backoff_ms"] = milliseconds

    def enter(self, places: Iterable[TopicPartition]) -> None:
        """Let the transaction write to all of these by one question to the coordinator: send() after send() may make
        it two or three, and nothing is delivered before the last is answered."""
        manager = self._transaction_manager
        with manager._lock:
            for place in places:
                manager.maybe_add_partition_to_transaction(place)

    def send_again(self, where: TopicPartition, value: Any, key: Any, headers: Any, timestamp_ms: int) -> Any:
        """send() for a partition that the transaction may write to and that was written to before, without the checks
        that were made then: they cost as much as building the record. The sending thread is woken for a full batch;
        for others by `wake` or a flush."""
        future, is_full, _, _ = self._accumulator.append(where, timestamp_ms, key, value, headers)
        if is_full:
            self._sender.wakeup()
        return future

    def wake(self) -> None:
        """Let the sending thread see what there is."""
        self._sender.wakeup()

    def begin_flush(self) -> None:
        """The first half of flush(): everything is sent at once."""
        self._accumulator.begin_flush()
        self._sender.wakeup()

    def end_flush(self, milliseconds: int) -> None:
        """The second half: everything is delivered or refused, or a KafkaTimeoutError."""
        self._accumulator.await_flush_completion(timeout=milliseconds / 1000)

    def identity(self) -> tuple[int, int]:
        """(producer id, epoch) as the coordinator gave them."""
        found = self._transaction_manager.producer_id_and_epoch
        return found.producer_id, found.epoch

    def last_error(self) -> Exception | None:
        error: Exception | None = self._transaction_manager.last_error
        return error

    def init_within(self, milliseconds: int) -> None:
        self.config["max_block_ms"] = max(1, milliseconds)
        self.init_transactions()

    def end_transaction(self, committed: bool, milliseconds: int) -> None:
        """commit_transaction() and abort_transaction(), which wait for ever, with an end."""
        manager = self._transaction_manager
        result = manager.begin_commit() if committed else manager.begin_abort()
        self._sender.wakeup()
        if not result.wait(timeout_ms=milliseconds):
            raise KafkaTimeoutError(f"the transaction did not end within {milliseconds} ms")

    def discard(self, milliseconds: int) -> None:
        """Close in bounded time, whatever is in flight: close() alone may raise and leave its thread running."""
        if self._closed:
            return
        self._sender.force_close()
        self._sender.join(milliseconds / 1000)
        try:
            super().close(timeout=0)
        except KafkaTimeoutError:
            self._unregister_cleanup()
            self._closed = True


def partitions(client: Any, topics: Iterable[str], milliseconds: int | None = None) -> dict[str, int | Exception]:
    """For each topic how many partitions it has, or the error that keeps us from seeing it. For clients that have
    their network on a thread of its own."""
    names = sorted(set(topics))

    async def ask() -> Any:
        request = MetadataRequest(
            topics=[MetadataRequest.MetadataRequestTopic(name=name) for name in names],
            allow_auto_topic_creation=False,
        )
        return await client._manager.send(request, request_timeout_ms=milliseconds)

    found: dict[str, int | Exception] = {}
    for topic in client._manager.run(ask).topics:
        error = for_code(topic.error_code)
        found[topic.name] = error() if topic.error_code else len(topic.partitions)
    return found


def leaders_known(client: Any, which: Iterable[TopicPartition]) -> bool:
    """Whether each partition's leader is known. A question about several of which one is not is answered in part."""
    cluster = client._manager.cluster
    unknown = {tp.topic for tp in which if cluster.leader_for_partition(tp) in (None, -1)}
    for topic in unknown:
        cluster.add_topic(topic)
        cluster.request_update()
    return not unknown


def uncommitted_ends(consumer: KafkaConsumer, which: list[TopicPartition], milliseconds: int) -> dict[Any, int]:
    """End offsets past transactions that are still open, from a consumer that reads committed records only."""
    fetcher = Fetcher(consumer._client, consumer._subscription, isolation_level="read_uncommitted")
    ends: dict[Any, int] = fetcher.end_offsets(which, milliseconds)
    return ends


def being_read(consumer: KafkaConsumer) -> tuple[str, int, int] | None:
    """(topic, partition, offset) of the batch that is being unpacked, or whose error is kept for the next poll."""
    fetcher = consumer._fetcher
    kept = fetcher._next_in_line_exception_metadata
    if kept is not None and kept.partition is not None:
        return kept.partition.topic, kept.partition.partition, kept.fetched_offset
    batch = fetcher._next_partition_records
    if batch is None:
        return None
    return batch.topic_partition.topic, batch.topic_partition.partition, batch.next_fetch_offset


def unstick(consumer: KafkaConsumer, failed: bool) -> None:
    """After an error while unpacking, the next poll would turn over an exhausted batch for ever; let go of it.

    Let go of every exhausted batch: while one is kept, a batch that was put aside when its partition was paused does
    not come back after `resume`, and the partition is never read again.
    """
    fetcher = consumer._fetcher
    if failed or fetcher._next_in_line_exception_metadata is not None:
        batch = fetcher._next_partition_records
        if batch:
            batch.drain()
        fetcher._next_partition_records = None
    elif fetcher._next_partition_records is not None and not fetcher._next_partition_records:
        fetcher._next_partition_records = None
