"""`onecard clearing`: every command of the officer's month, from lines to a paid notice."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.lines import write
from tests.fix_command import Onecard
from tests.projections.bills import HERE, Bills, detail, text

CLOCK = "2025-09-01T00:00:00Z"
BY = ("--submitter", "NHSA")
LIMIT = """[[entry]]
key = "clearing.max_deferrals"
effective_from = 2020-01-01
value = {value}
"""
LINE_KEYS = (
    "line_id kind book home treatment insutype clr_type amount_fen total_fen fund_fen account_fen other_fen"
    " deduction_fen funds settlement_id reverses business_date origin_period occurred_at institution card_id state"
    " disputed held deferrals alarm cycle position"
).split()


def confirm(bills: Bills, *names: str) -> None:
    bills.say("ConfirmSettlements", "2025-07-01", treatment_province="31", settlement_ids=list(names))
    del bills.commands[-1]["card_sn"]


@pytest.fixture
def june(onecard: Onecard, tmp_path: Path) -> Bills:
    """A confirmed and C not, both of June; B confirmed, reversed in July. The view has caught up."""
    bills = Bills()
    for name in "ABC":
        bills.settle(name, "2025-06-02")
    confirm(bills, "A", "B")
    bills.reverse("B", "2025-07-02")
    submit(onecard, tmp_path, bills.commands)
    return bills


def submit(onecard: Onecard, folder: Path, commands: list[dict[str, Any]]) -> None:
    file = write(folder / "lines.jsonl", *commands)
    assert onecard("submit", file, "--json", clock=CLOCK).json["rejected"] == 0
    assert onecard("follow", "--until-caught-up").code == 0


def test_a_month_is_cut_off_closed_and_paid(onecard: Onecard, june: Bills, tmp_path: Path) -> None:
    preview = onecard("clearing", "table", "2025-06", "--json").json
    assert (preview["state"], preview["line_count"], preview["deferred_count"]) == ("OPEN", 2, 1)

    ended = onecard("clearing", "cut-off", "2025-06", *BY, "--reference", "cut", "--json")
    found = ended.json
    assert (ended.code, found["reject"], found["receipt"]["status"]) == (0, None, "recorded")
    assert found["table"]["state"] == "CUT_OFF"
    assert found["table"]["cut_off_position"] == found["receipt"]["position"] == found["table"]["position"]
    assert found["table"]["rows"] == preview["rows"]
    assert found["table"] == onecard("clearing", "table", "2025-06", "--json").json
    later = "2025-09-01T00:00:09Z"
    again = onecard("clearing", "cut-off", "2025-06", *BY, "--reference", "cut", "--json", clock=later).json
    assert again["receipt"] == {**found["receipt"], "status": "duplicate"}
    other = onecard("clearing", "close", "2025-06", *BY, "--reference", "cut", "--json")
    assert (other.code, other.json["reject"]["code"]) == (1, "reference_reused")

    assert onecard("clearing", "notices", "2025-06", "--json").json["notices"] == []
    wrong = onecard("clearing", "close", "2025-06", *BY, "--reference", "r", "--table-digest", "0" * 64, "--json")
    assert (wrong.code, wrong.json["receipt"], wrong.json["table"]) == (1, None, None)
    assert wrong.json["reject"]["code"] == "table_digest_differs"
    digest = found["table"]["table_digest"]
    closed = onecard("clearing", "close", "2025-06", *BY, "--reference", "r", "--table-digest", digest, "--json")
    assert (closed.code, closed.json["table"]["state"]) == (0, "CLOSED")

    own = {"submitter": "NHSA", "occurred_at": "2025-08-01T00:00:00Z"}
    notice = {"command": "IssueNotice", "cycle": "2025-06", "book": "MEDICAL", "home": "34", "treatment": "31"}
    paid = {
        "command": "RecordRemittance", "remittance_id": "M1", "book": "MEDICAL", "method": "TRANSFER",
        "notice_id": "2025-06-MEDICAL-34-31", "amount_fen": 800, "bank_transaction": "B1", "paid_on": "2025-08-01",
    }  # fmt: skip
    back = {**paid, "method": "RETURN", "remittance_id": "M2", "returned_remittance_id": "M1"}
    submit(onecard, tmp_path, [{**one, **own, "reference": one["command"] + one.get("remittance_id", "")}
                               for one in (notice, paid, back)])  # fmt: skip
    (shown,) = onecard("clearing", "notices", "2025-06", "--json").json["notices"]
    assert shown == {
        "notice_id": "2025-06-MEDICAL-34-31", "book": "MEDICAL", "home": "34", "treatment": "31", "payable_fen": 1800,
        "brought_forward_fen": 0, "payer": "34", "payee": "31", "amount_fen": 1800, "issued": True, "remitted_fen": 0,
        "outstanding_fen": 1800,
        "prepayment": {"base_fen": 0, "usage_per_mille": None, "level": "RED", "alert_raised": False},
    }  # fmt: skip
    one = onecard("clearing", "show", shown["notice_id"], "--json").json
    assert set(one) == {"notice", "rows", "remittances"}
    assert one["notice"] == shown
    assert [(row["remittance_id"], row["method"], row["amount_fen"]) for row in one["remittances"]] == [
        ("M1", "TRANSFER", 800), ("M2", "RETURN", 800),
    ]  # fmt: skip
    assert onecard("clearing", "net", "2025-06", "--json").json["pairs"] == [
        {
            "book": "MEDICAL", "a": "31", "b": "34", "a_owes_b_fen": 0, "b_owes_a_fen": 1800, "net_payer": "34",
            "net_payee": "31", "net_fen": 1800,
        }
    ]  # fmt: skip
    for command in ("table", "notices", "net"):
        assert onecard("clearing", command, "2025-06").code == 0
    assert "Anhui" in onecard("clearing", "show", shown["notice_id"]).stdout
    assert shown["notice_id"] in onecard("clearing", "notices", "2025-06").stdout, "who pays it must name it"


def test_lines_are_listed_and_filtered(onecard: Onecard, june: Bills) -> None:
    onecard("clearing", "cut-off", "2025-06", *BY, "--reference", "cut")
    every = onecard("clearing", "lines", "--json").json
    assert (every["count"], every["amount_fen"]) == (4, 3 * 900 - 900)
    assert [list(line) for line in every["lines"]] == [LINE_KEYS] * 4
    assert onecard("clearing", "lines", "--jsonl").lines == every["lines"]

    def ids(*options: str) -> list[str]:
        return [line["settlement_id"] for line in onecard("clearing", "lines", *options, "--jsonl").lines]

    assert ids("--cycle", "2025-06") == ["A", "B"]
    assert ids("--cycle", "2025-05") == []
    assert ids("--deferred") == ["C"]
    assert ids("--state", "OPEN") == ["C", "B"]
    assert ids("--state", "CUT_OFF", "--home", "34", "--treatment", "31", "--book", "MEDICAL") == ["A", "B"]
    assert ids("--book", "PASS") == ids("--home", "99") == []
    assert onecard("clearing", "lines", "--book", "PASS", "--json").json["lines"] == []
    assert "DEFERRED" in onecard("clearing", "lines").stdout.upper()


def test_a_settlement_is_shown_with_its_lines_and_events(onecard: Onecard, june: Bills) -> None:
    found = onecard("clearing", "show", "B", "--json").json
    assert set(found) == {"settlement", "lines", "events"}
    assert found["settlement"] == {
        "settlement_id": "B", "card_id": "2854cb9c-f3e6-58a4-9e2c-2304799a8d1b", "status": "REVERSED",
        "confirmed": True, "disputed": False, "held": False, "institution": HERE, "home": "34", "treatment": "31",
        "total_fen": 1000, "funds": {"310100": 700}, "account_fen": 200, "account_mutual_aid_fen": 0, "wallet_fen": 0,
        "cash_fen": 100, "hospital_fen": 0, "cleared_fen": 900, "occurred_at": "2025-06-02T04:00:00.000000Z",
        "position": 5,
    }  # fmt: skip
    assert [line["kind"] for line in found["lines"]] == ["SETTLEMENT", "REVERSAL"]
    assert [one["event"] for one in found["events"]] == ["MedicalSettled", "SettlementsConfirmed", "MedicalReversed"]
    assert onecard("clearing", "show", "B").stdout.startswith("Settlement B (reversed, confirmed)")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "nothing"), "settlement_unknown"),
        (("show", "2025-06-MEDICAL-34-31"), "notice_unknown"),
        (("net", "2025-06"), "cycle_unknown"),
    ],
)
def test_what_does_not_exist_is_told(onecard: Onecard, june: Bills, arguments: tuple[str, ...], code: str) -> None:
    ended = onecard("clearing", *arguments, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (1, code)


def test_a_view_that_is_not_built_is_told(onecard: Onecard) -> None:
    for arguments in (("table", "2025-06"), ("lines",), ("notices", "2025-06"), ("net", "2025-06"), ("show", "A")):
        ended = onecard("clearing", *arguments, "--json", clock=CLOCK)
        assert (ended.code, ended.json["error"]["code"]) == (3, "environment"), arguments


def test_a_file_is_compared_and_the_run_recorded(onecard: Onecard, june: Bills, tmp_path: Path) -> None:
    facts = [fact for fact in june.facts if fact.day < "2025-07"]
    right, wrong = tmp_path / "right.txt", tmp_path / "wrong.txt"
    right.write_bytes(text(*map(detail, facts)))
    wrong.write_bytes(text(*map(detail, facts[1:]), detail(facts[0], acct_pay="1.00")))
    period = ("--from", "2025-06-01", "--to", "2025-06-30")
    asked = ("clearing", "reconcile", "--level", "L2", "--counterparty", "31", *period)

    ended = onecard(*asked, "--file", right, "--json")
    assert (ended.code, ended.json["matched"], ended.json["receipt"]) == (0, 3, None)
    record = ("--run-id", "RUN1", *BY, "--reference", "run1")
    ended = onecard(*asked, "--file", wrong, *record, "--json")
    assert (ended.code, ended.json["amount_diff"], ended.json["receipt"]["status"]) == (1, 1, "recorded")
    assert onecard(*asked, "--file", wrong, "--jsonl").lines == ended.json["discrepancies"]
    other = onecard(*asked, "--file", wrong, "--run-id", "RUN1", *BY, "--reference", "run2", "--json")
    assert (other.code, other.json["receipt"]) == (1, None)
    assert "run_exists" in other.stderr
    said = onecard(*asked, "--file", wrong).stdout
    assert "OPEN_DISPUTE" in said and "total / funds / personal account" in said and "visit" not in said
    wrong.write_bytes(text(*map(detail, facts[1:]), detail(facts[0], mdtrt_id="ANOTHER")))
    assert " visit ANOTHER " in onecard(*asked, "--file", wrong).stdout

    wrong.write_bytes(text(detail(facts[0]), "x"))
    ended = onecard(*asked, "--file", wrong, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")
    assert "line 3" in ended.json["error"]["message"]


def test_of_some_rows_of_a_table_people_are_told_what_is_of_all_of_it(onecard: Onecard, june: Bills) -> None:
    onecard("clearing", "cut-off", "2025-06", *BY, "--reference", "cut")
    whole = onecard("clearing", "table", "2025-06", "--json").json
    assert "Of the whole table" not in onecard("clearing", "table", "2025-06").stdout
    for rows, seen, fen in ((("--home", "34"), "Shanghai", "18.00"), (("--home", "11", "--book", "PASS"), "", "0.00")):
        shown = onecard("clearing", "table", "2025-06", *rows).stdout
        payable = (
            f"Payable {fen} yuan after deductions of 0.00 in the rows asked for. Of the whole table: 2 lines taken"
        )
        assert payable in shown and f"Digest of the whole table {whole['table_digest']}." in shown
        assert ("No such rows." not in shown) == bool(seen) and seen in shown
        part = onecard("clearing", "table", "2025-06", *rows, "--json").json
        assert {**part, "rows": [], "payable_fen": 0} == {**whole, "rows": [], "payable_fen": 0}


WHOLE = (
    "clearing", "reconcile", "--file", __file__, "--level", "L2", "--counterparty", "31", "--from", "2025-06-01",
    "--to",
)  # fmt: skip
WRONG = [
    ("clearing",),
    ("clearing", "table"),
    ("clearing", "table", "2025-13"),
    ("clearing", "table", "2025-06", "--book", "TRANSIT"),
    ("clearing", "table", "2025-06", "--home", "3400"),
    ("clearing", "table", "2025-06", "--json", "--jsonl"),
    ("clearing", "lines", "--state", "LOST"),
    ("clearing", "lines", "--cycle", "June"),
    ("clearing", "cut-off", "2025-06"),
    ("clearing", "close", "2025", "--submitter", "S", "--reference", "R"),
    ("clearing", "close", "2025-06", "--submitter", "S", "--reference", "\udcff"),
    ("clearing", "show", "\udcff"),
    WHOLE,
    (*WHOLE, "2025-05-31"),
    (*WHOLE, "2025-06-31"),
    (*WHOLE, "2025-06-30", "--run-id", "R"),
    (*WHOLE, "2025-06-30", "--submitter", "S"),
    (*WHOLE, "2025-06-30", "--level", "L4"),
    (*WHOLE, "2025-06-30", "--counterparty", "a b"),
    (*WHOLE, "2025-06-30", "--counterparty", "99"),
    (*WHOLE, "2025-06-30", "--counterparty", "H31010600123"),
    (*WHOLE, "2025-06-30", "--file", "/does/not/exist"),
]


@pytest.mark.parametrize("arguments", WRONG[1:], ids=lambda arguments: ascii(" ".join(arguments[-3:])))
def test_wrong_usage_ends_with_2_and_a_document(onecard: Onecard, arguments: tuple[str, ...]) -> None:
    ended = onecard(*arguments, *(() if "--json" in arguments else ("--json",)))
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage"), ended


def test_a_line_stays_in_alarm_or_out_of_it_whatever_rule_is_dated_back(
    onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A waits since May and B since June, when more than one deferral was one too many."""
    rules = tmp_path / "rules.toml"
    rules.write_text(LIMIT.format(value=1))
    monkeypatch.setenv("ONECARD_CONFIG", str(rules))
    bills = Bills()
    bills.settle("A", "2025-05-02")
    bills.settle("B", "2025-06-02")
    for month, day in (("2025-05", "2025-06-05"), ("2025-06", "2025-07-05")):
        for act in ("CutOffCycle", "CloseCycle"):
            bills.say(act, day, cycle=month)
            del bills.commands[-1]["card_sn"]
    submit(onecard, tmp_path, bills.commands)

    def told() -> tuple[list[tuple[str, int, bool]], int]:
        lines = onecard("clearing", "lines", "--deferred", "--jsonl").lines
        alarm_count = onecard("clearing", "table", "2025-06", "--json").json["alarm_count"]
        return [(line["settlement_id"], line["deferrals"], line["alarm"]) for line in lines], alarm_count

    found = told()
    assert found == ([("A", 2, True), ("B", 1, False)], 1)
    for value in (0, 5):
        rules.write_text(rules.read_text() + LIMIT.format(value=value))
        assert onecard("submit", tmp_path / "lines.jsonl").code == 0
        assert told() == found
    onecard("rebuild", "clearing")
    assert told() == found
