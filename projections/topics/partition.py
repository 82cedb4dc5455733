"""Which partition a stream's records go to: Java's murmur2 of the key, as Kafka's own clients have it.

Computed by us and named with every record, because clients differ in their default. A producer or a test in another
language needs the key (the 16 bytes of the stream's UUID), `murmur2` and the rule in `partition_of`, and nothing else.
"""

from functools import lru_cache

KEPT = 65_536  # streams whose place is remembered: a card comes again within a page and over the day
_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """MurmurHash2 with Kafka's seed, as an unsigned 32-bit number."""
    length = len(data)
    whole = length & ~3
    hashed = _SEED ^ length
    for at in range(0, whole, 4):
        part = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        part = (part ^ part >> 24) * _M & _MASK
        hashed = hashed * _M & _MASK ^ part
    if length > whole:
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    hashed = (hashed ^ hashed >> 13) * _M & _MASK
    return hashed ^ hashed >> 15


def key_of(stream_id: str) -> bytes:
    """The key of a stream's records: the 16 bytes of its UUID."""
    return bytes.fromhex(stream_id.replace("-", ""))


@lru_cache(maxsize=KEPT)
def partition_of(stream_id: str | bytes, partitions: int) -> int:
    """The partition of a stream, named by its id or by its key."""
    key = key_of(stream_id) if isinstance(stream_id, str) else stream_id
    return (murmur2(key) & 0x7FFFFFFF) % partitions


@lru_cache(maxsize=KEPT)
def place_of(stream_id: str, partitions: int) -> tuple[bytes, int]:
    """Key and partition of a stream."""
    key = key_of(stream_id)
    return key, partition_of(key, partitions)
