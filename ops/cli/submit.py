"""`submit`: files of commands in, a receipt or a coded reject out for every line (queries.md section 1)."""

import io
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import takewhile
from typing import Annotated, Any, BinaryIO, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.service.run import Answered, submit_files
from ledger.service.session import StoreUnreachable
from ledger.store import codec
from ledger.store.containers import Damaged, open_commands
from ledger.store.recorder import History
from ops.cli.named_files import check_commands, check_outputs, shown, stream_named
from ops.cli.opening import opened
from ops.cli.output import DONE, FOUND, Json, Problem, counted, document, refuse, tell, unable, watched
from ops.cli.receipts import Tally
from ops.collector import expect_a_long_run
from ops.wiring import Ledger

LARGEST_BATCH = 5_000
MOST_EVENTS = 500
AGAIN = "What was recorded stays recorded: the same command goes on from there."
Sink = Callable[[bytes], object]
Receipts = Annotated[
    str | None, typer.Option(metavar="F", help="Where receipts go (- is stdout). Default: stdout; nowhere with --json.")
]
Rejects = Annotated[str | None, typer.Option(metavar="F", help="Where rejects go. Default: stderr.")]


def submit(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="JSON Lines or Avro containers of commands.")],
    receipts: Receipts = None,
    rejects: Rejects = None,
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Commands a transaction; changes speed only.")] = 500,
    as_json: Json = False,
) -> int:
    """Submit files of commands.

    Every line gets a receipt or a coded reject; exit 1 if a line was refused. Submitting again books nothing twice,
    and a run that was killed goes on where it was: it reads FILE again, so what comes through a pipe is saved to a file
    first.

    \b
    Example:
      onecard submit day.jsonl --receipts receipts.jsonl --rejects rejects.jsonl
    """

    def answers(ledger: Ledger, bar: Progress | None) -> Iterator[list[Answered]]:
        inputs = Inputs(files)
        with ledger.writer() as writer, shown_by(bar, inputs.total) as advance:
            for answered in submit_files(writer, inputs.opened, ledger.keyring, min(batch, LARGEST_BATCH)):
                advance(inputs.done)
                yield answered

    check_commands(files)
    return answer_lines(files, receipts, rejects, as_json, answers)


# What becomes of the lines, batch by batch, while a bar shows how much of the input was read for them.
Answers = Callable[[Ledger, Progress | None], Iterable[list[Answered]]]


def answer_lines(
    files: Sequence[str], receipts: str | None, rejects: str | None, as_json: bool, answers: Answers
) -> int:
    """Write what became of each line of the files, which were checked, and the sums; the exit code."""
    check_outputs(files, [path for path in (receipts, rejects) if path is not None])
    receipts_in = (None if as_json else sys.stdout) if receipts is None else stream_named(receipts)
    rejects_in = sys.stderr if rejects is None else stream_named(rejects)
    if as_json and sys.stdout in (receipts_in, rejects_in):
        refuse("--json keeps stdout for its document: send receipts and rejects elsewhere.")
    expect_a_long_run()
    tally = Tally([shown(name) for name in files])
    with ExitStack() as stack:
        receipts_file = _opened_output(stack, receipts, receipts_in)
        rejects_file = _opened_output(stack, rejects, rejects_in)
        ledger = stack.enter_context(opened())
        to_receipts = _sink(receipts_file, receipts, receipts_in)
        to_rejects = _sink(rejects_file, rejects, rejects_in)
        bar = _progress_bar(receipts_in, rejects_in)
        try:
            for answered in answers(ledger, bar):
                accepted, refused = tally.take(answered)
                to_receipts(accepted)
                to_rejects(refused)
        except Damaged as damaged:
            refuse(f"{damaged}; what was answered before ({counted(tally.lines, 'line')}) stays as it is.")
        except StoreUnreachable as lost:
            unable(f"The database went away ({str(lost).strip().removesuffix('.')}). {AGAIN}")
        except KeyboardInterrupt:
            raise Problem(130, "interrupted", f"Interrupted after {counted(tally.lines, 'answer')}. {AGAIN}") from None
        found = {
            "files": [shown(name) for name in files],
            "lines": tally.lines,
            "recorded": tally.recorded,
            "duplicate": tally.duplicate,
            "rejected": tally.codes.total(),
            "first_position": tally.first_position,
            "last_position": None if tally.last is None else last_position(ledger, *tally.last),
            "rejects_by_code": dict(sorted(tally.codes.items())),
            "receipts_file": receipts,
            "rejects_file": rejects,
        }
    if as_json:
        document(found)
    else:
        tell(_summary(found))
    return FOUND if found["rejected"] else DONE


