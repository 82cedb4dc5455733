"""`clearing cut-off`, `close` and `reconcile`: acts of the clearing officer, each answered with what it came to.

A table is shown from the view, so the view is first brought up to the event that was just recorded.
"""

from contextlib import closing
from typing import Annotated, Any, BinaryIO

import msgspec
import typer

from ledger.core import fields
from ledger.core.calendar import instant_text
from ledger.core.rejection import Rejected
from ledger.service.batch import Receipt
from ledger.service.run import shaped
from ledger.store.recorder import History
from ops.cli import clearing_shown
from ops.cli.answers import tell_further
from ops.cli.audit import day
from ops.cli.named_files import check_input, shown
from ops.cli.opening import READER_ROLE, asked, opened
from ops.cli.output import (
    DONE,
    FOUND,
    Json,
    Jsonl,
    answer,
    counted,
    document,
    for_people,
    is_text,
    lines,
    refuse,
    refuse_both,
    tell,
    unable,
)
from ops.cli.sources import Source, asked_of
from ops.wiring import Ledger
from projections import follow
from projections.feed.log import LogFeed
from projections.questions import clearing as questions
from projections.questions import reconciliation, sources
from projections.questions.reach import further
from projections.questions.reconciliation_file import Misformed
from projections.views.clearing.view import Clearing

Month = Annotated[str, typer.Argument(metavar="MONTH", help="A cycle: YYYY-MM.")]
Submitter = Annotated[str, typer.Option(metavar="S", help="Who submits the command.")]
Reference = Annotated[
    str, typer.Option(metavar="R", help="The submitter's reference: the same one books nothing twice.")
]
OccurredAt = Annotated[
    str | None, typer.Option(metavar="I", help="When it was done (RFC 3339). Default: now; of a repetition, as before.")
]


def cut_off(
    cycle: Month, submitter: Submitter, reference: Reference, occurred_at: OccurredAt = None, as_json: Json = False
) -> int:
    """Cut a month off.

    Everything agreed up to now belongs to its cycle for ever. Compare its digest with the other side, then close it.

    \b
    Example:
      onecard clearing cut-off 2025-06 --submitter NHSA --reference cut-2025-06
    """
    own = {"command": "CutOffCycle", "cycle": month("MONTH", cycle)}
    return _act(own, submitter, reference, occurred_at, as_json)


def close(
    cycle: Month,
    submitter: Submitter,
    reference: Reference,
    table_digest: Annotated[
        str | None, typer.Option(metavar="H", help="Close only if the table has this digest.")
    ] = None,
    occurred_at: OccurredAt = None,
    as_json: Json = False,
) -> int:
    """Close a cycle that was cut off.

    Its notices may be issued from then on (IssueNotice), and nothing reopens it.

    \b
    Example:
      onecard clearing close 2025-06 --submitter NHSA --reference close-2025-06
    """
    own = {"command": "CloseCycle", "cycle": month("MONTH", cycle), "table_digest": table_digest}
    return _act(own, submitter, reference, occurred_at, as_json)


