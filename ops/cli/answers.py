"""The answer to a question about one ledger or all of them, in the form that was asked for.

Queries never wait for the views. People are told behind each answer where the log is, if that is further, and what to
do about it; programs read `position`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ops.cli.output import DONE, answer, answer_list, document_of, lines, tell
from ops.cli.sources import asked_of
from ops.wiring import Ledger
from projections.questions import sources
from projections.questions.reach import CATCH_UP, further, reached
from projections.questions.snapshot import Cursor
from projections.questions.things import Listing

Document = dict[str, Any]
L = TypeVar("L", bound=Listing)
M = TypeVar("M", bound=Listing)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose things, and in which form they are wanted."""

    source: str | None
    as_json: bool
    as_jsonl: bool


def answer_listing(
    ledger: Ledger,
    asked: Asked,
    views: Sequence[str],
    name: str,
    of_one: Callable[[Cursor, str], L],
    of_all: Callable[[Cursor], M],
    show: Callable[[L | M], None],
) -> int:
    """A listing in the form that was asked for, as it is read; `name`: of its list in the document.

    `views`: those whose positions tell how far it reaches.
    """

    def answered(cursor: Cursor, source: str, found: L | M) -> None:
        if asked.as_jsonl:
            lines(found.rows())
        elif asked.as_json:
            document_of(name, found.rows(), found.rest)
        else:
            show(found)
            tell_further(further(cursor, of_sources(ledger, source, found.rest()["position"]), views), ledger)

    asked_of(
        ledger,
        asked.source,
        lambda cursor, one: answered(cursor, one, of_one(cursor, one)),
        lambda cursor: answered(cursor, sources.ALL, of_all(cursor)),
    )
    return DONE


def answer_about(
    ledger: Ledger,
    asked: Asked,
    views: Sequence[str],
    elements: str | None,
    of_one: Callable[[Cursor, str], Document],
    of_all: Callable[[Cursor], Document],
    show: Callable[[Document], None],
    *,
    is_ok: Callable[[Document], bool] = lambda _: True,
) -> int:
    """A document, whose list `elements` can be had by the line; for people with how far the log is ahead of it.

    `views`: those whose positions tell how far it reaches. `show` gets each one's, by name, as `reached`, and the
    first one's as the document's if that does not say any.
    """

    def answered(cursor: Cursor, source: str, found: Document) -> tuple[Document, str | None]:
        if asked.as_json or asked.as_jsonl:
            return found, None
        by_view = {view: reached(cursor, view, source) for view in views}
        found = {"position": by_view[views[0]], **found, "reached": by_view}
        return found, further(cursor, of_sources(ledger, source, found["position"]), views)

    found, more = asked_of(
        ledger,
        asked.source,
        lambda cursor, one: answered(cursor, one, of_one(cursor, one)),
        lambda cursor: answered(cursor, sources.ALL, of_all(cursor)),
    )
    ok = is_ok(found)
    if elements is None:
        ended = answer(found, asked.as_json, show, ok=ok)
    else:
        ended = answer_list(found, elements, asked.as_json, asked.as_jsonl, show, ok=ok)
    tell_further(more, ledger)
    return ended


def of_sources(ledger: Ledger, source: str, position: Any) -> dict[str, int]:
    """A position as it stands in a document, by source; of the own one a national document may know nothing."""
    return {ledger.source: 0, **position} if source == sources.ALL else {source: position}


def tell_further(more: str | None, ledger: Ledger) -> None:
    """To people, behind their answer: where the log is, if that is further, and what to do."""
    if more is not None:
        needs_relay = ledger.settings.kafka_bootstrap is not None and more.endswith(CATCH_UP)
        relayed = ", with `onecard relay` running" if needs_relay else ""
        tell(f"{more[0].upper()}{more[1:]}{relayed}.")
