"""`history`, `explain`, `statement`: one card, told from the log."""

from typing import Annotated, Any

import typer
from rich.console import Console

from ledger.core import fields
from ledger.core.rejection import Rejected
from ops.cli.books import ACCOUNT_COLUMNS, Card, account_row
from ops.cli.opening import asked, opened
from ops.cli.output import ROWS_FOR_PEOPLE, Json, Jsonl, answer_list, for_people, refuse, refuse_both, table, yuan
from projections.questions import audit
from projections.questions.audit import Selection

Stream = Annotated[
    str, typer.Argument(metavar="CARD", help="A card_sn, current or retired, a card_id, or any stream's id.")
]


def history(
    card: Stream,
    at_version: Annotated[int | None, typer.Option(min=1, help="Only events up to this card_version.")] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Only what had occurred at this instant (RFC 3339).")
    ] = None,
    recorded_as_of: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Only what was recorded at this instant (RFC 3339).")
    ] = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """Show everything that happened to a card.

    Or its state at a version, at an instant, or as it was known at an instant.

    \b
    Example:
      onecard history 340000D15600000500000000000000A1 --as-of 2025-06-30T16:00:00Z
    """
    refuse_both(as_json, as_jsonl)
    if sum(option is not None for option in (at_version, as_of, recorded_as_of)) > 1:
        refuse("--at-version, --as-of and --recorded-as-of exclude each other: give one.")
    selection = Selection(at_version, instant("--as-of", as_of), instant("--recorded-as-of", recorded_as_of))
    with opened() as ledger:
        found = asked(
            ledger,
            lambda cursor: audit.history(cursor, ledger.source, card, selection, ledger.config, ledger.keyring),
        )
    return answer_list(found, "events", as_json, as_jsonl, _show_history)


def explain(card: Card, as_json: Json = False, as_jsonl: Jsonl = False) -> int:
    """Explain a card's balances, posting by posting.

    \b
    Example:
      onecard explain 340000D15600000500000000000000A1
    """
    refuse_both(as_json, as_jsonl)
    with opened() as ledger:
        found = asked(ledger, lambda cursor: audit.explain(cursor, ledger.source, card))
    return answer_list(found, "accounts", as_json, as_jsonl, _show_explanation)


def statement(
    card: Card,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First business date.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last business date.")],
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """Print a card's statement of account.

    \b
    Example:
      onecard statement 340000D15600000500000000000000A1 --from 2025-06-01 --to 2025-06-30
    """
    refuse_both(as_json, as_jsonl)
    begin, end = day("--from", first), day("--to", last)
    if begin > end:
        refuse("--from must not be later than --to.")
    with opened() as ledger:
        found = asked(ledger, lambda cursor: audit.statement(cursor, ledger.source, card, begin, end))
    return answer_list(found, "accounts", as_json, as_jsonl, _show_statement)


def instant(option: str, text: str | None) -> int | None:
    """An option's instant in microseconds."""
    if text is None:
        return None
    try:
        found: int = fields.instant(text)
    except Rejected as rejected:
        refuse(f"{option} {rejected.message}.")
    return found


def day(option: str, text: str) -> int:
    """An option's business date in days."""
    try:
        found: int = fields.day(text)
    except Rejected as rejected:
        refuse(f"{option} {rejected.message}.")
    return found


def _show_history(found: dict[str, Any]) -> None:
    with for_people() as console:
        console.print(f"{'Stream' if found['card'] is None else 'Card'} {found['card_id']}")
        for span in found["card_sns"]:
            until = "is current" if span["to"] is None else f"until {span['to']}"
            console.print(f"  {span['card_sn']} since {span['from']}, {until}")
        if found["card"] is not None:
            console.print(
                "  " + ", ".join(f"{key} {value}" for key, value in found["card"].items() if value is not None)
            )
        columns = ("version>", "position>", "occurred", "event", "submitter", "reference", "postings")
        rows = [
            (
                event["card_version"],
                event["position"],
                event["occurred_at"],
                event["event"],
                event["submitter"],
                event["reference"],
                "\n".join(f"{yuan(one['amount_fen'])} {one['account']}" for one in event["postings"]),
            )
            for event in found["events"][:ROWS_FOR_PEOPLE]
        ]
        console.print(table(columns, rows))
        _tell_rest(console, found["events"])
        if found["accounts"]:
            console.print(table(ACCOUNT_COLUMNS, map(account_row, found["accounts"])))
        console.print(f"Yuan, up to position {found['position']}.")


def _show_explanation(found: dict[str, Any]) -> None:
    columns = ("position>", "version>", "occurred", "event", "reference", "amount>", "running>")
    with for_people() as console:
        for account in found["accounts"]:
            rows = [
                (
                    posting["position"],
                    posting["card_version"],
                    posting["occurred_at"],
                    posting["event"],
                    posting["reference"],
                    yuan(posting["amount_fen"]),
                    yuan(posting["running_fen"]),
                )
                for posting in account["postings"][:ROWS_FOR_PEOPLE]
            ]
            console.print(table(columns, rows, f"\n{account['account']}: {yuan(account['balance_fen'])}"))
            _tell_rest(console, account["postings"])
        console.print(f"Yuan, up to position {found['position']}.")


def _show_statement(found: dict[str, Any]) -> None:
    columns = ("date", "event", "amount>", "running>", "with", "reference")
    with for_people() as console:
        console.print(f"Card {found['card_id']}, {found['from']} to {found['to']}")
        for account in found["accounts"]:
            rows = [
                (
                    line["business_date"],
                    line["event"],
                    yuan(line["amount_fen"]),
                    yuan(line["running_fen"]),
                    ", ".join(line["counter_accounts"]),
                    line["reference"],
                )
                for line in account["lines"][:ROWS_FOR_PEOPLE]
            ]
            title = f"\n{account['account']}: opening {yuan(account['opening_fen'])}"
            console.print(table(columns, rows, title))
            _tell_rest(console, account["lines"])
            console.print(f"closing {yuan(account['closing_fen'])}")
        console.print(f"Yuan, up to position {found['position']}.")


def _tell_rest(console: Console, rows: list[dict[str, Any]]) -> None:
    """Laying out a table takes its time by the row: a card of a whole career would keep its reader waiting."""
    if len(rows) > ROWS_FOR_PEOPLE:
        console.print(f"... and {len(rows) - ROWS_FOR_PEOPLE:,} more: take all of them by --jsonl.")
