"""Reader: bytes of committed records, in order per partition, from partitions and offsets that we choose.

Left to itself the client turns for ever over a batch it could not unpack, says nothing at all about a topic it may not
read or brokers that are gone, and begins where it likes when an offset does not exist. Here each of them is an error
that names the partition. Nothing is decoded and nothing is stored: what a record means, and how far a reader has come,
is known where the bytes are used.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast

from kafka import KafkaConsumer, TopicPartition, errors

from projections.kafka import inside
from projections.kafka.access import LIMIT_MS, Access, BrokerProblem, not_allowed, topic_unknown, translated

Partition = tuple[str, int]

_ASKING_MS = LIMIT_MS - 2_000
_ASKING_AGAIN_MS = 2_000
_PAUSE_SECONDS = 0.02
# How long a silence may last before the brokers are asked whether there is nothing, or nothing for us.
_SILENCE_SECONDS = 4


class Raw(Protocol):
    """One record as it lies on the topic. `timestamp` is in milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> list[tuple[str, bytes | None]]: ...


class Corrupt(Exception):
    """A batch cannot be unpacked. Polling again tries again; only `seek` past it goes on."""

    def __init__(self, topic: str, partition: int, offset: int, reason: str) -> None:
        super().__init__(f"topic {topic}, partition {partition}, offset {offset}: the batch cannot be read ({reason})")
        self.topic, self.partition, self.offset = topic, partition, offset


