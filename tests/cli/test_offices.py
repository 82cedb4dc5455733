"""docs/offices.md, typed from top to bottom: every command does what the page says, and says the figures it names."""

import re
import shlex
from pathlib import Path

import pytest

from projections.questions.reconciliation_file import DETAIL_COLUMNS, TOTAL_COLUMNS
from tests.fix_command import Onecard
from tests.house.tree import ROOT

PAGE = (ROOT / "docs" / "offices.md").read_text("utf-8")
TYPED = [line[4:] for line in PAGE.splitlines() if line.startswith("    onecard ")]
FINDS = "clearing reconcile"  # what differs is exit code 1
SAID = {
    "clearing table 2025-06": ["is open", "Payable 1,360.00", "6 lines taken"],
    "clearing show BILL-2": ["disputed"],
    "clearing cut-off": ["Payable 1,270.00", "5 lines taken, 1 left for a later month"],
    "clearing lines --deferred": ["BILL-2", "DISPUTED"],
    "clearing notices 2025-06": ["750.00", "520.00 yuan outstanding"],
    "clearing net 2025-06": ["230.00"],
    "payouts show PENSION-2025-06 --state RETURNED": ["ACCOUNT_CLOSED"],
    "payouts list": ["5,900.00", "PENSION-2025-06-AGAIN"],
    "verify --against views,seals": ["1 seal up to", "nothing is wrong"],
    "status": ["Seal SEAL-2025-08-13"],
}


def test_the_page_can_be_typed_from_top_to_bottom(
    onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    assert len(TYPED) > 35
    said = dict.fromkeys(SAID, False)
    for line in TYPED:
        words = shlex.split(line.partition(" > ")[0])[1:]
        ended = onecard(*words)
        command = " ".join(words)
        assert ended.code == (1 if command.startswith(FINDS) else 0), (line, ended.stdout, ended.stderr)
        for name, texts in SAID.items():
            if command.startswith(name) and "--json" not in words:
                said[name] = True
                assert [text for text in texts if text not in ended.stdout] == [], (line, ended.stdout)
    assert all(said.values()), said
    again = onecard("payouts", "export", "PENSION-2025-06")
    assert again.stdout == (tmp_path / "pension-2025-06.csv").read_text() and "is CLOSED" in again.stderr


def test_the_three_bills_that_differ_are_those_of_the_page(onecard: Onecard) -> None:
    files = [ROOT / "samples" / "offices" / f"{name}.jsonl" for name in ("cards", "month", "confirmations")]
    assert onecard("submit", *files, "--receipts", "/dev/null").code == 0
    onecard("follow", "--until-caught-up")
    compared = next(line for line in TYPED if FINDS in line)
    words = [str(ROOT / word) if word.startswith("samples/") else word for word in shlex.split(compared)[1:]]
    found = onecard(*words, "--jsonl").lines
    told = re.findall(r"^\| ([A-Z_]+) \| [^|]*\((BILL-\d+)\) \| ([A-Z_]+) \|", PAGE, re.MULTILINE)
    assert sorted((one["class"], one["setl_id"], one["suggestion"]) for one in found) == sorted(told)


def test_the_columns_of_both_files_are_shown() -> None:
    assert {f"    {' '.join(columns)}" for columns in (DETAIL_COLUMNS, TOTAL_COLUMNS)} <= set(PAGE.splitlines())
