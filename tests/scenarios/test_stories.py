"""The nineteen scenarios are all there and say what a story must say; the page about them is up to date."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from ops.scenarios.__main__ import findings
from ops.scenarios.figures import NotFound, figure
from ops.scenarios.story import COMMANDS, EXPECTED, NUMBERS, SAMPLES, TOLD, Incomplete, Story, read_story, stories
from tests.house.tree import ROOT
from tests.scenarios.second_opinion import opinion, written

STORIES = stories()
DOCUMENT = {
    "accounts": [
        {"account": "card:1:wallet", "balance_fen": 5},
        {"account": "card:1:vouchers", "balance_fen": 0},
    ],
    "state": "ACTIVE",
    "card": {"restricted": False},
}


def test_every_scenario_of_the_list_exists_once_and_the_page_tells_them_all() -> None:
    assert findings() == []
    assert [story.number for story in STORIES.values()] == list(NUMBERS)


@pytest.mark.parametrize("name", STORIES)
def test_the_second_model_answers_the_commands_as_the_story_expects(name: str) -> None:
    """Nobody may edit an expectation until it fits: it is what the model says, byte for byte."""
    found, model = opinion(SAMPLES / name)
    assert (SAMPLES / name / EXPECTED).read_text("utf-8") == written(found)
    assert len(model.log.events) == sum(found["events"].values())


@pytest.mark.parametrize("name", STORIES)
def test_a_story_has_references_of_its_own_and_refusals_that_are_expected(name: str) -> None:
    story = STORIES[name]
    refused = [(line["line"], line["code"]) for line in story.expected["lines"] if line["status"] == "rejected"]
    assert refused == [(one.line, one.code) for one in story.refusals]
    assert 15 <= len(story.commands) <= (90 if name != "clearing-month" else 200)  # each of 32 parties has a patient
    for golden in story.golden:
        assert (ROOT / "samples" / "golden" / f"{golden}.jsonl").exists()


def test_no_two_stories_share_a_card_or_a_person() -> None:
    """So that a store into which somebody submits several of them still shows the cards of each as it tells them."""
    seen: dict[str, str] = {}
    for story in STORIES.values():
        for command in story.commands:
            for field in ("card_sn", "social_security_number"):
                if field in command:
                    assert seen.setdefault(command[field], story.name) == story.name, command


def test_the_other_sides_files_of_the_clearing_month_are_those_that_its_runs_compared() -> None:
    files = sorted(SAMPLES.glob("clearing-month/*.txt"))
    runs = [one for one in STORIES["clearing-month"].commands if one["command"] == "RunReconciliation"]
    assert {one["level"] for one in runs} == {"L1_TOTALS", "L2", "L3"}
    hashes = sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    assert sorted(one["file_sha256"] for one in runs) == hashes


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(SAMPLES / "card-life", folder / "card-life"))


@pytest.mark.parametrize("kept", [COMMANDS, EXPECTED])
def test_a_story_without_a_file_is_named(tmp_path: Path, kept: str) -> None:
    folder = copied(tmp_path)
    (folder / kept).unlink()
    with pytest.raises(Incomplete, match=f"samples/card-life has no {kept}"):
        read_story(folder)


@pytest.mark.parametrize(("part", "lacking"), [("question", "question and no figure"), ("refusal", "refusal")])
def test_a_story_without_questions_or_refusals_is_named(tmp_path: Path, part: str, lacking: str) -> None:
    folder = copied(tmp_path)
    text = (folder / TOLD).read_text("utf-8")
    (folder / TOLD).write_text(text.replace(f"[[{part}", f"[[other_{part}"), "utf-8")
    with pytest.raises(Incomplete, match=f"samples/card-life/scenario.toml has no {lacking}"):
        read_story(folder)


def test_a_missing_scenario_and_a_stale_page_are_named(tmp_path: Path) -> None:
    copied(tmp_path)
    wrong = findings(tmp_path, tmp_path / "scenarios.md")
    assert "no folder under samples/ is scenario 2." in wrong and "no folder under samples/ is scenario 1." not in wrong
    assert wrong[-1].startswith("scenarios.md is stale")


def test_a_figure_is_found_by_its_path() -> None:
    assert figure(DOCUMENT, "state") == "ACTIVE"
    assert figure(DOCUMENT, "card.restricted") is False
    assert figure(DOCUMENT, "accounts.#") == 2
    assert figure(DOCUMENT, "accounts[account=*:wallet].balance_fen") == 5
    assert figure(DOCUMENT, "accounts[account=card:*,balance_fen=0].account") == "card:1:vouchers"
    assert figure(DOCUMENT, "accounts[account=*:none].#") == 0
    assert figure(DOCUMENT, "accounts[-1].balance_fen") == 0
    assert figure({"lines": [DOCUMENT]}, "lines[card.restricted=false].#") == 1
    assert figure({"lines": [DOCUMENT]}, "lines[state.restricted=false].#") == 0


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("accounts[account=card:*].balance_fen", "2 elements fit where one was meant"),
        ("accounts[2].balance_fen", "there are 2 elements and none is [2]"),
        ("balance", "there is no 'balance'"),
        ("accounts", "is a list of 2 and no single figure"),
        ("state[0]", "wants a list"),
        ("a b", "cannot be read"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(path: str, told: str) -> None:
    with pytest.raises(NotFound) as absent:
        figure(DOCUMENT, path)
    assert told in str(absent.value)


def test_expectations_are_kept_line_by_line() -> None:
    story: Story = next(iter(STORIES.values()))
    assert json.loads(written(story.expected)) == story.expected
