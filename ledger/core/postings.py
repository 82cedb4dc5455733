"""Double entry: what an event does to accounts.

A posting is (account, signed fen), positive = value flows into the account. The postings of one event sum to zero; that
is asserted here where they are made, and again by `verify` and in the balances view (contract section 1).
"""

from collections.abc import Iterable

Posting = tuple[str, int]


class Unbalanced(AssertionError):
    """An event's postings do not sum to zero: a defect of ours, never of the input."""


def balanced(legs: Iterable[Posting]) -> list[Posting]:
    """Legs on one account added into one, legs of 0 left out, by account; refuses a sum other than zero."""
    amounts: dict[str, int] = {}
    total = 0
    for account, amount in legs:
        total += amount
        amounts[account] = amounts.get(account, 0) + amount
    if total:
        raise Unbalanced(f"postings sum to {total}: {sorted(amounts.items())}")
    return sorted(posting for posting in amounts.items() if posting[1])


def mirrored(legs: Iterable[Posting]) -> list[Posting]:
    """The same legs with the opposite sign: how everything is undone."""
    return [(account, -amount) for account, amount in legs]


def owed(book: str, debtor: str, creditor: str, amount: int) -> list[Posting]:
    """`debtor` owes `creditor` for what the creditor's side laid out. Book: "" medical, "pass_" or "transit_"."""
    return [(f"{book}clearing:{debtor}:{creditor}", amount), (f"{book}advance:{creditor}", -amount)]
