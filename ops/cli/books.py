"""`balance`, `accounts`, `trial-balance`: what the books say."""

from itertools import islice
from typing import Annotated, Any

import typer

from ops.cli.answers import Asked, answer_about, answer_listing
from ops.cli.opening import opened
from ops.cli.output import (
    ROWS_FOR_PEOPLE,
    Json,
    Jsonl,
    counted,
    for_people,
    is_text,
    refuse,
    refuse_both,
    table,
    yuan,
)
from ops.cli.sources import Source, listed, nothing, told, told_reach
from projections.questions import balances
from projections.questions.national import books as national
from projections.questions.things import Listing
from projections.views import audit
from projections.views import balances as view

Card = Annotated[str, typer.Argument(metavar="CARD", help="A card_sn, current or retired, or a card_id.")]
ACCOUNT_COLUMNS = ("account", "balance>", "debit>", "credit>", "entries>", "last position>")


def balance(card: Card, source: Source = None, as_json: Json = False, as_jsonl: Jsonl = False) -> int:
    """Show a card's balances.

    \b
    Example:
      onecard balance 340000D15600000500000000000000A1
    """
    refuse_both(as_json, as_jsonl)
    with opened() as ledger:
        return answer_about(
            ledger,
            Asked(source, as_json, as_jsonl),
            (view.NAME, audit.NAME),
            "accounts",
            lambda cursor, one: balances.balance(cursor, one, card, ledger.config, ledger.keyring),
            lambda cursor: national.balance(cursor, card, ledger.config, ledger.keyring),
            _show_balance,
        )


def accounts(
    prefix: Annotated[str | None, typer.Option(metavar="P", help="Only accounts whose name starts with this.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List accounts and their balances.

    \b
    Example:
      onecard accounts --prefix clearing:34:
    """
    refuse_both(as_json, as_jsonl)
    if prefix is not None and not is_text(prefix):
        refuse("--prefix must be UTF-8.")
    with opened() as ledger:
        return answer_listing(
            ledger,
            Asked(source, as_json, as_jsonl),
            (view.NAME,),
            "accounts",
            lambda cursor, one: balances.Accounts(cursor, one, prefix),
            lambda cursor: national.Accounts(cursor, prefix),
            _show_accounts,
        )


def trial_balance(source: Source = None, as_json: Json = False) -> int:
    """Add up the books and check them.

    Every invariant of the accounts is tested; exit 1 if one does not hold.

    \b
    Example:
      onecard trial-balance
    """
    with opened() as ledger:
        return answer_about(
            ledger,
            Asked(source, as_json, False),
            (view.NAME,),
            None,
            balances.trial_balance,
            national.trial_balance,
            show_trial_balance,
            is_ok=lambda found: all(invariant["holds"] for invariant in found["invariants"]),
        )


def account_row(account: dict[str, Any]) -> tuple[object, ...]:
    figures = (yuan(account[key]) for key in ("balance_fen", "debit_fen", "credit_fen"))
    return account["account"], *figures, account["entries"], account["last_position"]


def _show_balance(found: dict[str, Any]) -> None:
    with for_people() as console:
        console.print(f"Card {told(found['card_sn'])} ({told(found['card_id'])}) is {told(found['state'])}.")
        if found["accounts"]:
            console.print(listed(ACCOUNT_COLUMNS, found["accounts"], account_row))
        else:
            console.print("Nothing was ever booked on it.")
        console.print(f"Yuan, {told_reach(found, {view.NAME: 'balances', audit.NAME: 'the state'})}.")


def _show_accounts(found: Listing) -> None:
    rows = found.rows()
    with for_people() as console:
        first = list(islice(rows, ROWS_FOR_PEOPLE))
        more = sum(1 for _ in rows)
        rest = found.rest()
        if not first:
            console.print(nothing("accounts", rest["position"]))
            return
        console.print(listed(ACCOUNT_COLUMNS, first, account_row))
        if more:
            console.print(f"... and {more:,} more: narrow it down by --prefix, or take all of them by --jsonl.")
        sums = f"debit {yuan(rest['debit_fen'])}, credit {yuan(rest['credit_fen'])}"
        console.print(f"Balance {yuan(rest['balance_fen'])} ({sums}), yuan, up to position {told(rest['position'])}.")


def show_trial_balance(found: dict[str, Any]) -> None:
    """The trial balance for people."""
    columns = ("kind", "accounts>", "debit>", "credit>", "balance>")
    with for_people() as console:
        rows = [
            (group["kind"], group["accounts"], *(yuan(group[f"{sum}_fen"]) for sum in ("debit", "credit", "balance")))
            for group in found["groups"]
        ]
        total = ("all", found["accounts"], *(yuan(found[f"{sum}_fen"]) for sum in ("debit", "credit", "balance")))
        console.print(table(columns, [*rows, total]))
        for invariant in found["invariants"]:
            console.print(f"{'holds' if invariant['holds'] else 'BROKEN':8}{invariant['name']}")
            for difference in invariant["differences"][:ROWS_FOR_PEOPLE]:
                whose = f" of {difference['source']}" if "source" in difference else ""
                console.print(f"        {difference['key']}{whose}: {yuan(difference['difference_fen'])}")
        console.print(f"Yuan, {counted(found['entries'], 'entry')} up to position {told(found['position'])}.")
