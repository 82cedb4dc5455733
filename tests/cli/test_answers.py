"""docs/answers.md is what who reads `--json` builds on: every question of it is asked, and its keys are compared."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.payouts.result import COLUMNS
from tests.cli.lines import write
from tests.cli.test_help import COMMANDS
from tests.fix_command import Onecard
from tests.house.tree import ROOT

ROW = re.compile(r"^\| `onecard ([^`]+)` \| ([^|]+) \|(?: ?([^|]*)\|)?$", re.MULTILINE)
KEY = re.compile(r"`(\w+)`")
# Answers that people read and programs do not build on.
ELSEWHERE = {
    "config check", "enterprise", "incidents forget", "incidents resume", "incidents show",
    "restore-tail", "schemas export", "simulate", "topics plan",
}  # fmt: skip
NOT_ASKED = {"topics show", "topics apply", "relay --until-caught-up", "bench", "demo"}  # by tests of their own
DAY = 4_000
BY = ("--submitter", "S", "--reference", "again")
HEADING = "setl_id mdtrt_id psn_no refd_setl_flag medfee_sumamt fund_pay_sumamt acct_pay setl_time msgid"


@dataclass(frozen=True)
class Asked:
    """A row of the page."""

    typed: str
    keys: list[str]
    has_list: bool
    element: set[str]


def page() -> list[Asked]:
    text = (ROOT / "docs" / "answers.md").read_text("utf-8")
    return [
        Asked(typed, KEY.findall(keys), keys.startswith("list "), set(KEY.findall(element or "")))
        for typed, keys, element in ROW.findall(text)
    ]


@pytest.fixture
def played(onecard: Onecard, tmp_path: Path) -> Callable[[str], list[str]]:
    """A simulated day in the store; the words of a row, with names of what is in it."""
    onecard("simulate", "--lines", DAY, "--out", tmp_path / "day.jsonl")
    assert onecard("submit", tmp_path / "day.jsonl", "--json", "--rejects", tmp_path / "rejects").code == 1
    assert onecard("follow", "--until-caught-up").code == 0
    cards = [one["card_id"] for one in onecard("transit", "taps", "--jsonl").lines]
    month = onecard("status", "--json").json["cycles"][0]["cycle"]
    lines, notices = (
        onecard("clearing", "lines", "--jsonl").lines,
        onecard("clearing", "notices", month, "--jsonl").lines,
    )
    names = {
        "CARD": max(set(cards), key=cards.count),
        "MONTH": month,
        "SETTLEMENT": lines[0]["settlement_id"],
        "NOTICE": notices[0]["notice_id"],
        "BATCH": onecard("payouts", "list", "--state", "CLOSED", "--jsonl").lines[0]["batch_id"],
        "PASS": onecard("passes", "list", "--jsonl").lines[0]["pass_id"],
        "VOUCHER": onecard("vouchers", "list", "--jsonl").lines[0]["voucher_id"],
        "VIEW": "loans",
        "INSTANT": "2025-01-01T00:00:00Z",
    }
    centre = write(tmp_path / "centre.txt", "\t".join(HEADING.split()), "\t".join(
        ["GHOST", *["null"] * 2, "0", "1.00", "1.00", "0.00", "2025-06-02 10:00:00", "null"]
    ))  # fmt: skip
    more = {
        "submit": {"FILE": str(tmp_path / "day.jsonl")},
        "payouts import": {"FILE": str(write(tmp_path / "results.csv", ",".join(COLUMNS)))},
        "payouts export": {"FILE": str(tmp_path / "instruction.csv")},
        "statement": {"--from DATE": "--from 2025-06-01", "--to DATE": "--to 2025-06-30"},
        "clearing cut-off": {"MONTH": f"{month} {' '.join(BY)}"},
        "clearing close": {"MONTH": f"{month} {' '.join(BY)}"},
        "clearing reconcile": {
            "reconcile": f"reconcile --file {centre} --level L2 --counterparty 31 --from 2025-06-01 --to 2025-06-30"
        },
    }

    def words(typed: str) -> list[str]:
        own = next((found for name, found in more.items() if typed.startswith(name)), {})
        for name, value in {**names, **own}.items():
            typed = re.sub(rf"(?<!\S){re.escape(name)}(?!\S)", lambda _: value, typed)  # noqa: B023
        return typed.split()

    return words


def test_every_answer_has_the_keys_that_the_page_promises(onecard: Onecard, played: Callable[[str], list[str]]) -> None:
    rows = [one for one in page() if one.typed not in NOT_ASKED]
    assert len(rows) > 60
    wrong: list[tuple[str, Any]] = []
    seen = 0
    for row in rows:
        ended = onecard(*played(row.typed), "--json")
        found = json.loads(ended.stdout)
        if ended.code not in (0, 1) or set(found) != set(row.keys):
            wrong.append((row.typed, sorted(set(found) ^ set(row.keys)) if ended.code < 2 else found))
        elif row.has_list and found[row.keys[0]] and row.element:
            seen += 1
            differing = set(found[row.keys[0]][0]) ^ row.element
            if differing:
                wrong.append((row.typed, sorted(differing)))
    assert wrong == []
    assert seen > 35, "a day in which little happens tells little"


def test_every_question_is_on_the_page() -> None:
    """One that answers by `--json` and is not: nobody could know its keys."""
    asked = {re.split(r" (?=[A-Z]|--)", one.typed)[0] for one in page()}
    answering = {
        " ".join(path)
        for path, command in COMMANDS.items()
        if any("--json" in option.opts for option in command.params) and not getattr(command, "hidden", False)
    }
    assert sorted(answering - asked - ELSEWHERE) == []
