"""`vouchers`: what programmes gave people to spend, and where it went."""

from typing import Annotated

import typer

from ops.cli.answers import Asked
from ops.cli.audit import day
from ops.cli.explaining import App
from ops.cli.output import Json, Jsonl, for_people
from ops.cli.periods import First, Last, period
from ops.cli.sources import Source
from ops.cli.things import Card, Element, answer_parts, answer_things, card_id_of, one_of, only, show_things, yuans
from projections.questions import vouchers as questions
from projections.views.business.vouchers import VOUCHERS

vouchers = App(help="Vouchers of programmes, and what merchants took of them.", no_args_is_help=True)
STATES = ("LIVE", "USED", "EXPIRED")
Province = Annotated[str | None, only("P", "Only of this funding province, such as 33.")]
ProgrammeName = Annotated[str | None, only("G", "Only of this programme.")]
Merchant = Annotated[str | None, only("M", "Only at this merchant.")]
VOUCHER_COLUMNS = ("voucher", "state", "card", "programme", "from", "to", "face>", "redeemed>", "expired>", "open>")
REDEMPTION_COLUMNS = ("redemption", "voucher", "merchant", "in", "on", "amount>")
PROGRAMME_COLUMNS = ("province", "programme", "vouchers>", "issued>", "redeemed>", "expired>", "open>", "discounts>")
TAKEN_COLUMNS = ("province", "programme", "merchant", "redemptions>", "redeemed>")


@vouchers.command("list")
def list_vouchers(
    state: Annotated[str | None, only("S", f"Only in this state: {', '.join(STATES)}.")] = None,
    card: Card = None,
    province: Province = None,
    programme: ProgrammeName = None,
    valid_on: Annotated[str | None, only("DATE", "Only valid on this day.")] = None,
    ended_by: Annotated[str | None, only("DATE", "Only with this last day or an earlier.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List vouchers and what is left of them.

    face = redeemed + expired + open, of each and of all. LIVE: something is open. A LIVE voucher whose last day is
    over is worth nothing until its expiry is recorded.

    \b
    Example:
      onecard vouchers list --programme elder --state LIVE --ended-by 2025-05-31
    """
    one_of("--state", state, STATES)
    on = None if valid_on is None else day("--valid-on", valid_on)
    by = None if ended_by is None else day("--ended-by", ended_by)
    where = {"state": state, "province": province, "programme": programme}
    names = ("voucher_id", "state", "card_id", "programme", "valid_from", "valid_to")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "vouchers",
        VOUCHER_COLUMNS,
        lambda one: (*(one[name] for name in names), *yuans(one, "face", "redeemed", "expired", "open")),
        VOUCHERS,
        lambda cursor, one: questions.vouchers(
            cursor, one, {**where, "card_id": card_id_of(cursor, one, card)}, on, by
        ),
    )


@vouchers.command("show")
def show(
    voucher_id: Annotated[str, typer.Argument(metavar="VOUCHER", help="The voucher's voucher_id.")],
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """Show a voucher and its redemptions.

    \b
    Example:
      onecard vouchers show W2025-000003
    """
    return answer_parts(
        Asked(source, as_json, as_jsonl),
        "voucher",
        voucher_id,
        "redemptions",
        VOUCHERS,
        lambda cursor, one: questions.Redemptions(cursor, one, voucher_id),
        _show,
    )


@vouchers.command("redemptions")
def list_redemptions(
    merchant: Merchant = None,
    first: First = None,
    last: Last = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what merchants took of which voucher.

    Days are business dates.

    \b
    Example:
      onecard vouchers redemptions --merchant M1 --from 2025-05-01 --to 2025-05-31
    """
    days = period(first, last)
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "redemptions",
        REDEMPTION_COLUMNS,
        _redemption,
        VOUCHERS,
        lambda cursor, one: questions.redemptions(cursor, one, merchant, *days),
    )


@vouchers.command("programmes")
def list_programmes(
    province: Province = None,
    programme: ProgrammeName = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what programmes gave and bore.

    Vouchers issued = redeemed + expired + open; discounts are what they bore of payments to merchants, less refunds.

    \b
    Example:
      onecard vouchers programmes --province 33
    """
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "programmes",
        PROGRAMME_COLUMNS,
        lambda one: (
            *(one[name] for name in ("province", "programme", "vouchers")),
            *yuans(one, "issued", "redeemed", "expired", "open", "discount"),
        ),
        VOUCHERS,
        lambda cursor, one: questions.programmes(cursor, one, province, programme),
    )


@vouchers.command("merchants")
def list_merchants(
    province: Province = None,
    programme: ProgrammeName = None,
    merchant: Merchant = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what merchants took of each programme's vouchers.

    \b
    Example:
      onecard vouchers merchants --province 33 --programme elder
    """
    where = {"province": province, "programme": programme, "merchant": merchant}
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "merchants",
        TAKEN_COLUMNS,
        lambda one: (
            *(one[name] for name in ("province", "programme", "merchant", "redemptions")),
            *yuans(one, "redeemed"),
        ),
        VOUCHERS,
        lambda cursor, one: questions.taken(cursor, one, where),
    )


def _show(found: questions.Redemptions) -> None:
    one = found.voucher
    face, redeemed, expired, left = yuans(one, "face", "redeemed", "expired", "open")
    with for_people() as console:
        console.print(
            f"{one['voucher_id']} is {one['state']}: {one['programme']} of {one['province']}, {face} yuan, valid from"
            f" {one['valid_from']} to {one['valid_to']}, at {', '.join(found.merchants) or 'any merchant'}."
        )
        console.print(f"{redeemed} redeemed, {expired} expired, {left} open.")
    show_things(found, "redemptions", REDEMPTION_COLUMNS, _redemption)


def _redemption(one: Element) -> tuple[object, ...]:
    names = ("redemption_id", "voucher_id", "merchant", "merchant_province", "redeemed_on")
    return *(one[name] for name in names), *yuans(one, "amount")
