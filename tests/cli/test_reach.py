"""How far an answer reaches: people are told where the log is further and what to do; programs read `position`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from projections import presence
from projections.questions import reconciliation
from tests.cli.lines import CARD_ID, NUMBER, SN, UNKNOWN_SN, write
from tests.cli.test_clearing import confirm, submit
from tests.fix_command import Ended, Onecard
from tests.house.tree import ROOT
from tests.projections.bills import Bills, detail, text

MONTH = "2025-06"
CATCH_UP = "run `onecard follow --until-caught-up`"
BEHIND = f"The log is at position 6, 2 events further: {CATCH_UP}.\n"
RECORD = ("--run-id", "RUN1", "--submitter", "NHSA", "--reference", "run1")
STOPPED = """
    INSERT INTO views.incidents (view, version, source, position, kind, message)
    SELECT view, version, source, position, 'view_refuses', 'a test' FROM views.tracking JOIN views.live
        USING (view, version) WHERE view = %s
"""
RECONCILED = ("--level", "L2", "--counterparty", "31", "--from", "2025-06-01", "--to", "2025-06-30")
ANSWERS = (
    ("balance", SN),
    ("accounts",),
    ("accounts", "--prefix", "nothing"),
    ("trial-balance",),
    ("history", SN),
    ("explain", SN),
    ("statement", SN, "--from", "2025-01-01", "--to", "2025-12-31"),
    ("person", SN),
    ("clearing", "lines"),
    ("clearing", "table", MONTH),
    ("clearing", "notices", MONTH),
    ("clearing", "show", "A"),
    ("loans", "list"),
    ("transit", "journeys", SN),
)


@pytest.fixture
def behind(onecard: Onecard, tmp_path: Path) -> Onecard:
    """The views stand at position 4, the log at 6: one settlement is in them, its confirmation and another are not."""
    bills = Bills()
    for name in "AB":
        bills.settle(name, "2025-06-02")
    confirm(bills, "A")
    submit(onecard, tmp_path, bills.commands[:4])
    submit_unfollowed(onecard, tmp_path, bills.commands[4:])
    return onecard


def submit_unfollowed(onecard: Onecard, folder: Path, commands: list[dict[str, Any]]) -> None:
    assert onecard("submit", write(folder / "more.jsonl", *commands), "--json").json["rejected"] == 0


def told(ended: Ended) -> str:
    assert ended.code == 0, ended
    return ended.stderr


def test_every_answer_to_people_says_how_far_it_reaches_and_whether_the_log_is_further(
    behind: Onecard, tmp_path: Path
) -> None:
    file = tmp_path / "centre.txt"
    file.write_bytes(text(*map(detail, settled("A").facts)))
    answers = (*ANSWERS, ("clearing", "reconcile", "--file", file, *RECONCILED))
    for asked in answers:
        ended = behind(*asked)
        assert "p to position 4." in ended.stdout, asked
        assert told(ended) == BEHIND, asked
        assert told(behind(*asked, "--json")) == (BEHIND if "reconcile" in asked else ""), asked
    assert told(behind("accounts", "--jsonl")) == told(behind("clearing", "table", MONTH, "--jsonl")) == ""

    assert behind("follow", "--until-caught-up").code == 0
    for asked in answers[:-1]:
        ended = behind(*asked)
        assert (told(ended), "p to position 6." in ended.stdout) == ("", True), asked


def test_the_table_of_an_open_month_never_passes_for_what_a_cut_off_would_take_now(behind: Onecard) -> None:
    ended = behind("clearing", "table", MONTH)
    assert "No lines." in ended.stdout and "0.00 yuan" in ended.stdout and "take now" not in ended.stdout
    assert ended.stdout.endswith("up to position 4.\n") and ended.stderr == BEHIND
    cut = behind("clearing", "cut-off", MONTH, "--submitter", "NHSA", "--reference", "cut")
    assert "9.00" in cut.stdout and cut.stdout.endswith("up to position 7.\n") and cut.stderr == ""
    assert told(behind("clearing", "net", MONTH)) == ""
    assert behind("clearing", "net", MONTH).stdout.endswith("up to position 7.\n")


def test_one_event_is_one_event_and_a_relay_is_named_where_events_come_through_kafka(
    behind: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind("follow", "--until-caught-up")
    bills = settled("C")
    bills.commands[-1]["reference"] = "c"
    submit_unfollowed(behind, tmp_path, bills.commands[-1:])
    assert told(behind("accounts")) == f"The log is at position 7, 1 event further: {CATCH_UP}.\n"
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    assert told(behind("accounts")).endswith(f"{CATCH_UP}, with `onecard relay` running.\n")


def test_only_of_the_stores_own_source_the_log_is_here(
    behind: Onecard, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = behind("trial-balance", "--source", "all")
    assert "up to position 4 (33)." in whole.stdout and told(whole) == BEHIND
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO views.tracking (view, version, source, position) SELECT view, version, '31', 2"
                           " FROM views.live")  # fmt: skip
    for asked in (("accounts",), ("trial-balance",), ("clearing", "table", MONTH)):
        assert told(behind(*asked, "--source", "31")) == ""
        assert told(behind(*asked, "--source", "all")) == BEHIND


def test_each_view_of_an_answer_is_told_where_they_do_not_stand_together(behind: Onecard) -> None:
    behind("follow", "balances", "payouts", "--until-caught-up")
    ended = behind("balance", SN)
    assert ended.stdout.endswith("\nYuan, balances up to position 6, the state up to position 4.\n")
    assert ended.stderr == BEHIND and behind("balance", SN, "--json").json["position"] == 4
    whole = behind("balance", SN, "--source", "all")
    assert whole.stdout.endswith("\nYuan, balances up to position 6 (33), the state up to position 4 (33).\n")
    each = "Cards and links up to position 4, entitlements up to position 4, benefits up to position 6.\n"
    assert behind("person", SN).stdout.endswith(each)


# --- what to do about it ---------------------------------------------------------------------------------------------


def test_a_view_that_an_incident_stops_is_not_advised_to_be_followed(behind: Onecard, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(STOPPED, ("balances",))
    stopped = "the log is at position 6, 2 events further, and the view balances stopped: see `onecard incidents`"
    for asked in (("balance", SN), ("accounts",), ("trial-balance", "--source", "all")):
        assert told(behind(*asked)) == f"T{stopped[1:]}.\n"
    assert told(behind("clearing", "table", MONTH)) == told(behind("history", SN)) == BEHIND
    with psycopg.connect(dsn) as connection:
        connection.execute(STOPPED, ("audit",))
    both = stopped.replace("view balances", "views audit, balances")
    assert told(behind("balance", SN)) == f"T{both[1:]}.\n"
    assert f"({stopped.replace('balances', 'audit')})" in behind("balance", UNKNOWN_SN).stderr


def test_a_view_that_is_stopped_at_another_source_is_told_though_its_log_is_not_here(behind: Onecard, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO views.tracking (view, version, source, position) SELECT view, version, '31', 2"
                           " FROM views.live")  # fmt: skip
        connection.execute(f"{STOPPED} AND source = '31'", ("balances",))
    elsewhere = "The view balances stopped at source 31"
    assert told(behind("accounts", "--source", "31")) == f"{elsewhere}: see `onecard incidents`.\n"
    assert told(behind("accounts", "--source", "all")) == f"{elsewhere}; {BEHIND.replace('The', 'the')}"
    assert told(behind("clearing", "lines", "--source", "31")) == ""


def test_while_a_follower_runs_nobody_is_advised_to_start_another(behind: Onecard, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as one, psycopg.connect(dsn, autocommit=True) as other:
        presence.announce(one, ["clearing", presence.any_of("33")])
        presence.announce(other, ["balances", presence.any_of("31")])
        running = BEHIND.replace(CATCH_UP, "a follower is running, and `onecard lag` tells how far it is")
        assert told(behind("clearing", "table", MONTH)) == running
        assert told(behind("accounts")) == told(behind("balance", SN)) == BEHIND
    assert told(behind("clearing", "table", MONTH)) == BEHIND


# --- a comparison ----------------------------------------------------------------------------------------------------


@pytest.fixture
def both(behind: Onecard, tmp_path: Path) -> tuple[object, ...]:
    """The other side's file of both settlements, of which the view has one; to be compared."""
    file = tmp_path / "centre.txt"
    file.write_bytes(text(*(detail(fact) for name in "AB" for fact in settled(name).facts)))
    return ("clearing", "reconcile", "--file", file, *RECONCILED)


