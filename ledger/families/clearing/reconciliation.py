"""What was compared with the other side's file, and what came out (contract 7.4). It changes no line."""

from collections.abc import Iterator
from typing import ClassVar, Final

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, StreamName
from ledger.core.fields import required
from ledger.core.rejection import Rejected
from ledger.core.rows import StreamRow
from ledger.core.world import Name, World

# --- facts -----------------------------------------------------------------------------------------------------------


class Run(StreamRow):
    """Key: run_id. The row exists once the run is recorded."""

    kind: ClassVar[str] = "reconciliation"


def on_run(event: Event) -> StreamName:
    return Run, event["run_id"]


# --- decisions -------------------------------------------------------------------------------------------------------


def run_reconciliation(command: Command, world: World) -> list[Draft]:
    if world.get(Run, command["run_id"]) is not None:
        raise Rejected("run_exists", "this run_id was used before", "run_id")
    if command["from"] > command["to"]:
        raise Rejected("period_invalid", "from is later than to", "from")
    return [Draft("ReconciliationRun")]


def keys(command: Command, world: World) -> Iterator[Name]:
    yield Run, command["run_id"]


COMMANDS: Final = (
    CommandType(
        "RunReconciliation",
        "clearing",
        (
            required("run_id", types.identifier),
            required("level", types.one_of("L1_TOTALS", "L1_DETAILS", "L2", "L3")),
            required("counterparty", types.identifier),
            required("from", types.day),
            required("to", types.day),
            required("file_sha256", types.digest),
            required("matched", types.count),
            required("only_local", types.count),
            required("only_centre", types.count),
            required("amount_diff", types.count),
            required("state_diff", types.count),
            required("duplicate_centre", types.count),
        ),
        run_reconciliation,
        keys=keys,
    ),
)
EVENTS: Final = (EventType("ReconciliationRun", "clearing", on_run),)
