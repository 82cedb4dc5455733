"""Tables on a terminal: half an identifier reads as another one, so only prose is ever broken over two lines."""

import io
import sys
from collections.abc import Sequence

import pytest
from rich.table import Table
from rich.text import Text

from ops.cli.output import for_people, table

CARD = "card:75c77e2f-0573-5efc-a827-12b6c07b5d0a:medical_account"
INSTANT = "2025-06-18T10:55:31.000001Z"
IN_CHINA = "2025-06-18T18:55:31.000001+08:00"
WHY = "occurred_at: the card was reported lost at that instant, and whoever paid bears the loss"
COLUMNS = ("brought forward>", "account", "last position>", "reason~", "occurred")
ROWS = [
    ("1,234,567.89", f"-875.50 {CARD}\n875.50 fund:32:310200", 19542, WHY, INSTANT),
    ("0.00", "PB2FD9E81000000", 7, "", None),
]


class Terminal(io.TextIOWrapper):
    """A stdout that somebody watches."""

    def isatty(self) -> bool:
        return True


def on_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    title: str | None = None,
) -> list[str]:
    return printed(monkeypatch, width, table(columns, rows, title))


def printed(monkeypatch: pytest.MonkeyPatch, width: int, what: str | Text | Table) -> list[str]:
    paper = io.BytesIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Terminal(paper, encoding="utf-8"))
        for name, value in (("COLUMNS", str(width)), ("TERM", "xterm"), ("NO_COLOR", "1")):
            patched.setenv(name, value)
        with for_people() as console:
            console.print(what)
        return Text.from_ansi(paper.getvalue().decode()).plain.splitlines()


@pytest.mark.parametrize("width", [10, 40, 80, 120, 400])
def test_identifiers_instants_figures_and_headings_stand_in_one_piece(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    heading, *lines = on_a_terminal(monkeypatch, width, COLUMNS, ROWS)
    assert all(column.rstrip(">~") in heading for column in COLUMNS)
    for whole in (f"1,234,567.89  -875.50 {CARD}", "875.50 fund:32:310200", "19542", IN_CHINA, "PB2FD9E81000000"):
        assert any(whole in line for line in lines), whole


@pytest.mark.parametrize("width", [10, 40, 80, 400])
def test_prose_is_folded_between_words_and_stays_as_wide_as_a_sentence_is_read(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    heading, *lines = on_a_terminal(monkeypatch, width, COLUMNS, ROWS)
    begin, end = heading.index("reason"), heading.index("occurred")
    pieces = [piece for line in lines if (piece := line[begin:end].strip())]
    assert " ".join(pieces) == WHY
    assert len(pieces) == (1 if width == 400 else 4)


def test_a_table_that_fits_by_folding_prose_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_a_terminal(monkeypatch, 80, ("code", "lines>", "for example~"), [("card_lost", 12, WHY)])
    assert len(lines) == 3 and max(map(len, lines)) <= 80


@pytest.mark.parametrize(("width", "told"), [(40, 1), (400, 0)])
def test_who_sees_lines_broken_by_the_terminal_is_told_how_to_see_them_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int, told: int
) -> None:
    on_a_terminal(monkeypatch, width, COLUMNS, ROWS)
    assert capsys.readouterr().err.count("| less -S") == told


@pytest.mark.parametrize("width", [40, 400])
def test_no_line_of_a_table_ends_in_spaces(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = on_a_terminal(monkeypatch, width, ("code", "why"), [("card_lost", WHY), ("ok", None), ("", "short")])
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_title_stands_in_one_piece_over_a_narrow_table(monkeypatch: pytest.MonkeyPatch) -> None:
    title = f"{CARD}: opening 0.00"
    assert on_a_terminal(monkeypatch, 40, ("date",), [("2025-06-18",)], title)[0].rstrip() == title


def test_chinese_is_measured_as_the_terminal_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    school = "杭州市第一中学" * 3
    _, line = on_a_terminal(monkeypatch, 20, ("school", "days>"), [(school, 5)])
    assert line == f"{school}     5"


DIGEST = "bc5f9c01d1445b9f826facae62523f2c350ec7ad125636b147cc3b2eaea053a3"


@pytest.mark.parametrize("width", [10, 50, 72, 200])
@pytest.mark.parametrize("styled", [False, True])
def test_a_sentence_is_folded_between_words_and_no_identifier_in_it_is_broken(
    monkeypatch: pytest.MonkeyPatch, width: int, styled: bool
) -> None:
    said = f"  Person {DIGEST}, linked with {CARD}\n\nand {WHY}."
    lines = printed(monkeypatch, width, Text(said, style="green") if styled else said)
    assert " ".join(lines).split() == said.split()
    assert max(map(len, lines)) <= max(width, len(DIGEST) + 1)
    assert lines[0].startswith("  Person") and lines.count("") == 1
    assert len(lines) == 3 if width == 200 else len(lines) > 3


def test_a_sentence_in_chinese_is_measured_as_the_terminal_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, 20, "学生 杭州市第一中学 since 2025") == ["学生 杭州市第一中学", "since 2025"]
