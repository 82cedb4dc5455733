"""The compiled readers and writers at the edges: long instants, wide numbers, types that no event has."""

import io
from typing import Any

import fastavro
import pytest

from ledger.store.wire.numbers import HIGHEST, LOWEST, Malformed, number_at, written
from ledger.store.wire.reader import compiled_reader
from ledger.store.wire.writer import compiled_writer

MINUTE = 60_000_000


def one_field(kind: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "Probe",
        "namespace": "onecard.probe.v1",
        "fields": [{"name": "it", "type": kind}],
    }


def independent(kind: str, value: Any) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, one_field(kind), {"it": value})
    return buffer.getvalue()


NUMBERS = sorted({sign * (1 << bits) + near for bits in range(63) for near in (-1, 0, 1) for sign in (1, -1)})


@pytest.mark.parametrize("kind", ["long", {"type": "long", "logicalType": "timestamp-micros"}])
def test_numbers_of_every_length_are_written_and_read_as_avro_does(kind: Any) -> None:
    write, read = compiled_writer(one_field(kind), b""), compiled_reader(one_field(kind))
    for number in [*NUMBERS, LOWEST, HIGHEST]:
        data = write({"it": number})
        assert data == independent("long", number) == written(number), number
        assert read(data, 0) == ({"it": number}, len(data)), number
        assert number_at(data + b"\x80", 0) == (number, len(data)), number


def test_instants_of_many_years_do_not_disturb_each_other() -> None:
    kind = {"type": "long", "logicalType": "timestamp-micros"}
    write, read = compiled_writer(one_field(kind), b""), compiled_reader(one_field(kind))
    for minute in range(0, 60 * 24 * 365 * 30, 2_000):
        instant = 946_684_800_000_000 + minute * MINUTE + minute
        data = write({"it": instant})
        assert read(data, 0) == ({"it": instant}, 8)


def test_an_integer_that_does_not_end_or_has_more_than_64_bits_is_malformed() -> None:
    for data in (b"\xff" * 12, b"\xff" * 9 + b"\x02"):
        with pytest.raises(Malformed):
            number_at(data, 0)
    with pytest.raises(ValueError, match="64 bits"):
        written(HIGHEST + 1)


def test_a_text_of_negative_length_is_malformed() -> None:
    with pytest.raises(Malformed, match="negative"):
        compiled_reader(one_field("string"))(b"\x03abc", 0)


def test_long_texts_are_written_and_read() -> None:
    write, read = compiled_writer(one_field("string"), b""), compiled_reader(one_field("string"))
    for length in (0, 63, 64, 8191, 8192, 70_000):
        data = write({"it": "x" * length})
        assert data == independent("string", "x" * length)
        assert read(data, 0) == ({"it": "x" * length}, len(data))


@pytest.mark.parametrize("kind", ["double", "bytes", ["null", "string", "long"], ["string", "null"]])
def test_a_type_no_event_has_is_refused_when_it_is_compiled(kind: Any) -> None:
    with pytest.raises(TypeError):
        compiled_writer(one_field(kind), b"")
    with pytest.raises(TypeError):
        compiled_reader(one_field(kind))
