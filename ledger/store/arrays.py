"""Columns of many values as cheap parameters.

Dumping a list of strings quotes each in Python; one joined string is split by the server in no time. No value that gets
here holds the separator: ids, references, keys and codes are printable ASCII (contract 0.3).
"""

from collections.abc import Iterable

SEPARATOR = "\x1f"
TEXTS = "string_to_array(%s, E'\\x1f')"
BIGINTS = "string_to_array(%s, ',')::bigint[]"
UUIDS = "string_to_array(%s, ',')::uuid[]"
BYTES = "%b::bytea[]"


def texts(values: Iterable[str]) -> str:
    """For TEXTS; at least one value."""
    return SEPARATOR.join(values)


def plain(values: Iterable[int | str]) -> str:
    """For BIGINTS and UUIDS; at least one value."""
    return ",".join(map(str, values))
