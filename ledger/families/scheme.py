"""Which service items a regional scheme has switched on, where and when (contract 0.9, 8.6)."""

from typing import ClassVar

from ledger.core import rows
from ledger.core.rows import Page, Row, Rows


class Enabled(Row):
    """One period; `valid_to` None: open."""

    valid_from: int
    valid_to: int | None = None


class EnabledPage(Page):
    kind: ClassVar[str] = "scheme_item_page"
    items: list[Enabled]


class SchemeItem(Row):
    """Key: scheme:item:province."""

    kind: ClassVar[str] = "scheme_item"
    periods: int = 0


def is_enabled(world: Rows, scheme: str, item: str, province: str, day: int) -> bool:
    key = f"{scheme}:{item}:{province}"
    found = world.get(SchemeItem, key)
    if found is None:
        return False
    return any(
        period.valid_from <= day and (period.valid_to is None or day <= period.valid_to)
        for _, period in rows.scan(world, EnabledPage, key, found.periods)
    )
