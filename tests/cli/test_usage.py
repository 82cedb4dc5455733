"""Wrong usage: exit 2 before anything is opened or recorded, a sentence, and with --json a document."""

import bz2
import gzip
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.lines import NUMBER, SN, contribute, issue, write
from tests.fix_command import Onecard

WRONG = [
    ("--json",),
    ("nonsense",),
    ("submit",),
    ("submit", "x", "--batch", "0"),
    ("submit", "x", "--batch", "many"),
    ("submit", "x", "--colour", "red"),
    ("balance",),
    ("balance", SN, "another"),
    ("balance", SN, "--json", "--jsonl"),
    ("accounts", "--json", "--jsonl"),
    ("accounts", "--prefix", "a\udc80b"),
    ("history", SN, "--at-version", "0"),
    ("history", SN, "--at-version", "1", "--as-of", "2025-01-01T00:00:00Z"),
    ("history", SN, "--as-of", "2025-01-01T00:00:00Z", "--recorded-as-of", "2025-01-01T00:00:00Z"),
    ("history", SN, "--as-of", "2025-01-01"),
    ("history", SN, "--as-of", "2025-02-30T00:00:00Z"),
    ("statement", SN),
    ("statement", SN, "--from", "2025-01-01"),
    ("statement", SN, "--from", "2025-02-01", "--to", "2025-01-31"),
    ("statement", SN, "--from", "2025-02-30", "--to", "2025-03-31"),
    ("follow", "ledgers"),
    ("rebuild",),
    ("rebuild", "ledgers"),
    ("schemas", "lists"),
    ("config", "--on", "2025-02-30"),
    ("config", "--scope", "99"),
    ("config", "--scope", "34:"),
    ("config", "--key", "transit.late_day"),
    ("config", "--json", "check", "rules.toml"),
    ("config", "check"),
    ("config", "check", "no-such-file.toml"),
    ("config", "check", "."),
    ("simulate", "--lines", "0"),
    ("simulate", "--lines", "5", "--mix", "storm"),
    ("simulate", "--lines", "5", "--json"),
]


@pytest.mark.parametrize(
    "arguments",
    [("balance", SN), ("clearing", "lines", "--state"), ("clearing", "lines", "--home"), ("accounts", "--source"),
     ("incidents", "forget", "--source"), ("incidents", "show"), ("statement", SN, "--from")],
    ids=" ".join,
)  # fmt: skip
def test_what_is_refused_repeats_no_persons_number_and_nothing_that_a_terminal_obeys(
    onecard: Onecard, arguments: tuple[str, ...]
) -> None:
    for typed in (NUMBER, f"x\x1b[31m{NUMBER}"):
        for options in ((), ("--json",)):
            ended = onecard(*arguments, typed, *options)
            said = ended.stdout + ended.stderr
            assert ended.code in (1, 2) and NUMBER not in said and "\x1b" not in said, ended


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_ends_with_2_and_a_document(onecard: Onecard, arguments: tuple[str, ...]) -> None:
    ended = onecard(*arguments, *(() if "--json" in arguments else ("--json",)))
    assert ended.code == 2
    assert ended.json["error"]["code"] == "usage"
    assert ended.json["error"]["message"].strip()
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", WRONG[1:8], ids=" ".join)
def test_wrong_usage_is_told_to_people_on_stderr(onecard: Onecard, arguments: tuple[str, ...]) -> None:
    ended = onecard(*arguments)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") <= 5


def test_no_command_at_all_shows_the_help(onecard: Onecard) -> None:
    ended = onecard()
    assert ended.code == 2
    assert "trial-balance" in ended.stderr


def test_files_that_cannot_be_read_stop_the_run_before_it_begins(onecard: Onecard, tmp_path: Path) -> None:
    good = write(tmp_path / "good", issue())
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    damaged = tmp_path / "damaged.avro"
    damaged.write_bytes(b"Obj\x01 and nothing that follows")
    for bad in (tmp_path / "absent", tmp_path, fifo, damaged, tmp_path / ("x" * 300), good / "below a file"):
        ended = onecard("submit", good, bad, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (2, "usage"), bad
        assert bad.name in ended.json["error"]["message"]
    onecard("follow", "--until-caught-up")
    assert onecard("status", "--json").json["head_position"] == 0


@pytest.mark.parametrize("piped", ["-", "fifo"])
def test_what_comes_through_a_pipe_is_to_be_saved_first(onecard: Onecard, tmp_path: Path, piped: str) -> None:
    if piped == "fifo":
        os.mkfifo(tmp_path / piped)
    ended = onecard("submit", piped if piped == "-" else tmp_path / piped, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")
    assert "save it to a file first" in ended.json["error"]["message"]


@pytest.mark.parametrize("pack, packing", [(gzip.compress, "gzip"), (lzma.compress, "xz"), (bz2.compress, "bzip2")])
def test_a_packed_file_is_told_so_before_anything_is_recorded(
    onecard: Onecard, tmp_path: Path, pack: Callable[[bytes], bytes], packing: str
) -> None:
    good = write(tmp_path / "good", issue())
    packed = tmp_path / "day.jsonl.packed"
    packed.write_bytes(pack(good.read_bytes()))
    ended = onecard("submit", good, packed)
    assert (ended.code, ended.stdout, ended.stderr) == (2, "", f"onecard: {packed} is {packing}: unpack it first.\n")
    assert onecard("status", "--json").json["head_position"] == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_stops_the_run_before_it_begins(onecard: Onecard, tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", issue())
    secret.chmod(0)
    assert onecard("submit", secret, "--json").code == 2


def test_outputs_never_overwrite_an_input_or_each_other(onecard: Onecard, tmp_path: Path) -> None:
    good = write(tmp_path / "good", issue())
    link = tmp_path / "link"
    link.symlink_to(good)
    before = good.read_bytes()
    for arguments in (
        ("--receipts", good),
        ("--rejects", link),
        ("--receipts", tmp_path / "out", "--rejects", tmp_path / "." / "out"),
        ("--receipts", tmp_path / "absent" / "out"),
        ("--rejects", tmp_path),
    ):
        ended = onecard("submit", good, *arguments, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (2, "usage"), arguments
    assert good.read_bytes() == before


def test_receipts_and_rejects_may_both_go_nowhere(onecard: Onecard, tmp_path: Path) -> None:
    ended = onecard("submit", write(tmp_path / "good", issue()), "--receipts", os.devnull, "--rejects", os.devnull)
    assert (ended.code, ended.stdout) == (0, "")


def test_an_output_keeps_what_it_held_until_the_run_can_begin(
    onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = write(tmp_path / "receipts", "yesterday's")
    monkeypatch.setenv("ONECARD_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert onecard("submit", write(tmp_path / "good", issue()), "--receipts", receipts).code == 3
    assert receipts.read_text() == "yesterday's\n"


def test_a_file_name_may_be_any(onecard: Onecard, tmp_path: Path) -> None:
    one, two = write(tmp_path / 'a "name" of 早上', issue()), write(tmp_path / "--json", contribute(amount_fen=0))
    ended = onecard("submit", "--", one, two)
    assert [json.loads(line)["file"] for line in [*ended.stdout.splitlines(), ended.stderr.splitlines()[0]]] == [
        str(one),
        str(two),
    ]
