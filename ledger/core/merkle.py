"""The tree of hashes that seals the log: RFC 6962 with SHA-256, grown leaf by leaf.

A tree of any size is kept as the roots of the complete subtrees it is made of (its frontier): one hash for each bit of
the size, so it grows in memory that does not depend on it, and any later tree can be shown to begin with it.
"""

import hashlib
from collections.abc import Iterable
from typing import Self

LEAF = b"\x00"
NODE = b"\x01"


class Tree:
    """`size`: leaves so far; `frontier`: roots of its complete subtrees, largest first."""

    __slots__ = ("frontier", "size")

    def __init__(self, size: int = 0, frontier: Iterable[bytes] = ()) -> None:
        self.size = size
        self.frontier = list(frontier)
        if len(self.frontier) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")

    def copy(self) -> Self:
        return type(self)(self.size, self.frontier)

    def add(self, data: bytes) -> None:
        """One leaf more; equal subtrees at its side become one."""
        hashed = hashlib.sha256(LEAF + data).digest()
        waiting = self.size
        while waiting & 1:
            hashed = hashlib.sha256(NODE + self.frontier.pop() + hashed).digest()
            waiting >>= 1
        self.frontier.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        """The hash of the whole tree, uneven ones split at the largest power of two below their size."""
        if not self.frontier:
            return hashlib.sha256().digest()
        *larger, hashed = self.frontier
        for subtree in reversed(larger):
            hashed = hashlib.sha256(NODE + subtree + hashed).digest()
        return hashed
