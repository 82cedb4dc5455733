"""`rebuild`: a view filled anew beside the live one, compared, and put in its place."""

from contextlib import closing
from typing import Annotated, Any

import typer

from ops.cli.bars import bar
from ops.cli.follow import chosen
from ops.cli.opening import opened
from ops.cli.output import ROWS_FOR_PEOPLE, Json, answer, counted, for_people, refuse, tell
from ops.cli.sources import Source
from ops.collector import expect_a_long_run
from ops.problems import EnvironmentProblem
from projections import rebuild as rebuilding
from projections import tracking
from projections.loading.crew import Crew
from projections.questions.sources import ALL


def rebuild(
    view: Annotated[str | None, typer.Argument(metavar="VIEW", help="The view to fill anew.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every view, with one reading of the log.")] = False,
    source: Source = None,
    force: Annotated[bool, typer.Option("--force", help="Put the new version in place even if rows differ.")] = False,
    as_json: Json = False,
) -> int:
    """Fill a view anew and compare.

    The new version is filled beside the live one and takes its place if no row differs; exit 1 otherwise. One source
    at a time: of a view that holds several, the others are left as they are. The store's own source is read from its
    log, others from their topics.

    \b
    Example:
      onecard rebuild balances
    """
    if (view is None) != every:
        refuse("Name one view, or give --all.")
    wanted = chosen([view] if view is not None else [])
    expect_a_long_run()
    results: list[rebuilding.Rebuilt] = []
    with opened() as ledger, closing(ledger.connect()) as connection:
        crew = Crew.of_machine(ledger.dsn)
        followed = tracking.followed(connection, [one.name for one in wanted])
        for one in followed if source == ALL else [source or ledger.source]:
            feed = ledger.own_feed() if one == ledger.source else ledger.feed(one)
            with closing(feed), bar("filling", feed.head()) as show:
                try:
                    for found in rebuilding.rebuild_together(connection, wanted, feed, force, crew=crew):
                        show(min(result.position for result in found))
                except rebuilding.UnderWay as under_way:
                    raise EnvironmentProblem(f"{under_way}.") from None
            results += found
    for result in results:
        for finding in result.differences[:ROWS_FOR_PEOPLE]:
            tell(f"{finding.kind} {finding.subject}: {finding.detail}")
    documents = [_rebuilt(result, source == ALL) for result in results]
    answered = {"rebuilt": documents} if every or source == ALL else documents[0]
    return answer(answered, as_json, _show_rebuilt, ok=all(result.swapped for result in results))


def _rebuilt(result: rebuilding.Rebuilt, with_source: bool) -> dict[str, Any]:
    return {
        **({"source": result.source} if with_source else {}),
        "view": result.view,
        "from_version": result.from_version,
        "to_version": result.to_version,
        "applied": result.applied,
        "position": result.position,
        "swapped": result.swapped,
        "differences": len(result.differences),
    }


def _show_rebuilt(found: dict[str, Any]) -> None:
    with for_people() as console:
        for one in found.get("rebuilt", [found]):
            dropped = f"was dropped, since it differs from the live one in {counted(one['differences'], 'row')}"
            outcome = "is live now" if one["swapped"] else dropped
            console.print(
                f"{one['view']}: version {one['to_version']} of {counted(one['applied'], 'event')} {outcome}."
            )
