"""Avro's integers: zigzag (twice the number, or one less than twice its negative), then 7 bits a byte, lowest first.

Numbers are most of an event, and Python would spend most of its time on their single bytes. So the compiled functions
take them from tables, and anything unusual is left to `written` and `number_at`, which know all. Between two events the
processor forgets a large table; what is written with is therefore small, or large only where few entries are asked for:

- amounts, counts and dates: `SHORT`, or `FIRST` and `ENDING`;
- instants, always 8 bytes from 1970 to 3111: four single bytes, and the upper 4 bytes, which change every two minutes
  and are therefore remembered. They are read as two pairs of bytes and the upper 4.
"""

from struct import Struct
from struct import error as StructError

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
_FOURTEEN = 1 << 14
_UPPER_REMEMBERED = 1 << 12


class Malformed(Exception):
    """The bytes do not follow the schema."""


def _unsigned(bits: int) -> bytes:
    result = bytearray()
    while bits > 0x7F:
        result.append(bits & 0x7F | 0x80)
        bits >>= 7
    result.append(bits)
    return bytes(result)


# Writing: a number below 64, the first byte of a larger one, a byte between, and what stands last.
SHORT = [_unsigned(number << 1) for number in range(64)]
FIRST = [bytes((number << 1 | 0x80,)) for number in range(64)]
GOING_ON = [bytes((bits | 0x80,)) for bits in range(128)]
ENDING = [_unsigned(bits) for bits in range(_FOURTEEN)]


def written(number: int) -> bytes:
    """The bytes of any 64-bit number."""
    if 8192 <= number < 1 << 27:
        return FIRST[number & 63] + GOING_ON[number >> 6 & 127] + ENDING[number >> 13]
    if not LOWEST <= number <= HIGHEST:
        raise ValueError(f"{number} has more than 64 bits")
    return _unsigned(number << 1 if number >= 0 else (-number << 1) - 1)


def number_at(data: bytes, start: int) -> tuple[int, int]:
    """The number that begins at `start`, and where the next field begins."""
    zigzag = shift = 0
    for end in range(start, start + 10):
        byte = data[end]
        zigzag |= (byte & 0x7F) << shift
        if byte < 0x80:
            if zigzag >> 64:
                break
            return (zigzag >> 1) ^ -(zigzag & 1), end + 1
        shift += 7
    raise Malformed("an integer of more than 64 bits")


def _pair(bits: int) -> int:
    return bits & 0x7F | 0x80 | (bits >> 7 | 0x80) << 8


# Reading an instant: its first two pairs of bytes, as little-endian numbers, and what they add.
PAIRS_AT = Struct("<HH").unpack_from
FIRST_PAIR = {_pair(bits): bits >> 1 for bits in range(0, _FOURTEEN, 2)}
SECOND_PAIR = {_pair(bits): bits << 13 for bits in range(_FOURTEEN)}


class _UpperWritten(dict[int, bytes]):
    """Upper part of an instant (`>> 27`) -> its last 4 bytes; KeyError if they are not 4."""

    def __missing__(self, upper: int) -> bytes:
        result = _unsigned(upper) if upper >= 0 else b""
        if len(result) != 4:
            raise KeyError(upper)
        if len(self) >= _UPPER_REMEMBERED:
            self.clear()
        self[upper] = result
        return result


class _UpperRead(dict[bytes, int]):
    """Last 4 bytes of an instant -> what they add; KeyError if the number does not end with them."""

    def __missing__(self, last: bytes) -> int:
        if len(last) != 4 or last[3] > 0x7F or not last[0] & last[1] & last[2] & 0x80:
            raise KeyError(last)
        result = sum((byte & 0x7F) << shift for byte, shift in zip(last, (27, 34, 41, 48), strict=True))
        if len(self) >= _UPPER_REMEMBERED:
            self.clear()
        self[last] = result
        return result


UPPER_WRITTEN = _UpperWritten()
UPPER_READ = _UpperRead()


def instant_at(data: bytes, start: int) -> tuple[int, int]:
    """The same as `number_at`, quicker for instants: for who wants no more of an event than when it was."""
    try:
        first, second = PAIRS_AT(data, start)
        return FIRST_PAIR[first] + SECOND_PAIR[second] + UPPER_READ[data[start + 4 : start + 8]], start + 8
    except (KeyError, StructError):
        return number_at(data, start)
