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
from ledger.service.writer import Batch, Writer
from ledger.store import runs, submissions

BATCH_LINES = 500
FILE_MARK = b"\x00onecard file\x00"
KEPT_OF_LONG_LINE = 256


@dataclass(frozen=True, slots=True)
class InputLine:
    """A non-blank line as read. `file`: index of its file, `number` in it from 1; `raw`: without LF, cut if over-long."""

    file: int
    number: int
    raw: bytes
    found: dict[str, Any] | None
    line: Line
    input_bytes: int
    input_sha256: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """A line and its outcome, in input order."""

    input: InputLine
    outcome: Outcome


def read_lines(files: Iterable[BinaryIO], keyring: Keyring) -> Iterator[InputLine]:
    """Every non-blank line of the files, shape checked; memory for one line of at most 64 KiB."""
    digest = hashlib.sha256()
    total = 0
    sequence = 0
    for index, file in enumerate(files):
        digest.update(FILE_MARK)
        number = 0
        while chunk := file.readline(LINE_LIMIT + 2):
            digest.update(chunk)
            total += len(chunk)
            number += 1
            raw = chunk.removesuffix(b"\n")
            if len(raw) > LINE_LIMIT:
                raw = raw[:KEPT_OF_LONG_LINE]
                while not chunk.endswith(b"\n") and (chunk := file.readline(LINE_LIMIT)):
                    digest.update(chunk)
                    total += len(chunk)
                rejected = Rejected("malformed_json", f"longer than {LINE_LIMIT} bytes: one command a line", "line")
                found, line = None, Line(sequence, None, rejected)
            elif not raw.strip(b" "):
                continue
            else:
                found, line = shaped(raw, sequence, keyring)
            yield InputLine(index, number, raw, found, line, total, digest.copy().digest())
            sequence += 1


def shaped(raw: bytes, sequence: int, keyring: Keyring) -> tuple[dict[str, Any] | None, Line]:
    """(the object, if it is one; the line after its shape check)."""
    found = None
    try:
        found = read_object(raw)
        return found, Line(sequence, TABLE.shape(found, keyring))
    except Rejected as rejected:
        return found, Line(sequence, None, rejected)


def batched(lines: Iterable[InputLine], size: int) -> Iterator[list[InputLine]]:
    """Batches of at most `size`; a command that is decided alone is a batch of its own."""
    batch: list[InputLine] = []
    for line in lines:
        alone = line.line.command is not None and line.line.command.type.alone
        if batch and (alone or len(batch) >= size):
            yield batch
            batch = []
        batch.append(line)
        if alone:
            yield batch
            batch = []
    if batch:
        yield batch


def submit_files(
    writer: Writer, open_files: Callable[[], Iterable[BinaryIO]], keyring: Keyring, size: int = BATCH_LINES
) -> Iterator[list[Answered]]:
    """Outcomes of all lines of the files, batch by batch, in input order. `open_files` may be called twice."""
    connection = writer.connection()
    lines = read_lines(open_files(), keyring)
    run = _interrupted(connection, open_files)
    if run is not None:
        for batch in batched(_up_to(lines, run.next_line), size):
            yield _answer_again(connection, run, batch)
    else:
        run = runs.begin(connection, writer.head())
    waiting: list[list[InputLine]] = []
    for _, outcomes in writer.run(_batches(lines, size, run.run_id, waiting)):
        inputs = waiting.pop(0)
        yield [Answered(line, outcome) for line, outcome in zip(inputs, outcomes, strict=True)]


def _batches(
    lines: Iterable[InputLine], size: int, run_id: int, waiting: list[list[InputLine]]
) -> Iterator[Batch]:
    """Batches that carry the run's progress; an empty one ends the run."""
    last_bytes, last_digest, next_line = 0, b"", 0
    for inputs in batched(lines, size):
        waiting.append(inputs)
        last_bytes, last_digest = inputs[-1].input_bytes, inputs[-1].input_sha256
        next_line = inputs[-1].line.number + 1
        yield Batch([line.line for line in inputs], _progress(run_id, inputs))
    waiting.append([])
    finished = runs.Progress(run_id, last_bytes, last_digest, next_line, True, ())
    yield Batch([], lambda outcomes: finished)


def _progress(run_id: int, inputs: Sequence[InputLine]) -> Callable[[Sequence[Outcome]], runs.Progress]:
    last = inputs[-1]

    def progress(outcomes: Sequence[Outcome]) -> runs.Progress:
        refusals = [
            runs.Refusal(line.line.number, outcome.code, outcome.field, outcome.message)
            for line, outcome in zip(inputs, outcomes, strict=True)
            if isinstance(outcome, Rejected)
        ]
        return runs.Progress(run_id, last.input_bytes, last.input_sha256, last.line.number + 1, False, refusals)

    return progress


def _up_to(lines: Iterator[InputLine], next_line: int) -> Iterator[InputLine]:
    for line in lines:
        yield line
        if line.line.number + 1 >= next_line:
            return


def _interrupted(
    connection: psycopg.Connection[Any], open_files: Callable[[], Iterable[BinaryIO]]
) -> runs.Run | None:
    """The unfinished run that began with the very bytes of these files, claimed for this process."""
    candidates = runs.unfinished(connection)
    sizes = sorted({run.input_bytes for run in candidates})
    prefixes = dict(_prefix_digests(open_files(), sizes))
    for run in candidates:
        if prefixes.get(run.input_bytes) == run.input_sha256 and runs.claim(connection, run.run_id):
            return run
    return None


def _prefix_digests(files: Iterable[BinaryIO], sizes: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """SHA-256 of the input's first n bytes, for each of the rising sizes that it has."""
    digest = hashlib.sha256()
    total = 0
    wanted = list(sizes)
    for file in files:
        digest.update(FILE_MARK)
        while wanted and (chunk := file.read(min(wanted[0] - total, 1 << 20))):
            digest.update(chunk)
            total += len(chunk)
            if total == wanted[0]:
                yield wanted.pop(0), digest.copy().digest()
        if not wanted:
            return


def _answer_again(connection: psycopg.Connection[Any], run: runs.Run, batch: Sequence[InputLine]) -> list[Answered]:
    """Lines an interrupted run decided: refused as stored, the others by their submissions."""
    refused = runs.refusals(connection, run.run_id, batch[0].line.number, batch[-1].line.number)
    commands = [line.line.command for line in batch if line.line.command is not None]
    with connection.cursor() as cursor:
        found = submissions.find(cursor, [(command.submitter, command.reference) for command in commands])
    answered = []
    for line in batch:
        refusal = refused.get(line.line.number)
        outcome: Outcome
        if refusal is not None:
            outcome = Rejected(refusal.code, refusal.message, refusal.field)
        else:
            assert line.line.command is not None
            made = found[(line.line.command.submitter, line.line.command.reference)]
            status = "recorded" if made.position > run.head_before else "duplicate"
            outcome = Receipt(status, made.stream_id, made.version, made.position)
        answered.append(Answered(line, outcome))
    return answered
