"""Compiles a schema to the function that writes its events.

The function evaluates one expression per piece of bytes and joins them. What an event may not hold (a missing or
unknown field, a wrong type, a symbol not listed or meant for readers only, a hash of another length) makes it raise
one of `REFUSALS`.
"""

from collections.abc import Callable
from typing import Any

from ledger.store.wire.numbers import written
from ledger.store.wire.source import HASH_BYTES, Source
from schemas.files import Definition

Writer = Callable[[dict[str, Any]], bytes]
REFUSALS = (KeyError, AttributeError, TypeError, ValueError)


def compiled_writer(definition: Definition, header: bytes) -> Writer:
    """The function from an event to `header` followed by its Avro bytes."""
    source = Source(definition)
    fields = definition["fields"]
    source.add("    ", f"if len(event) != {len(fields)}:\n    raise ValueError('fields the schema does not have')")
    pieces = [source.constant("header", header)]
    for field in fields:
        pieces += _value(source, field["type"], f"event[{field['name']!r}]", "    ")
    source.add("    ", f"return b''.join(({', '.join(pieces)}))")
    writer: Writer = source.function("write(event)")
    return writer


def _value(source: Source, avro: object, value: str, indent: str) -> list[str]:
    """Adds what must be done first, and returns the expressions whose bytes are those of `value`."""
    kind = source.resolved(avro)
    match kind["type"]:
        case "string":
            text = source.name("text")
            source.add(indent, f"{text} = {value}.encode()")
            return [f"SHORT[size] if (size := len({text})) < 64 else written(size)", text]
        case "int":
            return [_number(source, value, indent, bits=32)]
        case "long" if kind.get("logicalType") == "timestamp-micros":
            return _instant(source, value, indent)
        case "long":
            return [_number(source, value, indent, bits=64)]
        case "boolean":
            return [f"{source.constant('booleans', {False: bytes([0]), True: bytes([1])})}[{value}]"]
        case "enum":
            known = [symbol for symbol in kind["symbols"] if symbol != kind.get("default")]
            symbols = {symbol: written(kind["symbols"].index(symbol)) for symbol in known}
            return [f"{source.constant('symbols', symbols)}[{value}]"]
        case "fixed":
            return [_fixed(source, kind["size"], value, indent)]
        case "optional":
            return [_optional(source, kind["of"], value, indent)]
        case "array" | "map":
            return [_collection(source, kind, value, indent)]
    raise TypeError(f"no event of ours has the type {kind['type']}")


def _number(source: Source, value: str, indent: str, bits: int) -> str:
    number, result = source.name("number"), source.name("bytes")
    limit = f"\nelif not -{1 << bits - 1} <= {number} < {1 << bits - 1}:\n    raise ValueError({number})"
    source.add(
        indent,
        f"""
{number} = {value}
if 0 <= {number} < 64:
    {result} = SHORT[{number}]
elif 64 <= {number} < 1048576:
    {result} = FIRST[{number} & 63] + ENDING[{number} >> 6]{limit if bits == 32 else ""}
else:
    {result} = written({number})
""",
    )
    return result


def _instant(source: Source, value: str, indent: str) -> list[str]:
    instant = source.name("instant")
    pieces = first, second, third, fourth, upper = [source.name("bytes") for _ in range(5)]
    source.add(
        indent,
        f"""
{instant} = {value}
lower = {instant} & 134217727
try:
    {upper} = UPPER_WRITTEN[{instant} >> 27]
except KeyError:
    {first} = written({instant})
    {second} = {third} = {fourth} = {upper} = b''
else:
    {first} = FIRST[lower & 63]
    {second} = GOING_ON[lower >> 6 & 127]
    {third} = GOING_ON[lower >> 13 & 127]
    {fourth} = GOING_ON[lower >> 20]
""",
    )
    return pieces


def _fixed(source: Source, size: int, value: str, indent: str) -> str:
    raw = source.name("raw")
    text = value if size == HASH_BYTES else f"{value}.replace('-', '')"
    source.add(indent, f"{raw} = fromhex({text})\nif len({raw}) != {size}:\n    raise ValueError({value})")
    return raw


def _optional(source: Source, inner: object, value: str, indent: str) -> str:
    present, result = source.name("present"), source.name("bytes")
    source.add(indent, f"{present} = {value}\nif {present} is None:\n    {result} = b'\\x00'\nelse:")
    pieces = _value(source, inner, present, indent + "    ")
    source.add(indent, f"    {result} = b''.join((b'\\x02', {', '.join(pieces)}))")
    return result


def _collection(source: Source, kind: Definition, value: str, indent: str) -> str:
    """An array or map in one block; a map by ascending key, so that equal events have equal bytes."""
    values, result, parts, each = (source.name(stem) for stem in ("values", "bytes", "parts", "each"))
    source.add(indent, f"{values} = {value}\n{result} = b'\\x00'\nif size := len({values}):")
    source.add(indent, f"    {parts} = [SHORT[size] if size < 64 else written(size)]")
    inside = indent + "        "
    if kind["type"] == "map":
        source.add(indent, f"    for {each} in sorted({values}):")
        pieces = _value(source, "string", each, inside)
        pieces += _value(source, kind["values"], f"{values}[{each}]", inside)
    else:
        source.add(indent, f"    for {each} in {values}:")
        pieces = _item(source, kind["items"], each, inside)
    source.add(inside, f"{parts} += ({', '.join(pieces)},)")
    source.add(indent, f"    {parts}.append(b'\\x00')\n    {result} = b''.join({parts})")
    return result


def _item(source: Source, avro: object, each: str, indent: str) -> list[str]:
    items = source.resolved(avro)
    if items["type"] != "record":
        return _value(source, avro, each, indent)
    source.add(indent, f"if len({each}) != {len(items['fields'])}:\n    raise ValueError({each})")
    pieces = []
    for field in items["fields"]:
        pieces += _value(source, field["type"], f"{each}[{field['name']!r}]", indent)
    return pieces
