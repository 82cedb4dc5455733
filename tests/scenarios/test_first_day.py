"""The sample that the read-me hands to a stranger does what its page says, line by line."""

import json
from pathlib import Path
from typing import Any

from tests.fix_command import Onecard
from tests.house.tree import ROOT

FILE = ROOT / "samples" / "first-day.jsonl"
CARD_SN = "330100D15600000500000000000000F1"
LINES, REFUSED, REPEATED, REPEATS = 16, 7, 9, 10


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_first_day_is_answered_as_its_page_says(onecard: Onecard, tmp_path: Path) -> None:
    receipts, rejects = tmp_path / "receipts", tmp_path / "rejects"
    ended = onecard("submit", FILE, "--receipts", receipts, "--rejects", rejects, "--json")
    assert ended.code == 1
    assert (ended.json["lines"], ended.json["recorded"], ended.json["duplicate"]) == (LINES, 14, 1)

    answers = {line["line"]: line for line in read(receipts)}
    assert sorted(answers) == [line for line in range(1, LINES + 1) if line != REFUSED]
    assert [(line["line"], line["code"]) for line in read(rejects)] == [(REFUSED, "treatment_not_registered")]
    assert answers[REPEATS] == answers[REPEATED] | {"line": REPEATS, "status": "duplicate"}


def test_the_first_day_ends_in_a_settled_month(onecard: Onecard) -> None:
    onecard("submit", FILE, "--json")
    assert onecard("follow", "--until-caught-up").code == 0

    accounts = onecard("balance", CARD_SN, "--json").json["accounts"]
    purses = {one["account"].rpartition(":")[2]: one["balance_fen"] for one in accounts}
    assert purses == {"medical_account": 17_000, "transit_purse": 4_800}

    table = onecard("clearing", "table", "2025-06", "--json").json
    assert (table["state"], table["line_count"], table["payable_fen"]) == ("CLOSED", 2, 775_000)
    assert [row["payable_fen"] for row in table["rows"]] == [15_000, 760_000]
    (notice,) = onecard("clearing", "notices", "2025-06", "--json").json["notices"]
    assert (notice["payer"], notice["payee"], notice["outstanding_fen"]) == ("33", "31", 0)
    assert onecard("verify", "--against", "views", "--json").json["findings"] == []


def test_the_first_day_submitted_again_books_nothing(onecard: Onecard) -> None:
    onecard("submit", FILE, "--json")
    again = onecard("submit", FILE, "--json")
    assert (again.code, again.json["duplicate"], again.json["recorded"]) == (0, LINES, 0)
