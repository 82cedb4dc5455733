"""What the books say: a card's balances, any accounts, and whether everything adds up (queries.md section 2).

Sums are made where the rows are: a nation's cards never pass through this process to be added up.
"""

from collections.abc import Iterator
from typing import Any, Final

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from projections import tracking
from projections.questions import cards, streams
from projections.questions.snapshot import Cursor
from projections.views import balances
from projections.views.balances import Account

ROWS_AT_ONCE = 5_000
KIND: Final = """
    CASE split_part(account, ':', 1)
        WHEN 'card' THEN 'card:' || split_part(account, ':', 3)
        WHEN 'budget' THEN 'budget:' || split_part(account, ':', 4)
        ELSE split_part(account, ':', 1)
    END
"""
# Accounts of contract section 1 marked never below zero, by kind.
NEVER_BELOW_ZERO: Final = (
    "card:medical_account card:family_aid card:wallet card:vouchers card:passes card:benefits card:recovery"
    " card:policy_fund prepayment prepayment_used budget:available budget:frozen budget:paid bank venue library"
).split()
# Invariant: kinds of account whose sum must be zero for each key, and the key as an SQL expression.
PLACE = "coalesce(nullif(split_part(account, ':', 3), ''), split_part(account, ':', 2))"
PAIR = "split_part(account, ':', 2) || ':' || split_part(account, ':', 3)"
ZERO_BY_KEY: Final = {
    "clearing_advance": (("clearing", "advance"), PLACE),
    "pass_advance": (("pass_clearing", "pass_advance"), PLACE),
    "transit_advance": (("transit_clearing", "transit_advance"), PLACE),
    "prepayment": (("prepayment", "prepaid", "prepayment_used"), PAIR),
    "budget": (("budget",), PAIR),
    "aid_in_transit": (("aid_in_transit",), "split_part(account, ':', 2)"),
}


def balance(cursor: Cursor, source: str, name: str, config: Configuration, keyring: Keyring) -> dict[str, Any]:
    """A card's accounts, its current card_sn and its last recorded state."""
    stream = streams.find_card(cursor, source, name)
    version, position = tracking.position_of(cursor, balances.NAME, source)
    life = streams.events_named(cursor, stream, sorted(cards.LIFE))
    found = balances.accounts(cursor, version, source, f"card:{stream.stream_id}:")
    return {
        "accounts": [account.as_json() for account in found],
        "card_id": stream.stream_id,
        "card_sn": cards.card_sns(life)[-1]["card_sn"],
        "state": cards.card_object(life, config, keyring)["state"],
        "as_of": None,
        "position": min(position, stream.position),
    }


class Accounts:
    """All accounts whose name starts with `prefix`, read as they are written out; the sums grow with them."""

    def __init__(self, cursor: Cursor, source: str, prefix: str | None) -> None:
        self._cursor = cursor
        self._source = source
        self.prefix = prefix
        self._version, self.position = tracking.position_of(cursor, balances.NAME, source)
        self.debit_fen = self.credit_fen = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """The account objects, by name."""
        prefix = self.prefix or ""
        with self._cursor.connection.cursor(f"accounts_{self._source}") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(
                f"""
                SELECT account, sum(debit_fen)::bigint, sum(credit_fen)::bigint, sum(entries)::bigint,
                       max(last_position)
                FROM views.balances_v{self._version}
                WHERE source = %s AND account >= %s AND starts_with(account, %s) GROUP BY account ORDER BY account
                """,
                (self._source, prefix, prefix),
            )
            for row in cursor:
                account = Account(*row)
                self.debit_fen += account.debit_fen
                self.credit_fen += account.credit_fen
                yield account.as_json()

    def rest(self) -> dict[str, Any]:
        """What the document says beside its rows; right once all of them were read."""
        return {
            "prefix": self.prefix,
            "debit_fen": self.debit_fen,
            "credit_fen": self.credit_fen,
            "balance_fen": self.debit_fen - self.credit_fen,
            "position": self.position,
        }


def trial_balance(cursor: Cursor, source: str) -> dict[str, Any]:
    """Sums by kind of account, and every invariant of contract section 1 with what breaks it."""
    version, position = tracking.position_of(cursor, balances.NAME, source)
    groups = _groups(cursor, version, source)
    debit, credit = (sum(group[key] for group in groups) for key in ("debit_fen", "credit_fen"))
    zero_sum = [{"key": "total", "difference_fen": debit - credit}] if debit != credit else []
    invariants = [_invariant("zero_sum", zero_sum)]
    for name, (kinds, key) in ZERO_BY_KEY.items():
        invariants.append(_invariant(name, _not_zero(cursor, version, source, kinds, key)))
    invariants.append(_invariant("never_below_zero", _below_zero(cursor, version, source)))
    return {
        "position": position,
        "accounts": sum(group["accounts"] for group in groups),
        "entries": sum(group.pop("entries") for group in groups),
        "debit_fen": debit,
        "credit_fen": credit,
        "balance_fen": debit - credit,
        "balanced": debit == credit,
        "groups": groups,
        "invariants": invariants,
    }


def _groups(cursor: Cursor, version: int, source: str) -> list[dict[str, Any]]:
    cursor.execute(
        f"""
        SELECT {KIND} COLLATE "C" AS kind, count(*), sum(debit), sum(credit), sum(entries)
        FROM ({balances.SUMMED.format(version=version)}) AS summed GROUP BY 1 ORDER BY 1
        """,
        (source,),
    )
    return [
        {
            "kind": kind,
            "accounts": count,
            "debit_fen": int(debit),
            "credit_fen": int(credit),
            "balance_fen": int(debit - credit),
            "entries": int(entries),
        }
        for kind, count, debit, credit, entries in cursor.fetchall()
    ]


def _invariant(name: str, differences: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "holds": not differences, "differences": differences}


def _not_zero(cursor: Cursor, version: int, source: str, kinds: tuple[str, ...], key: str) -> list[dict[str, Any]]:
    in_kinds = " OR ".join("account >= %s AND account < %s" for _ in kinds)
    bounds = [bound for kind in kinds for bound in (f"{kind}:", f"{kind};")]
    cursor.execute(
        f"""
        SELECT {key} COLLATE "C", sum(debit_fen) - sum(credit_fen) FROM views.balances_v{version}
        WHERE source = %s AND ({in_kinds}) GROUP BY 1 HAVING sum(debit_fen) <> sum(credit_fen) ORDER BY 1
        """,
        (source, *bounds),
    )
    return [{"key": name, "difference_fen": int(amount)} for name, amount in cursor.fetchall()]


def _below_zero(cursor: Cursor, version: int, source: str) -> list[dict[str, Any]]:
    cursor.execute(
        f"""
        SELECT account, debit - credit FROM ({balances.SUMMED.format(version=version)}) AS summed
        WHERE debit < credit AND {KIND} = ANY(%s) ORDER BY account COLLATE "C"
        """,
        (source, NEVER_BELOW_ZERO),
    )
    return [{"key": account, "difference_fen": balance} for account, balance in cursor.fetchall()]
