"""Every kind of bad line is one coded reject, and everything around it is recorded."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.core.identity import Keyring
from ledger.service.run import shaped
from tests.cli.lines import MASKED, NUMBER, UNKNOWN_SN, activate, contribute, issue, write
from tests.fix_command import Onecard

# what is wrong: (line, code)
BAD_LINES: dict[str, tuple[Any, str]] = {
    "not JSON": ("receipt please", "malformed_json"),
    "half a line": (json.dumps(contribute())[:80], "malformed_json"),
    "not an object": ("[1, 2]", "malformed_json"),
    "a key twice": ('{"command":"IssueCard","command":"IssueCard"}', "malformed_json"),
    "not UTF-8": (b'{"command":"\xff"}', "malformed_json"),
    "a byte order mark": (b"\xef\xbb\xbf" + json.dumps(contribute()).encode(), "malformed_json"),
    "a tab alone": ("\t", "malformed_json"),
    "a NUL": (b'{"command":"Issue\x00Card"}', "malformed_json"),
    "a field named NUL": ({**contribute(), "a\x00b": 1}, "unknown_field"),
    "a field named by a person": ({**contribute(), NUMBER: 1}, "unknown_field"),
    "an endless number and then no JSON": ('{"command":' + "1" * 5_000 + ",}", "malformed_json"),
    "an endless number and endless nesting": ('{"a":' + "1" * 5_000 + ',"b":' + "[" * 9_000, "malformed_json"),
    "NaN": ('{"command":"IssueCard","x":NaN}', "malformed_json"),
    "65,537 bytes": (" " * (65_537 - 2) + "{}", "malformed_json"),
    "no command": ({"submitter": "T1"}, "missing_field"),
    "unknown command": (contribute(command="ContributeAcount"), "unknown_command"),
    "unknown field": (contribute(colour="red"), "unknown_field"),
    "missing field": (contribute(month=...), "missing_field"),
    "a list for a string": (contribute(submitter=["T1"]), "wrong_type"),
    "true for an amount": (contribute(amount_fen=True), "wrong_type"),
    "an amount with a fraction": (json.dumps(contribute()).replace("1000", "10.00"), "wrong_type"),
    "an amount with an exponent": (json.dumps(contribute()).replace("1000", "1e3"), "wrong_type"),
    "an endless exponent": (json.dumps(contribute()).replace("1000", "1e99999999999999999999"), "wrong_type"),
    "an endless exponent for a person": (
        json.dumps(contribute(acting_person=1000)).replace("1000", "-1e-99999999999999999999"),
        "wrong_type",
    ),
    "an amount as text": (contribute(amount_fen="1000"), "wrong_type"),
    "an amount of nothing": (contribute(amount_fen=0), "out_of_range"),
    "a negative amount": (contribute(amount_fen=-1), "out_of_range"),
    "an amount beyond the limit": (contribute(amount_fen=10**13 + 1), "out_of_range"),
    "an amount beyond 64 bits": (contribute(amount_fen=10**40), "out_of_range"),
    "an amount of 10,000 digits": (json.dumps(contribute()).replace("1000", "9" * 10_000), "out_of_range"),
    "a control character": (contribute(submitter="T\u0001"), "bad_format"),
    "a NUL in a reference": (contribute("r\u0000"), "bad_format"),
    "a reference of 129 characters": (contribute("r" * 129), "bad_format"),
    "a wrong check digit": (issue(reference="i2", social_security_number="340101196001010015"), "bad_format"),
    "a birthday that never was": (issue(reference="i3", social_security_number="340101196002300014"), "bad_format"),
    "an impossible date": (issue(reference="i4", expires_on="2034-02-30"), "bad_format"),
    "an impossible instant": (contribute(occurred_at="2025-01-10T24:00:00+08:00"), "bad_format"),
    "an instant without offset": (contribute(occurred_at="2025-01-10T09:00:00"), "bad_format"),
    "a wrong offset": (contribute(occurred_at="2025-01-10T09:00:00+15:00"), "bad_format"),
    "an instant of another age": (contribute(occurred_at="1999-01-10T09:00:00Z"), "out_of_range"),
    "the future": (contribute(occurred_at="2098-01-10T09:00:00Z"), "occurred_at_in_future"),
    "an unknown province": (contribute(home_area="990000"), "unknown_code"),
    "an unknown card": (contribute(card_sn=UNKNOWN_SN), "card_unknown"),
    "a reference used for something else": (contribute("good", amount_fen=1), "reference_reused"),
}


def _bounded(digits: str) -> int:
    """Python reads no number of more than 4,300 digits."""
    return int(digits[:100])


@pytest.mark.parametrize("line, code", BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_refused_and_the_rest_recorded(onecard: Onecard, tmp_path: Path, line: Any, code: str) -> None:
    file = write(tmp_path / "file", issue(), activate(), contribute("good"), line, contribute("after", month="2025-02"))
    rejects = tmp_path / "rejects"
    ended = onecard("submit", file, "--rejects", rejects, "--json", clock="2026-01-01T00:00:00Z")
    assert ended.code == 1
    (reject,) = [json.loads(text, parse_int=_bounded) for text in rejects.read_text("utf-8").splitlines()]
    assert (reject["line"], reject["code"]) == (4, code)
    assert reject["message"]
    assert (ended.json["recorded"], ended.json["rejects_by_code"]) == (4, {code: 1})


def test_a_byte_order_mark_is_named(onecard: Onecard, tmp_path: Path) -> None:
    ended = onecard("submit", write(tmp_path / "file", b"\xef\xbb\xbf" + json.dumps(issue()).encode()))
    assert json.loads(ended.stderr.splitlines()[0])["message"].startswith("line: begins with a byte order mark")


def test_a_line_of_100_megabytes_costs_no_more_memory_than_any_other(onecard: Onecard, tmp_path: Path) -> None:
    import tracemalloc

    file = tmp_path / "file"
    with file.open("wb") as out:
        out.write(json.dumps(issue()).encode() + b"\n" + b'{"command":"')
        for _ in range(100):
            out.write(b"x" * 1_000_000)
        out.write(b'"}\n' + json.dumps(activate()).encode() + b"\n")
    tracemalloc.start()
    ended = onecard("submit", file, "--rejects", tmp_path / "rejects", "--json")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (ended.json["recorded"], ended.json["rejects_by_code"]) == (2, {"malformed_json": 1})
    assert (tmp_path / "rejects").stat().st_size < 2_000
    assert peak < 20_000_000


def test_a_person_is_masked_wherever_it_stands(onecard: Onecard, tmp_path: Path) -> None:
    strange = {**contribute(), NUMBER: 1, "nested": [{NUMBER: NUMBER}], "acting_person": NUMBER}
    ended = onecard("submit", write(tmp_path / "file", strange))
    reject = json.loads(ended.stderr.splitlines()[0])
    assert reject["code"] == "unknown_field"
    assert reject["input"] == {**contribute(), MASKED: 1, "nested": [{MASKED: MASKED}], "acting_person": MASKED}
    assert NUMBER not in ended.stderr


def test_no_field_of_a_refusal_is_the_number_of_a_person() -> None:
    """It would be kept with the run until that ends."""
    _, line = shaped(json.dumps({**contribute(), NUMBER: 1}).encode(), 0, Keyring(b"secret"))
    assert line.rejected is not None
    assert line.rejected.field == MASKED


def test_no_depth_of_nesting_stops_the_reading() -> None:
    """Where the parser's patience ends exactly depends on who calls it."""
    for depth in range(900, 1_010):
        nested = '{"a":' + "[" * depth + r'"\ud83d\ude00"' + "]" * depth + "}"
        _, line = shaped(nested.encode(), 0, Keyring(b"secret"))
        assert line.rejected is not None
        assert line.rejected.code in ("missing_field", "malformed_json")


def test_the_same_reference_twice_in_one_batch(onecard: Onecard, tmp_path: Path) -> None:
    lines = [issue(), activate(), contribute(), contribute(), contribute(amount_fen=7)]
    ended = onecard("submit", write(tmp_path / "file", *lines))
    assert [line["status"] for line in ended.lines] == ["recorded", "recorded", "recorded", "duplicate"]
    assert json.loads(ended.stderr.splitlines()[0])["code"] == "reference_reused"


def test_a_last_line_without_line_feed_counts(onecard: Onecard, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(json.dumps(issue()) + "\n" + json.dumps(activate()))
    assert onecard("submit", file, "--json").json["recorded"] == 2


def test_windows_line_ends_are_taken(onecard: Onecard, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(json.dumps(issue()).encode() + b"\r\n" + json.dumps(activate()).encode() + b"\r\n")
    assert onecard("submit", file, "--json").json["recorded"] == 2
