"""What a folder of samples/ says about a scenario, read and checked: a story that lacks something says what.

commands.jsonl    the commands, for an empty ledger
scenario.toml     who, why, the questions with their figures, the refusals with their reasons
expected.json     every receipt and refusal and how many events of each name, as the second model of tests/ has them
rules.toml        rules that differ from the defaults, where the story needs some
"""

import json
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ops.scenarios.figures import Scalar

SAMPLES: Final = Path(__file__).resolve().parents[2] / "samples"
TOLD, COMMANDS, EXPECTED, RULES = "scenario.toml", "commands.jsonl", "expected.json", "rules.toml"
NUMBERS: Final = range(1, 20)


class Incomplete(Exception):
    """A story that lacks what every story must have."""


@dataclass(frozen=True)
class Figure:
    """`at`: where it stands in the question's document; `value`: what was worked out by hand, money in fen."""

    at: str
    value: Scalar
    means: str

    @property
    def is_money(self) -> bool:
        return self.at.endswith("_fen")


@dataclass(frozen=True)
class Question:
    """A command as people type it at the top of a checkout, and what its answer tells; `finds`: it ends with 1."""

    ask: str
    tells: str
    finds: bool
    figures: tuple[Figure, ...]

    @property
    def words(self) -> list[str | Path]:
        """What to run, from wherever: files of samples/ by their whole path."""
        typed = shlex.split(self.ask)[1:]
        return [SAMPLES.parent / word if word.startswith(f"{SAMPLES.name}/") else word for word in typed]


@dataclass(frozen=True)
class Refusal:
    """A line that must be refused, and what a reader learns from it."""

    line: int
    code: str
    field: str
    why: str


@dataclass(frozen=True)
class Story:
    """One scenario. `month`: whose clearing is shown; `golden`: examples under samples/golden that go further."""

    folder: Path
    number: int
    title: str
    used_by: tuple[str, ...]
    story: str
    month: str | None
    golden: tuple[str, ...]
    questions: tuple[Question, ...]
    refusals: tuple[Refusal, ...]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def file(self) -> Path:
        return self.folder / COMMANDS

    @property
    def rules(self) -> Path | None:
        path = self.folder / RULES
        return path if path.exists() else None

    @cached_property
    def commands(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text("utf-8").splitlines()]

    @cached_property
    def expected(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / EXPECTED).read_text("utf-8"))
        return found


def read_story(folder: Path) -> Story:
    """The story of a folder; Incomplete if it lacks a file, a question, a figure or a refusal."""
    missing = [name for name in (TOLD, COMMANDS, EXPECTED) if not (folder / name).exists()]
    if missing:
        raise Incomplete(f"samples/{folder.name} has no {' and no '.join(missing)}")
    found = tomllib.loads((folder / TOLD).read_text("utf-8"))
    try:
        story = Story(
            folder,
            found["number"],
            found["title"],
            tuple(found["used_by"]),
            " ".join(found["story"].split()),
            found.get("month"),
            tuple(found.get("golden", ())),
            tuple(map(_question, found.get("question", ()))),
            tuple(Refusal(one["line"], one["code"], one["field"], one["why"]) for one in found.get("refusal", ())),
        )
    except KeyError as absent:
        raise Incomplete(f"samples/{folder.name}/{TOLD} does not say {absent}") from None
    lacking = [
        what
        for what, there in (
            ("question", story.questions),
            ("figure", any(one.figures for one in story.questions)),
            ("refusal", story.refusals),
        )
        if not there
    ]
    if lacking:
        raise Incomplete(f"samples/{folder.name}/{TOLD} has no {' and no '.join(lacking)}")
    return story


def _question(found: Mapping[str, Any]) -> Question:
    figures = tuple(Figure(one["at"], one["value"], one["means"]) for one in found.get("figure", ()))
    return Question(found["ask"], found["tells"], found.get("finds", False), figures)


def stories(samples: Path = SAMPLES) -> dict[str, Story]:
    """Every story by its name, in the order of their numbers; none where there is no checkout."""
    found = [read_story(path.parent) for path in samples.glob(f"*/{TOLD}")]
    return {story.name: story for story in sorted(found, key=lambda story: story.number)}
