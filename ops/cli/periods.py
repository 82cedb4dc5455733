"""`--from` and `--to`: the first and the last day, or month, of what a list is about."""

from typing import Annotated, TypeVar

from ops.cli.audit import day
from ops.cli.clearing_acts import month
from ops.cli.output import refuse
from ops.cli.things import only

First = Annotated[str | None, only("DATE", "Only from this day on.", "--from")]
Last = Annotated[str | None, only("DATE", "Only up to this day.", "--to")]
FirstMonth = Annotated[str | None, only("M", "Only from this month on, such as 2025-06.", "--from")]
LastMonth = Annotated[str | None, only("M", "Only up to this month.", "--to")]
Bound = TypeVar("Bound", int | None, str | None)
Period = tuple[int | None, int | None]


def period(first: str | None, last: str | None) -> Period:
    """Both in days; None where it has no bound."""
    begin, end = None if first is None else day("--from", first), None if last is None else day("--to", last)
    _in_order(begin, end)
    return begin, end


def months(first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """Both as they are; None where it has no bound."""
    found = None if first is None else month("--from", first), None if last is None else month("--to", last)
    _in_order(*found)
    return found


def _in_order(first: Bound, last: Bound) -> None:
    if first is not None and last is not None and first > last:
        refuse("--from is later than --to.")
