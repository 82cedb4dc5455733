"""One id in all ledgers: ids are unique within a ledger, so two may use the same one for different things."""

from typing import Any

from ledger.core.configuration import Configuration
from projections.questions import clearing_show
from projections.questions.national.clearing import views_of
from projections.questions.national.marks import marked
from projections.questions.reach import in_all
from projections.questions.snapshot import Cursor
from projections.views.clearing.view import NAME


def show(cursor: Cursor, name: str, config: Configuration) -> dict[str, Any]:
    """The document of an id in every ledger that has it; Unknown if none does."""
    views = views_of(cursor)
    settlements = {
        source: found
        for source, view in views.items()
        if (found := clearing_show.settlement(cursor, view, source, name)) is not None
    }
    if settlements:
        return _united(settlements, "settlement", "lines", "events")
    notices = {
        source: found
        for source, view in views.items()
        if (found := clearing_show.notice(cursor, view, name, config)) is not None
    }
    if notices:
        return _united(notices, "notice", "rows", "remittances")
    looked = in_all(cursor, {source: view.position for source, view in views.items()}, NAME)
    raise clearing_show.unknown(name, looked)


def _united(found: dict[str, dict[str, Any]], single: str, *lists: str) -> dict[str, Any]:
    return {
        single: {source: said[single] for source, said in found.items()},
        **{name: [one for source, said in found.items() for one in marked(source, said[name])] for name in lists},
    }
