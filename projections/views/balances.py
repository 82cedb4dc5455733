"""balances: per account debit, credit, entries and last position (queries.md section 2).

Accounts of cards are many and cold, the others few and hot; the latter carry a share so that several followers need not
wait for one row, and are summed on read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.families.registry import POSTING
from projections.feed.port import Page
from projections.findings import Finding
from projections.loading import indexes
from projections.views.layout import other_layouts
from projections.views.port import Cursor, Ordered

NAME = "balances"
# Sums that a process holds at most while loading: about 40 MB.
MOST_ACCOUNTS = 100_000
UPSERT = """
    INSERT INTO views.balances_v{version} AS b (source, account, share, debit_fen, credit_fen, entries, last_position)
    SELECT %s, account, CASE WHEN starts_with(account, 'card:') THEN 0 ELSE %s END,
           debit, credit, entries, last_position
    FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS new (account, debit, credit, entries, last_position)
    ON CONFLICT (source, account, share) DO UPDATE SET
        debit_fen = b.debit_fen + excluded.debit_fen, credit_fen = b.credit_fen + excluded.credit_fen,
        entries = b.entries + excluded.entries, last_position = greatest(b.last_position, excluded.last_position)
"""


@dataclass(frozen=True, slots=True)
class Account:
    """One account as the view has it; balance = debit - credit."""

    account: str
    debit_fen: int
    credit_fen: int
    entries: int
    last_position: int

    @property
    def balance_fen(self) -> int:
        return self.debit_fen - self.credit_fen

    def as_json(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "balance_fen": self.balance_fen,
            "debit_fen": self.debit_fen,
            "credit_fen": self.credit_fen,
            "entries": self.entries,
            "last_position": self.last_position,
        }


def tally(page: Page, accounts: dict[str, list[int]]) -> dict[str, list[int]]:
    """account -> [debit, credit, entries, last position], a page added."""
    for record in page.records:
        for account, amount in record.postings:
            sums = accounts.get(account)
            if sums is None:
                sums = accounts[account] = [0, 0, 0, 0]
            sums[amount < 0] += abs(amount)
            sums[2] += 1
            sums[3] = record.position
    return accounts


class Balances:
    name = NAME
    shareable = True

    def create(self, cursor: Cursor, version: int) -> None:
        cursor.execute(f"""
            CREATE TABLE views.balances_v{version} (
                source text COLLATE "C" NOT NULL,
                account text COLLATE "C" NOT NULL,
                share smallint NOT NULL,
                debit_fen bigint NOT NULL,
                credit_fen bigint NOT NULL,
                entries bigint NOT NULL,
                last_position bigint NOT NULL,
                PRIMARY KEY (source, account, share)
            ) WITH (fillfactor = 80)
        """)

    def drop(self, cursor: Cursor, version: int) -> None:
        cursor.execute(f"DROP TABLE views.balances_v{version}")
        cursor.execute(f"DROP TABLE IF EXISTS views.balances_v{version}_parts")

    def apply(self, cursor: Cursor, version: int, page: Page) -> None:
        accounts = sorted(tally(page, {}).items())
        cursor.execute(
            UPSERT.format(version=version),
            (
                page.source,
                page.share,
                [account for account, _ in accounts],
                [sums[0] for _, sums in accounts],
                [sums[1] for _, sums in accounts],
                [sums[2] for _, sums in accounts],
                [sums[3] for _, sums in accounts],
            ),
        )

    def loader(self, version: int, source: str) -> "BalancesLoader":
        return BalancesLoader(version, source)

    def differences(self, cursor: Cursor, version: int, other: int, source: str) -> list[Finding]:
        tables = [(NAME, f"views.balances_v{version}", f"views.balances_v{other}")]
        if found := other_layouts(cursor, tables):
            return found
        cursor.execute(
            f"""
            SELECT coalesce(a.account, b.account), a.account IS NULL, b.account IS NULL,
                   coalesce(a.last_position, b.last_position), a.debit - a.credit, a.entries,
                   b.debit - b.credit, b.entries
            FROM ({SUMMED.format(version=version)}) AS a
            FULL JOIN ({SUMMED.format(version=other)}) AS b USING (account)
            WHERE (a.debit, a.credit, a.entries, a.last_position)
                IS DISTINCT FROM (b.debit, b.credit, b.entries, b.last_position)
            ORDER BY 1
            """,
            (source, source),
            prepare=False,
        )
        for account, missing, extra, position, balance, entries, right, right_entries in cursor.fetchall():
            if missing:
                found.append(Finding("account_missing", account, position, f"the log has {right} fen on it"))
            elif extra:
                found.append(Finding("account_extra", account, position, "no event posts to it"))
            else:
                detail = f"{balance} fen in {entries} entries, by the log {right} fen in {right_entries}"
                found.append(Finding("balance_differs", account, position, detail))
        return found

    def replace(self, cursor: Cursor, version: int, other: int, source: str) -> None:
        mine, right = f"views.balances_v{version}", f"views.balances_v{other}"
        cursor.execute(f"DELETE FROM {mine} WHERE source = %s", (source,))
        cursor.execute(f"INSERT INTO {mine} SELECT * FROM {right} WHERE source = %s", (source,))


class BalancesLoader:
    """Sums of any parts of the log add up: each process sums its own, and the database sums those.

    A process writes its sums down, as rows of a table of parts, before it holds too many.
    """

    wants = POSTING

    def __init__(self, version: int, source: str) -> None:
        self._source = source
        self._table = f"views.balances_v{version}"
        self._parts = f"views.balances_v{version}_parts"
        self._indexes: list[str] = []
        self._accounts: dict[str, list[int]] = {}

    def begin(self, cursor: Cursor) -> None:
        self._indexes = indexes.take_off(cursor, [self._table])
        cursor.execute(f"""
            CREATE UNLOGGED TABLE {self._parts} (
                account text COLLATE "C", debit_fen bigint, credit_fen bigint, entries bigint, last_position bigint
            )
        """)

    def gather(self, cursor: Cursor, page: Page) -> None:
        tally(page, self._accounts)
        if len(self._accounts) > MOST_ACCOUNTS:
            self.flush(cursor)

    def flush(self, cursor: Cursor) -> None:
        with cursor.copy(f"COPY {self._parts} FROM STDIN") as copy:
            copy.write(
                "".join([f"{name}\t{a}\t{b}\t{n}\t{last}\n" for name, (a, b, n, last) in self._accounts.items()])
            )
        self._accounts = {}

    def finish(self, cursor: Cursor, ordered: Ordered) -> None:
        cursor.execute(f"ANALYZE {self._parts}")
        cursor.execute(
            f"""
            INSERT INTO {self._table} (source, account, share, debit_fen, credit_fen, entries, last_position)
            SELECT %s, account, 0, sum(debit_fen), sum(credit_fen), sum(entries), max(last_position)
            FROM {self._parts} GROUP BY account
            """,
            (self._source,),
        )
        cursor.execute(f"DROP TABLE {self._parts}")
        indexes.put_back(cursor, self._indexes)


SUMMED = """
    SELECT account, sum(debit_fen)::bigint AS debit, sum(credit_fen)::bigint AS credit, sum(entries)::bigint AS entries,
           max(last_position) AS last_position
    FROM views.balances_v{version} WHERE source = %s GROUP BY account
"""


def accounts(cursor: Cursor, version: int, source: str, prefix: str = "") -> Sequence[Account]:
    """Accounts whose name starts with `prefix`, by name; '' for all."""
    cursor.execute(
        f"""
        SELECT account, sum(debit_fen)::bigint, sum(credit_fen)::bigint, sum(entries)::bigint, max(last_position)
        FROM views.balances_v{version}
        WHERE source = %s AND account >= %s AND account < %s COLLATE "C" GROUP BY account ORDER BY account
        """,
        (source, prefix, prefix + "\U0010ffff"),
    )
    return [Account(*row) for row in cursor.fetchall()]
