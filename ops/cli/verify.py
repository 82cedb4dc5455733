"""`verify`: everything the log determines, made again and compared."""

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from ledger.store import identity
from ledger.store.recorder import History
from ops.cli.bars import bar
from ops.cli.opening import READER_ROLE, opened
from ops.cli.output import (
    FOUND,
    ROWS_FOR_PEOPLE,
    Json,
    Problem,
    answer,
    counted,
    for_people,
    refuse,
    table,
    tell,
)
from ops.wiring import Ledger
from projections.questions.snapshot import Unknown
from projections.verification import card as one_card
from projections.verification import seals, store, topics, views
from projections.verification.report import Report
from projections.verification.topics import Topics

TOPICS, VIEWS, SEALS = "topics", "views", "seals"
TARGETS: Final = (TOPICS, VIEWS, SEALS)


def verify(
    card: Annotated[str | None, typer.Option(metavar="CARD", help="Only this card: its stream and accounts.")] = None,
    against: Annotated[
        list[str] | None, typer.Option(metavar="WHAT,...", help=f"Also compare {', '.join(TARGETS)} with the log.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Check that nothing was altered or left out.

    Everything the log determines is made again and compared with what is stored, beside whoever writes; exit 1 and a
    list of findings if something differs.

    \b
    Example:
      onecard verify --against views,seals
    """
    wanted = targets(against or [])
    with opened() as ledger:
        published = _topics(ledger) if TOPICS in wanted else None
        if card is not None:
            report = _of_card(ledger, card, VIEWS in wanted, published)
        else:
            report = _of_store(ledger, VIEWS in wanted, published)
        if SEALS in wanted:
            _compare_seals(ledger, report)
    found = report.as_json(wanted)
    return answer(found, as_json, show_verified, ok=found["ok"])


def targets(given: Sequence[str]) -> list[str]:
    """What to compare with, named in one option or in several, each once."""
    names = [name.strip() for option in given for name in option.split(",")]
    for name in names:
        if name not in TARGETS:
            refuse(f"{name!r} is nothing to compare with: there are {', '.join(TARGETS)}.")
    return [name for name in TARGETS if name in names]


def _topics(ledger: Ledger) -> Topics:
    """The topics to compare with, tried out before the long work begins."""
    found = Topics(ledger.access(), ledger.topology, ledger.source)
    found.require_readable()
    return found


def _of_store(ledger: Ledger, with_views: bool, published: Topics | None) -> Report:
    with closing(ledger.connect(READER_ROLE)) as reading:
        if with_views:
            views.require_built(reading, ledger.source)
        try:
            identity.require_rows(reading)
        except identity.StoreMismatch as mismatch:
            tell(f"{mismatch}.")
        head = History(reading).head()
        with bar("verifying", head) as show:
            report = store.check(reading, ledger.config, ledger.keyring, show)
    if with_views:
        with closing(ledger.connect()) as filling, bar("comparing views", head) as show:
            report.extend(views.check(filling, ledger.source, show))
    if published is not None:
        _compare_topics(ledger, published, report, head)
    return report


def _compare_seals(ledger: Ledger, report: Report) -> None:
    """Seals are of the whole log, whatever else was asked for."""
    with closing(ledger.connect(READER_ROLE)) as reading, bar("comparing seals", History(reading).head()) as show:
        seals.check(reading, report, show)


def _of_card(ledger: Ledger, card: str, with_views: bool, published: Topics | None) -> Report:
    with closing(ledger.connect(READER_ROLE)) as reading:
        try:
            card_id, report = one_card.check(reading, ledger.source, card, ledger.keyring, with_views)
        except Unknown as unknown:
            raise Problem(FOUND, unknown.code, f"{unknown}.") from None
    if published is not None:
        _compare_topics(ledger, published, report, report.events, card_id)
    return report


def _compare_topics(ledger: Ledger, published: Topics, report: Report, most: int, card_id: str | None = None) -> None:
    with closing(ledger.connect(READER_ROLE)) as comparing, bar("comparing topics", most) as show:
        reached = topics.check(comparing, published, ledger.store_id, report, show, card_id)
    if reached.position < reached.head:
        behind = f"{reached.position + 1:,} to {reached.head:,}"
        tell(f"Positions {behind} are not published yet, which is no finding: run `onecard relay`.")


def findings_table(console: Console, findings: list[dict[str, Any]]) -> None:
    """The first of them, if there are any."""
    if not findings:
        return
    rows = [(one["kind"], one["subject"], one["position"], one["detail"]) for one in findings[:ROWS_FOR_PEOPLE]]
    console.print(table(("finding", "about", "position>", "detail~"), rows))
    if len(findings) > ROWS_FOR_PEOPLE:
        console.print(f"... and {len(findings) - ROWS_FOR_PEOPLE:,} more: take all of them by --json.")


def show_verified(found: dict[str, Any]) -> None:
    """What was checked, and every finding, for people."""
    checked, findings = found["checked"], found["findings"]
    with for_people() as console:
        findings_table(console, findings)
        more = [counted for target, counted in ((TOPICS, "records"), (SEALS, "seals")) if target in found["against"]]
        counts = ", ".join(
            counted(checked[key], key.removesuffix("s")) for key in ("events", "streams", "postings", "accounts", *more)
        )
        verdict = "nothing is wrong" if found["ok"] else counted(len(findings), "finding")
        console.print(f"Checked {counts} up to position {found['position']:,}: {verdict}.")