def last_position(ledger: Ledger, position: int, submitter: str, reference: str) -> int:
    """Position of the last event of the command whose first event is at `position`."""
    with closing(ledger.connect()) as connection:
        events = (codec.decode(stored.state)[1] for stored in History(connection).page(position, MOST_EVENTS))
        own = takewhile(lambda event: (event["submitter"], event["reference"]) == (submitter, reference), events)
        return position + sum(1 for _ in own)


class Inputs:
    """The files in order, opened one after the other."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._before = 0
        self._open: io.BufferedReader[Any] | None = None
        self.total = sum(os.stat(name).st_size for name in names)

    def opened(self) -> Iterator[BinaryIO]:
        """Each file, closed when the next is wanted."""
        self._before = 0
        for name in self._names:
            try:
                file = open_commands(name)
            except OSError as error:
                unable(f"{shown(name)} cannot be read any more: {error.strerror}. {AGAIN}")
            with file:
                self._open = file
                yield file
            self._before += os.stat(name).st_size

    @property
    def done(self) -> int:
        """How many bytes of all files were read."""
        if self._open is None or self._open.closed:
            return self._before
        return self._before + os.lseek(self._open.fileno(), 0, os.SEEK_CUR)


def _opened_output(stack: ExitStack, path: str | None, stream: TextIO | None) -> BinaryIO | None:
    """An output that can be written to, its old content still there; none where a stream takes what is said."""
    if path is None or stream is not None:
        return None
    try:
        return stack.enter_context(open(path, "ab", buffering=0))
    except OSError as error:
        refuse(f"{shown(path)} cannot be written: {error.strerror}.")


def _sink(file: BinaryIO | None, path: str | None, stream: TextIO | None) -> Sink:
    """Where lines go: into a file, emptied now, to a stream, or nowhere."""
    if file is not None and path is not None:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.truncate(0)
        return _checked(file.write, shown(path))
    if stream is None:
        return lambda lines: None

    def write(lines: bytes) -> None:
        stream.flush()
        stream.buffer.write(lines)
        stream.buffer.flush()

    return _checked(write, "stdout" if stream is sys.stdout else "stderr")


def _checked(write: Callable[[bytes], object], name: str) -> Sink:
    """Writing whose failure stops the run with a sentence."""

    def checked(lines: bytes) -> None:
        try:
            rest = memoryview(lines)
            while rest:
                count = write(rest)  # type: ignore[arg-type]
                rest = rest[count if isinstance(count, int) else len(rest) :]
        except OSError as error:
            unable(f"{name} cannot be written: {error.strerror}. {AGAIN}")

    return checked


def _progress_bar(*streams: TextIO | None) -> Progress | None:
    """A bar where somebody watches it and no line of output, which goes to these streams, would cross it."""
    if not watched() or any(stream is not None and stream.isatty() for stream in streams):
        return None
    columns = (TextColumn("deciding"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


@contextmanager
def shown_by(bar: Progress | None, total: int) -> Iterator[Callable[[int], None]]:
    if bar is None:
        yield lambda done: None
        return
    with bar:
        task = bar.add_task("deciding", total=total)
        yield lambda done: bar.update(task, completed=done)


def _summary(found: dict[str, Any]) -> str:
    text = f"{counted(found['lines'], 'line')}: {found['recorded']:,} recorded, {found['duplicate']:,} duplicate"
    text += f", {found['rejected']:,} rejected"
    if found["rejects_by_code"]:
        text += " (" + ", ".join(f"{code} {count:,}" for code, count in _most_first(found["rejects_by_code"])) + ")"
    if found["first_position"] is not None:
        text += f"; positions {found['first_position']} to {found['last_position']}"
    return text + "."


def _most_first(codes: dict[str, int]) -> Iterable[tuple[str, int]]:
    return sorted(codes.items(), key=lambda code: (-code[1], code[0]))
