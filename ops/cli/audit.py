"""`history`, `explain`, `statement`: one card, told from the log."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from ledger.core import fields
from ledger.core.rejection import Rejected
from ops.cli.answers import Asked, answer_about
from ops.cli.books import ACCOUNT_COLUMNS, Card, account_row
from ops.cli.opening import opened
from ops.cli.output import ROWS_FOR_PEOPLE, Json, Jsonl, for_people, refuse, refuse_both, table, yuan
from ops.cli.sources import Source, listed, told
from projections.questions import audit
from projections.questions.audit import Selection
from projections.questions.national import cards as national
from projections.views.audit import NAME

ELECTRONIC: Final = {
    "NONE": "no electronic card",
    "IN_FORCE": "electronic card in force",
    "REVOKED": "electronic card revoked",
}
Stream = Annotated[
    str, typer.Argument(metavar="CARD", help="A card_sn, current or retired, a card_id, or any stream's id.")
]


def history(
    card: Stream,
    at_version: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only events up to this card_version.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Only what had occurred at this instant (RFC 3339).")
    ] = None,
    recorded_as_of: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Only what was recorded at this instant (RFC 3339).")
    ] = None,
    source: Source = None,
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
        return answer_about(
            ledger,
            Asked(source, as_json, as_jsonl),
            (NAME,),
            "events",
            lambda cursor, one: audit.history(cursor, one, card, selection, ledger.config, ledger.keyring),
            lambda cursor: national.history(cursor, card, selection, ledger.config, ledger.keyring),
            _show_history,
        )


def explain(card: Card, source: Source = None, as_json: Json = False, as_jsonl: Jsonl = False) -> int:
    """Explain a card's balances, posting by posting.

    \b
    Example:
      onecard explain 340000D15600000500000000000000A1
    """
    refuse_both(as_json, as_jsonl)
    with opened() as ledger:
        return answer_about(
            ledger,
            Asked(source, as_json, as_jsonl),
            (NAME,),
            "accounts",
            lambda cursor, one: audit.explain(cursor, one, card),
            lambda cursor: national.explain(cursor, card),
            _show_explanation,
        )


def statement(
    card: Card,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First business date.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last business date.")],
    source: Source = None,
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
        return answer_about(
            ledger,
            Asked(source, as_json, as_jsonl),
            (NAME,),
            "accounts",
            lambda cursor, one: audit.statement(cursor, one, card, begin, end),
            lambda cursor: national.statement(cursor, card, begin, end),
            _show_statement,
        )


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
        for whose, stream, card in _streams(found):
            console.print(f"{'Stream' if card is None else 'Card'} {stream}{whose}")
            if card is not None:
                console.print(f"  {_card_told(card)}")
        for span in found["card_sns"]:
            until = "in use" if span["to"] is None else f"until {span['to']}"
            console.print(f"  card_sn {span['card_sn']}{_whose(span)} since {span['from']}, {until}")
        columns = ("version>", "position>", "occurred", "event", "submitter", "reference", "postings")
        own = tuple(f"card:{stream}:" for _, stream, card in _streams(found) if card is not None)
        if found["events"]:
            console.print(listed(columns, found["events"][:ROWS_FOR_PEOPLE], partial(_event_row, own=own)))
        else:
            console.print("Nothing had happened.")
        _tell_rest(console, found["events"])
        if found["accounts"]:
            console.print(listed(ACCOUNT_COLUMNS, found["accounts"], account_row))
        console.print(f"Yuan, up to position {told(found['position'])}.")


def _card_told(card: dict[str, Any]) -> str:
    """What the events make of a card, as people say it."""
    if card["state"] is None:
        return "not issued yet"
    names = {"social security": card["social_security_active"], "bank": card["bank_active"]}
    active = " and ".join(name for name, is_active in names.items() if is_active)
    said = [card["state"], f"{active} active" if active else "nothing active", ELECTRONIC[card["electronic_card"]]]
    if card["loss_expires_at"] is not None:
        said.append(f"loss ends {card['loss_expires_at']}")
    if card["restricted"]:
        said.append("processing restricted")
    return ", ".join(said)


def _streams(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    """(whose, stream, card or None) for each ledger that answers."""
    if not isinstance(found["card_id"], dict):
        yield "", found["card_id"], found["card"]
        return
    for source, stream in found["card_id"].items():
        yield f" of {source}", stream, found["card"][source]


def _event_row(event: dict[str, Any], own: tuple[str, ...]) -> tuple[object, ...]:
    """An account of the card itself (`own` begins its name) goes by what it is for: balances have the whole names."""
    legs = [(yuan(one["amount_fen"]), _for_short(one["account"], own)) for one in event["postings"]]
    widest = max((len(amount) for amount, _ in legs), default=0)
    postings = "\n".join(f"{amount:>{widest}} {account}" for amount, account in legs)
    names = ("card_version", "position", "occurred_at", "event", "submitter", "reference")
    return *(event[name] for name in names), postings


def _for_short(account: str, own: tuple[str, ...]) -> str:
    return account.rpartition(":")[2] if account.startswith(own) else account


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
            title = f"\n{account['account']}{_whose(account)}: {yuan(account['balance_fen'])}"
            console.print(table(columns, rows, title))
            _tell_rest(console, account["postings"])
        if not found["accounts"]:
            console.print("Nothing was ever booked on it.")
        console.print(f"Yuan, up to position {told(found['position'])}.")


def _show_statement(found: dict[str, Any]) -> None:
    columns = ("date", "event", "amount>", "running>", "with~", "reference")
    with for_people() as console:
        console.print(f"Card {told(found['card_id'])}, {found['from']} to {found['to']}")
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
            title = f"\n{account['account']}{_whose(account)}: opening {yuan(account['opening_fen'])}"
            console.print(table(columns, rows, title))
            _tell_rest(console, account["lines"])
            console.print(f"closing {yuan(account['closing_fen'])}")
        if not found["accounts"]:
            console.print("Nothing was ever booked on it.")
        console.print(f"Yuan, up to position {told(found['position'])}.")


def _whose(element: dict[str, Any]) -> str:
    return f" of {element['source']}" if "source" in element else ""


def _tell_rest(console: Console, rows: list[dict[str, Any]]) -> None:
    """Laying out a table takes its time by the row: a card of a whole career would keep its reader waiting."""
    if len(rows) > ROWS_FOR_PEOPLE:
        console.print(f"... and {len(rows) - ROWS_FOR_PEOPLE:,} more: take all of them by --jsonl.")
