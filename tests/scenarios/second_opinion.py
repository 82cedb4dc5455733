"""What the second model says to a scenario's commands: the content of expected.json, which it writes and tests hold.

    python -m tests.scenarios.second_opinion NAME...

The model shares no code with the product, so neither can hide the other's mistakes.
"""

import json
import sys
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from ops.scenarios.story import COMMANDS, EXPECTED, RULES, SAMPLES
from tests.model.formats import instant_micros
from tests.model.ledger import Model

CLOCK = "2026-06-30T00:00:00Z"


def opinion(folder: Path) -> tuple[dict[str, Any], Model]:
    """The expectation of a folder's commands, and the model as it stands after them."""
    model = Model(instant_micros(CLOCK), rules_of(folder))
    lines = []
    for number, raw in enumerate((folder / COMMANDS).read_bytes().splitlines(), 1):
        outcome = model.submit_line(raw)
        assert outcome is not None, f"line {number} is blank"
        line: dict[str, Any] = {"line": number, "status": outcome.status}
        if outcome.status == "rejected":
            line["code"] = outcome.code
        else:
            line |= {"card_id": outcome.card_id, "card_version": outcome.card_version, "position": outcome.position}
        lines.append(line)
    events = Counter(event["event"] for event in model.log.events)
    return {"clock": CLOCK, "lines": lines, "events": dict(events)}, model


def rules_of(folder: Path) -> list[dict[str, Any]]:
    """The entries of rules.toml with dates as the model wants them, as text."""
    path = folder / RULES
    found = tomllib.loads(path.read_text("utf-8"))["entry"] if path.exists() else []
    return [{"scope": "*", **{key: _text(value) for key, value in entry.items()}} for entry in found]


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def written(expected: dict[str, Any]) -> str:
    """The file: a line of it for each line of commands."""
    lines = ",\n  ".join(json.dumps(line) for line in expected["lines"])
    events = json.dumps(expected["events"])
    return f'{{"clock": {json.dumps(expected["clock"])},\n "events": {events},\n "lines": [\n  {lines}\n]}}\n'


if __name__ == "__main__":
    for name in sys.argv[1:]:
        (SAMPLES / name / EXPECTED).write_text(written(opinion(SAMPLES / name)[0]), "utf-8")
