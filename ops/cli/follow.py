"""`follow`, `rebuild`, `lag`: the views kept up with the log."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ops.cli.opening import asked, opened
from ops.cli.output import ROWS_FOR_PEOPLE, Json, answer, for_people, refuse, table, tell, watched
from ops.collector import expect_a_long_run
from projections import presence
from projections import rebuild as rebuilding
from projections.feed.log import LogFeed
from projections.follow import Step, positions, prepare
from projections.follow import follow as follow_feed
from projections.loading.crew import Crew
from projections.questions import progress
from projections.views.port import View
from projections.views.registry import VIEWS


def follow(
    names: Annotated[list[str] | None, typer.Argument(metavar="[VIEW]...", help="Default: every view.")] = None,
    until_caught_up: Annotated[bool, typer.Option(help="End when nothing more is to be applied.")] = False,
    as_json: Json = False,
) -> int:
    """Keep the views up with the log.

    Until told to stop (Ctrl-C, SIGTERM), or until nothing more is to be applied.

    \b
    Example:
      onecard follow --until-caught-up
    """
    views = chosen(names or [])
    expect_a_long_run()
    with opened() as ledger, closing(ledger.connect()) as connection:
        with closing(LogFeed(ledger.source, ledger.connect)) as feed:
            prepare(connection, views, ledger.source)
            presence.announce(connection, [view.name for view in views])
            begun = positions(connection, views, ledger.source)
            applied = dict.fromkeys(begun, 0)
            reached = dict(begun)
            try:
                with _stoppable(), _bar(until_caught_up, feed.head()) as bar:
                    for step in follow_feed(connection, views, feed, until_caught_up):
                        _count(step, applied, reached)
                        bar(step.position)
            except KeyboardInterrupt:
                pass  # the ordinary end of a loop without one: a page under way was rolled back
    found = [
        {"name": name, "from_position": begun[name], "to_position": reached[name], "applied": applied[name]}
        for name in sorted(begun)
    ]
    return answer({"followers": found}, as_json, _show_followed)


def rebuild(
    view: Annotated[str | None, typer.Argument(metavar="VIEW", help="The view to fill anew.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every view, with one reading of the log.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Put the new version in place even if rows differ.")] = False,
    as_json: Json = False,
) -> int:
    """Fill a view anew and compare.

    The new version is filled beside the live one and takes its place if no row differs; exit 1 otherwise.

    \b
    Example:
      onecard rebuild balances
    """
    if (view is None) != every:
        refuse("Name one view, or give --all.")
    wanted = chosen([view] if view is not None else [])
    expect_a_long_run()
    with opened() as ledger, closing(ledger.connect()) as connection:
        crew = Crew.of_machine(ledger.dsn)
        with closing(LogFeed(ledger.source, ledger.connect)) as feed, _bar(True, feed.head()) as bar:
            for results in rebuilding.rebuild_together(connection, wanted, feed, force, crew=crew):
                bar(min(result.position for result in results))
    for result in results:
        for finding in result.differences[:ROWS_FOR_PEOPLE]:
            tell(f"{finding.kind} {finding.subject}: {finding.detail}")
    documents = [_rebuilt(result) for result in results]
    found = {"rebuilt": documents} if every else documents[0]
    return answer(found, as_json, _show_rebuilt, ok=all(result.swapped for result in results))


def _rebuilt(result: rebuilding.Rebuilt) -> dict[str, Any]:
    return {
        "view": result.view,
        "from_version": result.from_version,
        "to_version": result.to_version,
        "applied": result.applied,
        "position": result.position,
        "swapped": result.swapped,
        "differences": len(result.differences),
    }


def lag(as_json: Json = False) -> int:
    """Show how far followers are behind.

    \b
    Example:
      onecard lag
    """
    with opened() as ledger:
        found = asked(ledger, lambda cursor: progress.lag(cursor, ledger.source))
    return answer(found, as_json, _show_lag)


def chosen(names: Sequence[str]) -> list[View]:
    """The views of these names; all of them for none."""
    known = {view.name: view for view in VIEWS}
    for name in names:
        if name not in known:
            refuse(f"{name!r} is no view: there are {', '.join(sorted(known))}.")
    return [known[name] for name in dict.fromkeys(names)] or list(VIEWS)


def _count(step: Step, applied: dict[str, int], reached: dict[str, int]) -> None:
    for name in step.views:
        applied[name] += step.records
        reached[name] = step.position


@contextmanager
def _stoppable() -> Iterator[None]:
    """An operator's stop ends the loop as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _bar(has_end: bool, head: int) -> Iterator[Any]:
    """A bar by positions, where somebody watches."""
    if not watched():
        yield lambda position: None
        return
    total = head if has_end else None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("applying", total=total)
        yield lambda position: shown.update(task, completed=position)


def _show_followed(found: dict[str, Any]) -> None:
    columns = ("view", "from>", "to>", "applied>")
    rows = [(one["name"], one["from_position"], one["to_position"], one["applied"]) for one in found["followers"]]
    with for_people() as console:
        console.print(table(columns, rows))


def _show_rebuilt(found: dict[str, Any]) -> None:
    with for_people() as console:
        for one in found.get("rebuilt", [found]):
            dropped = f"was dropped: {one['differences']} rows of the live one differ"
            outcome = "is live now" if one["swapped"] else dropped
            console.print(f"{one['view']}: version {one['to_version']} of {one['applied']} events {outcome}.")


def _show_lag(found: dict[str, Any]) -> None:
    columns = ("follower", "share", "feed", "position>", "behind>", "running")
    rows = [
        (one["name"], one["share"], one["feed"], one["position"], one["behind"], "yes" if one["running"] else "no")
        for one in found["followers"]
    ]
    with for_people() as console:
        console.print(table(columns, rows))
        console.print(f"The log's head is at position {found['head_position']}.")
