"""The golden examples that governance takes part in, receipt by receipt and balance by balance."""

import json
from pathlib import Path

import pytest

from tests.families.given import Ledger

GOLDEN = Path(__file__).resolve().parents[3] / "samples" / "golden"


@pytest.mark.parametrize("example", ["E19", "E27"])
def test_the_example_is_answered_as_expected(example: str) -> None:
    expected = json.loads((GOLDEN / f"{example}.expected.json").read_text("utf-8"))
    ledger = Ledger(now=expected["clock"])

    for number, line in enumerate((GOLDEN / f"{example}.jsonl").read_text("utf-8").splitlines(), start=1):
        wanted = expected["lines"][number - 1]
        outcome = ledger.submit(json.loads(line))
        if wanted["status"] == "rejected":
            assert (number, outcome) == (number, wanted["code"])
        else:
            assert not isinstance(outcome, str), (number, outcome)
            stream = outcome[0].get("card_id") or outcome[0]["stream_id"]
            answer = (number, stream, outcome[0]["card_version"], ledger.events[-1][0])
            assert answer == (number, wanted["card_id"], wanted["card_version"], wanted["position"])

    balances = {account["account"]: account["balance_fen"] for account in expected["accounts"]}
    assert dict(ledger.balances) == balances
    assert ledger.made_again() == ledger.memory.rows
