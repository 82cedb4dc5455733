"""`payouts export` and `payouts import`: a batch to its bank as a file and back, each result once, wrong lines told."""

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops.payouts import instruction
from tests.cli.lines import write
from tests.cli.payroll import AT, COLUMNS, family, numbered, results, row
from tests.crash.processes import KILLED, run
from tests.families.benefit.office import ACCOUNT, ADA, BEN, SN, add_line, approve, open_batch, reissue, send
from tests.fix_command import Onecard
from tests.fix_stores import Store


def submit(onecard: Onecard, folder: Path, commands: list[dict[str, Any]]) -> None:
    ended = onecard("submit", write(folder / "commands.jsonl", *commands), "--json")
    assert ended.json["rejected"] == 0, ended.stderr


@pytest.fixture
def sent(onecard: Onecard, tmp_path: Path) -> Onecard:
    """B1 with lines L1, L2, L3 of 1001, 1002, 1003 fen, sent."""
    submit(onecard, tmp_path, family(3))
    return onecard


def imported(onecard: Onecard, file: Path, rejects: Path | None = None) -> tuple[dict[str, Any], dict[int, str]]:
    """(the document, code by line of the rejects)."""
    rejects = rejects or file.with_suffix(".rejects")
    found = onecard("payouts", "import", file, "--rejects", rejects, "--json")
    assert found.code == (1 if found.json["rejected"] else 0)
    told = [json.loads(line) for line in rejects.read_text().splitlines()]
    return found.json, {one["line"]: one["code"] for one in told}


# --- export ----------------------------------------------------------------------------------------------------------


def test_a_sent_batch_becomes_an_instruction(sent: Onecard, tmp_path: Path) -> None:
    out = tmp_path / "instruction.csv"
    found = sent("payouts", "export", "B1", "--out", out, "--json")
    data = out.read_bytes()
    assert (found.code, found.json) == (
        0,
        {
            "batch_id": "B1", "application_id": "AP-B1", "bank": "ABC", "lines": 3, "amount_fen": 3006,
            "sha256": hashlib.sha256(data).hexdigest(), "file": str(out), "state": "SENT", "paid": 0, "returned": 0,
        },
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert [one["line_id"] for one in rows] == ["L1", "L2", "L3"]
    assert rows[1] == {
        "application_id": "AP-B1", "batch_id": "B1", "line_id": "L2", "attempt": "0", "bank": "ABC",
        "bank_account": ACCOUNT[ADA], "card_province": "34", "programme": "pension", "kind": "PENSION",
        "period": "2025-06", "amount_fen": "1002", "currency": "CNY",
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.glob("instruction*")) == ["instruction.csv"]


def test_a_dash_for_the_instruction_is_stdout(sent: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sent("payouts", "export", "B1", "--out", "-").stdout == sent("payouts", "export", "B1").stdout != ""
    assert sent("payouts", "export", "B1", "--out", "-", "--json").code == 2
    assert not list(tmp_path.glob("-*"))


def test_a_link_to_the_instruction_stays_a_link(sent: Onecard, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "instruction.csv")
    for _ in range(2):
        assert sent("payouts", "export", "B1", "--out", tmp_path / "link").code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "instruction.csv").read_text() == sent("payouts", "export", "B1").stdout


def test_the_instruction_is_the_same_after_the_bank_has_answered(sent: Onecard, tmp_path: Path) -> None:
    first = sent("payouts", "export", "B1")
    assert first.stderr.startswith("3 lines of 3006 fen (30.06 yuan) in all; SHA-256 ")
    assert first.stderr.count("\n") == 1
    imported(sent, results(tmp_path / "r.csv", row("L1", 1001), row("L2", 1002, "RETURNED"), row("L3", 1003)))
    assert sent("payouts", "export", "B1").stdout == first.stdout


def test_an_instruction_that_the_bank_has_answered_is_not_handed_out_in_silence(sent: Onecard, tmp_path: Path) -> None:
    imported(sent, results(tmp_path / "r.csv", row("L1", 1001), row("L2", 1002, "RETURNED")))
    told = "Batch B1 is SENT and the bank has answered 2 of 3 lines (1 paid, 1 returned)."
    assert told in sent("payouts", "export", "B1").stderr
    imported(sent, results(tmp_path / "r2.csv", row("L3", 1003)))
    submit(sent, tmp_path, numbered([{"command": "CloseBatch", "occurred_at": AT, "batch_id": "B1"}], "CLOSE"))
    ended = sent("payouts", "export", "B1")
    assert "Batch B1 is CLOSED and the bank has answered 3 of 3 lines (2 paid, 1 returned)." in ended.stderr
    assert ended.code == 0 and "do not have it paid again" in ended.stderr
    found = sent("payouts", "export", "B1", "--out", tmp_path / "again.csv", "--json").json
    assert (found["state"], found["paid"], found["returned"]) == ("CLOSED", 2, 1)


def test_an_instruction_that_is_not_what_was_sent_is_not_handed_out(sent: Onecard, dsn: str, tmp_path: Path) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "DELETE FROM ledger.events WHERE notification_id ="
            " (SELECT max(notification_id) FROM ledger.events WHERE topic ~ 'PayoutLineAdded$')"
        )
    out = tmp_path / "instruction.csv"
    ended = sent("payouts", "export", "B1", "--out", out, "--json")
    assert (ended.code, ended.json["error"]["code"], out.exists()) == (1, "totals_differ", False)
    assert ended.json["error"]["message"] == (
        "batch B1 has 2 lines of 2003 fen, and 3 of 3006 were sent: do not pay by this file, run `onecard verify`."
    )