def test_who_is_advised_to_void_is_told_before_that_the_view_is_behind(
    behind: Onecard, both: tuple[object, ...]
) -> None:
    ended = behind(*both, "--json")
    assert (ended.code, ended.json["only_centre"], ended.stderr) == (1, 1, BEHIND)
    assert behind(*both, "--jsonl").stderr == BEHIND
    program = "import sys; from ops.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *map(str, both)]
    shown = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    assert -1 < shown.find(BEHIND) < shown.find("VOID_AT_CENTRE"), shown


def test_a_run_is_recorded_of_all_that_the_log_has_and_not_of_what_the_view_had_seen(
    behind: Onecard, both: tuple[object, ...]
) -> None:
    ended = behind(*both, *RECORD, "--json")
    assert (ended.code, ended.stderr) == (0, "")
    assert (ended.json["matched"], ended.json["only_centre"], ended.json["receipt"]["position"]) == (2, 0, 7)
    again = behind(*both, *RECORD)
    assert (again.code, again.stderr) == (0, "")
    assert again.stdout.endswith("Recorded at position 7.\nYuan, up to position 7.\n")


def test_a_run_says_what_was_recorded_while_it_compared(
    behind: Onecard, both: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = reconciliation.reconcile

    def slowly(*asked: Any) -> Any:
        found = compare(*asked)
        bills = settled("C")
        bills.commands[-1]["reference"] = "c"
        submit_unfollowed(behind, tmp_path, bills.commands[-1:])
        return found

    monkeypatch.setattr(reconciliation, "reconcile", slowly)
    ended = behind(*both, *RECORD, "--json")
    assert (ended.code, ended.json["receipt"]["position"]) == (0, 8)
    assert ended.stderr.startswith("1 event was recorded while the file was compared, and the run says nothing of it: ")


def test_no_run_is_recorded_where_an_incident_keeps_the_view_from_the_end_of_the_log(
    behind: Onecard, both: tuple[object, ...], dsn: str
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(STOPPED, ("clearing",))
    ended = behind(*both, *RECORD, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "`onecard incidents`" in ended.json["error"]["message"]
    assert behind("status", "--json").json["head_position"] == 6


# --- what nobody is known by -----------------------------------------------------------------------------------------


def test_what_is_not_known_yet_may_be_in_the_log(behind: Onecard) -> None:
    further = f"(the log is at position 6, 2 events further: {CATCH_UP})"
    for asked in (
        ("balance", UNKNOWN_SN), ("clearing", "show", "B"), ("clearing", "net", MONTH), ("person", "0" * 64),
        ("enterprise", "91350100M000100Y43"),
    ):  # fmt: skip
        ended = behind(*asked)
        assert (ended.code, ended.stdout) == (1, "") and ended.stderr.endswith(f" up to position 4 {further}.\n")
        assert further in behind(*asked[:-1], asked[-1], "--json").json["error"]["message"]
    assert further in behind("history", UNKNOWN_SN, "--source", "all").stderr
    behind("follow", "--until-caught-up")
    assert behind("balance", UNKNOWN_SN).stderr == (
        f"onecard: no card is known by the name '{UNKNOWN_SN}' up to position 6.\n"
    )
    assert behind("verify", "--card", UNKNOWN_SN).stderr == (
        f"onecard: no card is known by the name '{UNKNOWN_SN}' in the log.\n"
    )


def test_a_name_that_no_card_is_known_by_is_repeated_with_what_it_should_look_like(behind: Onecard) -> None:
    def said(*asked: str) -> str:
        return behind(*asked).stderr

    assert said("balance", SN.lower()).endswith(f"; a card_sn is written in upper case: {SN}.\n")
    assert "the name 'x\\udcff'" in said("balance", "x\udcff")
    for name in ("nobody", CARD_ID.replace("-", ""), SN[:-1]):
        assert "a card_sn is 32 characters in upper case" in said("explain", name)
    assert "this name of 65 characters" in said("history", "x" * 65)
    assert "'nobody'" in said("enterprise", "nobody") and "enterprise's credit code" in said("enterprise", "nobody")
    assert "person key" in said("person", "nobody")


@pytest.mark.parametrize(
    "number",
    [NUMBER, NUMBER[:-1] + "x", f"{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}", NUMBER[:6] + NUMBER[8:17], f"p{NUMBER}"],
)
def test_a_persons_number_is_repeated_nowhere(behind: Onecard, number: str) -> None:
    for asked in (
        ("balance",), ("history",), ("person",), ("enterprise",), ("verify", "--card"), ("clearing", "show"),
        ("payouts", "show"), ("payouts", "export", "--out", "/dev/null"), ("vouchers", "show"), ("passes", "show"),
    ):  # fmt: skip
        for options in ((), ("--json",)):
            ended = behind(*asked, number, *options)
            assert ended.code == 1 and NUMBER[8:14] not in ended.stdout + ended.stderr, ended
            assert f"{NUMBER[:6]}********" in ended.stdout + ended.stderr
    assert f"{NUMBER[:6]}********" in behind("balance", number, "--source", "all").stderr


@pytest.mark.parametrize("things", ["payouts", "vouchers", "passes"])
def test_one_of_a_list_that_is_not_known_yet_may_be_in_the_log_too(behind: Onecard, things: str) -> None:
    said = behind(things, "show", "H3201\x1b[31m").stderr
    assert r"is known by the id 'H3201\x1b[31m' up to position 4 (the log is at position 6" in said
    assert said.endswith(f"; `onecard {things} list` shows those there are.\n")


def settled(name: str) -> Bills:
    bills = Bills()
    bills.settle(name, "2025-06-02")
    return bills
