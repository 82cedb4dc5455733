"""`bench`: figures of this machine beside its raw limits, from one run, with durable settings only."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from ops.bench.figures import LESS_IS_BETTER, Figure, Figures
from ops.bench.rig import FULL, QUICK
from ops.bench.run import GROUPS, measure
from ops.cli.output import DONE, Json, document, for_people, refuse, table, tell, watched
from ops.collector import expect_a_long_run
from ops.kafka.jars import java
from ops.problems import EnvironmentProblem
from ops.scratch_home import scratch_home
from ops.settings import load_settings
from ops.wiring import open_ledger

EXPLAINED = """
Durations (us, ms) and memory (MB): less is better, and the last column says how many times the raw limit they are.
Otherwise more is better and it says how much of the raw limit is reached: what this machine does with no ledger in
the way (docs/bench.md)."""


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help=f"Of {', '.join(GROUPS)}. Default: all but payouts, a million lines; if quick, all.",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller and fewer runs: a minute or two, not ten.")] = False,
    cards: Annotated[
        int | None,
        typer.Option(min=100, metavar="N", help=f"Cards in the store. Default: {FULL.cards}; {QUICK.cards} if quick."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Measure this machine beside its raw limits.

    Everything is measured several times in a store made for it and removed afterwards, with fsync and the like on.

    \b
    Example:
      onecard bench --quick
    """
    wanted = names or _possible(quick)
    for name in wanted:
        if name not in GROUPS:
            refuse(f"{name!r} is nothing to measure: there are {', '.join(GROUPS)}.")
    scale = QUICK if quick else FULL
    if cards is not None:
        scale = replace(scale, cards=cards)
    expect_a_long_run()
    progress = _told if watched() else _silent
    with scratch_home(load_settings(), "bench", progress, keep=False) as settings:
        with open_ledger(settings, progress) as ledger:
            machine, figures = measure(ledger, settings.home, scale, wanted, progress)
    if as_json:
        document({"machine": machine, "figures": figures.as_json()})
    else:
        _show(machine, figures)
    return DONE


def _possible(quick: bool) -> list[str]:
    """Everything, but for Kafka where there is none to be had, and for what takes as long as all the rest."""
    left_out = set() if quick else {"payouts"}
    try:
        java()
    except EnvironmentProblem as problem:
        tell(f"onecard: kafka is not measured: {problem}")
        left_out.add("kafka")
    return [name for name in GROUPS if name not in left_out]


def _told(message: str) -> None:
    tell(message)


def _silent(message: str) -> None:
    """Nobody watches."""


def _show(machine: dict[str, Any], figures: Figures) -> None:
    columns = ("figure", "median>", "least>", "greatest>", "unit", "raw limit", "is>", "reached>")
    with for_people() as console:
        for name, value in machine.items():
            console.print(f"{name.replace('_', ' '):20}{value}")
        console.print()
        console.print(table(columns, [_row(figure, figures.limit_of(figure)) for figure in figures.all]))
        console.print(EXPLAINED)


def _row(figure: Figure, limit: int | None) -> tuple[object, ...]:
    spread = ("", "") if len(figure.values) == 1 else (f"{figure.values[0]:,}", f"{figure.values[-1]:,}")
    shown = (figure.name, f"{figure.median:,}", *spread, figure.unit)
    if limit is None:
        return (*shown, "", "", "")
    return (*shown, figure.limit, f"{limit:,}", _share(figure, limit))


def _share(figure: Figure, limit: int) -> str:
    if figure.unit in LESS_IS_BETTER:
        tenths = figure.median * 10 // limit
        return f"{tenths // 10:,}.{tenths % 10} x"
    return f"{figure.median * 100 // limit:,} %"
