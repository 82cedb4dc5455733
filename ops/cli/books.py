"""`balance`, `accounts`, `trial-balance`: what the books say."""

from contextlib import closing
from itertools import islice
from typing import Annotated, Any

import typer

from ops.cli.opening import READER_ROLE, asked, opened
from ops.cli.output import (
    DONE,
    ROWS_FOR_PEOPLE,
    Json,
    Jsonl,
    answer,
    answer_list,
    document_of,
    for_people,
    is_text,
    lines,
    refuse,
    refuse_both,
    table,
    yuan,
)
from projections.questions import balances, snapshot

Card = Annotated[str, typer.Argument(metavar="CARD", help="A card_sn, current or retired, or a card_id.")]
ACCOUNT_COLUMNS = ("account", "balance>", "debit>", "credit>", "entries>", "last position>")


def balance(card: Card, as_json: Json = False, as_jsonl: Jsonl = False) -> int:
    """Show a card's balances.

    \b
    Example:
      onecard balance 340000D15600000500000000000000A1
    """
    refuse_both(as_json, as_jsonl)
    with opened() as ledger:
        found = asked(
            ledger, lambda cursor: balances.balance(cursor, ledger.source, card, ledger.config, ledger.keyring)
        )
    return answer_list(found, "accounts", as_json, as_jsonl, _show_balance)


def accounts(
    prefix: Annotated[str | None, typer.Option(help="Only accounts whose name starts with this.")] = None,
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
    with opened() as ledger, closing(ledger.connect(READER_ROLE)) as connection:

        def told(cursor: snapshot.Cursor) -> None:
            found = balances.Accounts(cursor, ledger.source, prefix)
            if as_jsonl:
                lines(found.rows())
            elif as_json:
                document_of("accounts", found.rows(), found.rest)
            else:
                _show_accounts(found)

        snapshot.ask(connection, told)
    return DONE


def trial_balance(as_json: Json = False) -> int:
    """Add up the books and check them.

    Every invariant of the accounts is tested; exit 1 if one does not hold.

    \b
    Example:
      onecard trial-balance
    """
    with opened() as ledger:
        found = asked(ledger, lambda cursor: balances.trial_balance(cursor, ledger.source))
    ok = all(invariant["holds"] for invariant in found["invariants"])
    return answer(found, as_json, show_trial_balance, ok=ok)


def account_row(account: dict[str, Any]) -> tuple[object, ...]:
    figures = (yuan(account[key]) for key in ("balance_fen", "debit_fen", "credit_fen"))
    return account["account"], *figures, account["entries"], account["last_position"]


def _show_balance(found: dict[str, Any]) -> None:
    with for_people() as console:
        console.print(f"Card {found['card_sn']} ({found['card_id']}) is {found['state']}.")
        if found["accounts"]:
            console.print(table(ACCOUNT_COLUMNS, map(account_row, found["accounts"])))
        else:
            console.print("Nothing was ever booked on it.")
        console.print(f"Yuan, up to position {found['position']}.")


def _show_accounts(found: balances.Accounts) -> None:
    rows = found.rows()
    with for_people() as console:
        console.print(table(ACCOUNT_COLUMNS, map(account_row, islice(rows, ROWS_FOR_PEOPLE))))
        more = sum(1 for _ in rows)
        rest = found.rest()
        if more:
            console.print(f"... and {more:,} more: narrow it down by --prefix, or take all of them by --jsonl.")
        sums = f"debit {yuan(rest['debit_fen'])}, credit {yuan(rest['credit_fen'])}"
        console.print(f"Balance {yuan(rest['balance_fen'])} ({sums}), yuan, up to position {rest['position']}.")


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
                console.print(f"        {difference['key']}: {yuan(difference['difference_fen'])}")
        console.print(f"Yuan, {found['entries']:,} entries up to position {found['position']}.")
