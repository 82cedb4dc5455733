"""A story of samples/ held to its word: every receipt and refusal, every figure worked out by hand, sound books."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from ops.scenarios.figures import figure
from ops.scenarios.story import Story
from tests.fix_command import Onecard


def assert_answered(onecard: Onecard, story: Story, folder: Path) -> None:
    """Its file is submitted: each line gets the receipt or the code that it must get; a refusal names its field."""
    receipts, rejects = folder / "receipts", folder / "rejects"
    ended = onecard(
        "submit", story.file, "--receipts", receipts, "--rejects", rejects, "--json", clock=story.expected["clock"]
    )
    assert ended.code == 1, ended.stderr
    keys = ("line", "status", "card_id", "card_version", "position")
    refused = read(rejects)
    lines: list[dict[str, Any]] = [{key: line[key] for key in keys} for line in read(receipts)]
    lines += [{"line": line["line"], "status": "rejected", "code": line["code"]} for line in refused]
    assert sorted(lines, key=lambda line: line["line"]) == story.expected["lines"]

    assert [(line["line"], line["code"]) for line in refused] == [(one.line, one.code) for one in story.refusals]
    for line, one in zip(refused, story.refusals, strict=True):
        assert one.field in line["message"], (one, line["message"])


def assert_figures(onecard: Onecard, story: Story) -> None:
    """Every question gives every figure; each can be asked for by people too."""
    for question in story.questions:
        ended = onecard(*question.words, "--json")
        assert ended.code == question.finds, (question.ask, ended.stdout, ended.stderr)
        found = [(one.at, figure(ended.json, one.at)) for one in question.figures]
        assert found == [(one.at, one.value) for one in question.figures], question.ask
        assert onecard(*question.words).code == question.finds


def assert_sound(onecard: Onecard, story: Story, *, over_topics: bool) -> None:
    """The books balance, and views, seals and topics are what the log makes of them, event by event."""
    assert all(one["holds"] for one in onecard("trial-balance", "--json").json["invariants"])
    against = "topics,views,seals" if over_topics else "views,seals"
    verified = onecard("verify", "--against", against, "--json").json
    assert (verified["findings"], verified["ok"]) == ([], True)
    events = story.expected["events"]
    assert verified["checked"]["events"] == sum(events.values())
    assert verified["checked"]["seals"] == events.get("LogSealed", 0)
    if over_topics:
        assert verified["checked"]["records"] == sum(events.values())


def assert_recorded(onecard: Onecard, story: Story) -> None:
    """The events that the second model recorded, name by name, on the streams of its receipts and nowhere else."""
    streams = {line["card_id"] for line in story.expected["lines"] if "card_id" in line}
    found: Counter[str] = Counter()
    for stream in streams:
        found.update(event["event"] for event in onecard("history", stream, "--json").json["events"])
    missing = Counter(story.expected["events"])
    missing.subtract(found)
    # The second event of a command that records two may lie on a stream that no receipt names.
    assert all(count >= 0 for count in missing.values()), missing


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
