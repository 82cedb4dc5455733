"""Rows in memory up to a bound: what was not touched for a while is let go and read back when an event needs it."""

from typing import Final

from ledger.core.rows import Row
from ledger.core.world import Name

FILTER_BYTES: Final = 1 << 25
_MASK: Final = FILTER_BYTES * 8 - 1


class Stored:
    """Names that may have been written: never wrong about those that were, seldom about others. 32 MiB for ever."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, name: Name) -> None:
        if not self._bits:
            self._bits = bytearray(FILTER_BYTES)
        hashed = hash(name)
        for bit in (hashed & _MASK, hashed >> 30 & _MASK):
            self._bits[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, name: Name) -> bool:
        hashed, bits = hash(name), self._bits
        first, second = hashed & _MASK, hashed >> 30 & _MASK
        return bool(bits) and bool(bits[first >> 3] >> (first & 7) & bits[second >> 3] >> (second & 7) & 1)


class Generations(dict[Name, Row | None]):
    """Rows by name in two generations: a look into the older one brings a row into the younger.

    A name that is in neither and was never written is known to have no row, so nobody is asked for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._older: dict[Name, Row | None] = {}
        self.stored = Stored()
        self.has_aged = False

    def __missing__(self, name: Name) -> Row | None:
        if name in self._older:
            row = self[name] = self._older.pop(name)
            return row
        if self.has_aged and name in self.stored:
            raise KeyError(name)
        self[name] = None
        return None

    def __contains__(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        if name in self._older:
            self[name] = self._older.pop(name)
            return True
        return False

    def age(self) -> None:
        """Let the older generation go. Whatever changed must have been written and told to `stored` before."""
        self._older = dict(self)
        self.clear()
        self.has_aged = True
