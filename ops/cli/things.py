"""Lists of things: one document, one object a line, or a table of the first of them."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Annotated, Any, TypeVar

import typer

from ops.cli.answers import Asked, answer_about, answer_listing
from ops.cli.opening import opened
from ops.cli.output import ROWS_FOR_PEOPLE, for_people, is_text, refuse, refuse_both, yuan
from ops.cli.sources import listed, nothing, told
from projections.questions import streams
from projections.questions.snapshot import Cursor
from projections.questions.things import Listing, OfAll
from projections.views.business.folded import Folded

Element = dict[str, Any]
Row = Callable[[Element], Sequence[object]]
L = TypeVar("L", bound=Listing)


def only(metavar: str, help_text: str, option: str | None = None) -> Any:
    """An option that asks for things of one value only."""

    def checked(value: str | None) -> str | None:
        if value is not None and not is_text(value):
            refuse(f"{metavar} must be UTF-8.")
        return value

    names = () if option is None else (option,)
    return typer.Option(*names, metavar=metavar, help=help_text, callback=checked)


Card = Annotated[str | None, only("CARD", "Only of this card: a card_sn or card_id.")]


def card_id_of(cursor: Cursor, source: str, card: str | None) -> str | None:
    """The card an option names; Unknown if it names none."""
    return None if card is None else streams.find_card(cursor, source, card).stream_id


def one_of(option: str, given: str | None, known: Sequence[str]) -> None:
    """Refuse a word that nothing can be."""
    if given is not None and given not in known:
        refuse(f"{option} must be one of {', '.join(known)}, not {given!r}.")


def yuans(one: Element, *names: str) -> list[str]:
    """Amounts of an element, for people."""
    return [yuan(one[f"{name}_fen"]) for name in names]


def answer_parts(
    asked: Asked,
    thing: str,
    given: str,
    name: str,
    view: Folded,
    of_one: Callable[[Cursor, str], L],
    show: Callable[[L], None],
) -> int:
    """One `thing`, known by the id that was `given`, as the list `name` of its parts and what stands beside it."""
    refuse_both(asked.as_json, asked.as_jsonl)
    if not is_text(given):
        refuse(f"{thing.upper()} must be UTF-8.")

    with opened() as ledger:
        return answer_listing(
            ledger,
            asked,
            (view.name,),
            name,
            of_one,
            lambda cursor: refuse(f"one {thing} is of one ledger: name it by --source, all is for lists."),
            show,
        )


def answer_things(
    asked: Asked, name: str, columns: Sequence[str], row: Row, view: Folded, of_one: Callable[[Cursor, str], Listing]
) -> int:
    """The list `name` of a document, as it is read: it may be longer than memory. `of_one`: asked of one ledger."""
    refuse_both(asked.as_json, asked.as_jsonl)
    with opened() as ledger:
        return answer_listing(
            ledger,
            asked,
            (view.name,),
            name,
            of_one,
            lambda cursor: OfAll(cursor, view, of_one),
            lambda one: show_things(one, name, columns, row),
        )


def answer_file(
    source: str | None,
    as_json: bool,
    views: Sequence[Folded],
    of_one: Callable[[Cursor, str], dict[str, Any]],
    show: Callable[[dict[str, Any]], None],
) -> int:
    """Everything that one ledger knows of one holder."""
    with opened() as ledger:
        return answer_about(
            ledger,
            Asked(source, as_json, False),
            [view.name for view in views],
            None,
            of_one,
            lambda cursor: refuse("one file is of one ledger: name it by --source, all is for lists."),
            show,
        )


def show_things(found: Listing, name: str, columns: Sequence[str], row: Row) -> None:
    """A table of the first elements, and how many more there are."""
    elements = found.rows()
    with for_people() as console:
        first = list(islice(elements, ROWS_FOR_PEOPLE))
        if first:
            console.print(listed(columns, first, row))
        else:
            console.print(nothing(name, found.rest()["position"]))
            return
        if more := sum(1 for _ in elements):
            console.print(f"... and {more:,} more: ask for fewer, or take all of them by --jsonl.")
        console.print(f"Up to position {told(found.rest()['position'])}.")
