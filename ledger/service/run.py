"""A run of `onecard submit`: files in, batches out, resumable at the line after a kill.

Input is read in bounded memory, hashed as it is read, and cut into batches; the hash so far is stored with each batch.
When the same bytes come again and their run is unfinished, its decided lines are answered from the store and the run
goes on at the next line.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import psycopg

from ledger.core.identity import Keyring
from ledger.core.rejection import Rejected
from ledger.core.shape import LINE_LIMIT, read_object
from ledger.families.registry import TABLE
from ledger.service.batch import Line, Outcome, Receipt
from ledger.service.session import Session
from ledger.service.writer import Batch, StoreUnreachable, Writer
from ledger.store import runs, submissions
from ledger.store.containers import Damaged

BATCH_LINES = 500
FILE_MARK = b"\x00onecard file\x00"
BLOCK = 1 << 18
PIECE = b"a piece of an over-long line"
KEPT_OF_LONG_LINE = 256
CHANGED = "the input was changed while it was read, so that lines decided before cannot be answered"


@dataclass(slots=True)
class InputLine:
    """A non-blank line as read. `file`: index of its file, `number` in it from 1; `raw`: without LF, cut if over-long;
    `found`: the object on it, if it is one, or the fields of the command in it."""

    file: int
    number: int
    raw: bytes
    found: dict[str, Any] | None
    line: Line


@dataclass(frozen=True, slots=True)
class InputBatch:
    """Lines to decide together, and the input up to the last of them: its bytes and their SHA-256."""

    lines: Sequence[InputLine]
    input_bytes: int
    input_sha256: bytes

    @property
    def next_line(self) -> int:
        return self.lines[-1].line.number + 1


@dataclass(slots=True)
class Answered:
    """A line and its outcome, in input order. `head_before`: position of the log when the run began."""

    input: InputLine
    outcome: Outcome
    head_before: int

    @property
    def repeats_this_run(self) -> bool:
        """Whether it repeats what was recorded since the run began: mostly by a line before it."""
        outcome = self.outcome
        return isinstance(outcome, Receipt) and outcome.status == "duplicate" and outcome.position > self.head_before


def raw_lines(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """(line without LF, the bytes read), in bounded memory.

    An over-long line comes in pieces that are hashed but not kept; its last piece carries its beginning, too long by
    one, or, as long as it is all blank, a later part.
    """
    rest = b""
    kept = None
    while block := file.read(BLOCK):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield line if kept is None else _kept(kept, line), line + b"\n"
            kept = None
        if len(rest) > LINE_LIMIT:
            kept = _kept(kept, rest)
            yield PIECE, rest
            rest = b""
    if rest or kept is not None:
        yield rest if kept is None else _kept(kept, rest), rest


def _kept(kept: bytes | None, piece: bytes) -> bytes:
    """What stands for an over-long line: it is blank only if every piece is."""
    if kept is None:
        return piece[: LINE_LIMIT + 1] if piece[: LINE_LIMIT + 1].strip(b" ") else _blank_then(piece)
    return kept if kept.strip(b" ") else _blank_then(piece)


def _blank_then(piece: bytes) -> bytes:
    told = piece.strip(b" ")[:KEPT_OF_LONG_LINE]
    return told.rjust(LINE_LIMIT + 1)


def _shown(raw: bytes) -> bytes:
    """What a reject shows of a line: an over-long one is cut, and never within a number that is to be masked."""
    return raw if len(raw) <= LINE_LIMIT else raw.strip(b" ")[:KEPT_OF_LONG_LINE].rstrip(b"0123456789")


class InputHash:
    """How many bytes were read, and their SHA-256; hashed in large pieces, so that commits go on meanwhile."""

    def __init__(self) -> None:
        self.bytes = 0
        self._digest = hashlib.sha256()
        self._pieces: list[bytes] = []
        self._kept = 0

    def add(self, mark: bytes, piece: bytes) -> None:
        self._pieces += (mark, piece)
        self.bytes += len(piece)
        self._kept += len(piece)
        if self._kept > BLOCK:
            self._flush()

    def _flush(self) -> None:
        self._digest.update(b"".join(self._pieces))
        self._pieces = []
        self._kept = 0

    def sha256(self) -> bytes:
        self._flush()
        return self._digest.copy().digest()


Shape = Callable[[bytes, int, Keyring], tuple[dict[str, Any] | None, Line]]


def shaped(raw: bytes, sequence: int, keyring: Keyring) -> tuple[dict[str, Any] | None, Line]:
    """(the object, if it is one, or the fields of its command; the line after its shape check)."""
    command = TABLE.read(raw, keyring)
    if command is not None:
        return command.fields, Line(sequence, command)
    found = None
    try:
        found = read_object(raw)
        return found, Line(sequence, TABLE.shape(found, keyring))
    except Rejected as rejected:
        return found, Line(sequence, None, rejected.kept())


class Form:
    """What the lines of an input are: here commands. Others make commands of lines of another form."""

    shaped: Shape = staticmethod(shaped)

    def screen(self, lines: Sequence[InputLine]) -> None:
        """Refuse, of lines that are decided next, those that say what no decision compares with the store."""


COMMANDS = Form()


def read_batches(
    files: Iterable[BinaryIO], keyring: Keyring, size: int, stop: int | None = None, shape: Shape = shaped
) -> Iterator[InputBatch]:
    """Every non-blank line of the files, shape checked, at most `size` a batch; up to line `stop` if given.

    A command that is decided alone is a batch of its own.
    """
    read = InputHash()
    sequence = 0
    batch: list[InputLine] = []
    for index, file in enumerate(files):
        number = 0
        mark = FILE_MARK
        for raw, hashed in raw_lines(file):
            line = None
            if raw is not PIECE:
                number += 1
                if raw.strip(b" "):
                    found, made = shape(raw, sequence, keyring)
                    line = InputLine(index, number, _shown(raw), found, made)
            alone = line is not None and line.line.is_alone
            if batch and (sequence == stop or len(batch) >= size or alone):
                yield InputBatch(batch, read.bytes, read.sha256())
                batch = []
            read.add(mark, hashed)
            mark = b""
            if line is not None:
                if sequence == stop:
                    return
                batch.append(line)
                sequence += 1
            if alone:
                yield InputBatch(batch, read.bytes, read.sha256())
                batch = []
    if batch:
        yield InputBatch(batch, read.bytes, read.sha256())


def submit_files(
    writer: Writer,
    open_files: Callable[[], Iterable[BinaryIO]],
    keyring: Keyring,
    size: int = BATCH_LINES,
    form: Form = COMMANDS,
) -> Iterator[list[Answered]]:
    """Outcomes of all lines of the files, batch by batch, in input order. `open_files` may be called twice."""
    session = writer.session
    try:
        run = _interrupted(session, open_files)
        if run is None:
            run = runs.begin(session.leasing, writer.head())
            session.claim(run.run_id)
        batches = read_batches(open_files(), keyring, size, shape=form.shaped)
        if run.next_line:
            answered = 0
            for batch in read_batches(open_files(), keyring, size, run.next_line, form.shaped):
                answered += len(batch.lines)
                yield _answer_again(session.leasing, run, batch)
            if answered < run.next_line:
                raise Damaged(CHANGED)
            batches = _after(batches, run.next_line)
    except psycopg.OperationalError as error:
        if not session.is_lost(error):
            raise
        raise StoreUnreachable(str(error).partition("\n")[0]) from error
    waiting: list[Sequence[InputLine]] = []
    try:
        for _, outcomes in writer.run(_batches(batches, run, waiting, form), reads_ahead=True):
            yield [
                Answered(line, outcome, run.head_before) for line, outcome in zip(waiting.pop(0), outcomes, strict=True)
            ]
    finally:
        session.give_up(run.run_id)


def _after(batches: Iterable[InputBatch], next_line: int) -> Iterator[InputBatch]:
    """What was not decided yet; a batch may have been cut elsewhere before."""
    for batch in batches:
        if batch.next_line > next_line:
            lines = [line for line in batch.lines if line.line.number >= next_line]
            yield InputBatch(lines, batch.input_bytes, batch.input_sha256)


def _batches(
    batches: Iterable[InputBatch], run: runs.Run, waiting: list[Sequence[InputLine]], form: Form
) -> Iterator[Batch]:
    """Batches that carry the run's progress; an empty one ends the run."""
    end = runs.Progress(run.run_id, run.input_bytes, run.input_sha256, run.next_line, True, ())
    for batch in batches:
        form.screen(batch.lines)
        waiting.append(batch.lines)
        end = runs.Progress(run.run_id, batch.input_bytes, batch.input_sha256, batch.next_line, True, ())
        yield Batch([line.line for line in batch.lines], _progress(run, batch))
    waiting.append([])
    yield Batch([], lambda outcomes: end)


