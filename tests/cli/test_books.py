"""`balance`, `accounts`, `trial-balance`: exact documents, and every invariant seen broken once."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.lines import CARD_ID, GOLDEN, SN, UNKNOWN_SN, activate, contribute, issue, write
from tests.fix_command import Onecard

MEDICAL = f"card:{CARD_ID}:medical_account"
INVARIANTS = [
    "zero_sum", "clearing_advance", "pass_advance", "transit_advance", "prepayment", "budget", "aid_in_transit",
    "never_below_zero",
]  # fmt: skip


def account(name: str, debit: int, credit: int, entries: int, last_position: int) -> dict[str, Any]:
    return {
        "account": name,
        "balance_fen": debit - credit,
        "debit_fen": debit,
        "credit_fen": credit,
        "entries": entries,
        "last_position": last_position,
    }


@pytest.fixture
def booked(onecard: Onecard, tmp_path: Path) -> Onecard:
    lines = [issue(), activate(), contribute(), contribute("c2", amount_fen=5, home_area="320100")]
    onecard("submit", write(tmp_path / "file", *lines), clock="2026-01-01T00:00:00Z")
    onecard("follow", "--until-caught-up")
    return onecard


@pytest.mark.parametrize("name", [SN, CARD_ID, CARD_ID.upper()])
def test_balance_of_a_card(booked: Onecard, name: str) -> None:
    ended = booked("balance", name, "--json")
    assert ended.code == 0
    assert ended.json == {
        "accounts": [account(MEDICAL, 1005, 0, 2, 4)],
        "card_id": CARD_ID,
        "card_sn": SN,
        "state": "ACTIVE",
        "as_of": None,
        "position": 4,
    }
    assert booked("balance", name, "--jsonl").lines == [account(MEDICAL, 1005, 0, 2, 4)]
    assert "10.05" in booked("balance", name).stdout


@pytest.mark.parametrize("name", [UNKNOWN_SN, "00000000-0000-5000-8000-000000000000", "nobody", "", "早上"])
@pytest.mark.parametrize("question", ["balance", "history", "explain"])
def test_an_unknown_card_is_exit_1(booked: Onecard, question: str, name: str) -> None:
    ended = booked(question, name, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (1, "card_unknown")
    assert booked(question, name).stdout == ""


def test_accounts_by_prefix(booked: Onecard) -> None:
    fund, other = account("fund:32:310200", 0, 5, 1, 4), account("fund:34:310200", 0, 1000, 1, 3)
    assert booked("accounts", "--json").json == {
        "accounts": [account(MEDICAL, 1005, 0, 2, 4), fund, other],
        "prefix": None,
        "debit_fen": 1005,
        "credit_fen": 1005,
        "balance_fen": 0,
        "position": 4,
    }
    assert booked("accounts", "--prefix", "fund:3", "--json").json == {
        "accounts": [fund, other],
        "prefix": "fund:3",
        "debit_fen": 0,
        "credit_fen": 1005,
        "balance_fen": -1005,
        "position": 4,
    }
    assert booked("accounts", "--prefix", "fund:34", "--jsonl").lines == [other]


@pytest.mark.parametrize("prefix", ["none", "fund%", "fund_", "\\", "\U0010ffff", "fund:34:310200:", "a\tb"])
def test_a_prefix_is_plain_text_and_may_match_nothing(booked: Onecard, prefix: str) -> None:
    ended = booked("accounts", "--prefix", prefix, "--json")
    assert (ended.code, ended.json["accounts"], ended.json["balance_fen"]) == (0, [], 0)
    assert booked("accounts", "--prefix", prefix, "--jsonl").stdout == ""


def test_trial_balance(booked: Onecard) -> None:
    ended = booked("trial-balance", "--json")
    assert ended.code == 0
    assert ended.json == {
        "position": 4,
        "accounts": 3,
        "entries": 4,
        "debit_fen": 1005,
        "credit_fen": 1005,
        "balance_fen": 0,
        "balanced": True,
        "groups": [
            {
                "kind": "card:medical_account",
                "accounts": 1,
                "debit_fen": 1005,
                "credit_fen": 0,
                "balance_fen": 1005,
            },
            {"kind": "fund", "accounts": 2, "debit_fen": 0, "credit_fen": 1005, "balance_fen": -1005},
        ],
        "invariants": [{"name": name, "holds": True, "differences": []} for name in INVARIANTS],
    }
    assert "BROKEN" not in booked("trial-balance").stdout


def test_an_empty_ledger_balances(onecard: Onecard) -> None:
    onecard("follow", "--until-caught-up")
    found = onecard("trial-balance", "--json").json
    assert (found["balanced"], found["groups"], found["accounts"], found["debit_fen"]) == (True, [], 0, 0)
    assert [invariant["name"] for invariant in found["invariants"]] == INVARIANTS


# what is put into the view: what must be found
BROKEN = {
    "clearing:34:31 advance:31": ("clearing_advance", "31", 7),
    "pass_clearing:34:31 pass_advance:31": ("pass_advance", "31", 7),
    "transit_clearing:3401:3101 transit_advance:3101": ("transit_advance", "3101", 7),
    "prepayment:34:31 prepaid:34:31": ("prepayment", "34:31", 7),
    "prepayment:34:31 prepayment_used:34:31": ("prepayment", "34:31", 7),
    "budget:34:GRAIN:issued budget:34:GRAIN:available": ("budget", "34:GRAIN", 7),
    "aid_in_transit:34": ("aid_in_transit", "34", 7),
    "bank:ICBC": ("never_below_zero", "bank:ICBC", -7),
    "card:x:wallet": ("never_below_zero", "card:x:wallet", -7),
    "budget:34:GRAIN:frozen": ("never_below_zero", "budget:34:GRAIN:frozen", -7),
}


@pytest.mark.parametrize("accounts, finding", BROKEN.items(), ids=BROKEN)
def test_a_broken_invariant_is_told(booked: Onecard, dsn: str, accounts: str, finding: tuple[str, str, int]) -> None:
    name, key, difference = finding
    with psycopg.connect(dsn) as connection:
        for number, one in enumerate(accounts.split()):
            debit, credit = (0, 7) if difference < 0 else (10, 3) if number == 0 else (5, 5)
            connection.execute(
                "INSERT INTO views.balances_v1 (source, account, share, debit_fen, credit_fen, entries, last_position)"
                " VALUES ('33', %s, 0, %s, %s, 1, 4)",
                (one, debit, credit),
            )
    ended = booked("trial-balance", "--json")
    broken = {one["name"]: one["differences"] for one in ended.json["invariants"] if not one["holds"]}
    assert ended.code == 1
    assert broken.pop(name) == [{"key": key, "difference_fen": difference}]
    assert broken.pop("zero_sum") == [{"key": "total", "difference_fen": difference}]
    assert set(broken) <= {"budget"}
    assert "BROKEN" in booked("trial-balance").stdout


def test_shares_of_a_hot_account_are_one_account(booked: Onecard, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO views.balances_v1 (source, account, share, debit_fen, credit_fen, entries, last_position)"
            " SELECT source, account, 1, 10, 10, 2, 3 FROM views.balances_v1 WHERE account = 'fund:34:310200'"
        )
    assert booked("accounts", "--prefix", "fund:34", "--jsonl").lines == [account("fund:34:310200", 10, 1010, 3, 3)]
    group = booked("trial-balance", "--json").json["groups"][1]
    assert (group["kind"], group["accounts"], group["credit_fen"]) == ("fund", 2, 1015)


def test_more_accounts_than_a_page(onecard: Onecard, tmp_path: Path) -> None:
    onecard("submit", GOLDEN / "E01.jsonl", "--receipts", tmp_path / "receipts", clock="2026-01-01T00:00:00Z")
    onecard("follow", "--until-caught-up")
    whole = onecard("accounts", "--json").json
    assert onecard("accounts", "--jsonl").lines == whole["accounts"]
    assert whole["balance_fen"] == 0 and whole["debit_fen"] == sum(one["debit_fen"] for one in whole["accounts"])
    assert f"{len(whole['accounts'])} " in onecard("trial-balance").stdout
