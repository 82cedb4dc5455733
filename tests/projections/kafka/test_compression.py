"""Compressing by what a thread keeps gives what the client's own way of doing it reads, and the other way round."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from kafka import codec
from kafka.record import default_records

from projections.kafka import inside

PAYLOADS = [b"", b"x", b"onecard.card.v1.CardIssued" * 40, bytes(range(256)) * 5_000]


@pytest.mark.parametrize("payload", PAYLOADS, ids=len)
def test_either_way_of_compressing_is_read_by_the_other(payload: bytes) -> None:
    assert default_records.zstd_encode is inside._compressed
    assert default_records.zstd_decode is inside._decompressed

    assert codec.zstd_decode(default_records.zstd_encode(payload)) == payload
    assert default_records.zstd_decode(codec.zstd_encode(payload)) == payload


def test_what_brokers_have_put_together_is_read_whole() -> None:
    """Frames one after another, as a batch may come from another client."""
    framed = b"".join(map(codec.zstd_encode, PAYLOADS))

    assert default_records.zstd_decode(framed) == b"".join(PAYLOADS)


def test_bytes_that_are_no_frame_are_refused_and_what_comes_next_is_read() -> None:
    with pytest.raises(Exception, match=r"(?i)zstd"):
        default_records.zstd_decode(b"no frame at all")

    assert default_records.zstd_decode(codec.zstd_encode(b"next")) == b"next"


def test_threads_do_not_disturb_one_another() -> None:
    def back_and_forth(number: int) -> bool:
        payload = b"%d," % number * 3_000
        return all(inside._decompressed(inside._compressed(payload)) == payload for _ in range(50))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(back_and_forth, range(8)))
