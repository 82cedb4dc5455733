"""`payouts export` and `payouts import`: a sent batch goes to its bank as a file, and what the bank did comes back."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Any, BinaryIO, cast

import typer
from rich.progress import Progress

from ledger.families.benefit.payout import CLOSED
from ledger.service.run import Answered, submit_files
from ops.cli.explaining import App
from ops.cli.named_files import check_input, shown, unless_stdout
from ops.cli.opening import READER_ROLE, opened
from ops.cli.output import DONE, FOUND, Json, Problem, counted, document, is_text, refuse, tell, write, yuan
from ops.cli.submit import Inputs, Receipts, Rejects, answer_lines, shown_by
from ops.payouts.instruction import Instruction, NoInstruction, TotalsDiffer, instruction_of
from ops.payouts.result import Body, NoResultFile, Results, once_each
from ops.wiring import Ledger

payouts = App(help="Payout batches, and the files to and from their banks.", no_args_is_help=True)


@payouts.command("export")
def export_batch(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="A batch that was sent.")],
    out: Annotated[str | None, typer.Option("--out", metavar="FILE", help="Where it goes. Default: stdout.")] = None,
    as_json: Json = False,
) -> int:
    """Write the bank instruction of a batch.

    CSV, one row a line. The file is the same whenever it is written; of a batch that the bank has answered already,
    stderr says so. It holds no name and no account number, and amounts in fen: docs/operating.md says what each column
    is.

    \b
    Example:
      onecard payouts export pension-2025-06 --out pension-2025-06.csv
    """
    out = unless_stdout(out)
    if as_json and out is None:
        refuse("--json needs --out to be a file: stdout cannot hold the instruction and the document.")
    if not is_text(batch):
        refuse("BATCH must be UTF-8.")
    with opened() as ledger, closing(ledger.connect(READER_ROLE)) as connection:
        try:
            instruction = instruction_of(connection, batch)
            digest = _written(instruction, out)
        except NoInstruction as none:
            raise Problem(FOUND, none.code, str(none)) from None
        except TotalsDiffer as differ:
            raise Problem(FOUND, "totals_differ", f"{differ}: do not pay by this file, run `onecard verify`.") from None
    found = {
        "batch_id": batch,
        "application_id": instruction.sent["application_id"],
        "bank": instruction.batch.bank,
        "lines": instruction.count,
        "amount_fen": instruction.net_fen,
        "sha256": digest,
        "file": out,
        "state": instruction.batch.state,
        "paid": instruction.batch.paid_count,
        "returned": instruction.batch.returned_count,
    }
    if as_json:
        document(found)
    else:
        sum_told = f"{found['amount_fen']} fen ({yuan(found['amount_fen'])} yuan)"
        tell(f"{counted(found['lines'], 'line')} of {sum_told} in all; SHA-256 {digest}.")
        _tell_answered(found)
    return DONE


def _tell_answered(found: dict[str, Any]) -> None:
    """Who exports again what the bank has paid may be about to have it paid twice."""
    answered = found["paid"] + found["returned"]
    if found["state"] == CLOSED or answered:
        outcome = f"{found['paid']:,} paid, {found['returned']:,} returned"
        tell(
            f"Batch {found['batch_id']} is {found['state']} and the bank has answered {answered:,} of"
            f" {counted(found['lines'], 'line')} ({outcome}). This is the instruction as it was sent: do not have it"
            " paid again."
        )


@payouts.command("import")
def import_results(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What the bank paid and what came back: CSV.")],
    receipts: Receipts = None,
    rejects: Rejects = None,
    as_json: Json = False,
) -> int:
    """Book the bank's result file.

    Every line gets a receipt or a coded reject; exit 1 if a line was refused. Importing again books nothing twice, and
    an import that was killed goes on where it was. docs/operating.md shows the first line and says what each column is.

    \b
    Example:
      onecard payouts import pension-2025-06-results.csv --rejects rejects.jsonl
    """
    check_input(file)

    def answers(ledger: Ledger, bar: Progress | None) -> Iterable[list[Answered]]:
        inputs = Inputs([file])
        results = Results(lambda: ledger.connect(READER_ROLE))
        with closing(results), ledger.writer() as writer, shown_by(bar, inputs.total) as advance:
            run = submit_files(writer, lambda: _bodies(inputs), ledger.keyring, form=results)
            for answered in once_each(run):
                advance(inputs.done)
                yield answered

    try:
        with open(file, "rb") as stream:
            Body(stream)
        return answer_lines([file], receipts, rejects, as_json, answers)
    except NoResultFile as none:
        refuse(f"{shown(file)} is no result file: {none}.")


def _bodies(inputs: Inputs) -> Iterator[BinaryIO]:
    return (cast(BinaryIO, Body(stream)) for stream in inputs.opened())


def _written(instruction: Instruction, out: str | None) -> str:
    """The digest of the instruction, which is written whole or, to a file, not at all."""
    digest = hashlib.sha256()
    if out is None:
        for part in instruction.rows():
            digest.update(part)
            write(part)
        return digest.hexdigest()
    with _replacing(out) as file:
        for part in instruction.rows():
            digest.update(part)
            file.write(part)
    return digest.hexdigest()


@contextmanager
def _replacing(path: str) -> Iterator[Any]:
    """A file that takes its name when it is whole and on the disk; a device or pipe is written as it is."""
    try:
        is_regular = stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        is_regular = True
    target = os.path.realpath(path)  # what a link leads to is written, and the link stays
    unfinished = f"{target}.unfinished" if is_regular else path
    try:
        with open(unfinished, "wb") as file:
            yield file
            file.flush()
            if is_regular:
                os.fsync(file.fileno())
        if is_regular:
            os.replace(unfinished, target)
    except OSError as error:
        refuse(f"{shown(path)} cannot be written: {error.strerror}.")
    except BaseException:
        if is_regular:
            os.unlink(unfinished)
        raise
