"""`--source`: whose ledger a question is about, and how an answer that comes from several is shown to people."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.table import Table

from ops.cli.opening import asked
from ops.cli.output import refuse, table
from ops.wiring import Ledger
from projections.questions import sources
from projections.questions.snapshot import Cursor

T = TypeVar("T")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def _checked(source: str | None) -> str | None:
    """What can be a source's name at all; whether there is such a source is asked of the database."""
    if source is not None and not NAME.fullmatch(source):
        refuse(f"--source must be all or the name of a source (lower-case letters, digits, dashes), not {source!r}.")
    return source


def named_source(source: str) -> str:
    """One source by its name, where `all` makes no sense."""
    if source == sources.ALL:
        refuse("--source: name one source, not all.")
    _checked(source)
    return source


Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="S|all",
        help="Whose ledger: one followed here, or all. Default: the store's own.",
        callback=_checked,
    ),
]


def asked_of(
    ledger: Ledger, source: str | None, of_one: Callable[[Cursor, str], T], of_all: Callable[[Cursor], T]
) -> T:
    """The answer of one ledger about itself, or the nation's."""
    if source == sources.ALL:
        return asked(ledger, of_all)
    return asked(ledger, lambda cursor: of_one(cursor, sources.one(cursor, ledger.source, source)))


# --- for people ------------------------------------------------------------------------------------------------------


def listed(
    columns: Sequence[str], elements: Iterable[dict[str, Any]], row: Callable[[dict[str, Any]], Sequence[object]]
) -> Table:
    """A table of elements; each begins with its source if it says one."""
    every = list(elements)
    if any("source" in one for one in every):
        return table(("source", *columns), ((one.get("source"), *row(one)) for one in every))
    return table(columns, map(row, every))


def nothing(names: str, position: Any) -> str:
    """An empty listing, in place of a table that has nothing but headings."""
    return f"No {names} up to position {told(position)}."


def told(value: Any) -> str:
    """A single value; where it is one by source, each with its source."""
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{said} ({source})" for source, said in value.items()) or "none"


def told_reach(found: dict[str, Any], of_views: Mapping[str, str]) -> str:
    """Up to where an answer holds that several views gave; for each what it gave, where they do not stand together."""
    reached = found["reached"]
    if all(reached[view] == found["position"] for view in of_views):
        return f"up to position {told(found['position'])}"
    return ", ".join(f"{what} up to position {told(reached[view])}" for view, what in of_views.items())
