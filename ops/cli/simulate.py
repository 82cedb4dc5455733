"""`simulate`: commands to try a ledger with, the same for the same seed."""

import sys
from typing import Annotated, Any

import typer

from ops.cli.named_files import shown, unless_stdout
from ops.cli.output import DONE, Json, counted, document, refuse, tell, unable
from ops.simulate import MIXES, write_commands


def simulate(
    lines: Annotated[int, typer.Option(min=1, metavar="N", help="How many commands.")],
    seed: Annotated[int, typer.Option(min=0, metavar="S", help="The same seed gives the same bytes.")] = 1,
    mix: Annotated[str, typer.Option(metavar="M", help=f"What kind of traffic: {', '.join(MIXES)}.")] = "day",
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Where they go. Default: stdout.")] = None,
    as_json: Json = False,
) -> int:
    """Write a simulated day of commands.

    \b
    Example:
      onecard simulate --lines 100000 --seed 7 --out day.jsonl
    """
    if mix not in MIXES:
        refuse(f"{mix!r} is no kind of traffic: there are {', '.join(MIXES)}.")
    out = unless_stdout(out)
    if as_json and out is None:
        refuse("--json needs --out to be a file: stdout cannot hold the commands and the document.")
    try:
        if out is None:
            write_commands(sys.stdout.buffer, lines, seed, mix=mix)
            sys.stdout.buffer.flush()
            return DONE
        with open(out, "wb") as file:
            written = write_commands(file, lines, seed, mix=mix)
    except OSError as error:
        unable(f"{'stdout' if out is None else shown(out)} cannot be written: {error.strerror}.")
    if as_json:
        document(written)
    else:
        tell(_summary(shown(out), written))
    return DONE


def _summary(out: str, written: dict[str, Any]) -> str:
    lines, refused, again = counted(written["lines"], "command"), written["refused"], written["resubmitted"]
    return f"{out}: {lines}, of them {refused:,} to be refused and {again:,} sent a second time."
