"""Reading the many lines that have nothing wrong with them, several times faster than walking over them (ADR 0010).

The decoder of JSON checks types, patterns, words and bounds while it reads. It is told them by the same fields as the
walk, and it only ever says yes or nothing: a line it does not take is walked, and refused there, in the contract's
order. It takes less than the walk does (no escapes, no null) and never more or otherwise; a test compares the two.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NotRequired, TypedDict

import msgspec

from ledger.core.fields import UNCHANGED, Field, Parse
from ledger.core.rejection import Rejected

NAME: Final = re.compile(rb'"command"[ \t\r]*:[ \t\r]*"([A-Za-z]+)"')
REFUSALS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Rejected)

_encode = msgspec.json.Encoder().encode


class Swift:
    """Readers of commands, each made when its first line comes."""

    def __init__(self, commands: Mapping[str, tuple[Field, ...]]) -> None:
        self._commands = commands
        self._readers: dict[bytes, _Reader] = {}

    def read(self, raw: bytes) -> dict[str, Any] | None:
        """The fields on a line as the core keeps them, each right for itself; None if the line must be walked."""
        named = NAME.search(raw)
        if named is None or b"\\" in raw:
            return None
        reader = self._readers.get(named[1])
        if reader is None:
            name = named[1].decode()
            if name not in self._commands:
                return None
            reader = self._readers[named[1]] = _Reader(name, self._commands[name])
        try:
            return reader.read(raw)
        except REFUSALS:
            return None


class _Reader:
    def __init__(self, name: str, fields: tuple[Field, ...]) -> None:
        literal: Any = Literal
        taken: dict[str, Any] = {"command": literal[name]}
        for field in fields:
            kind = UNCHANGED.get(field.parse, Any)
            taken[field.name] = kind if field.required else NotRequired[kind]
        typed: Any = TypedDict
        self._decode = msgspec.json.Decoder(typed(name, taken)).decode
        self._changed: tuple[tuple[str, Parse], ...] = tuple(
            (field.name, field.parse) for field in fields if field.parse not in UNCHANGED
        )

    def read(self, raw: bytes) -> dict[str, Any] | None:
        found: dict[str, Any] = self._decode(raw)
        # The decoder passes over unknown fields and keeps the last of two equal keys. Without escapes every quote is an
        # end of a key or a string: as many quotes written back as came say that nothing was left out.
        if _encode(found).count(b'"') != raw.count(b'"'):
            return None
        for name, parse in self._changed:
            if name in found:
                found[name] = parse(found[name])
        return found
