"""What `--help` says: every command has an example that can be typed, and nothing is cut off or the program's own."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from ops.cli.explaining import ELSEWHERE, summary
from ops.cli.main import app, main
from ops.payouts.result import COLUMNS
from tests.cli.lines import contribute, issue, write
from tests.fix_command import Onecard

NARROW = 80
TYPES = re.compile(r"<\w|\{")
OF_THE_LIBRARY = re.compile(rf"{TYPES.pattern}|\.\.\.$|--no-")
# What would run until it is told to stop, or for minutes, has tests of its own.
NOT_TYPED = {"bench --quick", "demo", "serve --port 8081"}
KAFKA = ("relay", "restore-tail", "topics")


def every_command() -> dict[tuple[str, ...], Any]:
    """By the words it is typed with."""
    found: dict[tuple[str, ...], Any] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        found[path] = command
        waiting += [((*path, name), one) for name, one in getattr(command, "commands", {}).items()]
    return found


COMMANDS = every_command()


def examples_in(text: str) -> Iterator[str]:
    """What follows `onecard` under `Example:`."""
    for line in text.partition("Example:\n")[2].splitlines():
        if not line.strip():
            return
        yield line.strip().removeprefix("onecard ")


def help_of(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    code = main([*path, "--help"])
    said = capsys.readouterr()
    assert (code, said.err) == (0, ""), path
    return said.out


def test_commands_explain_themselves_by_an_example_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(NARROW))
    for path, command in COMMANDS.items():
        text = help_of(path, capsys)
        examples = [f"    onecard {one}" for one in examples_in(text)]
        assert examples or hasattr(command, "commands"), path
        assert ELSEWHERE in text or not path, path
        usage, *lines = text.splitlines()
        assert [line for line in lines if OF_THE_LIBRARY.search(line)] == [] == TYPES.findall(usage), path
        assert [line for line in lines if len(line) > NARROW + 2 and line not in examples] == [], path


def test_a_summary_fits_the_line_of_a_list() -> None:
    for path, command in COMMANDS.items():
        said = summary(command)
        assert said.endswith(".") and said.count(". ") == 0, path
        assert not path or len(said) + 18 <= NARROW, path


def test_every_command_is_listed_once_under_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of((), capsys)
    listed = re.findall(r"^  ([a-z][a-z-]*) {2,}\S", text, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS[()].commands)
    assert "Commands:" not in text


def test_every_example_of_every_help_can_be_typed(
    onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a store with a card: what it asks for may be unknown there, and nothing else is wrong with it."""
    examples = [one for path in COMMANDS for one in examples_in(help_of(path, capsys))]
    assert len(examples) > 60
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "day.jsonl", issue(), contribute())
    write(tmp_path / "f.txt", "\t".join(
        "setl_id mdtrt_id psn_no refd_setl_flag medfee_sumamt fund_pay_sumamt acct_pay setl_time msgid".split()
    ))  # fmt: skip
    write(tmp_path / "pension-2025-06-results.csv", ",".join(COLUMNS))
    rules = onecard("config", "example").stdout
    (tmp_path / "rules.toml").write_text(rules)
    assert onecard("submit", "day.jsonl").code == 0
    assert onecard("follow", "--until-caught-up").code == 0
    wrong = []
    for example in examples:
        if example in NOT_TYPED:
            continue
        words = shlex.split(example.partition(" > ")[0])
        ended = onecard(*words)
        expected = (3,) if words[0] in KAFKA else (0, 1)
        if ended.code not in expected or "Traceback" in ended.stderr:
            wrong.append((example, ended.code, ended.stderr))
    assert wrong == []
