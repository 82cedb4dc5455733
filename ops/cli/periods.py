"""`--from` and `--to`: the first and the last day of what a list is about."""

from typing import Annotated

from ops.cli.audit import day
from ops.cli.output import refuse
from ops.cli.things import only

First = Annotated[str | None, only("DATE", "Only from this day on.", "--from")]
Last = Annotated[str | None, only("DATE", "Only up to this day.", "--to")]
Period = tuple[int | None, int | None]


def period(first: str | None, last: str | None) -> Period:
    """Both in days; None where it has no bound."""
    begin, end = None if first is None else day("--from", first), None if last is None else day("--to", last)
    if begin is not None and end is not None and begin > end:
        refuse(f"--from {first} is later than --to {last}.")
    return begin, end
