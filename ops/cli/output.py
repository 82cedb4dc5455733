"""What every command promises about its output (queries.md section 0).

`--json` is one document and nothing else on stdout, `--jsonl` one object a line; tables are for people, who read
China's time in them, and progress goes to stderr, only where somebody watches. Commands return their exit code or
raise; `main` turns what was raised into a sentence or an error document.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from itertools import islice
from typing import Annotated, Any, Final, NoReturn, TextIO

import msgspec
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ops.cli.china import in_china
from projections.questions.naming import masked

DONE: Final = 0
FOUND: Final = 1
USAGE: Final = 2
ENVIRONMENT: Final = 3
READER_GONE: Final = 141  # as a shell tells SIGPIPE
ROWS_FOR_PEOPLE: Final = 1_000
NARROWEST_PROSE: Final = 30  # narrower, a sentence is a word a line
WIDEST_TABLE: Final = 1_000_000
PADDING: Final = re.compile(r" +((?:\x1b\[[0-9;]*m)*)(?=\n)")  # of a table's last column: nobody wants it in a file
WORD: Final = re.compile(r"\s*\S+\s*")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="Print the elements of the list, one JSON object a line.")]

_encode = msgspec.json.Encoder().encode
CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # a terminal would obey them


class Problem(Exception):
    """The command cannot go on: exit code, error code for `--json`, and a sentence."""

    def __init__(self, exit_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.code = code


def refuse(message: str) -> NoReturn:
    """Wrong usage: a bad argument, options that exclude each other, a file that cannot be read."""
    raise Problem(USAGE, "usage", message)


def unable(message: str) -> NoReturn:
    """The surroundings do not let the command work."""
    raise Problem(ENVIRONMENT, "environment", message)


def document(found: Any) -> None:
    """The one JSON document."""
    write(_encode(found) + b"\n")


def answer(found: dict[str, Any], as_json: bool, show: Callable[[dict[str, Any]], None], *, ok: bool = True) -> int:
    """One document for programs, or `show` for people; the exit code."""
    if as_json:
        document(found)
    else:
        show(found)
    return DONE if ok else FOUND


def answer_list(
    found: dict[str, Any],
    elements: str,
    as_json: bool,
    as_jsonl: bool,
    show: Callable[[dict[str, Any]], None],
    *,
    ok: bool = True,
) -> int:
    """As `answer`, for commands whose list can be had by the line."""
    refuse_both(as_json, as_jsonl)
    if as_jsonl:
        lines(found[elements])
        return DONE if ok else FOUND
    return answer(found, as_json, show, ok=ok)


def refuse_both(as_json: bool, as_jsonl: bool) -> None:
    if as_json and as_jsonl:
        refuse("--json and --jsonl exclude each other: ask for one.")


def lines(elements: Iterable[dict[str, Any]]) -> None:
    """Elements as they come, a page of them at a time."""
    stream = iter(elements)
    while page := list(islice(stream, 1_000)):
        write(b"".join(_encode(element) + b"\n" for element in page))


def document_of(name: str, elements: Iterable[dict[str, Any]], rest: Callable[[], dict[str, Any]]) -> None:
    """One JSON document whose list is too long for memory: the list first, then the other keys."""
    pieces = (_encode(element) for element in elements)
    write(b'{"' + name.encode() + b'":[' + next(pieces, b""))
    while page := list(islice(pieces, 1_000)):
        write(b"," + b",".join(page))
    write(b"]," + _encode(rest())[1:] + b"\n")


def write(data: bytes) -> None:
    """Bytes on stdout, at once: what cannot be written is told now and not when the process ends."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def tell(message: str) -> None:
    """A sentence for people, on stderr."""
    sys.stderr.write(in_china(message) + "\n")
    sys.stderr.flush()


def unheard(*streams: TextIO) -> None:
    """Their reader went away: what is left in them is not to be written when Python flushes at its end."""
    with suppress(UnsupportedOperation), open(os.devnull, "wb") as nowhere:
        for stream in streams:
            os.dup2(nowhere.fileno(), stream.fileno())


def give_up(stream: TextIO) -> None:
    """Its disk is full: what is left in it would be tried once more when Python ends, and end it in its own way."""
    try:
        stream.flush()
    except OSError:
        unheard(stream)


def counted(number: int, name: str) -> str:
    """So many things of a name, as people say it."""
    if number != 1:
        name = f"{name.removesuffix('y')}ies" if name.endswith("ry") else f"{name}s"
    return f"{number:,} {name}"


