"""The steps of a demo: each is a command of `onecard`, shown as it would be typed and run with --json.

The demo knows nothing but what those commands answer, so whatever it shows anybody can ask for again.
"""

import io
import json
import shlex
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.cli.output import FOUND, Problem, counted
from ops.demo.scenarios import Scenario

COMMANDS, RECEIPTS, REJECTS = "day.jsonl", "receipts.jsonl", "rejects.jsonl"
BALANCES = ("provider:", "fund:")

Told = Callable[[str, str], None]
"""Called with a typed command and one sentence about its outcome."""


@dataclass
class Played:
    """What the commands answered: the documents of queries.md, by what they are about."""

    submitted: dict[str, Any]
    status: dict[str, Any]
    trial_balance: dict[str, Any]
    cycle: dict[str, Any] | None
    notices: dict[str, Any] | None
    verified: dict[str, Any]
    balances: list[dict[str, Any]]
    rejects: Path
    published: dict[str, Any] | None = None
    history: dict[str, Any] | None = None
    settlement: dict[str, Any] | None = None


class Stage:
    """Runs commands of the application `root`; `show` makes a path short enough to be typed. With Kafka the log is
    published and the views follow the topics."""

    def __init__(self, root: Any, place: Path, show: Callable[[Path], str], told: Told, *, with_kafka: bool) -> None:
        self.place = place
        self.with_kafka = with_kafka
        self._root = root
        self._show = show
        self._told = told

    def run(self, *arguments: str | Path, outcome: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
        """The document of a command; it is told with its outcome."""
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with redirect_stdout(out):
            words = [str(argument) for argument in arguments]
            code = self._root.main([*words, "--json"], prog_name="onecard", standalone_mode=False)
        if code not in (None, 0, FOUND):
            raise Problem(code, "environment", f"`onecard {shlex.join(words)}` ended with exit code {code}.")
        found: dict[str, Any] = json.loads(out.buffer.getvalue())
        typed = [self._show(word) if isinstance(word, Path) else word for word in arguments]
        self._told(f"onecard {shlex.join(typed)}", outcome(found))
        return found


def play_day(stage: Stage, lines: int, seed: int, cycle: str, interesting_card: Callable[[], str | None]) -> Played:
    """A working day and the clearing that follows it, as many commands as wanted."""
    file = stage.place / COMMANDS
    stage.run(
        "simulate", "--lines", str(lines), "--seed", str(seed), "--out", file,
        outcome=_simulated,
    )  # fmt: skip
    played = books(stage, file, cycle)
    _largest(stage, played)
    card = interesting_card()
    if card is not None:
        _look_at(stage, played, card)
    verified(stage, played)
    return played


def play_scenario(stage: Stage, scenario: Scenario) -> Played:
    """A story with known figures."""
    played = books(stage, scenario.file, scenario.cycle)
    _largest(stage, played)
    _look_at(stage, played, scenario.card)
    played.settlement = stage.run(
        "clearing", "show", scenario.settlement, outcome=lambda found: f"{len(found['lines'])} clearing line"
    )
    verified(stage, played)
    return played


def books(stage: Stage, file: Path, cycle: str | None) -> Played:
    """Submit a file, bring the views up, ask for the books and, where a month is told, for its clearing."""
    receipts, rejects = stage.place / RECEIPTS, stage.place / REJECTS
    submitted = stage.run("submit", file, "--receipts", receipts, "--rejects", rejects, outcome=_submitted)
    published = _publish(stage) if stage.with_kafka else None
    stage.run("follow", "--until-caught-up", outcome=_followed)
    return Played(
        submitted=submitted,
        published=published,
        status=stage.run("status", outcome=_counts),
        trial_balance=stage.run("trial-balance", outcome=_balanced),
        balances=[],
        cycle=stage.run("clearing", "table", cycle, outcome=_table) if cycle else None,
        notices=stage.run("clearing", "notices", cycle, outcome=_notices) if cycle else None,
        verified={},
        rejects=rejects,
    )


def _counts(found: dict[str, Any]) -> str:
    return f"{counted(found['events'], 'event')} in {counted(found['streams'], 'stream')}"


def _publish(stage: Stage) -> dict[str, Any]:
    """Make the topics and put every event on its own; the topics are shown as they are then."""
    stage.run(
        "topics",
        "apply",
        outcome=lambda found: f"{counted(len(found['created']), 'topic')} made, with the rights to them",
    )
    stage.run("relay", "--until-caught-up", outcome=_relayed)
    return stage.run("topics", "show", outcome=lambda found: counted(len(found["topics"]), "topic"))


def _largest(stage: Stage, played: Played) -> None:
    played.balances += [stage.run("accounts", "--prefix", prefix, outcome=_accounts) for prefix in BALANCES]


def _look_at(stage: Stage, played: Played, card: str) -> None:
    balance = stage.run("balance", card, outcome=lambda found: f"the card is {found['state']}")
    played.balances.append(balance)
    played.history = stage.run("history", card, outcome=lambda found: counted(len(found["events"]), "event"))


def verified(stage: Stage, played: Played, *, sealed: bool = False) -> None:
    """Everything made again from the log and compared."""
    against = ("topics,views" if stage.with_kafka else "views") + (",seals" if sealed else "")
    played.verified = stage.run("verify", "--against", against, outcome=_verified)


def _simulated(found: dict[str, Any]) -> str:
    return (
        f"{counted(found['lines'], 'command')} about {counted(found['cards'], 'card')} written, {found['refused']:,} of"
        f" them wrong on purpose and {found['resubmitted']:,} sent a second time"
    )


def _submitted(found: dict[str, Any]) -> str:
    answered = f"{found['recorded']:,} recorded, {found['rejected']:,} refused"
    if not found["duplicate"]:
        return answered
    return f"{answered}, {found['duplicate']:,} sent a second time: those got their first receipts again"


def _relayed(found: dict[str, Any]) -> str:
    return f"{counted(sum(one['applied'] for one in found['followers']), 'event')} published"


def _followed(found: dict[str, Any]) -> str:
    applied = max((one["applied"] for one in found["followers"]), default=0)
    return f"{counted(applied, 'event')} applied to {counted(len(found['followers']), 'view')}"


def _balanced(found: dict[str, Any]) -> str:
    held = sum(one["holds"] for one in found["invariants"])
    return f"{counted(found['accounts'], 'account')}, {held} of {len(found['invariants'])} invariants hold"


def _accounts(found: dict[str, Any]) -> str:
    return counted(len(found["accounts"]), "account")


def _table(found: dict[str, Any]) -> str:
    lines, rows = counted(found["line_count"], "line"), counted(len(found["rows"]), "row")
    return f"the month is {found['state']}: {lines} in {rows}"


def _notices(found: dict[str, Any]) -> str:
    return counted(len(found["notices"]), "notice")


def _verified(found: dict[str, Any]) -> str:
    return "nothing differs" if found["ok"] else counted(len(found["findings"]), "finding")
