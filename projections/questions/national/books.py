"""What the books of all ledgers say: a card's balances, any accounts, and whether each of them adds up."""

import heapq
from collections.abc import Iterator
from typing import Any

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from projections.questions import balances, sources
from projections.questions.national.cards import at_home
from projections.questions.national.marks import Element, by_account, marked
from projections.questions.snapshot import Cursor
from projections.views import audit
from projections.views import balances as view


def balance(cursor: Cursor, name: str, config: Configuration, keyring: Keyring) -> dict[str, Any]:
    """The card in every ledger that knows it: one, unless somebody recorded it twice."""
    found, positions = at_home(
        cursor, name, (view.NAME, audit.NAME), lambda source: balances.balance(cursor, source, name, config, keyring)
    )
    return {
        "accounts": by_account(one for source, said in found.items() for one in marked(source, said["accounts"])),
        **{key: {source: said[key] for source, said in found.items()} for key in ("card_id", "card_sn", "state")},
        "as_of": None,
        "position": positions,
    }


class Accounts:
    """All accounts of all ledgers whose name starts with `prefix`, by account and source."""

    def __init__(self, cursor: Cursor, prefix: str | None) -> None:
        self.prefix = prefix
        self._parts = {source: balances.Accounts(cursor, source, prefix) for source in sources.every(cursor, view.NAME)}

    def rows(self) -> Iterator[Element]:
        """Each ledger's accounts come in order, so putting them in order takes no sorting."""
        streams = (marked(source, part.rows()) for source, part in self._parts.items())
        return heapq.merge(*streams, key=lambda one: (one["account"], one["source"]))

    def rest(self) -> dict[str, Any]:
        """What the document says beside its rows; right once all of them were read."""
        debit = sum(part.debit_fen for part in self._parts.values())
        credit = sum(part.credit_fen for part in self._parts.values())
        return {
            "prefix": self.prefix,
            "debit_fen": debit,
            "credit_fen": credit,
            "balance_fen": debit - credit,
            "position": {source: part.position for source, part in self._parts.items()},
        }


def trial_balance(cursor: Cursor) -> dict[str, Any]:
    """The sums of all ledgers. Invariants must hold in each: what one lacks and another has too much is no balance."""
    found = {source: balances.trial_balance(cursor, source) for source in sources.every(cursor, view.NAME)}
    groups: dict[str, dict[str, Any]] = {}
    for said in found.values():
        for group in said["groups"]:
            kept = groups.setdefault(group["kind"], {**group, **dict.fromkeys(SUMS, 0)})
            kept.update({key: kept[key] + group[key] for key in SUMS})
    debit, credit = (sum(said[key] for said in found.values()) for key in ("debit_fen", "credit_fen"))
    return {
        "position": {source: said["position"] for source, said in found.items()},
        "accounts": sum(said["accounts"] for said in found.values()),
        "entries": sum(said["entries"] for said in found.values()),
        "debit_fen": debit,
        "credit_fen": credit,
        "balance_fen": debit - credit,
        "balanced": all(said["balanced"] for said in found.values()),
        "groups": [groups[kind] for kind in sorted(groups)],
        "invariants": _invariants({source: said["invariants"] for source, said in found.items()}),
    }


SUMS = ("accounts", "debit_fen", "credit_fen", "balance_fen")


def _invariants(found: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    names = [invariant["name"] for invariant in next(iter(found.values()))]
    made = []
    for number, name in enumerate(names):
        differences = [one for source, said in found.items() for one in marked(source, said[number]["differences"])]
        differences.sort(key=lambda one: (one["key"], one["source"]))
        made.append({"name": name, "holds": not differences, "differences": differences})
    return made