def test_stopped_lines_are_not_paid_and_a_reissue_is_the_next_attempt(sent: Onecard, tmp_path: Path) -> None:
    imported(sent, results(tmp_path / "r.csv", row("L1", 1001, "RETURNED"), row("L2", 1002), row("L3", 1003)))
    head = {"payee": ADA, "household_head": ADA, "relationship": "CHILD", "amount_fen": 1001}
    again = open_batch("B2", 1, 1001, batch_type="CORRECTION")
    more = [again, reissue("B2", "X", "B1", "L1", **head), approve("B2"), send("B2")]
    submit(sent, tmp_path, numbered(more, "AGAIN"))
    stop = {"command": "StopLine", "occurred_at": AT, "batch_id": "B3", "line_id": "2", "reason": "OTHER"}
    two = [add_line("B3", "1", fen=500), add_line("B3", "2", BEN, payee=ADA, household_head=ADA)]
    three = [open_batch("B3", 2, 1500, programme="pension", period="2025-07"), *two, approve("B3"), stop]
    submit(sent, tmp_path, numbered([*three, {**send("B3"), "occurred_at": AT}], "THIRD"))

    (reissued,) = csv.DictReader(io.StringIO(sent("payouts", "export", "B2").stdout))
    assert (reissued["line_id"], reissued["attempt"], reissued["amount_fen"]) == ("X", "1", "1001")
    (one,) = csv.DictReader(io.StringIO(sent("payouts", "export", "B3").stdout))
    assert (one["line_id"], one["amount_fen"]) == ("1", "500")
    found, codes = imported(
        sent, results(tmp_path / "r2.csv", row("X", 1001, batch="B2"), row("X", 1001, batch="B2", attempt=1))
    )
    assert (found["recorded"], codes) == (1, {2: "attempt_differs"})


