"""`onecard submit`: what is written where, for whom, and under which exit code (queries.md section 1)."""

import json
from pathlib import Path

import pytest

from tests.cli.lines import CARD_ID, GOLDEN, MASKED, NUMBER, SN, UNKNOWN_SN, activate, contribute, issue, write
from tests.fix_command import Onecard


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """A card, a contribution, a blank line, a refusal."""
    return write(
        tmp_path / "day", issue(), activate(), "   ", contribute('c"\\1'), contribute("c2", card_sn=UNKNOWN_SN)
    )


def test_receipts_go_to_stdout_rejects_and_a_summary_to_stderr(onecard: Onecard, day: Path) -> None:
    ended = onecard("submit", day)
    assert ended.code == 1
    receipt = {"submitter": "T0", "status": "recorded", "card_id": CARD_ID}
    assert ended.lines == [
        {**receipt, "line": 1, "reference": "issue", "card_version": 1, "position": 1},
        {**receipt, "line": 2, "reference": "activate", "card_version": 2, "position": 2},
        {**receipt, "line": 4, "submitter": "T1", "reference": 'c"\\1', "card_version": 3, "position": 3},
    ]
    reject, summary = ended.stderr.splitlines()
    assert json.loads(reject) == {
        "line": 5,
        "submitter": "T1",
        "reference": "c2",
        "code": "card_unknown",
        "message": json.loads(reject)["message"],
        "input": contribute("c2", card_sn=UNKNOWN_SN),
    }
    assert summary == "4 lines: 3 recorded, 0 duplicate, 1 rejected (card_unknown 1); positions 1 to 3."


def test_one_document_for_programs(onecard: Onecard, day: Path, tmp_path: Path) -> None:
    receipts, rejects = tmp_path / "receipts", tmp_path / "rejects"
    ended = onecard("submit", day, "--receipts", receipts, "--rejects", rejects, "--json")
    assert (ended.code, ended.stderr) == (1, "")
    assert ended.json == {
        "files": [str(day)],
        "lines": 4,
        "recorded": 3,
        "duplicate": 0,
        "rejected": 1,
        "first_position": 1,
        "last_position": 3,
        "rejects_by_code": {"card_unknown": 1},
        "receipts_file": str(receipts),
        "rejects_file": str(rejects),
    }
    assert len(receipts.read_text().splitlines()) == 3
    assert len(rejects.read_text().splitlines()) == 1


def test_json_alone_keeps_receipts_to_itself(onecard: Onecard, tmp_path: Path) -> None:
    ended = onecard("submit", write(tmp_path / "one", issue()), "--json")
    assert (ended.code, ended.stderr) == (0, "")
    assert (ended.json["receipts_file"], ended.json["rejects_file"]) == (None, None)


def test_submitting_again_gives_the_first_receipts_as_duplicates(onecard: Onecard, day: Path) -> None:
    first = onecard("submit", day)
    again = onecard("submit", day)
    assert again.code == 1
    assert again.lines == [{**receipt, "status": "duplicate"} for receipt in first.lines]
    assert again.stderr.splitlines()[0] == first.stderr.splitlines()[0]


def test_an_empty_file_is_no_error(onecard: Onecard, tmp_path: Path) -> None:
    ended = onecard("submit", write(tmp_path / "empty", "", "  "), "--json")
    assert ended.code == 0
    assert (ended.json["lines"], ended.json["first_position"], ended.json["last_position"]) == (0, None, None)


def test_with_several_files_the_file_stands_first(onecard: Onecard, tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", issue(), "{"), write(tmp_path / "two", activate(), "{")
    ended = onecard("submit", one, two)
    assert [next(iter(line)) for line in ended.lines] == ["file", "file"]
    assert [(line["file"], line["line"]) for line in ended.lines] == [(str(one), 1), (str(two), 1)]
    rejects = [json.loads(line) for line in ended.stderr.splitlines()[:2]]
    assert [(line["file"], line["line"], line["code"]) for line in rejects] == [
        (str(one), 2, "malformed_json"),
        (str(two), 2, "malformed_json"),
    ]


@pytest.mark.parametrize("batch", [1, 2, 7, 100_000])
def test_the_size_of_a_batch_changes_nothing(onecard: Onecard, tmp_path: Path, batch: int) -> None:
    lines = [issue(), activate(), *(contribute(f"c{n}", amount_fen=n or "0") for n in range(10))]
    ended = onecard("submit", write(tmp_path / "many", *lines), "--batch", batch)
    assert [(line["line"], line["position"]) for line in ended.lines] == [
        (1, 1), (2, 2), *((n + 3, n + 2) for n in range(1, 10)),
    ]  # fmt: skip


def test_the_last_position_is_that_of_the_last_event_of_a_command(onecard: Onecard, tmp_path: Path) -> None:
    # A transfer of family aid is one command and one event on each of two cards.
    lines = (GOLDEN / "E17.jsonl").read_text("utf-8").splitlines()
    last = 1 + next(n for n, line in enumerate(lines) if '"TransferFamilyAid"' in line)
    ended = onecard("submit", write(tmp_path / "aid", *lines[:last]), "--receipts", tmp_path / "receipts", "--json")
    receipts = [json.loads(line) for line in (tmp_path / "receipts").read_text().splitlines()]
    assert receipts[-1]["reference"] == json.loads(lines[last - 1])["reference"]
    assert ended.json["last_position"] == receipts[-1]["position"] + 1


def test_persons_are_masked_wherever_they_stand(onecard: Onecard, tmp_path: Path) -> None:
    ended = onecard(
        "submit",
        write(
            tmp_path / "persons",
            issue(social_security_number=int(NUMBER[:-1] + "5")),
            issue(nickname=NUMBER),
            f'{{"half a line": "{NUMBER}',
            f'{{"command":"IssueCard","social_security_number":{NUMBER}.5}}',
            issue(social_security_number=[NUMBER]),
        ),
    )
    assert NUMBER not in ended.stderr and NUMBER[:-1] not in ended.stderr and NUMBER[6:14] not in ended.stderr
    assert ended.stderr.count(MASKED) == 4
    assert ended.code == 1


def test_numbers_of_a_refused_line_come_back_as_they_were_sent(onecard: Onecard, tmp_path: Path) -> None:
    ended = onecard("submit", write(tmp_path / "numbers", '{"a":1e400,"b":123456789012345678901234567890,"c":1.10}'))
    assert '"b":123456789012345678901234567890' in ended.stderr and '"c":1.10' in ended.stderr
    assert "Infinity" not in ended.stderr and '"a":1E+400' in ended.stderr


def test_deep_nesting_is_refused_like_anything_else(onecard: Onecard, tmp_path: Path) -> None:
    deep = '{"command":"IssueCard","x":' + "[" * 700 + "]" * 700 + "}"
    deeper = '{"command":"IssueCard","x":' + "[" * 30_000 + "]" * 30_000 + "}"
    ended = onecard("submit", write(tmp_path / "deep", deep, deeper, issue()), "--json")
    assert (ended.json["rejected"], ended.json["recorded"]) == (2, 1)


def test_a_reject_without_text_names_has_null_for_them(onecard: Onecard, tmp_path: Path) -> None:
    ended = onecard("submit", write(tmp_path / "odd", '{"submitter":1,"reference":null}', "[1]"))
    for line in ended.stderr.splitlines()[:2]:
        assert (json.loads(line)["submitter"], json.loads(line)["reference"]) == (None, None)
    assert json.loads(ended.stderr.splitlines()[1])["input"] == "[1]"
    assert SN not in ended.stderr
