"""`incidents`: why a view does not go on with a source, going on after a fix, and a source that never was."""

from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ops.cli.explaining import App
from ops.cli.opening import asked, opened
from ops.cli.output import FOUND, Json, Jsonl, Problem, answer, answer_list, counted, for_people, refuse_both, table
from ops.cli.sources import named_source
from projections.forgetting import Kept, UnknownSource, forget
from projections.questions import incidents as questions
from projections.resuming import Closed, Resumed, UnknownIncident, resume
from projections.views.registry import VIEWS

incidents = App(subcommand_metavar="[COMMAND [ARGS]...]")
Number = Annotated[int, typer.Argument(metavar="N", help="The number of an incident.")]


@incidents.callback(invoke_without_command=True)
def list_incidents(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that were resumed.")] = False,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List why views do not go on with a source.

    Those that are open, with what to do. The others go on. Exit 1 if any is open.

    \b
    Example:
      onecard incidents
    """
    if context.invoked_subcommand is not None:
        return 0
    refuse_both(as_json, as_jsonl)
    with opened() as ledger:
        found = asked(ledger, lambda cursor: questions.listed(cursor, every))
    is_open = any(one["state"] == "OPEN" for one in found["incidents"])
    return answer_list(found, "incidents", as_json, as_jsonl, _show_list, ok=not is_open)


@incidents.command("show")
def show_incident(number: Number, as_json: Json = False) -> int:
    """Explain one, with its record as it was read.

    \b
    Example:
      onecard incidents show 1
    """
    with opened() as ledger:
        found = asked(ledger, lambda cursor: questions.shown(cursor, number))
    return answer(found, as_json, _show_one)


@incidents.command("resume")
def resume_incident(number: Number, as_json: Json = False) -> int:
    """Read and apply again where a view stopped.

    After what was wrong has been mended. Nothing is skipped: if it is not right yet, the view stays where it is (exit
    1). The source is read from topics if ONECARD_KAFKA_BOOTSTRAP is set, else from the log.

    \b
    Example:
      onecard incidents resume 1
    """
    with opened() as ledger, closing(ledger.connect()) as connection:
        feeds = []

        def feed_of(source: str) -> Any:
            feeds.append(ledger.feed(source))
            return feeds[-1]

        try:
            done = resume(connection, VIEWS, number, feed_of)
        except UnknownIncident as unknown:
            raise Problem(FOUND, "incident_unknown", f"{unknown.args[0]}.") from None
        except Closed as closed:
            raise Problem(FOUND, "incident_closed", f"{closed}.") from None
        finally:
            for feed in feeds:
                feed.close()
    return answer(_resumed(done), as_json, _show_resumed, ok=done.still is None)


@incidents.command("forget")
def forget_source(
    source: Annotated[
        str, typer.Option("--source", metavar="S", help="The source that is not there.", callback=named_source)
    ],
    as_json: Json = False,
) -> int:
    """Follow a mistyped source no longer.

    For a source that no Kafka has: its incidents are closed, and no view waits for it any more. Refused (exit 1) if any
    view has applied an event of it, or stops at one; nothing that was read is ever forgotten.

    \b
    Example:
      onecard incidents forget --source 44
    """
    with opened() as ledger, closing(ledger.connect()) as connection:
        try:
            done = forget(connection, source)
        except UnknownSource as unknown:
            raise Problem(FOUND, "source_unknown", f"{unknown.args[0]}.") from None
        except Kept as kept:
            raise Problem(FOUND, "source_kept", f"{kept}.") from None
    return answer(asdict(done), as_json, _show_forgotten)


def _resumed(done: Resumed) -> dict[str, Any]:
    return {
        "number": done.number,
        "view": done.view,
        "source": done.source,
        "resumed": done.still is None,
        "applied": done.applied,
        "position": done.position,
        "kind": None if done.still is None else done.still.kind,
        "message": None if done.still is None else str(done.still),
    }


def _show_list(found: dict[str, Any]) -> None:
    columns = ("number>", "state", "view", "source", "position>", "kind", "found at")
    keys = ("number", "state", "view", "source", "position", "kind", "found_at")
    with for_people() as console:
        if not found["incidents"]:
            console.print("No view is stopped by an incident.")
            return
        console.print(table(columns, [[one[key] for key in keys] for one in found["incidents"]]))
        for one in found["incidents"]:
            console.print(f"{one['number']}: {one['message']}")


def _show_one(found: dict[str, Any]) -> None:
    with for_people() as console:
        console.print(f"Incident {found['number']}, {found['state'].lower()}, found at {found['found_at']}.")
        console.print(f"{found['view']} has applied source {found['source']} up to position {found['position']}.")
        console.print(f"{found['kind']}: {found['message']}")
        if found["topic"] is not None:
            console.print(f"Topic {found['topic']}, partition {found['partition']}, offset {found['offset']}.")
        record = found["record"]
        if record is None:
            console.print("There is no record to show: what was to come next is not there.")
            return
        console.print(f"key    {record['key']}")
        for header in record["headers"]:
            console.print(f"header {header['name']}: {header['value']}")
        console.print(f"value  {record['value']}")
        said = record["decoded"]
        if said["schema_id"] is not None:
            console.print(f"schema id {said['schema_id']}, event {said['event']}, recorded at {said['recorded_at']}.")
        for name, value in (said["data"] or {}).items():
            console.print(f"  {name}: {value}")
        if said["problem"] is not None:
            what = "It" if said["schema_id"] is None else "The rest"
            console.print(f"{what} cannot be decoded: {said['problem']}.")


def _show_resumed(found: dict[str, Any]) -> None:
    with for_people() as console:
        if found["resumed"]:
            console.print(
                f"{found['view']} goes on with source {found['source']} at position {found['position']}"
                f" ({counted(found['applied'], 'event')} applied now)."
            )
        else:
            console.print(f"{found['view']} stays at position {found['position']}: {found['message']}")


def _show_forgotten(found: dict[str, Any]) -> None:
    with for_people() as console:
        console.print(
            f"Source {found['source']} is forgotten ({counted(len(found['views']), 'view')} waited for it,"
            f" {counted(len(found['incidents']), 'incident')} closed)."
        )