class Truncated(Exception):
    """The offset to read next does not exist: the beginning of the partition was deleted, or its end was cut off."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        super().__init__(f"topic {topic}, partition {partition}: there is no offset {offset} any more")
        self.topic, self.partition, self.offset = topic, partition, offset


class Reader:
    """One consumer without a group; not for several threads."""

    def __init__(
        self, access: Access, fetch_bytes: int = 16 << 20, wait_ms: int = 100, partition_bytes: int = 1 << 20
    ) -> None:
        self.access = access
        self._consumer: Any = access.opened(
            KafkaConsumer,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            fetch_max_bytes=fetch_bytes,
            max_partition_fetch_bytes=partition_bytes,
            fetch_max_wait_ms=wait_ms,
            metrics_enabled=False,
        )
        self._heard = time.monotonic()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=2_000)

    def assign(self, starts: Mapping[Partition, int | None]) -> None:
        """Read these partitions from these offsets; None: from the beginning. The rights are tried out first."""
        wanted = [TopicPartition(*which) for which in starts]
        self._require(wanted)
        self._consumer.assign(wanted)
        beginning = [which for which, offset in starts.items() if offset is None]
        found = self.beginning_offsets(beginning) if beginning else {}
        for which, offset in starts.items():
            self.seek(which, found[which] if offset is None else offset)
        self._heard = time.monotonic()

    def seek(self, which: Partition, offset: int) -> None:
        self._consumer.seek(TopicPartition(*which), offset)

    def pause(self, which: Iterable[Partition]) -> None:
        self._consumer.pause(*(TopicPartition(*one) for one in which))

    def resume(self, which: Iterable[Partition]) -> None:
        self._consumer.resume(*(TopicPartition(*one) for one in which))

    def poll(self, timeout_ms: int = 0, max_records: int = 10_000) -> dict[Partition, list[Raw]]:
        """What is there, at most `max_records`; empty when the time is over. Corrupt, Truncated or a BrokerProblem."""
        consumer = self._consumer
        where = inside.being_read(consumer)
        try:
            records = consumer.poll(timeout_ms=timeout_ms, max_records=max_records)
        except Exception as error:
            where = inside.being_read(consumer) or where
            inside.unstick(consumer, failed=True)
            raise self._explained(error, where) from error
        inside.unstick(consumer, failed=False)
        if records:
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > _SILENCE_SECONDS:
            self._require(sorted(consumer.assignment()))
            self._heard = time.monotonic()
        return cast(dict[Partition, list[Raw]], records)

    def position(self, which: Partition) -> int:
        """The offset to be read next."""
        try:
            return cast(int, self._consumer.position(TopicPartition(*which), timeout_ms=_ASKING_MS))
        except Exception as error:
            raise self._problem(error) from error

    def beginning_offsets(self, which: Iterable[Partition]) -> dict[Partition, int]:
        return self._asked(which, lambda wanted: self._consumer.beginning_offsets(wanted, timeout_ms=_ASKING_MS))

    def stable_ends(self, which: Iterable[Partition]) -> dict[Partition, int]:
        """One past the last offset that is decided: no open transaction before it."""
        return self._asked(which, lambda wanted: self._consumer.end_offsets(wanted, timeout_ms=_ASKING_MS))

    def high_watermarks(self, which: Iterable[Partition]) -> dict[Partition, int]:
        """One past the last offset that is replicated, open transactions included."""
        return self._asked(which, lambda wanted: inside.uncommitted_ends(self._consumer, wanted, _ASKING_MS))

    def offsets_for_times(self, times: Mapping[Partition, int]) -> dict[Partition, int | None]:
        """For each partition the first offset whose record is not older than the time in milliseconds; None: none.

        The marker of a commit counts as a record of the moment it was written. So of topics that were filled later
        than their records say, what is found lies before the record that was meant, maybe far; never behind it.
        """

        def ask(wanted: list[TopicPartition]) -> dict[Any, Any]:
            found = self._consumer.offsets_for_times({tp: times[tp] for tp in wanted}, timeout_ms=_ASKING_MS)
            return {tp: None if at is None else at.offset for tp, at in found.items()}

        return self._asked(times, ask)

    def partitions(self, topics: Iterable[str], milliseconds: int | None = None) -> dict[str, int]:
        """How many partitions each topic has; a BrokerProblem if one is unknown or not for us to see."""
        try:
            seen = inside.partitions(self._consumer, topics, milliseconds)
        except Exception as error:
            raise self._problem(error) from error
        for topic, found in seen.items():
            if isinstance(found, errors.UnknownTopicOrPartitionError):
                raise topic_unknown(self.access, topic)
            if isinstance(found, errors.TopicAuthorizationFailedError):
                raise not_allowed(self.access, topic)
            if isinstance(found, Exception):
                raise self._problem(found)
        return cast(dict[str, int], seen)

    def _require(self, wanted: Iterable[TopicPartition]) -> None:
        """That the partitions are there and ours to read: polling would stay silent."""
        wanted = list(wanted)
        if not wanted:
            return
        counts = self.partitions({tp.topic for tp in wanted})
        for tp in wanted:
            if not 0 <= tp.partition < counts[tp.topic]:
                raise BrokerProblem(
                    "failed",
                    f"Topic {tp.topic} has {counts[tp.topic]} partitions, and partition {tp.partition} is asked for: "
                    "run `onecard topics show`.",
                )
        # Asked of the partitions' leaders: whether they answer, and answer us.
        self.stable_ends(wanted)

    def _asked(self, which: Iterable[Partition], ask: Any) -> dict[Partition, Any]:
        wanted = [TopicPartition(*one) for one in which]
        if not wanted:
            return {}
        # A partition whose leader is not known yet is left out of the client's answer without a word.
        until = time.monotonic_ns() + LIMIT_MS * 1_000_000
        while not inside.leaders_known(self._consumer, wanted):
            self.partitions({tp.topic for tp in wanted})
            if time.monotonic_ns() > until:
                raise BrokerProblem(
                    "timed_out",
                    f"Kafka at {self.access.bootstrap} names no leader for a partition: look at the brokers.",
                )
            time.sleep(_PAUSE_SECONDS)
        try:
            return cast(dict[Partition, Any], ask(wanted))
        except errors.KafkaTimeoutError as error:
            # So it looks when a topic was deleted just now.
            self.partitions({tp.topic for tp in wanted}, _ASKING_AGAIN_MS)
            raise self._problem(error) from error
        except Exception as error:
            raise self._problem(error) from error

    def _problem(self, error: BaseException) -> BrokerProblem:
        return translated(error, self.access, self._consumer.config["kafka_client"].failure)

    def _explained(self, error: Exception, where: tuple[str, int, int] | None) -> Exception:
        if isinstance(error, errors.OffsetOutOfRangeError):
            (tp, offset), *_ = error.args[0].items()
            return Truncated(tp.topic, tp.partition, offset)
        if isinstance(error, errors.LogTruncationError) and where is not None:
            return Truncated(*where)
        if where is not None and (
            isinstance(error, errors.CorruptRecordError) or not isinstance(error, errors.KafkaError)
        ):
            return Corrupt(*where, reason=" ".join(str(error).split()) or type(error).__name__)
        return self._problem(error)
