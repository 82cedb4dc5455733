"""`loans list`, `loans fines`, `loans libraries`, `loans readers`: what libraries lent and what came back."""

from typing import Annotated

import typer

from ops.cli.answers import Asked
from ops.cli.audit import day
from ops.cli.explaining import App
from ops.cli.output import Json, Jsonl, yuan
from ops.cli.sources import Source
from ops.cli.things import Card, answer_things, card_id_of, one_of, only
from projections.questions import loans as questions
from projections.views.business.loans import LOANS

loans = App(help="What libraries lent on cards, and fines.", no_args_is_help=True)
STATES = ("ON_LOAN", "RETURNED")
REASONS = ("OVERDUE", "DAMAGED", "LOST")
LOAN_COLUMNS = ("loan", "state", "card", "item", "lent by", "on", "due", "returned to", "on", "overdue>", "fines>")
FINE_COLUMNS = ("fine", "loan", "card", "library", "charged", "reason", "amount>")
LIBRARY_COLUMNS = ("library", "lent>", "out>", "back>", "for others>", "overdue>", "fines>", "collected>")
READER_COLUMNS = ("card", "lent>", "out>", "overdue>", "fines>", "paid>", "last lent")


@loans.command("list")
def list_loans(
    card: Card = None,
    library: Annotated[str | None, only("L", "Only lent by this library.")] = None,
    returned_to: Annotated[str | None, only("L", "Only taken back by this library.")] = None,
    item: Annotated[str | None, only("I", "Only of this item.")] = None,
    state: Annotated[str | None, only("S", f"Only in this state: {', '.join(STATES)}.")] = None,
    due_by: Annotated[str | None, only("DATE", "Only due on this day or before.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List loans.

    By which library and on which card, until when, and where and by whom the item was returned.

    \b
    Example:
      onecard loans list --library LIB-SH --state ON_LOAN --due-by 2025-06-30
    """
    one_of("--state", state, STATES)
    last = None if due_by is None else day("--due-by", due_by)
    where = {"library": library, "returned_library": returned_to, "item": item, "state": state}
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "loans",
        LOAN_COLUMNS,
        lambda one: (
            *(one[key] for key in ("loan_id", "state", "card_id", "item", "library", "lent_on", "due_on")),
            *(one[key] for key in ("returned_library", "returned_on", "overdue_days")),
            yuan(one["fine_fen"]),
        ),
        LOANS,
        lambda cursor, one: questions.loans(cursor, one, last, card_id=card_id_of(cursor, one, card), **where),
    )


@loans.command("fines")
def list_fines(
    card: Card = None,
    library: Annotated[str | None, only("L", "Only collected by this library.")] = None,
    reason: Annotated[str | None, only("R", f"Only for this: {', '.join(REASONS)}.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List fines that libraries collected.

    \b
    Example:
      onecard loans fines --library LIB-SH --reason LOST
    """
    one_of("--reason", reason, REASONS)
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "fines",
        FINE_COLUMNS,
        lambda one: (
            *(one[key] for key in ("fine_id", "loan_id", "card_id", "library", "charged_on", "reason")),
            yuan(one["amount_fen"]),
        ),
        LOANS,
        lambda cursor, one: questions.fines(
            cursor, one, card_id=card_id_of(cursor, one, card), library=library, reason=reason
        ),
    )


@loans.command("libraries")
def list_libraries(source: Source = None, as_json: Json = False, as_jsonl: Jsonl = False) -> int:
    """List what each library lent and took back.

    Anyone may bring an item to any library: "for others" is what other libraries had lent.

    \b
    Example:
      onecard loans libraries
    """
    names = ("library", "lent", "out", "back", "back_for_others", "back_overdue", "fines")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "libraries",
        LIBRARY_COLUMNS,
        lambda one: (*(one[key] for key in names), yuan(one["fine_fen"])),
        LOANS,
        questions.libraries,
    )


@loans.command("readers")
def list_readers(
    card: Card = None,
    least_out: Annotated[
        int | None, typer.Option("--out", metavar="N", min=0, help="Only with so many items out, or more.")
    ] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List readers by card.

    What each borrowed anywhere, has out, brought back too late, and paid in fines.

    \b
    Example:
      onecard loans readers --out 1
    """
    names = ("card_id", "lent", "out", "back_overdue", "fines")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "readers",
        READER_COLUMNS,
        lambda one: (*(one[key] for key in names), yuan(one["fine_fen"]), one["last_lent_on"]),
        LOANS,
        lambda cursor, one: questions.readers(cursor, one, card_id_of(cursor, one, card), least_out),
    )
