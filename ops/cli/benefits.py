"""`payouts list`, `payouts show`, `payouts overpayments`, `budgets`: where the money of benefits is."""

from typing import Annotated, Any

import typer

from ops.cli.answers import Asked
from ops.cli.clearing_acts import month
from ops.cli.output import Json, Jsonl, counted, for_people
from ops.cli.sources import Source
from ops.cli.things import Card, answer_parts, answer_things, card_id_of, one_of, only, show_things, yuans
from projections.questions import payouts
from projections.questions.snapshot import Cursor
from projections.views.business.payouts import PAYOUTS

Province = Annotated[str | None, only("P", "Only of this paying province, such as 34.")]
Programme = Annotated[str | None, only("G", "Only of this programme.")]
BUDGET_COLUMNS = ("province", "programme", "issued>", "available>", "in payment>", "paid>")
BATCH_COLUMNS = (
    "batch",
    "state",
    "province",
    "programme",
    "period",
    "lines>",
    "gross>",
    "paid>",
    "returned>",
    "stopped>",
)
LINE_COLUMNS = ("line", "state", "card", "gross>", "kept back>", "overpaid>", "why")
OVERPAYMENT_COLUMNS = ("overpayment", "card", "batch", "line", "found>", "recovered>", "kept back>", "outstanding>")
BATCH_STATES = ("OPEN", "PUBLISHED", "APPROVED", "SENT", "CLOSED")
LINE_STATES = ("PENDING", "IN_PAYMENT", "PAID", "RETURNED", "STOPPED", "STRUCK")


def budgets(
    province: Province = None,
    programme: Programme = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List budget lines.

    What was issued, and what of it is free, in payment and paid.

    \b
    Example:
      onecard budgets --province 34
    """
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "budgets",
        BUDGET_COLUMNS,
        lambda one: (one["province"], one["programme"], *yuans(one, "issued", "available", "frozen", "paid")),
        PAYOUTS,
        lambda cursor, one: payouts.budgets(cursor, one, province, programme),
    )


def batches(
    province: Province = None,
    programme: Programme = None,
    period: Annotated[str | None, only("M", "Only for this month, such as 2025-06.")] = None,
    bank: Annotated[str | None, only("B", "Only paid out by this bank.")] = None,
    state: Annotated[str | None, only("S", f"Only in this state: {', '.join(BATCH_STATES)}.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List payout batches with what became of their lines.

    The table counts no line that was struck, as the batch's totals do not; `struck` in the document tells how many.

    \b
    Example:
      onecard payouts list --state SENT
    """
    one_of("--state", state, BATCH_STATES)
    if period is not None:
        month("--period", period)
    wanted = {"province": province, "programme": programme, "period": period, "bank": bank, "state": state}
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "batches",
        BATCH_COLUMNS,
        _batch_row,
        PAYOUTS,
        lambda cursor, one: payouts.batches(cursor, one, **wanted),
    )


def batch(
    batch_id: Annotated[str, typer.Argument(metavar="BATCH", help="The batch's batch_id.")],
    state: Annotated[str | None, only("S", f"Only lines in this state: {', '.join(LINE_STATES)}.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """Show a payout batch and its lines.

    \b
    Example:
      onecard payouts show pension-2025-06 --state RETURNED
    """
    one_of("--state", state, LINE_STATES)
    return answer_parts(
        Asked(source, as_json, as_jsonl),
        "batch",
        batch_id,
        "lines",
        PAYOUTS,
        lambda cursor, one: payouts.Lines(cursor, one, batch_id, state),
        _show_batch,
    )


def overpayments(
    card: Card = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what was overpaid and came back.

    \b
    Example:
      onecard payouts overpayments --card 340000D15600000500000000000000A1
    """

    def of_one(cursor: Cursor, one: str) -> payouts.Overpayments:
        return payouts.Overpayments(cursor, one, card_id_of(cursor, one, card))

    return answer_things(
        Asked(source, as_json, as_jsonl),
        "overpayments",
        OVERPAYMENT_COLUMNS,
        lambda one: (
            *(one[key] for key in ("overpayment_id", "card_id", "batch_id", "line_id")),
            *yuans(one, "amount", "recovered", "offset", "outstanding"),
        ),
        PAYOUTS,
        of_one,
    )


def _batch_row(batch: dict[str, Any]) -> tuple[object, ...]:
    batch = _unstruck(batch)
    told = ("batch_id", "state", "province", "programme", "period", "lines")
    return *(batch[name] for name in told), *yuans(batch, "lines", "paid", "returned", "stopped")


def _unstruck(batch: dict[str, Any]) -> dict[str, Any]:
    """Lines as people add them up: planned = paid + returned + stopped, and what is still on its way."""
    figures = {name: batch[name] - batch[name.replace("lines", "struck")] for name in ("lines", "lines_fen")}
    return {**batch, **figures}


def _show_batch(found: payouts.Lines) -> None:
    batch = _unstruck(found.batch)
    with for_people() as console:
        what = f"{batch['kind']} of {batch['programme']} in {batch['province']} for {batch['period']}"
        console.print(f"{batch['batch_id']} is {batch['state']}: {what}, by {batch['bank']}.")
        gross, paid, returned, stopped, struck = yuans(batch, "lines", "paid", "returned", "stopped", "struck")
        console.print(
            f"{counted(batch['lines'], 'line')} of {gross} yuan: {batch['paid']:,} paid ({paid}),"
            f" {batch['returned']:,} returned ({returned}), {batch['stopped']:,} stopped ({stopped})."
            f" {batch['struck']:,} struck besides ({struck})."
        )
    show_things(found, "lines", LINE_COLUMNS, _line_row)


def _line_row(line: dict[str, Any]) -> tuple[object, ...]:
    why = line["returned_for"] or line["stopped_for"] or ""
    amounts = yuans(line, "amount", "offset", "overpaid")
    return line["line_id"], line["state"], line["card_id"], *amounts, why
