"""The auditor's questions to all ledgers: a card lives in one of them; streams of other kinds are often in several."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from projections import tracking
from projections.questions import audit, sources
from projections.questions.audit import Selection
from projections.questions.naming import unknown_card
from projections.questions.national.marks import by_account, marked
from projections.questions.reach import in_all
from projections.questions.snapshot import Cursor, Unknown
from projections.views import audit as view

Documents = dict[str, dict[str, Any]]
"""source -> its own document"""


def history(cursor: Cursor, name: str, selection: Selection, config: Configuration, keyring: Keyring) -> dict[str, Any]:
    """A card or stream in every ledger that knows it; events by source and version."""
    found, positions = at_home(
        cursor, name, (view.NAME,), lambda source: audit.history(cursor, source, name, selection, config, keyring)
    )
    return {
        "events": _listed(found, "events"),
        "card_id": _single(found, "card_id"),
        "card_sns": _listed(found, "card_sns"),
        "selection": selection.as_json(),
        "card": _single(found, "card"),
        "accounts": by_account(_listed(found, "accounts")),
        "position": positions,
    }


def explain(cursor: Cursor, name: str) -> dict[str, Any]:
    found, positions = at_home(cursor, name, (view.NAME,), lambda source: audit.explain(cursor, source, name))
    return {
        "accounts": by_account(_listed(found, "accounts")),
        "card_id": _single(found, "card_id"),
        "position": positions,
    }


def statement(cursor: Cursor, name: str, first: int, last: int) -> dict[str, Any]:
    found, positions = at_home(
        cursor, name, (view.NAME,), lambda source: audit.statement(cursor, source, name, first, last)
    )
    dates = next(iter(found.values()))
    return {
        "accounts": by_account(_listed(found, "accounts")),
        "card_id": _single(found, "card_id"),
        "from": dates["from"],
        "to": dates["to"],
        "position": positions,
    }


def at_home(
    cursor: Cursor, name: str, views: Sequence[str], ask: Callable[[str], dict[str, Any]]
) -> tuple[Documents, dict[str, int]]:
    """The document of each ledger that knows the card, and how far every ledger was read; Unknown if none does."""
    every = sources.every(cursor, *views)
    positions = {source: min(tracking.position_of(cursor, one, source)[1] for one in views) for source in every}
    found: Documents = {}
    for source in every:
        with suppress(Unknown):
            found[source] = ask(source)
    if not found:
        raise unknown_card(name, in_all(cursor, positions, *views))
    return found, positions


def _listed(found: Documents, name: str) -> list[dict[str, Any]]:
    return [one for source, said in found.items() for one in marked(source, said[name])]


def _single(found: Documents, name: str) -> dict[str, Any]:
    return {source: said[name] for source, said in found.items()}