def _progress(run: runs.Run, batch: InputBatch) -> Callable[[Sequence[Outcome]], runs.Progress]:
    def progress(outcomes: Sequence[Outcome]) -> runs.Progress:
        refusals = []
        for line, outcome in zip(batch.lines, outcomes, strict=True):
            number = line.line.number
            if isinstance(outcome, Rejected):
                refusals.append(runs.Refusal(number, outcome.code, outcome.field, outcome.message))
            elif outcome.status == "duplicate" and outcome.position > run.head_before:
                refusals.append(runs.Refusal(number, runs.DUPLICATE, "", ""))
        return runs.Progress(run.run_id, batch.input_bytes, batch.input_sha256, batch.next_line, False, refusals)

    return progress


def _interrupted(session: Session, open_files: Callable[[], Iterable[BinaryIO]]) -> runs.Run | None:
    """The unfinished run that began with the very bytes of these files, claimed for this process.

    Two processes that were given the same files and killed leave two; the one that came further goes on for both.
    """
    found = None
    while found is None:
        candidates = runs.unfinished(session.leasing)
        sizes = sorted({run.input_bytes for run in candidates})
        prefixes = dict(_prefix_digests(open_files(), sizes))
        ours = [run for run in candidates if prefixes.get(run.input_bytes) == run.input_sha256]
        claimed = [run for run in ours if session.claim(run.run_id)]
        if not claimed:
            return None
        for run in claimed:
            if not runs.is_still(session.leasing, run):
                session.give_up(run.run_id)
            elif found is None:
                found = run
            else:
                runs.supersede(session.leasing, run.run_id)
                session.give_up(run.run_id)
    return found