def test_what_cannot_be_exported_is_told(sent: Onecard, tmp_path: Path) -> None:
    submit(sent, tmp_path, numbered([open_batch("B9")], "NINE"))
    for batch, code in (("B8", "batch_unknown"), ("B9", "batch_not_sent")):
        out = tmp_path / "none.csv"
        ended = sent("payouts", "export", batch, "--out", out, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (1, code)
        assert not out.exists()
    assert sent("payouts", "export", "B1", "--json").code == 2
    assert sent("payouts", "export", "B1", "--out", tmp_path / "no" / "where").code == 2
    assert sent("payouts", "export", "B1", "--out", tmp_path).code == 2
    assert sent("payouts", "export", "B1", "--out", "/dev/null").code == 0


def test_an_instruction_of_other_sums_than_were_sent_is_not_written(sent: Onecard, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(instruction, "STOPPED", "PENDING")  # as if every line had been stopped
        ended = sent("payouts", "export", "B1", "--out", tmp_path / "x.csv", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (1, "totals_differ")
    assert list(tmp_path.glob("x.csv*")) == []


# --- import ----------------------------------------------------------------------------------------------------------


def test_each_result_becomes_its_command_and_its_balance(sent: Onecard, tmp_path: Path) -> None:
    file = results(tmp_path / "r.csv", row("L1", 1001), row("L2", 1002, "RETURNED"), row("L3", 1003))
    receipts = tmp_path / "receipts"
    ended = sent("payouts", "import", file, "--receipts", receipts, "--json")
    assert (ended.code, ended.json["recorded"], ended.json["files"]) == (0, 3, [str(file)])
    told = [json.loads(line) for line in receipts.read_text().splitlines()]
    assert [(one["line"], one["submitter"], one["reference"]) for one in told] == [
        (2, "onecard-payouts", "PAID:B1:L1:0"),
        (3, "onecard-payouts", "RETURNED:B1:L2:0"),
        (4, "onecard-payouts", "PAID:B1:L3:0"),
    ]
    close = {"command": "CloseBatch", "occurred_at": AT, "batch_id": "B1"}
    submit(sent, tmp_path, numbered([close], "END"))
    sent("follow", "--until-caught-up")
    balances = {one["account"].split(":")[-1]: one for one in sent("balance", SN[ADA], "--json").json["accounts"]}
    assert balances["benefits"]["balance_fen"] == 2004
    assert sent("trial-balance", "--json").json["balanced"]
    assert sent("verify").code == 0


def test_importing_twice_books_nothing_twice(sent: Onecard, tmp_path: Path) -> None:
    file = results(tmp_path / "r.csv", row("L1", 1001), row("L2", 1002, "RETURNED"))
    first, _ = imported(sent, file)
    again, codes = imported(sent, file)
    assert (first["recorded"], again["recorded"], again["duplicate"], codes) == (2, 0, 2, {})
    other = results(tmp_path / "other.csv", row("L1", 1001, transaction="BT2"))
    assert imported(sent, other)[1] == {2: "reference_reused"}
    late = results(tmp_path / "late.csv", row("L1", 1001, "RETURNED", reason="WRONG_ACCOUNT"))
    assert imported(sent, late)[0]["recorded"] == 1


def test_wrong_lines_are_told_by_number_and_the_others_are_booked(sent: Onecard, tmp_path: Path) -> None:
    wrong = {
        row("L1", 999): "amount_differs",
        row("L1", 999, "RETURNED"): "amount_differs",
        row("L1", 1001, attempt=1): "attempt_differs",
        row("L7", 1001): "line_unknown",
        row("L7", 1001, "RETURNED"): "line_unknown",
        row("L1", 1001, batch="B7"): "batch_unknown",
        row("L1", 1001, "BOUNCED"): "unknown_code",
        row("L1", 1001, "RETURNED", reason="TIRED"): "unknown_code",
        row("L1", 1001, "RETURNED", reason=""): "missing_field",
        row("L1", 1001, reason="OTHER"): "unknown_field",
        row("L1", 1001, currency="USD"): "unknown_code",
        row("L1", "10.01"): "bad_format",
        row("L1", "01001"): "bad_format",
        row("L1", "-1"): "bad_format",
        row("L1", "9" * 5_000): "out_of_range",
        row("L1", "٣"): "bad_format",
        row("L1", ""): "missing_field",
        row("", 1001): "missing_field",
        row("L 1", 1001): "bad_format",
        row("L1", 1001, at="yesterday"): "bad_format",
        row("L1", 1001, at="2099-01-01T00:00:00Z"): "occurred_at_in_future",
        row("L1", 1001, transaction=""): "missing_field",
        "L1,1001": "malformed_line",
        row("L1", 1001) + ",": "malformed_line",
        '"B1,L1': "malformed_line",
        '{"command":"CreditBenefit"}': "malformed_line",
        "x" * 70_000: "malformed_line",
        COLUMNS: "bad_format",
    }
    bad: list[Any] = [*wrong, b"\xff\xfe,", b"B1,\0,0"]
    file = results(tmp_path / "r.csv", *bad, "", row("L1", 1001), row("L1", 1001), f'"B1",L2,0,{row("L2", 1002)[8:]}\r')
    found, codes = imported(sent, file)
    expected = dict(enumerate([*wrong.values(), "malformed_line", "malformed_line"], 2))
    twice = len(bad) + 4
    assert codes == {**expected, twice: "line_twice"}
    assert (found["recorded"], found["duplicate"]) == (2, 0)


def test_a_person_in_a_refused_line_is_masked(sent: Onecard, tmp_path: Path) -> None:
    file = results(tmp_path / "r.csv", f"B1,L1,0,PAID,1,CNY,{ADA},BT,{AT}")
    ended = sent("payouts", "import", file)
    (reject, _) = ended.stderr.splitlines()
    assert ended.code == 1 and ADA not in reject and "340101********0014" in reject


def test_long_names_have_references_too(onecard: Onecard, tmp_path: Path) -> None:
    batch, line = "B" * 64, "L" * 64
    commands = [one | {"batch_id": batch} if "batch_id" in one else one for one in family(1)]
    submit(onecard, tmp_path, [one | {"line_id": line} if "line_id" in one else one for one in commands])
    receipts = tmp_path / "receipts"
    file = results(tmp_path / "r.csv", row(line, 1001, batch=batch), row(line, 1001, "RETURNED", batch=batch))
    onecard("payouts", "import", file, "--receipts", receipts)
    digest = hashlib.sha256(f"{batch}:{line}".encode()).hexdigest()
    told = [json.loads(one)["reference"] for one in receipts.read_text().splitlines()]
    assert told == [f"PAID:{digest}:0", f"RETURNED:{digest}:0"]


@pytest.mark.parametrize("content", ["", "\n", "line_id;result\n", COLUMNS.upper() + "\n", "Obj\x01", "x" * 200_000])
def test_a_file_of_another_kind_is_refused_whole(onecard: Onecard, tmp_path: Path, content: str) -> None:
    file = tmp_path / "r.csv"
    file.write_text(content)
    ended = onecard("payouts", "import", file, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")


def test_files_that_cannot_be_read_or_would_be_destroyed_are_refused(onecard: Onecard, tmp_path: Path) -> None:
    file = results(tmp_path / "r.csv")
    assert onecard("payouts", "import", tmp_path / "none.csv").code == 2
    assert onecard("payouts", "import", tmp_path).code == 2
    assert onecard("payouts", "import", file, "--rejects", file).code == 2
    assert file.read_text() == COLUMNS + "\n"
    assert imported(onecard, file)[0]["lines"] == 0


def test_an_import_that_is_killed_goes_on_where_it_was(store: Store, tmp_path: Path) -> None:
    count = 12
    store.submit(write(tmp_path / "commands.jsonl", *family(count)))
    rows = [row(f"L{n}", 1_000 + n, "RETURNED" if n % 5 == 0 else "PAID") for n in range(1, count + 1)]
    file = results(tmp_path / "r.csv", *rows, row("L1", 1), row("L2", 1_002))
    before = len(store.positions())
    for moment, ended in (("after:2", KILLED), ("before:2", KILLED), ("during:1:300", None), ("never", 0)):
        code = run("pay", store.dsn, tmp_path / "out", 3, moment, file)
        assert ended is None or code == ended
    found = [json.loads(line)[:2] for line in (tmp_path / "out").read_text().splitlines()]
    assert [status for status, _ in found] == ["recorded"] * count + ["rejected"] * 2
    assert [what for _, what in found[count:]] == ["amount_differs", "line_twice"]
    assert len(store.positions()) == before + count
