"""`demo`: a first run that shows what there is, through the commands that anybody can type."""

import secrets
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ops.cli.opening import asked, lent, opened
from ops.cli.output import DONE, FOUND, Json, counted, document, for_people, progress_told, refuse, table, unable
from ops.demo import glance, summary
from ops.demo.begun import Begun, program
from ops.demo.play import Played, Stage, play_day, play_scenario
from ops.demo.scenarios import SCENARIOS, Scenario
from ops.demo.story import Answers, play_story, show_story
from ops.kafka.embedded import embedded_broker
from ops.kafka.properties import ADMIN
from ops.scenarios.story import SAMPLES, Story, stories
from ops.scratch_home import KAFKA, scratch_home, to_be_unset
from ops.settings import Settings, load_settings
from ops.simulate import START
from ops.wiring import open_ledger

LINES, SEED = 20_000, 1
CYCLE = f"{START:%Y-%m}"
SECOND = 1_000_000_000
LIST = "list"
MOST_WORTH = 4
WELCOME = """\
A working day of one card for everything: cards are issued, lost and replaced, pensions paid, bills settled in other
provinces, buses taken; then the provinces clear the month between them. The demo plays in a store of its own, which it
empties first, so that it never touches yours and always shows the same. These are the commands it runs:
"""


def demo(
    context: typer.Context,
    events: Annotated[
        int | None, typer.Option(min=1, metavar="N", help=f"How many commands. Default: {LINES}.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="S", help=f"The same N and S give the same day. Default: {SEED}.")
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME", help="A story with known figures instead; `list` names them all.")
    ] = None,
    kafka: Annotated[
        bool, typer.Option("--kafka", help="Over topics. Starts a broker unless ONECARD_KAFKA_BOOTSTRAP names one.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Show a working day in several provinces.

    Commands are simulated, submitted and cleared in a store of the demo's own, and everything is verified at the end.

    \b
    Example:
      onecard demo
    """
    if scenario == LIST:
        return _list(as_json)
    story = _story(scenario, events is not None or seed is not None)
    begun = time.monotonic_ns()
    before = load_settings()
    place = scratch_home(before, "demo", progress_told, keep=True)
    kafka_for = partial(_kafka, before) if kafka else nullcontext
    rules = {"config": story.rules} if isinstance(story, Story) else {}
    with (
        place as empty,
        kafka_for(empty.model_copy(update=rules)) as settings,
        lent(settings),
        open_ledger(settings, progress_told),
    ):
        with for_people() as console:
            if as_json:
                console.quiet = True
            root = context.find_root().command
            played, answers = _play(root, console, settings, story, events or LINES, _or(seed, SEED))
            elapsed = (time.monotonic_ns() - begun) // SECOND
            if not as_json:
                _show(console, played, answers, story)
                _say_next(console, played, story, settings.home, before, elapsed)
                if kafka:
                    _say_where_topics_are(console, settings, before)
    if as_json:
        submitted = played.submitted
        document(
            {
                "seed": None if story else _or(seed, SEED),
                "commands": submitted["lines"],
                "recorded": submitted["recorded"],
                "rejected": submitted["rejected"],
                "cards": played.status["cards"],
                "trial_balance": played.trial_balance,
                "cycle": played.cycle,
                "verify": played.verified,
                "seconds": elapsed,
            }
        )
    sound = played.verified["ok"] and all(one["holds"] for one in played.trial_balance["invariants"])
    return DONE if sound and (answers is None or answers.as_by_hand) else FOUND


@contextmanager
def _kafka(before: Settings, alone: Settings) -> Iterator[Settings]:
    """The settings of a demo over topics. On a Kafka that others use too, its source is one that nobody has."""
    if before.kafka_bootstrap is not None:
        named = {name: getattr(before, name) for name in KAFKA}
        yield alone.model_copy(update={**named, "source": f"demo-{secrets.token_hex(4)}"})
        return
    with embedded_broker(alone.home, before.home / "kafka" / "lib", progress_told) as broker:
        login = {"kafka_user": ADMIN, "kafka_password_file": broker.password_file(ADMIN)}
        yield alone.model_copy(update={"kafka_bootstrap": broker.clients, **login})


def _titles() -> dict[str, str]:
    """What `--scenario` takes, with what each is about."""
    known = {name: f"{one.number:>2}  {one.title}" for name, one in stories().items()}
    return known | {one.name: f"    {one.title}" for one in SCENARIOS.values()}


def _list(as_json: bool) -> int:
    """Every scenario with its title, for people."""
    if as_json:
        refuse("--scenario list is for people and has no --json.")
    with for_people() as console:
        console.print(table(("onecard demo --scenario", "#  is about~"), _titles().items()))
    return DONE


def _story(name: str | None, has_day: bool) -> Story | Scenario | None:
    if name is None:
        return None
    told = stories().get(name) or SCENARIOS.get(name)
    if told is None:
        known = "\n".join(f"  {one}: {title.lstrip(' 0123456789')}" for one, title in _titles().items())
        absent = f"\nThe others are read from a checkout of onecard-ledger: {SAMPLES} is missing."
        missing = "" if SAMPLES.exists() else absent
        refuse(f"{name!r} is no scenario. There are:\n{known}{missing}")
    if has_day:
        refuse("--scenario excludes --events and --seed: its commands are fixed.")
    if not told.file.exists():
        unable(f"{told.file} is missing: scenarios are read from a checkout of onecard-ledger.")
    return told


def _play(
    root: Any, console: Console, settings: Settings, story: Story | Scenario | None, lines: int, seed: int
) -> tuple[Played, Answers | None]:
    def told(typed: str, outcome: str) -> None:
        console.print(Text(f"$ {typed}", style="bold"), soft_wrap=True)
        console.print(f"    {outcome}.")

    console.print(_welcome(story))
    exported = {"HOME": shown(settings.home), "KAFKA_BOOTSTRAP": settings.kafka_bootstrap}
    if settings.config is not None:
        exported["CONFIG"] = shown(settings.config)
    for name, value in exported.items():
        if value is not None:
            console.print(Text(f"$ export ONECARD_{name}={value}", style="bold"), soft_wrap=True)
    stage = Stage(root, settings.home, shown, told, with_kafka=settings.kafka_bootstrap is not None)
    if isinstance(story, Story):
        return play_story(stage, story)
    if story is not None:
        return play_scenario(stage, story), None
    return play_day(stage, lines, seed, CYCLE, _eventful_card), None


def _welcome(story: Story | Scenario | None) -> str:
    if story is None:
        return WELCOME
    told = f"{story.title}.\n"
    if isinstance(story, Story):
        told += f"\n{story.story}\n\nFor: {', '.join(story.used_by)}.\n"
    return told + "These are the commands the demo runs:\n"


def _eventful_card() -> str | None:
    with opened() as ledger:
        return asked(ledger, lambda cursor: glance.eventful_card(cursor, ledger.source))


def _show(console: Console, played: Played, answers: Answers | None, story: Story | Scenario | None) -> None:
    with opened() as ledger:
        families = asked(ledger, lambda cursor: glance.families(cursor, ledger.source))
    if isinstance(story, Story):
        assert answers is not None
        show_story(console, played, answers, families, story)
    elif story is not None:
        summary.show_scenario(console, played, families, story)
    else:
        summary.show_day(console, played, families)


def _say_next(
    console: Console, played: Played, story: Story | Scenario | None, home: Path, before: Settings, elapsed: int
) -> None:
    own = str(before.home) if "home" in before.model_fields_set else None
    begun = Begun(program(), own, to_be_unset(before))
    file = Path(played.submitted["files"][0]).absolute()
    if isinstance(story, Story):
        worth = [one.ask for one in story.questions[:MOST_WORTH]]
    else:
        worth = summary.next_commands(played)
    summary.show_next(console, begun, home, file, worth)
    console.print(f"\n{counted(elapsed, 'second')} from an empty folder to here.")


def _say_where_topics_are(console: Console, settings: Settings, before: Settings) -> None:
    if before.kafka_bootstrap is not None:
        console.print(f"The topics of source {settings.source} stay on {before.kafka_bootstrap}.", soft_wrap=True)
    else:
        typed = f"ONECARD_HOME={shlex.quote(str(settings.home))} make kafka-up"
        console.print(f"The broker is stopped and its topics are kept: {typed} starts it again.", soft_wrap=True)


def _or(given: int | None, default: int) -> int:
    return default if given is None else given


def shown(path: Path) -> str:
    """A path as short as it can be typed from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
