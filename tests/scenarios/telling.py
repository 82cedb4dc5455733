"""A story of samples/ held to its word: every receipt and refusal, every figure worked out by hand, sound books."""

import json
from pathlib import Path
from typing import Any

import psycopg

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
    """Every question gives every figure."""
    for question in story.questions:
        ended = onecard(*question.words, "--json")
        assert ended.code == question.finds, (question.ask, ended.stdout, ended.stderr)
        found = [(one.at, figure(ended.json, one.at)) for one in question.figures]
        assert found == [(one.at, one.value) for one in question.figures], question.ask


def assert_shown(onecard: Onecard, story: Story) -> None:
    """Every question has an answer for people, which is no JSON."""
    for question in story.questions:
        ended = onecard(*question.words)
        assert ended.code == question.finds and ended.stdout.strip() and not ended.stdout.startswith("{"), question.ask


def assert_sound(onecard: Onecard, story: Story, against: str = "views,seals") -> None:
    """The books balance, and views and seals (and topics) are what the log makes of them, event by event."""
    assert all(one["holds"] for one in onecard("trial-balance", "--json").json["invariants"])
    verified = onecard("verify", "--against", against, "--json").json
    assert (verified["findings"], verified["ok"]) == ([], True)
    events = story.expected["events"]
    assert verified["checked"]["events"] == sum(events.values())
    assert verified["checked"]["seals"] == events.get("LogSealed", 0)
    if "topics" in against:
        assert verified["checked"]["records"] == sum(events.values())


def assert_recorded(dsn: str, story: Story) -> None:
    """As many events of each name as the second model recorded, and no other."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT topic, count(*) FROM ledger.events GROUP BY 1").fetchall()
    assert {topic.rpartition(".")[2]: count for topic, count in found} == story.expected["events"]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
