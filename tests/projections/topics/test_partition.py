"""A stream's records go where every Kafka client that hashes like Java's would send them."""

import subprocess
import sys
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.topics.partition import key_of, murmur2, partition_of, place_of

# The vectors of Kafka's own test of its hash, as signed 32-bit numbers.
JAVA = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]
# Published in docs/subscribing.md for producers in other languages.
OURS = [
    ("2854cb9c-f3e6-58a4-9e2c-2304799a8d1b", 5),
    ("340ddc0f-5f7b-57ac-a4d7-4f0b5ab4bd9d", 4),
    ("00000000-0000-0000-0000-000000000000", 4),
    ("ffffffff-ffff-ffff-ffff-ffffffffffff", 10),
]


@pytest.mark.parametrize(("data", "signed"), JAVA)
def test_the_hash_is_the_one_of_javas_clients(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed % (1 << 32)


@pytest.mark.parametrize(("stream_id", "partition"), OURS)
def test_streams_lie_where_they_always_lay(stream_id: str, partition: int) -> None:
    assert partition_of(stream_id, 12) == partition


@given(st.uuids(), st.integers(1, 96))
def test_id_and_key_of_a_stream_lead_to_the_same_partition(stream: UUID, partitions: int) -> None:
    assert key_of(str(stream)) == stream.bytes
    place = partition_of(str(stream), partitions)
    assert 0 <= place < partitions
    assert place == partition_of(stream.bytes, partitions) == place_of(str(stream), partitions)[1]


def test_the_partition_does_not_depend_on_the_process() -> None:
    program = "from projections.topics.partition import partition_of as p; print([p(s, 12) for s in %r])"
    streams = [stream for stream, _ in OURS]
    found = subprocess.run([sys.executable, "-c", program % (streams,)], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str([partition for _, partition in OURS])


def test_cards_are_spread_evenly() -> None:
    counts = [0] * 12
    for number in range(12_000):
        counts[partition_of(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)).bytes, 12)] += 1
    assert min(counts) > 850 and max(counts) < 1_150
