"""`--source S|all` on every query: a nation's database against those of the two provinces that it follows."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from projections import follow
from projections.feed.log import LogFeed
from projections.views.registry import VIEWS
from tests.cli.lines import SN, UNKNOWN_SN, write
from tests.fix_command import Ended, Onecard, as_url
from tests.fix_postgres import Databases
from tests.projections.bills import Bills, detail, text

CLOCK = "2025-09-01T00:00:00Z"
A, B, NATION = "31", "34", "nation"
MONTH, NOTICE = "2025-06", "2025-06-MEDICAL-34-31"
DATES = ("--from", "2025-06-01", "--to", "2025-06-30")
# Every query that a ledger can answer of another, with what it is asked.
QUERIES: tuple[tuple[str, ...], ...] = (
    ("balance", SN),
    ("accounts",),
    ("accounts", "--prefix", "clearing:"),
    ("trial-balance",),
    ("history", SN),
    ("history", SN, "--at-version", "4"),
    ("history", SN, "--as-of", "2025-06-02T12:00:00Z"),
    ("history", SN, "--recorded-as-of", CLOCK),
    ("explain", SN),
    ("statement", SN, *DATES),
    ("clearing", "lines"),
    ("clearing", "lines", "--state", "CLOSED", "--home", "34"),
    ("clearing", "lines", "--cycle", MONTH),
    ("clearing", "table", MONTH),
    ("clearing", "notices", MONTH),
    ("clearing", "net", MONTH),
    ("clearing", "show", "X"),
    ("clearing", "show", NOTICE),
)
LISTS = {
    "balance": "accounts", "accounts": "accounts", "history": "events", "explain": "accounts",
    "statement": "accounts", "lines": "lines", "table": "rows", "notices": "notices", "net": "pairs",
}  # fmt: skip
Ask = Callable[..., Ended]


def ledger(fund: int) -> list[dict[str, Any]]:
    """A card's June in a province: settlement X is agreed, cut off, closed, noticed and half paid. Y is not agreed."""
    bills = Bills()
    bills.settle("X", "2025-06-02", fund=fund)
    bills.settle("Y", "2025-06-03", fund=fund)
    bills.say("ConfirmSettlements", "2025-07-01", treatment_province="31", settlement_ids=["X"])
    bills.say("CutOffCycle", "2025-08-01", cycle=MONTH)
    bills.say("CloseCycle", "2025-08-01", cycle=MONTH)
    bills.say("IssueNotice", "2025-08-02", cycle=MONTH, book="MEDICAL", home="34", treatment="31")
    bills.say(
        "RecordRemittance", "2025-08-03", remittance_id="M1", book="MEDICAL", method="TRANSFER", notice_id=NOTICE,
        amount_fen=fund // 2, bank_transaction="B1", paid_on="2025-08-03",
    )  # fmt: skip
    for command in bills.commands[5:]:
        del command["card_sn"]
    return bills.commands