def watched() -> bool:
    """Whether somebody sees stderr as it is written."""
    return sys.stderr.isatty()


def progress_told(message: str) -> None:
    """What takes its time, told only where somebody watches."""
    if watched():
        tell(message)


@contextmanager
def for_people() -> Iterator[Console]:
    """Where tables go. A text that cannot be shown in the terminal's encoding is shown with question marks."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    console = _Paper(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = _Paper(file=sys.stdout, highlight=False, markup=False, emoji=False, width=200)
    yield console
    sys.stdout.flush()
    if console.is_terminal and console.widest > console.width:
        tell(f"A line is {console.widest} characters: a wider window, or `| less -S`, keeps it in one piece.")


class _Paper(Console):
    """A table that is wider than the terminal is printed whole: cropped or broken figures would be read as others. A
    sentence is folded between words, and one that has a longer word than the terminal is wide is as wide as that."""

    widest = 0
    """Of the tables so far."""

    def print(self, *objects: Any, **options: Any) -> None:
        if len(objects) == 1 and isinstance(objects[0], str | Text) and not options:
            said = objects[0] if isinstance(objects[0], Text) else Text(in_china(objects[0]))
            super().print(_between_words(said, self.width), soft_wrap=True)
            return
        tables = [one for one in objects if isinstance(one, Table)]
        for one in tables:
            least = Measurement.get(self, self.options.update(max_width=WIDEST_TABLE), one).minimum
            one.width = least if least > self.width else None
            self.widest = max(self.widest, least)
        with self.capture() as held:
            super().print(*objects, **{"crop": not tables, **options})
        self.file.write(PADDING.sub(r"\1", held.get()))

    def on_broken_pipe(self) -> None:
        """The library would end the process with 1 here, which says that something was found."""
        raise BrokenPipeError


def _between_words(text: Text, width: int) -> Text:
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        used, breaks = 0, []
        for word in WORD.finditer(line.plain):
            if used and used + cell_len(word[0].rstrip()) > width:
                used = 0
                breaks.append(word.start())
            used += cell_len(word[0])
        lines += line.divide(breaks)
    for line in lines[:-1]:
        line.rstrip()
    return Text("\n").join(lines)


def _shown(value: object) -> str:
    return "" if value is None else in_china(str(value))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> Table:
    """A table. Half an identifier reads as another one, so nothing is broken over two lines: neither figures (columns
    whose name ends in `>`; they stand right) nor names, instants and headings. Only prose (`~`) is, between words.
    """
    whole = None if title is None else Text(title, style="table.title", no_wrap=True, overflow="ignore")
    made = Table(title=whole, title_justify="left", box=None, header_style="bold", pad_edge=False)
    cells = [[one if isinstance(one, Text) else Text(_shown(one)) for one in row] for row in rows]
    for number, column in enumerate(columns):
        heading, is_prose = column.rstrip(">~"), column.endswith("~")
        texts = [heading, *(row[number].plain for row in cells)]
        longest = _widest(line for text in texts for line in text.split("\n"))
        unbroken = max(min(longest, NARROWEST_PROSE), _widest(word for text in texts for word in text.split()))
        made.add_column(
            heading,
            justify="right" if column.endswith(">") else "left",
            no_wrap=not is_prose,
            min_width=unbroken if is_prose else longest,
        )
    for row in cells:
        made.add_row(*row)
    return made


def _widest(texts: Iterable[str]) -> int:
    """In columns of the terminal, of which a Chinese character takes two."""
    return max(map(cell_len, texts), default=0)


def is_text(argument: str) -> bool:
    """Whether an argument came as UTF-8; another's bytes hide in it as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)


def yuan(fen: int) -> str:
    """An amount for people: `-1,234.50`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02}"


def error(exit_code: int, code: str, message: str, as_json: bool) -> int:
    """The error document, or a sentence; it may repeat what was typed, but no person's number and nothing unseen."""
    message = CONTROLS.sub(lambda found: repr(found[0])[1:-1], masked(message))
    if as_json:
        text = json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=True)
        sys.stdout.buffer.write(text.encode() + b"\n")
        sys.stdout.buffer.flush()
    else:
        try:
            tell(f"onecard: {message}")
        except BrokenPipeError:  # the exit code says it still
            unheard(sys.stderr)
    return exit_code