def reconcile(
    file: Annotated[str, typer.Option(metavar="F", help="The other side's file.")],
    level: Annotated[str, typer.Option(metavar="L", help=f"One of {', '.join(reconciliation.SCOPES)}.")],
    counterparty: Annotated[str, typer.Option(metavar="X", help="An institution at L1, a province at L2 and L3.")],
    first: Annotated[str, typer.Option("--from", metavar="D", help="First settlement date.")],
    last: Annotated[str, typer.Option("--to", metavar="D", help="Last settlement date.")],
    run_id: Annotated[str | None, typer.Option(metavar="R", help="Also record the run, under this id.")] = None,
    submitter: Annotated[str | None, typer.Option(metavar="S", help="With --run-id.")] = None,
    reference: Annotated[str | None, typer.Option(metavar="R", help="With --run-id.")] = None,
    occurred_at: OccurredAt = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """Compare the other side's file with ours.

    Exit 1 if they differ; docs/offices.md has the file's columns. Comparing changes nothing. With --run-id
    the clearing view is brought up to the log first, and what came out is recorded; disputes are opened by OpenDispute.

    \b
    Example:
      onecard clearing reconcile --file f.txt --level L2 --counterparty 31 --from 2025-06-01 --to 2025-06-30
    """
    refuse_both(as_json, as_jsonl)
    if level not in reconciliation.SCOPES:
        refuse(f"--level must be one of {', '.join(reconciliation.SCOPES)}, not {level!r}.")
    _checked("--counterparty", counterparty, fields.identifier if level.startswith("L1") else fields.province)
    comparison = reconciliation.Comparison(level, counterparty, day("--from", first), day("--to", last))
    if comparison.first > comparison.last:
        refuse("--from is later than --to.")
    if run_id is None and (submitter, reference, occurred_at) != (None, None, None):
        refuse("--submitter, --reference and --occurred-at go with --run-id.")
    if run_id is not None and (submitter is None or reference is None):
        refuse("--run-id needs --submitter and --reference.")
    with _readable(file) as stream, opened() as ledger:
        if run_id is not None and source not in (None, ledger.source):
            refuse("--run-id records what came out of the store's own settlements: leave out --source.")
        if run_id is not None:
            _follow(ledger, _head(ledger), "the end of the log: nothing was compared nor recorded")
        found, positions = _compared(ledger, source, file, stream, comparison)
        ok = not found["discrepancies"]
        if run_id is None:
            # Before what it advises to do about settlements that may only not have come to the view yet.
            looked = {ledger.source: 0, **positions} if source == sources.ALL else positions
            tell_further(asked(ledger, lambda cursor: further(cursor, looked, (Clearing.name,))), ledger)
        else:
            receipt, rejected = _submit(ledger, _run(found, run_id), submitter, reference, occurred_at)
            found["receipt"] = receipt
            if receipt is not None:
                _tell_of_missed(receipt, positions[ledger.source])
            if rejected is not None:
                tell(f"onecard: the run was not recorded: {rejected['message']} ({rejected['code']}).")
                ok = False
    if as_jsonl:
        lines(found["discrepancies"])
        return DONE if ok else FOUND
    reached = {} if as_json else {"position": positions if source == sources.ALL else positions.popitem()[1]}
    return answer({**found, **reached}, as_json, clearing_shown.show_reconciled, ok=ok)


def month(option: str, text: str) -> str:
    """An option's or argument's month."""
    return _checked(option, text, fields.month)


def _checked(option: str, text: str, parse: fields.Parse) -> str:
    try:
        parse(text)
    except Rejected as rejected:
        refuse(f"{option} {rejected.message}.")
    return text


# --- acting ----------------------------------------------------------------------------------------------------------


def _act(own: dict[str, Any], submitter: str, reference: str, occurred_at: str | None, as_json: bool) -> int:
    with opened() as ledger:
        receipt, rejected = _submit(ledger, own, submitter, reference, occurred_at)
        table = None
        if receipt is not None:
            _follow(ledger, receipt["position"])
            table = asked(ledger, lambda cursor: questions.table(cursor, ledger.source, own["cycle"], ledger.config))
    found = {"receipt": receipt, "reject": rejected, "table": table}
    if as_json:
        document(found)
    elif rejected is not None:
        tell(f"onecard: refused: {rejected['message']} ({rejected['code']}).")
    elif receipt is not None and table is not None:
        with for_people() as console:
            console.print(f"{receipt['status'].capitalize()} at position {receipt['position']}.")
            clearing_shown.print_table(console, table)
    return DONE if rejected is None else FOUND


def _submit(
    ledger: Ledger, own: dict[str, Any], submitter: str | None, reference: str | None, occurred_at: str | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The receipt, or the code and message of the refusal."""
    if not all(is_text(word) for word in (submitter, reference, occurred_at, *own.values()) if isinstance(word, str)):
        refuse("Arguments must be UTF-8.")
    moment = _moment(ledger, submitter, reference) if occurred_at is None else occurred_at
    command = {**own, "submitter": submitter, "reference": reference, "occurred_at": moment}
    line = shaped(msgspec.json.encode(command), 0, ledger.keyring)[1]
    with ledger.writer() as writer:
        (outcome,) = writer.submit([line])
    if isinstance(outcome, Rejected):
        return None, {"code": outcome.code, "message": outcome.message}
    assert isinstance(outcome, Receipt)
    receipt = {
        "line": 1,
        "submitter": submitter,
        "reference": reference,
        "status": outcome.status,
        "card_id": outcome.card_id,
        "card_version": outcome.card_version,
        "position": outcome.position,
    }
    return receipt, None


def _moment(ledger: Ledger, submitter: str | None, reference: str | None) -> str:
    """Now; for a reference that was used already, when that was done: an act that is repeated says the same again."""
    with closing(ledger.connect(READER_ROLE)) as connection:
        found = connection.execute(
            "SELECT position FROM ledger.submissions WHERE submitter = %s AND reference = %s", (submitter, reference)
        ).fetchone()
        return instant_text(ledger.clock()() if found is None else History(connection).at(found[0])[1]["occurred_at"])


def _follow(ledger: Ledger, position: int, stops_before: str = "this event, which is recorded") -> None:
    """Bring the clearing view up to an event."""
    views = (Clearing(),)
    with closing(ledger.connect()) as connection, closing(LogFeed(ledger.source, ledger.connect)) as feed:
        follow.prepare(connection, views, ledger.source)

        def is_reached() -> bool:
            return follow.positions(connection, views, ledger.source)[Clearing.name] >= position

        if is_reached() or any(step.position >= position for step in follow.catch_up(connection, views, feed)):
            return
        if is_reached():  # by another follower
            return
    unable(f"An incident stops the clearing view before {stops_before}; see `onecard incidents`.")


# --- reconciling -----------------------------------------------------------------------------------------------------


def _readable(file: str) -> BinaryIO:
    check_input(file)
    try:
        return open(file, "rb")
    except OSError as error:
        refuse(f"{shown(file)} cannot be read: {error.strerror}.")


def _compared(
    ledger: Ledger, source: str | None, file: str, stream: BinaryIO, comparison: reconciliation.Comparison
) -> tuple[dict[str, Any], dict[str, int]]:
    """The document, and how far the settlements in it are known, by source."""
    whose = asked_of(ledger, source, lambda _, one: one, lambda _: sources.ALL)
    with closing(ledger.connect()) as connection:
        try:
            found, positions = reconciliation.reconcile(connection, whose, stream, comparison)
        except Misformed as misformed:
            refuse(f"{shown(file)}, {misformed}.")
    return found, dict(positions)


def _head(ledger: Ledger) -> int:
    with closing(ledger.connect(READER_ROLE)) as connection:
        return History(connection).head()


def _tell_of_missed(receipt: dict[str, Any], position: int) -> None:
    """A run stays as it was recorded; what came between its comparison and it is not in it."""
    missed = receipt["position"] - 1 - position
    if receipt["status"] == "recorded" and missed > 0:
        was, it = ("was", "it") if missed == 1 else ("were", "them")
        tell(
            f"{counted(missed, 'event')} {was} recorded while the file was compared, and the run says nothing of {it}:"
            " if that may matter, record another one under another --run-id and --reference."
        )


def _run(found: dict[str, Any], run_id: str) -> dict[str, Any]:
    """The RunReconciliation that records a comparison."""
    said = (
        "level counterparty from to file_sha256 matched only_local only_centre amount_diff state_diff duplicate_centre"
    )
    return {"command": "RunReconciliation", "run_id": run_id, **{name: found[name] for name in said.split()}}
