"""Compiles a schema to the function that reads its events.

`at` walks through the bytes, field by field. Bytes the schema does not allow make the function raise one of
`REFUSALS`, or end at another place than the end of the bytes, which the caller must compare: a slice behind the end is
silently short.
"""

from collections.abc import Callable
from struct import error as StructError
from typing import Any

from ledger.store.wire.numbers import Malformed
from ledger.store.wire.source import UUID_BYTES, Source
from schemas.files import Definition

Reader = Callable[[bytes, int], tuple[dict[str, Any], int]]
REFUSALS = (IndexError, KeyError, UnicodeDecodeError, Malformed)


def compiled_reader(definition: Definition) -> Reader:
    """The function from bytes and the place where the body begins to the event and the place where it ended."""
    source = Source(definition)
    event = _record(source, definition["fields"], "    ")
    source.add("    ", f"return {event}, at")
    reader: Reader = source.function("read(data, at)")
    reader.__globals__["StructError"] = StructError
    return reader


def _record(source: Source, fields: list[Definition], indent: str) -> str:
    """Adds the reading of the fields in order, and returns the expression of the dict they make."""
    entries = []
    for field in fields:
        target = source.name("value")
        _value(source, field["type"], target, indent)
        entries.append(f"{field['name']!r}: {target}")
    return "{" + ", ".join(entries) + "}"


def _value(source: Source, avro: object, target: str, indent: str) -> None:
    """Adds lines that set `target` to the value at `at` and move `at` behind it."""
    kind = source.resolved(avro)
    match kind["type"]:
        case "string":
            source.add(indent, STRING.replace("TARGET", target))
        case "long" if kind.get("logicalType") == "timestamp-micros":
            source.add(indent, INSTANT.replace("TARGET", target))
        case "int" | "long":
            source.add(indent, NUMBER.replace("TARGET", target))
        case "boolean":
            booleans = source.constant("booleans", {0: False, 1: True})
            source.add(indent, f"{target} = {booleans}[data[at]]\nat += 1")
        case "enum":
            symbols = source.constant("symbols", {2 * index: symbol for index, symbol in enumerate(kind["symbols"])})
            source.add(indent, f"{target} = {symbols}[data[at]]\nat += 1")
        case "fixed":
            source.add(indent, f"{target} = data[at:(at := at + {kind['size']})].hex()")
            if kind["size"] == UUID_BYTES:
                source.add(indent, DASHES.replace("TARGET", target))
        case "optional":
            source.add(indent, OPTIONAL.replace("TARGET", target))
            _value(source, kind["of"], target, indent + "    ")
        case "array" | "map":
            _collection(source, kind, target, indent)
        case _:
            raise TypeError(f"no event of ours has the type {kind['type']}")


# Up to 63 bytes, the length is one byte: twice the number, below 128 and even.
STRING = """
if (size := data[at]) & 129:
    size, at = number_at(data, at)
    if size < 0:
        raise Malformed("a negative length")
    TARGET = data[at:(at := at + size)].decode()
else:
    at += 1
    TARGET = data[at:(at := at + (size >> 1))].decode()
"""

# One, two or three bytes; 16512 takes both "more follows" bits off at once.
NUMBER = """
TARGET = data[at]
if TARGET < 128:
    at += 1
elif (more := data[at + 1]) < 128:
    TARGET += (more << 7) - 128
    at += 2
elif (last := data[at + 2]) < 128:
    TARGET += (more << 7) + (last << 14) - 16512
    at += 3
else:
    TARGET, at = number_at(data, at)
    TARGET = TARGET << 1 if TARGET >= 0 else (-TARGET << 1) - 1
TARGET = ~(TARGET >> 1) if TARGET & 1 else TARGET >> 1
"""

INSTANT = """
try:
    first, second = PAIRS_AT(data, at)
    TARGET = FIRST_PAIR[first] + SECOND_PAIR[second] + UPPER_READ[data[at + 4:at + 8]]
    at += 8
except (KeyError, StructError):
    TARGET, at = number_at(data, at)
"""

DASHES = "TARGET = f'{TARGET[:8]}-{TARGET[8:12]}-{TARGET[12:16]}-{TARGET[16:20]}-{TARGET[20:]}'"

OPTIONAL = """
branch = data[at]
at += 1
if branch == 0:
    TARGET = None
elif branch != 2:
    raise Malformed("no such branch")
else:
"""


def _collection(source: Source, kind: Definition, target: str, indent: str) -> None:
    """Adds the reading of an array or map: our writer makes one block, others may make several."""
    count, value = source.name("count"), source.name("value")
    empty = "{}" if kind["type"] == "map" else "[]"
    source.add(indent, BLOCKS.replace("TARGET", target).replace("EMPTY", empty).replace("COUNT", count))
    inside = indent + "        "
    if kind["type"] == "map":
        key = source.name("key")
        _value(source, "string", key, inside)
        _value(source, kind["values"], value, inside)
        source.add(inside, f"{target}[{key}] = {value}")
        source.add(indent, "at += 1")
        return
    items = source.resolved(kind["items"])
    if items["type"] == "record":
        value = _record(source, items["fields"], inside)
    else:
        _value(source, kind["items"], value, inside)
    source.add(inside, f"{target}.append({value})")
    source.add(indent, "at += 1")


BLOCKS = """
TARGET = EMPTY
while COUNT := data[at]:
    COUNT, at = number_at(data, at)
    if COUNT < 0:
        COUNT = -COUNT
        _, at = number_at(data, at)
    for _ in range(COUNT):
"""
