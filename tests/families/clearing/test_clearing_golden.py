"""The golden examples of clearing, in memory: answers, balances, tables and what notices say."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from ledger.families.registry import EVENTS
from ledger.service.recording import stream_id
from tests.families.clearing.scene import Tables
from tests.families.given import Ledger

GOLDEN = Path(__file__).resolve().parents[3] / "samples" / "golden"


@pytest.mark.parametrize("example", ["E01", "E07", "E08", "E09", "E10", "E11", "E25", "E26"])
def test_an_example_is_answered_as_expected(example: str) -> None:
    expected = json.loads((GOLDEN / f"{example}.expected.json").read_text())
    ledger = Ledger(now=expected["clock"])
    tables = Tables(ledger)
    commands = [json.loads(line) for line in (GOLDEN / f"{example}.jsonl").read_text().splitlines()]
    for command, want in zip(commands, expected["lines"], strict=True):
        position = ledger.position
        outcome = ledger.submit(command)
        if isinstance(outcome, str):
            if outcome != "duplicate":
                assert {"line": want["line"], "status": "rejected", "code": outcome} == want
            continue
        _, name, first = next(event for event in ledger.events if event[0] == position)
        stream = stream_id(EVENTS[name].stream(first))
        made = {"card_id": stream, "card_version": first["card_version"], "position": position}
        assert {"line": want["line"], "status": "recorded", **made} == want
    assert dict(ledger.balances) == {each["account"]: each["balance_fen"] for each in expected["accounts"]}
    assert ledger.made_again() == ledger.memory.rows
    for month, want in expected.get("tables", {}).items():
        if month not in tables.cycles:
            continue
        table = tables.cycles[month]
        assert [asdict(row) for row in table.rows] == want["rows"]
        for name in ("line_count", "deferred_count", "alarm_count", "table_digest"):
            assert getattr(table, name) == want[name], (month, name)
        cut = next(event for _, made, event in ledger.events if made == "CycleCutOff" and event["cycle"] == month)
        assert cut["after_position"] == want["after_position"] and cut["table_digest"] == want["table_digest"]
    _compare_notices(ledger, expected.get("notices", {}))


def _compare_notices(ledger: Ledger, expected: dict[str, dict[str, object]]) -> None:
    issued = {event["notice_id"]: event for _, name, event in ledger.events if name == "NoticeIssued"}
    wanted = {}
    for document in expected.values():
        for notice in document["notices"]:  # type: ignore[attr-defined]
            if notice["issued"]:
                wanted[notice["notice_id"]] = notice
    assert issued.keys() == wanted.keys()
    for notice_id, notice in wanted.items():
        for name in ("payable_fen", "brought_forward_fen", "payer", "payee", "amount_fen"):
            assert issued[notice_id][name] == notice[name], (notice_id, name)
