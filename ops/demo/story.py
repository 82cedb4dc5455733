"""A scenario of samples/ as a demo plays it: its questions are asked, and each figure stands beside the one by hand."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rich.console import Console
from rich.text import Text

from ops.cli.output import table
from ops.demo.play import Played, Stage, books, verified
from ops.demo.summary import Families, heading, show_frame
from ops.scenarios.figures import NotFound, Scalar, figure
from ops.scenarios.page import shown
from ops.scenarios.story import Figure, Question, Story


@dataclass
class Answers:
    """What the ledger said to each figure of a story."""

    said: list[tuple[Question, Figure, Scalar]] = field(default_factory=list)

    @property
    def as_by_hand(self) -> bool:
        return all(value == one.value for _, one, value in self.said)

    def take(self, question: Question, document: Any) -> str:
        """The figures of one answer; the sentence that tells them."""
        for one in question.figures:
            self.said.append((question, one, _read(document, one)))
        return question.tells.removesuffix(".")


def _read(document: Any, one: Figure) -> Scalar:
    try:
        return figure(document, one.at)
    except NotFound:
        return "not there"


def play_story(stage: Stage, story: Story) -> tuple[Played, Answers]:
    """Submit, follow, ask, verify: each by the command that anybody types."""
    played = books(stage, story.file, story.month)
    answers = Answers()
    for question in story.questions:
        stage.run(*question.words, outcome=partial(answers.take, question))
    verified(stage, played, sealed="LogSealed" in story.expected["events"])
    return played, answers


def show_story(console: Console, played: Played, answers: Answers, families: Families, story: Story) -> None:
    """What the story shows: what was recorded, refused and why, every figure, the verdict."""
    show_frame(console, played, families, lambda: _middle(console, played, answers, story))


def _middle(console: Console, played: Played, answers: Answers, story: Story) -> None:
    heading(console, "What was refused, and why")
    refused = [(one.line, one.code, one.field, one.why) for one in story.refusals]
    console.print(table(("line>", "code", "field", "because~"), refused))
    if played.submitted["rejected"] != len(refused):
        said = f"Refused lines: {played.submitted['rejected']}, where the story has {len(refused)}: rejects.jsonl"
        console.print(Text(said, style="bold red"))
    heading(console, "The figures, as the ledger has them and as they were worked out by hand")
    rows = [
        (Text(shown(one, value), style="green" if value == one.value else "bold red"), shown(one, one.value), one.means)
        for _, one, value in answers.said
    ]
    console.print(table(("the ledger>", "by hand>", "which is~"), rows))
    wrong = sum(value != one.value for _, one, value in answers.said)
    told = f"{wrong} of {len(answers.said)} differ." if wrong else f"All {len(answers.said)} agree."
    console.print(Text(told, style="bold red" if wrong else "green"))
