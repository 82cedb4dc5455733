"""Which service items a regional scheme has switched on, where and when (contract 0.9, 8.6)."""

from collections.abc import Iterator
from typing import ClassVar

from ledger.core import rows
from ledger.core.rows import Page, Row, Rows


class Enabled(Row):
    """One period; `valid_to` None: open."""

    valid_from: int
    valid_to: int | None = None

    def holds(self, day: int) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def overlaps(self, other: "Enabled") -> bool:
        """Whether two periods have a day in common."""
        later = max(self.valid_from, other.valid_from)
        return self.holds(later) and other.holds(later)


class EnabledPage(Page):
    kind: ClassVar[str] = "scheme_item_page"
    items: list[Enabled]


class SchemeItem(Row):
    """Key: scheme:item:province."""

    kind: ClassVar[str] = "scheme_item"
    periods: int = 0


def item_key(scheme: str, item: str, province: str) -> str:
    return f"{scheme}:{item}:{province}"


def keys(scheme: str, item: str, province: str) -> Iterator[tuple[type[Row], str]]:
    """Rows that tell whether an item is switched on."""
    key = item_key(scheme, item, province)
    yield SchemeItem, key
    yield EnabledPage, EnabledPage.at(key, 0)


def periods(world: Rows, key: str) -> Iterator[Enabled]:
    """When an item is on in a province."""
    found = world.get(SchemeItem, key)
    if found is not None:
        for _, period in rows.scan(world, EnabledPage, key, found.periods):
            yield period


def is_enabled(world: Rows, scheme: str, item: str, province: str, day: int) -> bool:
    return any(period.holds(day) for period in periods(world, item_key(scheme, item, province)))
