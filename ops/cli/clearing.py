"""`onecard clearing`: lines, tables, notices, nets and single settlements, asked of the clearing view."""

import re
from functools import partial
from typing import Annotated

import typer

from ops.cli import clearing_acts, clearing_shown
from ops.cli.answers import Asked, answer_about, answer_listing
from ops.cli.clearing_acts import Month, month
from ops.cli.explaining import App
from ops.cli.opening import opened
from ops.cli.output import Json, Jsonl, is_text, refuse, refuse_both
from ops.cli.sources import Source
from projections.questions import clearing as questions
from projections.questions import clearing_lines, clearing_show
from projections.questions.national import clearing as national
from projections.questions.national.show import show as national_show
from projections.views.clearing.view import NAME

ABOUT = """Monthly clearing between provinces.

    A month in order: compare (reconcile), dispute, look (table), cut off, close, issue notices, pay. Disputes, notices
    and remittances are commands for `onecard submit`; docs/offices.md goes through a month with all of them.

    \b
    Example:
      onecard clearing table 2025-06
      onecard clearing cut-off 2025-06 --submitter NHSA --reference cut-2025-06
      onecard clearing close 2025-06 --submitter NHSA --reference close-2025-06
      onecard clearing notices 2025-06
"""
clearing = App(help=ABOUT, no_args_is_help=True)

Book = Annotated[str | None, typer.Option(metavar="MEDICAL|PASS", help="Only this book.")]
Home = Annotated[str | None, typer.Option(metavar="P", help="Only what this home province owes.")]
Treatment = Annotated[str | None, typer.Option(metavar="P", help="Only what this treatment province is owed.")]
BOOKS = ("MEDICAL", "PASS")
PROVINCE = re.compile("[0-9]{2}")


@clearing.command("lines")
def clearing_lines_(
    cycle: Annotated[str | None, typer.Option(metavar="M", help="Only lines taken by this cycle.")] = None,
    state: Annotated[
        str | None, typer.Option(metavar="S", help=f"Only lines in this state: {', '.join(clearing_lines.STATES)}.")
    ] = None,
    deferred: Annotated[
        bool, typer.Option("--deferred", help="Only lines that cut-offs left behind and none has taken yet.")
    ] = False,
    book: Book = None,
    home: Home = None,
    treatment: Treatment = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List clearing lines with their states.

    \b
    Example:
      onecard clearing lines --deferred --treatment 31
    """
    refuse_both(as_json, as_jsonl)
    if cycle is not None:
        month("--cycle", cycle)
    if state is not None and state not in clearing_lines.STATES:
        refuse(f"--state must be one of {', '.join(clearing_lines.STATES)}, not {state!r}.")
    rows = filters(book, home, treatment)
    wanted = clearing_lines.Wanted(cycle, state, deferred, rows.book, rows.home, rows.treatment)
    with opened() as ledger:
        return answer_listing(
            ledger,
            Asked(source, as_json, as_jsonl),
            (NAME,),
            "lines",
            lambda cursor, one: clearing_lines.Lines(cursor, one, wanted),
            lambda cursor: national.Lines(cursor, wanted),
            clearing_shown.show_lines,
        )


@clearing.command("table")
def clearing_table(
    cycle: Month,
    book: Book = None,
    home: Home = None,
    treatment: Treatment = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """Show the table of a cycle.

    Of one that is not cut off yet: what a cut-off would take of what the view has seen.

    \b
    Example:
      onecard clearing table 2025-06
    """
    refuse_both(as_json, as_jsonl)
    name, wanted = month("MONTH", cycle), filters(book, home, treatment)
    with opened() as ledger:
        return answer_about(
            ledger,
            Asked(source, as_json, as_jsonl),
            (NAME,),
            "rows",
            lambda cursor, one: questions.table(cursor, one, name, ledger.config, wanted),
            lambda cursor: national.table(cursor, name, ledger.config, wanted),
            partial(clearing_shown.show_table, is_part=wanted != questions.ALL),
        )


@clearing.command("notices")
def clearing_notices(
    cycle: Month,
    book: Book = None,
    home: Home = None,
    treatment: Treatment = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """Show who has to pay whom.

    For a closed cycle: amounts, what was paid of them, and how much of its prepayment a pair used.

    \b
    Example:
      onecard clearing notices 2025-06
    """
    refuse_both(as_json, as_jsonl)
    name, wanted = month("MONTH", cycle), filters(book, home, treatment)
    with opened() as ledger:
        return answer_about(
            ledger,
            Asked(source, as_json, as_jsonl),
            (NAME,),
            "notices",
            lambda cursor, one: questions.notices(cursor, one, name, ledger.config, wanted),
            lambda cursor: national.notices(cursor, name, ledger.config, wanted),
            clearing_shown.show_notices,
        )


@clearing.command("net")
def clearing_net(
    cycle: Month, book: Book = None, source: Source = None, as_json: Json = False, as_jsonl: Jsonl = False
) -> int:
    """Show what two provinces owe each other.

    Both directions and what is left if they were set off: for information only, each is paid by its own notice.

    \b
    Example:
      onecard clearing net 2025-06
    """
    refuse_both(as_json, as_jsonl)
    name, wanted = month("MONTH", cycle), filters(book)
    with opened() as ledger:
        return answer_about(
            ledger,
            Asked(source, as_json, as_jsonl),
            (NAME,),
            "pairs",
            lambda cursor, one: questions.net(cursor, one, name, wanted.book),
            lambda cursor: national.net(cursor, name, ledger.config, wanted.book),
            clearing_shown.show_net,
        )


@clearing.command("show")
def clearing_show_(
    name: Annotated[str, typer.Argument(metavar="ID", help="A settlement_id, spend_id, pass_id or notice_id.")],
    source: Source = None,
    as_json: Json = False,
) -> int:
    """Show one settlement, or one notice.

    A settlement with its lines and events; a notice with its rows and remittances.

    \b
    Example:
      onecard clearing show 2025-06-MEDICAL-34-31
    """
    if not is_text(name):
        refuse("ID must be UTF-8.")
    with opened() as ledger:
        return answer_about(
            ledger,
            Asked(source, as_json, False),
            (NAME,),
            None,
            lambda cursor, one: clearing_show.show(cursor, one, name, ledger.config),
            lambda cursor: national_show(cursor, name, ledger.config),
            clearing_shown.show_one,
        )


clearing.command("cut-off")(clearing_acts.cut_off)
clearing.command("close")(clearing_acts.close)
clearing.command("reconcile")(clearing_acts.reconcile)


def filters(book: str | None = None, home: str | None = None, treatment: str | None = None) -> questions.Wanted:
    """Which rows or pairs the options ask for."""
    if book is not None and book not in BOOKS:
        refuse(f"--book must be MEDICAL or PASS, not {book!r}.")
    for option, code in (("--home", home), ("--treatment", treatment)):
        if code is not None and not PROVINCE.fullmatch(code):
            refuse(f"{option} must be a province code of 2 digits, not {code!r}.")
    return questions.Wanted(book, home, treatment)
