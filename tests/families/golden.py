"""A golden example in memory: receipt by receipt, balance by balance, and made again from its events."""

import json

from tests.families.given import Ledger
from tests.house.tree import ROOT

GOLDEN = ROOT / "samples" / "golden"


def assert_answered_as_expected(example: str) -> None:
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
