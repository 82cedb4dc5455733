"""Command lines for the tests of the command line: one card and what may go wrong with a contribution to it."""

import json
from pathlib import Path
from typing import Any

from tests.fix_command import Onecard
from tests.house.tree import ROOT

SN = "340000D15600000500000000000000A1"
UNKNOWN_SN = "340000D15600000500000000000000B1"
CARD_ID = "2854cb9c-f3e6-58a4-9e2c-2304799a8d1b"
NUMBER = "340101196001010014"
MASKED = "340101********0014"
GOLDEN = ROOT / "samples" / "golden"


def issue(**other: Any) -> dict[str, Any]:
    return {
        "command": "IssueCard",
        "submitter": "T0",
        "reference": "issue",
        "occurred_at": "2024-03-01T09:00:00+08:00",
        "card_sn": SN,
        "card_number": "A00000011",
        "social_security_number": NUMBER,
        "bank": "ICBC",
        "bank_account": "bc1695ecbce694a69a95fe287a3879bed2083b02a37f5fe8760b13624f8907bc",
        "expires_on": "2034-02-28",
        **other,
    }


def activate(**other: Any) -> dict[str, Any]:
    return {
        "command": "ActivateCard",
        "submitter": "T0",
        "reference": "activate",
        "occurred_at": "2024-03-01T10:00:00+08:00",
        "card_sn": SN,
        "application": "SOCIAL_SECURITY",
        **other,
    }


def contribute(reference: str = "c1", **other: Any) -> dict[str, Any]:
    found = {
        "command": "ContributeAccount",
        "submitter": "T1",
        "reference": reference,
        "occurred_at": "2025-01-10T09:00:00+08:00",
        "card_sn": SN,
        "home_area": "340100",
        "month": "2025-01",
        "source": "EMPLOYEE",
        "amount_fen": 1000,
        **other,
    }
    return {name: value for name, value in found.items() if value is not ...}


def write(path: Path, *lines: Any) -> Path:
    """A file of these lines: objects as JSON, text and bytes as they are."""
    with path.open("wb") as file:
        for line in lines:
            if isinstance(line, dict):
                line = json.dumps(line, ensure_ascii=False)
            file.write((line if isinstance(line, bytes) else line.encode()) + b"\n")
    return path


def say(command: str, reference: str, **fields: Any) -> dict[str, Any]:
    """A command of the day on which the tests of files play."""
    own = {"submitter": "T1", "occurred_at": "2025-03-02T10:00:00+08:00"}
    return {**own, "command": command, "reference": reference, **fields}


def told(onecard: Onecard, folder: Path, *lines: dict[str, Any], clock: str = "2026-01-01T00:00:00Z") -> None:
    """Submit lines, all of which are recorded, and let the views follow."""
    ended = onecard("submit", write(folder / "lines", *lines), "--json", clock=clock)
    assert ended.json["rejected"] == 0
    assert onecard("follow", "--until-caught-up").code == 0
