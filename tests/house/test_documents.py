"""What the documents tell a reader to type and to open is there: commands and options, settings, files, findings."""

import re
from typing import Any

import typer

from ops.cli.main import app
from ops.payouts import instruction, result
from ops.settings import Settings
from tests.house.tree import ROOT

DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("samples/*.md")])
TYPED = re.compile(r"(?<![\w-])onecard ((?:[a-z]+(?:-[a-z]+)*)(?: [^`#|\n]*)?)")
# Paths in code style that begin with a folder of ours.
PATH = re.compile(r"`((?:docs|ledger|ops|projections|samples|schemas|tests)/[\w./-]*[\w/])`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[\w-]+)?\)")
PROGRAM = re.compile(r"^```\w+\n.*?^```$", re.MULTILINE | re.DOTALL)
KIND = re.compile(r'(?:Finding\(|report\.add\(|kind = )\s*"([a-z_]+)"')
COMMANDS: Any = typer.main.get_command(app)


def typed(text: str) -> list[str]:
    """Everything after `onecard` on lines that are code, or between backticks."""
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    return [found[1] for line in [*lines, *re.findall(r"`([^`\n]+)`", text)] for found in TYPED.finditer(line)]


def wrong(words: list[str]) -> str | None:
    """The first word that `onecard` does not know."""
    command = COMMANDS
    for word in words:
        known = getattr(command, "commands", None)
        if known is not None and not word.startswith("--"):
            if word not in known:
                return word
            command = known[word]
        elif word.startswith("--"):
            options = {name for one in command.params for name in one.opts} | {"--help"}
            if word.partition("=")[0] not in options:
                return word
    return None


def is_prose(words: list[str]) -> bool:
    return words[0] in ("in", "and", "the", "ledger")


def test_every_command_in_the_documents_can_be_typed() -> None:
    asked = [(path.name, words) for path in DOCUMENTS for words in map(str.split, typed(path.read_text("utf-8")))]
    assert len(asked) > 20
    assert [(name, words) for name, words in asked if not is_prose(words) and wrong(words) is not None] == []


def test_a_tour_begins_by_naming_a_store_of_its_own_that_git_does_not_show() -> None:
    """Who comes from a demo is in the demo's store, whose month is closed."""
    for name in ("README.md", "samples/README.md"):
        text = (ROOT / name).read_text("utf-8")
        first, *_ = [line for line in text.splitlines() if line.startswith("    ") and "first-day" in line]
        assert re.match(r"    export ONECARD_HOME=\.onecard/[\w-]+(\s|$)", first), name
    assert ".onecard/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_every_file_that_is_named_exists() -> None:
    missing = []
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        named = [ROOT / name for name in PATH.findall(text)]
        named += [path.parent / name for name in LINK.findall(PROGRAM.sub("", text))]
        missing += [f"{path.name}: {one}" for one in named if not one.exists()]
    assert missing == []


def test_the_read_me_lists_every_setting() -> None:
    told = set(re.findall(r"^\| `(ONECARD_[A-Z_]+)`", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    assert told == {f"ONECARD_{name.upper()}" for name in Settings.model_fields}


def test_the_operator_is_told_what_to_do_about_every_finding() -> None:
    folders = (ROOT / "projections" / name for name in ("verification", "views"))
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    kinds = {kind for path in sources for kind in KIND.findall(path.read_text("utf-8"))}
    table = (ROOT / "docs" / "operating.md").read_text("utf-8").partition("## Findings")[2]
    assert {"chain_broken", "balance_differs"} < kinds
    assert kinds - set(re.findall(r"`([a-z_]+)`", table)) == set()


def test_the_rule_sees_a_planted_offence() -> None:
    planted = typed("    $ .venv/bin/onecard clearing tables 2025-06\nand `onecard verify --agains views`, in a store")
    assert [wrong(words) for words in map(str.split, planted)] == ["tables", "--agains"]


def test_what_the_banks_files_begin_with_is_shown() -> None:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8").splitlines()
    assert {f"    {','.join(columns)}" for columns in (instruction.COLUMNS, result.COLUMNS)} <= set(text)
