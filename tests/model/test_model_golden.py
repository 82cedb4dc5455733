"""The golden examples, through the second model: it must agree with them exactly before it may judge anything else."""

import datetime
import json
from pathlib import Path

import pytest

from tests.model.ledger import Model

GOLDEN = Path(__file__).resolve().parents[2] / "samples" / "golden"
EXAMPLES = sorted(path.stem for path in GOLDEN.glob("E*.jsonl"))


def clock(text: str) -> int:
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment - datetime.datetime.fromtimestamp(0, datetime.UTC)) // datetime.timedelta(microseconds=1)


def without_position(document: dict) -> dict:
    return {key: value for key, value in document.items() if key != "position"}


def test_all_examples_are_here() -> None:
    assert EXAMPLES == [f"E{number:02d}" for number in range(1, 29)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_model_agrees_with_the_golden_example(example: str) -> None:
    expected = json.loads((GOLDEN / f"{example}.expected.json").read_text("utf-8"))
    model = Model(clock(expected["clock"]))

    answers = []
    for number, line in enumerate((GOLDEN / f"{example}.jsonl").read_bytes().splitlines(), start=1):
        outcome = model.submit_line(line)
        assert outcome is not None
        answer = {"line": number, "status": outcome.status}
        if outcome.status == "rejected":
            answer["code"] = outcome.code
        else:
            answer.update(card_id=outcome.card_id, card_version=outcome.card_version, position=outcome.position)
        answers.append(answer)

    assert answers == expected["lines"]
    assert model.accounts() == expected["accounts"]
    tables = {month: without_position(document) for month, document in expected["tables"].items()}
    assert {month: model.table(month) for month in model.cycles()} == tables
    notices = {month: without_position(document) for month, document in expected["notices"].items()}
    assert {month: model.notices(month) for month in model.cycles()} == notices
