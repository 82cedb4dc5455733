"""Every golden example through the command line: submit, follow, compare the answers with what was expected."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fix_command import Ended, Onecard
from tests.house.tree import ROOT

GOLDEN = ROOT / "samples" / "golden"
EXAMPLES = sorted(path.stem for path in GOLDEN.glob("E*.jsonl"))


def expected(example: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{example}.expected.json").read_text("utf-8"))
    return found


def submitted(onecard: Onecard, example: str, folder: Path) -> tuple[Ended, list[dict[str, Any]]]:
    """How `submit` ended, and the outcome of each line as the golden examples write it."""
    receipts, rejects = folder / "receipts", folder / "rejects"
    ended = onecard(
        "submit", GOLDEN / f"{example}.jsonl", "--receipts", receipts, "--rejects", rejects, "--json",
        clock=expected(example)["clock"],
    )  # fmt: skip
    keys = ("line", "status", "card_id", "card_version", "position")
    lines = [{key: line[key] for key in keys} for line in read(receipts)]
    lines += [{"line": line["line"], "status": "rejected", "code": line["code"]} for line in read(rejects)]
    return ended, sorted(lines, key=lambda line: line["line"])


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_golden_example_is_answered_as_expected(onecard: Onecard, example: str, tmp_path: Path) -> None:
    wanted = expected(example)

    ended, lines = submitted(onecard, example, tmp_path)
    assert lines == wanted["lines"]
    assert ended.code == (1 if any(line["status"] == "rejected" for line in lines) else 0)

    assert onecard("follow", "--until-caught-up").code == 0
    assert onecard("accounts", "--json").json["accounts"] == wanted["accounts"]
    assert onecard("trial-balance", "--json").code == 0


@pytest.mark.parametrize("example", EXAMPLES)
def test_resubmitting_a_golden_example_gives_the_first_receipts_again(
    onecard: Onecard, example: str, tmp_path: Path
) -> None:
    _, first = submitted(onecard, example, tmp_path)
    ended, again = submitted(onecard, example, tmp_path)

    def receipts(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**line, "status": "duplicate"} for line in lines if line["status"] != "rejected"]

    repeated = {line["line"]: line for line in again}
    assert [repeated[line["line"]] for line in receipts(first)] == receipts(first)
    # What was refused may be recorded now: its reason may have gone with the lines after it.
    assert ended.json["recorded"] <= sum(line["status"] == "rejected" for line in first)


def test_all_examples_are_here() -> None:
    assert EXAMPLES == [f"E{number:02}" for number in range(1, 29)]
