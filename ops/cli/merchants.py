"""`merchants`: what merchants earned, day by day, and the days they closed."""

from typing import Annotated, Any

from ops.cli.answers import Asked
from ops.cli.explaining import App
from ops.cli.output import Json, Jsonl
from ops.cli.periods import First, Last, period
from ops.cli.sources import Source
from ops.cli.things import Element, answer_things, only, yuans
from projections.questions import merchants as questions
from projections.views.business.merchants import MERCHANTS

merchants = App(help="What merchants earned, and the days they closed.", no_args_is_help=True)
Name = Annotated[str | None, only("M", "Only this merchant.", "--merchant")]
FIGURES = ("payments>", "paid>", "discounts>", "refunds>", "refunded>", "vouchers>", "redeemed>", "net>")


@merchants.command("list")
def list_merchants(merchant: Name = None, source: Source = None, as_json: Json = False, as_jsonl: Jsonl = False) -> int:
    """List what merchants earned in all.

    net = paid + discounts - refunds + vouchers; the last day each closed stands beside it.

    \b
    Example:
      onecard merchants list --merchant M1
    """
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "merchants",
        ("merchant", "closed to", *FIGURES),
        lambda one: (one["merchant"], one["closed_to"], *_figures(one)),
        MERCHANTS,
        lambda cursor, one: questions.merchants(cursor, one, merchant),
    )


@merchants.command("days")
def list_days(
    merchant: Name = None,
    first: First = None,
    last: Last = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List merchants' days.

    What arrives for a closed day counts in the first open one.

    \b
    Example:
      onecard merchants days --merchant M1 --from 2025-05-01 --to 2025-05-31
    """
    days = period(first, last)
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "days",
        ("merchant", "day", "closed", *FIGURES),
        lambda one: (one["merchant"], one["day"], "closed" if one["closed"] else "open", *_figures(one)),
        MERCHANTS,
        lambda cursor, one: questions.days(cursor, one, merchant, *days),
    )


@merchants.command("closings")
def list_closings(
    merchant: Name = None,
    first: First = None,
    last: Last = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what merchants closed.

    Each closing stands beside what its days add up to now, which must be the same.

    \b
    Example:
      onecard merchants closings --merchant M1
    """
    days = period(first, last)
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "closings",
        ("merchant", "from", "to", *FIGURES, "days now"),
        lambda one: (
            *(one[name] for name in ("merchant", "closed_from", "day")),
            *_figures(one),
            "the same" if one["agrees"] else ", ".join(one["differing"]),
        ),
        MERCHANTS,
        lambda cursor, one: questions.closings(cursor, one, merchant, *days),
    )


def _figures(one: Element) -> tuple[Any, ...]:
    paid, discount, refund, voucher, net = yuans(one, "paid", "discount", "refund", "voucher", "net")
    payments, refunds, vouchers = (one[f"{name}_count"] for name in ("payment", "refund", "voucher"))
    return payments, paid, discount, refunds, refund, vouchers, voucher, net
