"""`tick`: what the calendar does by itself is recorded, up to an instant."""

from contextlib import closing
from typing import Annotated, Any

import typer

from ledger.core import fields
from ledger.core.calendar import instant_text
from ledger.core.rejection import Rejected
from ledger.service.session import StoreUnreachable
from ops.cli.opening import READER_ROLE, opened
from ops.cli.output import Json, Problem, answer, refuse, tell, unable
from ops.collector import expect_a_long_run
from ops.timers.recording import Ticked, tick

AGAIN = "What was recorded stays recorded: the same command goes on from there."


def record_due(
    until: Annotated[str, typer.Option("--until", metavar="INSTANT", help="RFC 3339 with offset; not in the future.")],
    as_json: Json = False,
) -> int:
    """Record what the calendar did up to an instant.

    Temporary losses that ran out, passes that became active or ended, vouchers whose last day is over. Each is dated
    when it was due, and recorded once however often this runs.

    \b
    Example:
      onecard tick --until 2025-07-01T00:00:00+08:00
    """
    try:
        instant = fields.instant(until)
    except Rejected as rejected:
        refuse(f"--until {rejected.message}.")
    ticked = Ticked()
    expect_a_long_run()
    with opened() as ledger:
        if instant > ledger.clock()():
            refuse("--until lies in the future: nothing has happened there yet.")
        try:
            with closing(ledger.connect(READER_ROLE)) as connection, ledger.writer() as writer:
                tick(writer, connection, ledger.keyring, instant, ticked)
        except StoreUnreachable as lost:
            unable(f"The database went away ({str(lost).strip().removesuffix('.')}). {AGAIN}")
        except KeyboardInterrupt:
            done = ticked.recorded.total()
            raise Problem(130, "interrupted", f"Interrupted after {done} were recorded. {AGAIN}") from None
    return answer({"until": instant_text(instant), **ticked.as_json()}, as_json, _show)


def _show(found: dict[str, Any]) -> None:
    text = f"{found['due']:,} due up to {found['until']}: {found['recorded']:,} recorded"
    names = [f"{name} {count:,}" for name, count in found["recorded_by_command"].items() if count]
    text += f" ({', '.join(names)})" if names else ""
    if found["duplicate"]:
        text += f", {found['duplicate']:,} recorded by somebody else meanwhile"
    if found["held"]:
        text += f", {found['held']:,} held ("
        text += ", ".join(f"{code} {count:,}" for code, count in found["held_by_code"].items()) + ")"
    tell(text + ".")
