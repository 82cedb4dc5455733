"""Files as people name them: every input is looked at before a line is decided, no output writes over another."""

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from tests.cli.lines import activate, contribute, issue, write
from tests.fix_command import Onecard

RECONCILE = ("clearing", "reconcile", "--level", "L2", "--counterparty", "31", "--from", "2025-06-01", "--to",
             "2025-06-30", "--file")  # fmt: skip
READERS = {"submit": ("submit",), "import": ("payouts", "import"), "reconcile": RECONCILE, "rules": ("config", "check")}


def as_tar(data: bytes) -> bytes:
    """An archive of one file, as `tar -c` makes it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as made:
        member = tarfile.TarInfo("day.jsonl")
        member.size = len(data)
        made.addfile(member, io.BytesIO(data))
    return archive.getvalue()


def recoded(encoding: str) -> Callable[[bytes], bytes]:
    return lambda data: data.decode().encode(encoding)


WRAPPED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "gzip": (gzip.compress, "is gzip: unpack it first"),
    "xz": (lzma.compress, "is xz: unpack it first"),
    "bzip2": (bz2.compress, "is bzip2: unpack it first"),
    "tar": (as_tar, "is a tar archive: unpack it first"),
    "UTF-16 with a mark": (recoded("utf-16"), "save it as UTF-8"),
    "UTF-16 without": (recoded("utf-16-be"), "save it as UTF-8"),
    "UTF-16 of the other end": (recoded("utf-16-le"), "save it as UTF-8"),
    "UTF-32": (recoded("utf-32-be"), "save it as UTF-8"),
}


def run(*arguments: object, stdout: IO[bytes]) -> "subprocess.CompletedProcess[bytes]":
    """A process of its own, in the environment that the `onecard` fixture has set."""
    program = Path(sys.executable).with_name("onecard")
    words = [str(program), *map(str, arguments)]
    return subprocess.run(words, env=os.environ, stdout=stdout, stderr=subprocess.PIPE, timeout=60)


# --- inputs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("wrap, told", WRAPPED.values(), ids=WRAPPED)
def test_a_file_that_must_be_unpacked_or_recoded_is_told_so_before_anything_is_read(
    onecard: Onecard, tmp_path: Path, reader: tuple[str, ...], wrap: Callable[[bytes], bytes], told: str
) -> None:
    good = write(tmp_path / "good", issue())
    wrapped = tmp_path / "day.wrapped"
    wrapped.write_bytes(wrap(good.read_bytes()))
    ended = onecard(*reader, wrapped)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"onecard: {wrapped} ") and told in ended.stderr


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_folder_a_pipe_and_no_name_are_told_apart_by_every_command_that_reads(
    onecard: Onecard, tmp_path: Path, reader: tuple[str, ...]
) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name, told in (
        (tmp_path, "is a directory"),
        (tmp_path / "fifo", "save it to a file first"),
        ("-", "save it to a file first"),
        ("", "name is empty"),
        (tmp_path / "absent", "No such file"),
    ):
        ended = onecard(*reader, name, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (2, "usage"), name
        assert told in ended.json["error"]["message"]


def test_the_null_device_is_an_empty_file(onecard: Onecard) -> None:
    ended = onecard("submit", os.devnull, "--json")
    assert (ended.code, ended.json["lines"]) == (0, 0)


@pytest.mark.parametrize(
    "text, mended",
    [
        (json.dumps([issue(), activate()], indent=2), "jq -c '.[]'"),
        (json.dumps([issue(), activate()]).replace("}, {", "},\n{"), "jq -c '.[]'"),
        (f"[\n{json.dumps(issue())},\n{json.dumps(activate())}\n]\n", "jq -c '.[]'"),
        (json.dumps(issue(), indent=4), "jq -c ."),
        ("\ufeff\r\n" + json.dumps(issue(), indent=1).replace("\n", "\r\n"), "jq -c ."),
    ],
)
def test_one_document_of_json_is_refused_once_and_not_by_the_line(
    onecard: Onecard, tmp_path: Path, text: str, mended: str
) -> None:
    file = tmp_path / "day.json"
    file.write_bytes(text.encode())
    ended = onecard("submit", file)
    assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "every command must be an object on one line" in ended.stderr and f"`{mended}`" in ended.stderr


@pytest.mark.parametrize("first", ["{", "[", "[1]", "[]", "{}", "\0", "\0\0\0\0", "\x01\0{", '{"\0"'])
def test_a_bad_first_line_is_a_reject_and_the_rest_recorded(onecard: Onecard, tmp_path: Path, first: str) -> None:
    lines = [first, issue(), activate()]
    ended = onecard("submit", write(tmp_path / "day", *lines), "--json")
    assert (ended.json["rejected"], ended.json["recorded"]) == (1, len(lines) - 1)


# --- outputs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["/dev/stdout", "-", "by its own name"])
def test_answers_that_all_go_to_the_file_of_stdout_are_all_in_it(onecard: Onecard, tmp_path: Path, name: str) -> None:
    wrong = [contribute(f"c{n}", amount_fen=n % 2) for n in range(60)]
    file, answers = write(tmp_path / "day", issue(), activate(), *wrong), tmp_path / "answers"
    with answers.open("wb") as out:
        rejects = answers if name == "by its own name" else name
        ended = run("submit", file, "--rejects", rejects, "--batch", "7", stdout=out)
    assert ended.returncode == 1 and ended.stderr.startswith(b"62 lines: 32 recorded")
    told = [json.loads(line) for line in answers.read_bytes().splitlines()]
    assert sorted(one["line"] for one in told) == list(range(1, 63))


def test_what_stdout_held_before_is_kept_when_answers_are_added_to_it(onecard: Onecard, tmp_path: Path) -> None:
    answers = write(tmp_path / "answers", "yesterday's")
    with answers.open("ab") as out:
        run("submit", write(tmp_path / "day", issue()), "--receipts", "/dev/stdout", stdout=out)
    assert answers.read_text().count("\n") == 2 and answers.read_text().startswith("yesterday's\n")


@pytest.mark.parametrize("option", ["--receipts", "--rejects"])
def test_stdout_is_not_shared_with_the_document_of_a_program(onecard: Onecard, tmp_path: Path, option: str) -> None:
    file = write(tmp_path / "day", issue())
    with (tmp_path / "out").open("w+b") as out:
        ended = run("submit", file, option, "/dev/stdout", "--json", stdout=out)
    error = json.loads((tmp_path / "out").read_text())["error"]
    assert (ended.returncode, error["code"]) == (2, "usage") and "--json keeps stdout" in error["message"]
    assert onecard("submit", file, option, "-", "--json").code == 2


def test_a_file_is_not_read_while_stdout_makes_it_longer(onecard: Onecard, tmp_path: Path) -> None:
    file = write(tmp_path / "day", issue())
    before = file.read_bytes()
    with file.open("ab") as out:
        ended = run("submit", file, stdout=out)
    assert (ended.returncode, file.read_bytes()) == (2, before)
    assert b"is what stdout goes to" in ended.stderr


@pytest.mark.parametrize("name", ["/dev/stdout", "-"])
def test_what_is_written_for_others_goes_to_stdout_by_either_of_its_names(
    onecard: Onecard, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = onecard("simulate", "--lines", 20).stdout
    with Path("day").open("wb") as out:
        assert run("simulate", "--lines", 20, "--out", name, stdout=out).returncode == 0
        assert run("simulate", "--lines", 20, "--out", name, "--json", stdout=out).returncode == 2
    assert Path("day").read_text().startswith(written + '{"error"') and not Path("-").exists()