def _prefix_digests(files: Iterable[BinaryIO], sizes: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """SHA-256 of the input's first n bytes, for each of the rising sizes that it has."""
    digest = hashlib.sha256()
    total = 0
    wanted = list(sizes)
    for file in files:
        mark = FILE_MARK
        while wanted and (chunk := file.read(min(wanted[0] - total, BLOCK))):
            digest.update(mark + chunk)
            mark = b""
            total += len(chunk)
            if total == wanted[0]:
                yield wanted.pop(0), digest.copy().digest()
        if not wanted:
            return


def _answer_again(connection: psycopg.Connection[Any], run: runs.Run, batch: InputBatch) -> list[Answered]:
    """Lines an interrupted run decided: refused as stored, the others by their submissions."""
    refused = runs.refusals(connection, run.run_id, batch.lines[0].line.number, batch.lines[-1].line.number)
    commands = [line.line.command for line in batch.lines if line.line.command is not None]
    found = submissions.find(connection, [(command.submitter, command.reference) for command in commands])
    answered = []
    for line in batch.lines:
        refusal = refused.get(line.line.number)
        outcome: Outcome
        if refusal is not None and refusal.code != runs.DUPLICATE:
            outcome = Rejected(refusal.code, refusal.message, refusal.field)
        else:
            command = line.line.command
            made = None if command is None else found.get((command.submitter, command.reference))
            if command is None or made is None or made.digest not in (command.digest, submissions.RESTORED):
                raise Damaged(CHANGED)
            is_first = refusal is None and made.position > run.head_before
            status = "recorded" if is_first else "duplicate"
            outcome = Receipt(status, made.stream_id, made.version, made.position)
        answered.append(Answered(line, outcome, run.head_before))
    return answered
