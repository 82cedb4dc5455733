"""State rows: what decisions remember between commands.

A row is named by (kind, key), holds at most 4 KB, and no collection in it grows with history; long lists live in
numbered pages. Rows are derived from events alone, so `verify` can make them all again and compare.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from ledger.core.identity import NO_DIGEST

ROW_LIMIT = 4_096
# How rows are kept. Raised with every change of their fields, their keys or what evolution writes into them: a store
# that has rows of another version is not decided upon before `onecard restore-rows` has made them again.
ROWS_VERSION = 1


class Row(msgspec.Struct, array_like=True):
    """Fields are stored in order as a MessagePack array: add new ones at the end, with a default."""

    kind: ClassVar[str] = ""


class StreamRow(Row):
    """A row that is the head of an event stream. The stream's name is `<kind>:<key>` (a card's: its card_id)."""

    version: int = 0
    digest: str = NO_DIGEST


R = TypeVar("R", bound=Row)


class Page(Row):
    """`SIZE` consecutive items of a list that grows with history. Subclasses declare `items: list[Item]`."""

    SIZE: ClassVar[int] = 32
    items: list[Any]

    @classmethod
    def at(cls, owner: str, index: int) -> str:
        """Key of the page that holds item `index` of the owner's list."""
        return f"{owner}#{index // cls.SIZE}"

    @classmethod
    def empty(cls) -> Self:
        return cls(items=[])


class Rows:
    """What a World offers of rows; here so that pages can be written against it."""

    def get(self, row_type: type[R], key: str) -> R | None:
        """The row, or None. Not to be changed."""
        raise LookupError(key)

    def edit(self, row_type: type[R], key: str) -> R:
        """The existing row, to be changed in place."""
        raise LookupError(key)

    def add(self, key: str, row: R) -> R:
        """A row that does not exist yet."""
        raise LookupError(key)


P = TypeVar("P", bound=Page)


def append(rows: Rows, page: type[P], owner: str, count: int, item: object) -> None:
    """Add item number `count` (the owner keeps the count)."""
    key = page.at(owner, count)
    if count % page.SIZE == 0:
        rows.add(key, page.empty()).items.append(item)
    else:
        rows.edit(page, key).items.append(item)


def item_at(rows: Rows, page: type[P], owner: str, index: int) -> Any:
    found = rows.get(page, page.at(owner, index))
    if found is None:
        raise LookupError(f"{page.kind} {owner} has no item {index}")
    return found.items[index % page.SIZE]


def edit_item(rows: Rows, page: type[P], owner: str, index: int) -> Any:
    """Item for change in place (items are mutable Structs)."""
    return rows.edit(page, page.at(owner, index)).items[index % page.SIZE]


def scan(rows: Rows, page: type[P], owner: str, count: int, start: int = 0) -> Iterator[tuple[int, Any]]:
    """(index, item) from `start` on, in order."""
    for index in range(start, count):
        yield index, item_at(rows, page, owner, index)
