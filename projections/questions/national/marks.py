"""How national documents say whose a thing is."""

from collections.abc import Iterable, Iterator
from typing import Any

Element = dict[str, Any]


def marked(source: str, elements: Iterable[Element]) -> Iterator[Element]:
    """Elements of one ledger, each with its source."""
    for element in elements:
        yield {"source": source, **element}


def by_account(accounts: Iterable[Element]) -> list[Element]:
    """Marked accounts in the order of the nation: one account's ledgers stand together."""
    return sorted(accounts, key=lambda one: (one["account"], one["source"]))
