"""What is not there is said in one sentence, the same for every listing, and one thing is not told as many."""

import re
from pathlib import Path

import pytest

from ops.cli.output import counted
from tests.cli.lines import SN, contribute, issue, write
from tests.fix_command import Onecard

MONTH = "2025-06"
LISTINGS = {
    "accounts": "accounts",
    "accounts --prefix provider:": "accounts",
    "clearing lines": "lines",
    "payouts list": "batches",
    "payouts overpayments": "overpayments",
    "budgets": "budgets",
    "vouchers list": "vouchers",
    "passes list": "passes",
    "loans list": "loans",
    "merchants list": "merchants",
    "transit days": "days",
    "entitlements list": "entitlements",
    f"clearing notices {MONTH}": f"notices of cycle {MONTH}",
    f"clearing net {MONTH}": f"pairs in cycle {MONTH}",
}


@pytest.fixture
def nearly_empty(onecard: Onecard, tmp_path: Path) -> Onecard:
    """A card that nothing was booked on, and a month that nothing belongs to; all of it followed."""
    act = ("--submitter", "NHSA", "--occurred-at", "2025-07-05T09:00:00Z", "--reference")
    onecard("submit", write(tmp_path / "lines", issue()), clock="2025-07-06T00:00:00Z")
    for verb in ("cut-off", "close"):
        assert onecard("clearing", verb, MONTH, *act, verb).code == 0
    onecard("follow", "--until-caught-up")
    return onecard


def test_every_empty_listing_is_told_alike(nearly_empty: Onecard) -> None:
    told = {asked: nearly_empty(*asked.split()) for asked in LISTINGS}
    assert {asked: (ended.code, ended.stdout) for asked, ended in told.items()} == {
        asked: (0, f"No {names} up to position 3.\n") for asked, names in LISTINGS.items()
    }
    assert nearly_empty("incidents").stdout == "No view is stopped by an incident.\n"
    for asked in (f"balance {SN}", f"explain {SN}", f"statement {SN} --from 2025-01-01 --to 2025-12-31"):
        assert "Nothing was ever booked on it.\n" in nearly_empty(*asked.split()).stdout, asked


def test_one_thing_is_told_as_one(nearly_empty: Onecard, tmp_path: Path) -> None:
    ended = nearly_empty("submit", write(tmp_path / "one", contribute("c1", amount_fen=0)))
    assert ended.stderr.splitlines()[-1].startswith("1 line: 0 recorded")
    for asked in ("status", f"person {SN}", f"clearing table {MONTH}", "trial-balance", "config"):
        shown = nearly_empty(*asked.split()).stdout
        assert not re.search(r"\b1 (?!is|was)[a-z]+s\b", shown), asked
    assert "3 events in 2 streams, 1 card." in nearly_empty("status").stdout


def test_names_have_their_plural() -> None:
    assert [counted(number, "entry") for number in (0, 1, 2_000)] == ["0 entries", "1 entry", "2,000 entries"]
    assert [counted(number, "journey") for number in (1, 2)] == ["1 journey", "2 journeys"]
