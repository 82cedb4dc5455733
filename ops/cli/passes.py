"""`passes`: passes for many venues, where they were used, and whose their price became."""

from typing import Annotated

import typer

from ops.cli.answers import Asked
from ops.cli.audit import day
from ops.cli.explaining import App
from ops.cli.output import Json, Jsonl, counted, for_people, yuan
from ops.cli.periods import FirstMonth, LastMonth, months
from ops.cli.sources import Source
from ops.cli.things import Card, answer_parts, answer_things, card_id_of, one_of, only, show_things, yuans
from projections.questions import passes as questions
from projections.views.business.passes import PASSES

passes = App(help="Passes for many venues, and whose their price becomes.", no_args_is_help=True)
STATES = ("PURCHASED", "ACTIVE", "EXPIRED", "REFUNDED")
Seller = Annotated[str | None, only("S", "Only sold by this seller.")]
SellerProvince = Annotated[str | None, only("P", "Only sold in this province, such as 46.", "--seller-province")]
VenueProvince = Annotated[str | None, only("P", "Only venues in this province, such as 44.", "--venue-province")]
PASS_COLUMNS = (
    "pass",
    "state",
    "card",
    "product",
    "seller",
    "price>",
    "bought",
    "valid from",
    "to",
    "uses>",
    "venues>",
)
VENUE_COLUMNS = ("venue", "province", "uses>", "last used", "share>")
VISITED_COLUMNS = ("venue", "passes>", "uses>", "last used", "passes ended>", "earned>")
SALES_COLUMNS = ("seller", "product", "passes>", "price>", "waiting>", "refunded>", "split>")
REVENUE_COLUMNS = ("month", "seller", "in", "venue", "in", "passes>", "uses>", "share>")
PAIR_COLUMNS = ("sold in", "used in", "shares>", "owed>", "remitted>", "balance>")


@passes.command("list")
def list_passes(
    state: Annotated[str | None, only("S", f"Only in this state: {', '.join(STATES)}.")] = None,
    card: Card = None,
    product: Annotated[str | None, only("P", "Only of this product.")] = None,
    seller: Seller = None,
    seller_province: SellerProvince = None,
    valid_on: Annotated[str | None, only("DATE", "Only valid on this day, activated or by time.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List passes, their days and their uses.

    A pass that nobody activates becomes valid by itself on `auto_on`, also while its state is still PURCHASED; before
    that day it may be given back.

    \b
    Example:
      onecard passes list --seller HN1 --valid-on 2025-10-01
    """
    one_of("--state", state, STATES)
    on = None if valid_on is None else day("--valid-on", valid_on)
    where = {"state": state, "product": product, "seller": seller, "seller_province": seller_province}
    names = ("pass_id", "state", "card_id", "product", "seller")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "passes",
        PASS_COLUMNS,
        lambda one: (
            *(one[name] for name in names),
            yuan(one["price_fen"]),
            *(one[name] for name in ("bought_on", "valid_from", "valid_to", "uses", "venues")),
        ),
        PASSES,
        lambda cursor, one: questions.Passes(cursor, one, {**where, "card_id": card_id_of(cursor, one, card)}, on),
    )


@passes.command("show")
def show(
    pass_id: Annotated[str, typer.Argument(metavar="PASS", help="The pass's pass_id.")],
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """Show a pass and its venues.

    Once it has ended, each venue has its share of the price.

    \b
    Example:
      onecard passes show P2025-000017
    """
    return answer_parts(
        Asked(source, as_json, as_jsonl),
        "pass",
        pass_id,
        "venues",
        PASSES,
        lambda cursor, one: questions.Visits(cursor, one, pass_id),
        _show,
    )


@passes.command("venues")
def list_venues(
    venue: Annotated[str | None, only("V", "Only this venue.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List venues and the uses of passes there.

    What they earned is by passes that have ended.

    \b
    Example:
      onecard passes venues --venue V-HZ-WESTLAKE
    """
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "venues",
        VISITED_COLUMNS,
        lambda one: (
            *(one[name] for name in ("venue", "passes", "uses", "last_used_on", "shares")),
            *yuans(one, "share"),
        ),
        PASSES,
        lambda cursor, one: questions.venues(cursor, one, venue),
    )


@passes.command("sales")
def list_sales(
    seller: Seller = None,
    product: Annotated[str | None, only("P", "Only of this product.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what sellers took for passes.

    Of it, how much waits on cards, was given back, and was split among venues.

    \b
    Example:
      onecard passes sales --seller HN1
    """
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "sales",
        SALES_COLUMNS,
        lambda one: (
            *(one[name] for name in ("seller", "product", "passes")),
            *yuans(one, "price", "waiting", "refunded", "split"),
        ),
        PASSES,
        lambda cursor, one: questions.sales(cursor, one, seller, product),
    )


@passes.command("revenue")
def list_revenue(
    seller: Seller = None,
    seller_province: SellerProvince = None,
    venue: Annotated[str | None, only("V", "Only of this venue.")] = None,
    venue_province: VenueProvince = None,
    first: FirstMonth = None,
    last: LastMonth = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what venues earned by passes.

    By the month the passes ended in. A price is split by uses when its pass ends; the seller keeps the price of a
    pass that was never used. `share_fen`
    beside the list is their sum. What provinces owe each other for it: `onecard passes pairs`.

    \b
    Example:
      onecard passes revenue --venue-province 44 --from 2025-01 --to 2025-12
    """
    period = months(first, last)
    where = {
        "seller": seller,
        "seller_province": seller_province,
        "venue": venue,
        "venue_province": venue_province,
    }
    names = ("month", "seller", "seller_province", "venue", "venue_province", "passes", "uses")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "revenue",
        REVENUE_COLUMNS,
        lambda one: (*(one[name] for name in names), *yuans(one, "share")),
        PASSES,
        lambda cursor, one: questions.revenue(cursor, one, where, *period),
    )


@passes.command("pairs")
def list_pairs(
    seller_province: SellerProvince = None,
    venue_province: VenueProvince = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what provinces owe each other now.

    What the sellers' province came to owe the venues', what it remitted, and what is left.

    \b
    Example:
      onecard passes pairs --seller-province 46
    """
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "pairs",
        PAIR_COLUMNS,
        lambda one: (
            *(one[name] for name in ("seller_province", "venue_province", "charges")),
            *yuans(one, "owed", "remitted", "balance"),
        ),
        PASSES,
        lambda cursor, one: questions.pairs(cursor, one, seller_province, venue_province),
    )


def _show(found: questions.Visits) -> None:
    one = found.found
    with for_people() as console:
        console.print(
            f"{one['pass_id']} is {one['state']}: {one['product']} of {one['seller']} in {one['seller_province']},"
            f" {yuan(one['price_fen'])} yuan, bought on {one['bought_on']}."
        )
        by = {None: "by time, if nobody activates it", "HOLDER": "activated by its holder", "TIME": "by time"}
        console.print(
            f"Valid from {one['valid_from']} to {one['valid_to']}, {by.get(one['activated_by'], 'by its first use')};"
            f" used {counted(one['uses'], 'time')} at {counted(one['venues'], 'venue')}."
        )
    show_things(
        found,
        "venues",
        VENUE_COLUMNS,
        lambda at: (
            *(at[name] for name in ("venue", "venue_province", "uses", "last_used_on")),
            None if at["share_fen"] is None else yuan(at["share_fen"]),
        ),
    )
