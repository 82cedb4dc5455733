"""The invariants of the accounts (queries.md section 2), by the postings of the log itself and no view."""

from collections.abc import Iterator
from typing import Final

from projections.findings import Finding
from projections.questions.balances import KIND, NEVER_BELOW_ZERO, ZERO_BY_KEY
from projections.verification.report import MOST_OF_A_KIND
from projections.verification.scratch import Cursor

FILL: Final = """
    INSERT INTO pg_temp.seen_books SELECT account, sum(debit) - sum(credit) FROM pg_temp.seen_accounts GROUP BY account
"""


def add_up(cursor: Cursor) -> int:
    """One balance an account; how many accounts there are."""
    cursor.execute(FILL)
    return cursor.rowcount


def invariants(cursor: Cursor) -> Iterator[Finding]:
    """After `add_up`."""
    cursor.execute("SELECT sum(balance) FROM pg_temp.seen_books HAVING sum(balance) <> 0")
    for (total,) in cursor.fetchall():
        yield Finding("invariant_broken", "zero_sum", None, f"all balances sum to {total} fen")
    for name, (kinds, key) in ZERO_BY_KEY.items():
        cursor.execute(
            f"""
            SELECT {key} AS key, sum(balance) FROM pg_temp.seen_books WHERE split_part(account, ':', 1) = ANY(%s)
            GROUP BY 1 HAVING sum(balance) <> 0 ORDER BY 1 LIMIT %s
            """,
            (list(kinds), MOST_OF_A_KIND + 1),
        )
        for found, amount in cursor.fetchall():
            yield Finding("invariant_broken", f"{name} {found}", None, f"the sum is {amount} fen and not 0")
    cursor.execute(
        f"SELECT account, balance FROM pg_temp.seen_books WHERE balance < 0 AND {KIND} = ANY(%s) ORDER BY 1 LIMIT %s",
        (NEVER_BELOW_ZERO, MOST_OF_A_KIND + 1),
    )
    for account, balance in cursor.fetchall():
        yield Finding("invariant_broken", f"never_below_zero {account}", None, f"its balance is {balance} fen")
