"""The golden examples that the card and medical families answer alone, line by line and account by account."""

import json
from pathlib import Path

import pytest

from ledger.families.registry import EVENTS
from ledger.service.recording import stream_id
from tests.families.given import Ledger

GOLDEN = Path(__file__).resolve().parents[3] / "samples" / "golden"


@pytest.mark.parametrize("example", ["E02", "E05", "E06", "E07", "E08", "E17", "E26"])
def test_an_example_is_answered_as_expected(example: str) -> None:
    expected = json.loads((GOLDEN / f"{example}.expected.json").read_text())
    ledger = Ledger(now=expected["clock"])
    lines = (GOLDEN / f"{example}.jsonl").read_text().splitlines()
    firsts: dict[tuple[str, str], dict[str, object]] = {}
    for line, want in zip(lines, expected["lines"], strict=True):
        command = json.loads(line)
        if command["command"] == "CutOffCycle":
            break  # needs a store
        position = ledger.position
        outcome = ledger.submit(command)
        key = (command["submitter"], command["reference"])
        if isinstance(outcome, str) and outcome != "duplicate":
            assert {"line": want["line"], "status": "rejected", "code": outcome} == want
            continue
        if outcome != "duplicate":
            _, name, first = next(event for event in ledger.events if event[0] == position)
            stream = stream_id(EVENTS[name].stream(first))
            firsts[key] = {"card_id": stream, "card_version": first["card_version"], "position": position}
        status = "duplicate" if outcome == "duplicate" else "recorded"
        assert {"line": want["line"], "status": status, **firsts[key]} == want
    else:
        balances = {account["account"]: account["balance_fen"] for account in expected["accounts"]}
        assert dict(ledger.balances) == balances
    assert ledger.made_again() == ledger.memory.rows
