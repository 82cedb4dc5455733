"""Columns of many values as cheap parameters.

Dumping a list of strings quotes each in Python; one joined string is split by the server in no time. No value that gets
into one holds the separator: ids, references, keys and codes are printable ASCII (contract 0.3). Of numbers, uuids and
bytes the server is given the very arrays it works with, which are made here in a few steps for all values together and
have nothing in them to parse.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

SEPARATOR = "\x1f"
TEXTS = "string_to_array(%s, E'\\x1f')"
BIGINTS = "%s::bigint[]"
UUIDS = "%s::uuid[]"
BYTES = "%s::bytea[]"

# Array of one dimension: dimensions, whether it has nulls, type of the items, their number, number of the first.
_head = struct.Struct(">iiIii").pack
_NULL: Final = b"\xff\xff\xff\xff"
_TYPES: Final[dict[str, tuple[int, Callable[[Any], bytes]]]] = {
    "bool": (16, (b"\0", b"\1").__getitem__),
    "bytea": (17, bytes),
    "bigint": (20, struct.Struct(">q").pack),
    "int": (23, struct.Struct(">i").pack),
    "text": (25, str.encode),
    "uuid": (2950, lambda text: bytes.fromhex(text.replace("-", ""))),
}


class Packed(bytes):
    """An array in PostgreSQL's binary form; the statement says by a cast of what."""


class _AsItIs(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> Packed:
        return obj


psycopg.adapters.register_dumper(Packed, _AsItIs)


class _Lengths(dict[int, bytes]):
    """What an item begins with; made beforehand for most."""

    def __missing__(self, length: int) -> bytes:
        return struct.pack(">i", length)


_length = _Lengths((length, struct.pack(">i", length)) for length in range(4_097)).__getitem__


def unnested(*arrays: str) -> str:
    """Select list of rows from arrays side by side. FROM unnest(...) would first put a copy of each aside."""
    return ", ".join(f"unnest({array})" for array in arrays)


def texts(values: Iterable[str]) -> str:
    """For TEXTS; at least one value."""
    return SEPARATOR.join(values)


def bigints(values: Sequence[int]) -> Packed:
    """For BIGINTS."""
    items = [8] * (2 * len(values))
    items[1::2] = values
    return _array("bigint", len(values), struct.pack(">" + "iq" * len(values), *items))


def uuids(values: Sequence[str]) -> Packed:
    """For UUIDS."""
    length = _length(16).hex()
    return _array("uuid", len(values), bytes.fromhex("".join([length + value for value in values]).replace("-", "")))


def byteas(values: Sequence[bytes]) -> Packed:
    """For BYTES."""
    items = [b""] * (2 * len(values))
    items[::2] = map(_length, map(len, values))
    items[1::2] = values
    return _array("bytea", len(values), b"".join(items))


def column(kind: str, values: Sequence[Any]) -> Packed:
    """Any of a table's types, nulls included: for columns of fewer values. DataError if one does not fit the type."""
    pack = _TYPES[kind][1]
    items = []
    try:
        for value in values:
            if value is None:
                items.append(_NULL)
            else:
                data = pack(value)
                items += _length(len(data)), data
    except struct.error as error:
        raise psycopg.DataError(f"{value} is no {kind}: {error}") from None
    return _array(kind, len(values), b"".join(items), has_nulls=None in values)


def _array(kind: str, count: int, items: bytes, has_nulls: bool = False) -> Packed:
    return Packed(_head(1, has_nulls, _TYPES[kind][0], count, 1) + items)