@dataclass
class Told:
    """What is made by the first test that asks, and copied for each: the home of three ledgers, and their databases."""

    home: Path
    dsns: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def told(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    made = Told(tmp_path_factory.mktemp("national"))
    yield made
    for dsn in made.dsns.values():
        databases.drop(dsn)


@pytest.fixture
def ask(
    told: Told, onecard: Onecard, databases: Databases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Ask]:
    """Runs a command at one of three ledgers: both provinces booked a June, and the nation follows both."""
    monkeypatch.setenv("ONECARD_HOME", str(told.home))
    made: dict[str, str] = {}

    def run(at: str, *arguments: object) -> Ended:
        monkeypatch.setenv("ONECARD_DATABASE_URL", as_url(made[at]))
        monkeypatch.setenv("ONECARD_SOURCE", at)
        return onecard(*arguments, clock=CLOCK)

    if not told.dsns:
        made = {source: databases.create() for source in (A, B, NATION)}
        tell(run, made, tmp_path)
        told.dsns = made
    made = {source: databases.create(str(conninfo_to_dict(dsn)["dbname"])) for source, dsn in told.dsns.items()}
    yield run
    for dsn in made.values():
        databases.drop(dsn)


def tell(run: Ask, made: dict[str, str], folder: Path) -> None:
    for source, fund in ((A, 700), (B, 500)):
        file = write(folder / source, *ledger(fund))
        ended = run(source, "submit", file, "--json")
        assert ended.json["rejected"] == 0, ended.stderr
        assert run(source, "follow", "--until-caught-up").code == 0
    assert run(NATION, "status").code == 0
    with psycopg.connect(made[NATION], autocommit=True) as connection:
        for source in (A, B):
            with closing(LogFeed(source, lambda one=source: psycopg.connect(made[one], autocommit=True))) as feed:
                list(follow.follow(connection, VIEWS, feed, until_caught_up=True))


def test_every_query_about_one_source_prints_the_very_bytes_that_its_own_ledger_prints(ask: Ask) -> None:
    for query in QUERIES:
        for source in (A, B):
            for form in ("--json", "--jsonl", None):
                if form == "--jsonl" and ("show" in query or query[0] == "trial-balance"):
                    continue
                arguments = (*query, form) if form else query
                own = ask(source, *arguments)
                assert own.code == 0, (query, own.stderr)
                assert ask(NATION, *arguments, "--source", source) == own, (query, form)
                assert ask(source, *arguments, "--source", source) == own, (query, form)


def test_every_query_about_all_sources_has_both_parts_in_it(ask: Ask) -> None:
    for query in QUERIES:
        whole = ask(NATION, *query, "--source", "all", "--json")
        assert whole.code == 0, (query, whole.stderr)
        parts = {source: ask(source, *query, "--json").json for source in (A, B)}
        assert whole.json.keys() == parts[A].keys(), query
        if "position" in parts[A]:
            assert whole.json["position"] == {source: part["position"] for source, part in parts.items()}
        name = LISTS.get(query[0], LISTS.get(query[1], "") if len(query) > 1 else "")
        if name:
            assert ask(NATION, *query, "--source", "all", "--jsonl").lines == whole.json[name]
        assert ask(NATION, *query, "--source", "all").code == 0
        for amount in ("amount_fen", "debit_fen", "payable_fen"):
            if amount in whole.json:
                assert whole.json[amount] == sum(part[amount] for part in parts.values())


def test_equal_names_in_two_ledgers_stay_two_things(ask: Ask) -> None:
    lines = ask(NATION, "clearing", "lines", "--source", "all", "--jsonl").lines
    named = [(line["line_id"], line["settlement_id"], line["cycle"]) for line in lines]
    assert named[:2] == named[2:]
    assert [line["source"] for line in lines] == [A, A, B, B]
    shown = ask(NATION, "clearing", "show", "X", "--source", "all", "--json").json
    assert {source: one["funds"] for source, one in shown["settlement"].items()} == {
        A: {"310100": 700}, B: {"310100": 500},
    }  # fmt: skip
    notice = ask(NATION, "clearing", "show", NOTICE, "--source", "all", "--json").json
    assert [(one["source"], one["remittance_id"], one["amount_fen"]) for one in notice["remittances"]] == [
        (A, "M1", 350), (B, "M1", 250),
    ]  # fmt: skip
    table = ask(NATION, "clearing", "table", MONTH, "--source", "all", "--json").json
    assert (table["state"], table["line_count"], table["deferred_count"]) == ("CLOSED", 2, 2)
    assert [row["payable_fen"] for row in table["rows"]] == [700 + 500 + 2 * 200]
    balance = ask(NATION, "balance", SN, "--source", "all", "--json").json
    assert balance["state"] == {A: "ACTIVE", B: "ACTIVE"}


def test_people_see_whose_it_is(ask: Ask) -> None:
    told = ask(NATION, "clearing", "show", "X", "--source", "all").stdout
    assert f"Settlement X of {A}" in told and f"Settlement X of {B}" in told
    assert ask(NATION, "accounts", "--source", "all").stdout.split()[0] == "source"
    assert f"({A}), " in ask(NATION, "trial-balance", "--source", "all").stdout
    history = ask(NATION, "history", SN, "--source", "all").stdout
    assert f" of {A}" in history and f" of {B}" in history


def test_the_other_sides_file_is_compared_with_one_ledger_or_with_all(ask: Ask, tmp_path: Path) -> None:
    bills = Bills()
    bills.settle("X", "2025-06-02", fund=700)
    file = tmp_path / "centre.txt"
    file.write_bytes(text(detail(bills.facts[0])))
    asked = ("clearing", "reconcile", "--file", file, "--level", "L2", "--counterparty", "31", *DATES, "--json")
    own, here = ask(A, *asked), ask(NATION, *asked, "--source", A)
    assert (here.stdout, here.code) == (own.stdout, 1)
    whole = ask(NATION, *asked, "--source", "all").json
    assert (whole["matched"], whole["rows_local"]) == (1, 4)
    assert {(one["source"], one["setl_id"]) for one in whole["discrepancies"]} == {(A, "Y"), (B, "X"), (B, "Y")}
    recording = ("--run-id", "R1", "--submitter", "T", "--reference", "r1")
    assert ask(NATION, *asked, "--source", "all", *recording).code == 2
    assert ask(A, *asked, "--source", A, *recording).json["receipt"]["status"] == "recorded"
    assert "31" in ask(NATION, *asked[:-1], "--source", "all").stdout


def test_status_of_others_and_of_all(ask: Ask) -> None:
    for source in (A, B):
        assert ask(NATION, "status", "--source", source, "--json").json == ask(source, "status", "--json").json
    whole = ask(NATION, "status", "--source", "all", "--json").json
    assert (whole["source"], whole["cards"], whole["cycles"]) == ("all", 2, [{"cycle": MONTH, "state": "CLOSED"}])
    assert whole["head_position"].keys() == {A, B}
    assert ask(NATION, "status", "--json").json["source"] == NATION
    assert ask(NATION, "status", "--source", "all").code == 0


@pytest.mark.parametrize(
    ("source", "code", "error"),
    [("99", 1, "source_unknown"), ("ALL", 2, "usage"), ("", 2, "usage"), ("a" * 33, 2, "usage")],
)
def test_a_source_that_is_not_there_is_told_in_a_sentence(ask: Ask, source: str, code: int, error: str) -> None:
    for query in (("trial-balance",), ("clearing", "lines"), ("status",)):
        ended = ask(NATION, *query, "--source", source, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (code, error)
    assert "31, 34" in ask(NATION, "balance", SN, "--source", "99").stderr


def test_what_no_ledger_knows_is_unknown_in_all(ask: Ask) -> None:
    for query, code in (
        (("balance", UNKNOWN_SN), "card_unknown"),
        (("history", UNKNOWN_SN), "card_unknown"),
        (("clearing", "show", "Z"), "settlement_unknown"),
        (("clearing", "net", "2025-01"), "cycle_unknown"),
    ):
        ended = ask(NATION, *query, "--source", "all", "--json")
        assert (ended.code, ended.json["error"]["code"]) == (1, code)
    assert ask(NATION, "clearing", "lines", "--source", "all", "--cycle", "2025-01", "--json").json["lines"] == []


def test_a_nation_without_views_says_what_to_do(onecard: Onecard) -> None:
    for query in (("trial-balance",), ("clearing", "table", MONTH), ("history", SN)):
        ended = onecard(*query, "--source", "all", "--json")
        assert ended.code == 3 and "onecard follow" in json.loads(ended.stdout)["error"]["message"]


def test_the_nations_own_store_is_asked_without_the_option(ask: Ask) -> None:
    ended = ask(NATION, "trial-balance", "--json")
    assert ended.code == 3 and "onecard follow" in ended.json["error"]["message"]
    assert ask(NATION, "follow", "--until-caught-up").code == 0
    assert ask(NATION, "trial-balance", "--json").json["accounts"] == 0
    whole = ask(NATION, "trial-balance", "--source", "all", "--json").json
    assert whole["position"][NATION] == 0 and whole["accounts"] > 0
