"""`status` and `schemas`: what there is, at a glance."""

from typing import Any

from ledger.core.calendar import instant_text
from ops.cli.explaining import App
from ops.cli.opening import opened
from ops.cli.output import Json, Jsonl, answer, answer_list, counted, for_people, refuse_both, table, unable
from ops.cli.sources import Source, asked_of, told
from ops.version import told_version
from projections.questions.national import store as national
from schemas.registry import registry

schemas = App(help="Schemas of events.", no_args_is_help=True)


def status(source: Source = None, as_json: Json = False) -> int:
    """Show the store, or another source, at a glance.

    \b
    Example:
      onecard status
    """
    with opened() as ledger:
        answered = asked_of(
            ledger,
            source,
            lambda cursor, one: national.status_of(cursor, one, ledger.config),
            lambda cursor: national.status(cursor, ledger.config),
        )
        database = "embedded" if ledger.settings.embedded else "server"
        mode = {"database": database, "kafka": ledger.settings.kafka_bootstrap is not None}
        found = {**answered, "mode": mode, "clock": instant_text(ledger.clock()())}
    return answer(found, as_json, _show_status)


@schemas.command("list")
def list_schemas(as_json: Json = False, as_jsonl: Jsonl = False) -> int:
    """List every registered schema.

    \b
    Example:
      onecard schemas list --jsonl
    """
    refuse_both(as_json, as_jsonl)
    found = [
        {
            "id": version.id,
            "subject": version.line.subject,
            "version": version.line.version,
            "event": version.event,
            "family": version.line.family,
            "sha256": version.line.sha256,
            "crc64": version.line.crc64,
        }
        for version in sorted(registry().versions, key=lambda one: one.id)
    ]
    return answer_list({"schemas": found}, "schemas", as_json, as_jsonl, _show_schemas)


@schemas.command("check")
def check_schemas(as_json: Json = False) -> int:
    """Check that readers of events are safe.

    Every version of every event must be readable by every other; exit 1 if not.

    \b
    Example:
      onecard schemas check
    """
    try:
        from schemas import compatibility
    except ModuleNotFoundError as missing:
        unable(f"Checking schemas needs the library {missing.name}: install onecard-ledger[dev].")
    findings = compatibility.check()
    found = {
        "ok": not findings,
        "findings": [{"subject": one.subject, "rule": one.rule, "detail": one.detail} for one in findings],
    }
    return answer(found, as_json, _show_findings, ok=not findings)


def _show_status(found: dict[str, Any]) -> None:
    with for_people() as console:
        mode = found["mode"]
        followed = "views follow topics" if mode["kafka"] else "no Kafka"
        console.print(f"{told_version()}.")
        console.print(f"Source {found['source']}, database {mode['database']}, {followed}, clock {found['clock']}.")
        counts = [counted(found[f"{name}s"], name) for name in ("event", "stream", "card")]
        console.print(f"{counts[0]} in {counts[1]}, {counts[2]}.")
        rows = [
            (
                one["name"],
                "not built" if one["version"] is None else one["version"],
                told(one["position"]),
                one["behind"],
            )
            for one in found["views"]
        ]
        console.print(table(("view", "version>", "position>", "behind>"), rows))
        for one in found["cycles"]:
            console.print(f"Cycle {one['cycle']} is {one['state']}.")
        seal = found["last_seal"]
        if seal is None:
            console.print("The log was never sealed.")
        else:
            console.print(f"Seal {seal['seal_id']} covers everything up to position {seal['through_position']:,}.")


def _show_schemas(found: dict[str, Any]) -> None:
    columns = ("id>", "family", "event", "version>", "crc64")
    rows = [(one["id"], one["family"], one["event"], one["version"], one["crc64"]) for one in found["schemas"]]
    with for_people() as console:
        console.print(table(columns, rows))


def _show_findings(found: dict[str, Any]) -> None:
    with for_people() as console:
        for one in found["findings"]:
            console.print(f"{one['subject']}: {one['rule']}: {one['detail']}")
        if found["ok"]:
            console.print("Every version of every event can be read by every other.")
