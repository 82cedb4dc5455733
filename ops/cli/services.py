"""`services counts`, `services items`: the statistics of services and of regional schemes."""

from typing import Annotated

from ops.cli.answers import Asked
from ops.cli.audit import day
from ops.cli.explaining import App
from ops.cli.output import Json, Jsonl, yuan
from ops.cli.periods import First, Last, period
from ops.cli.sources import Source
from ops.cli.things import answer_things, one_of, only
from projections.questions import services as questions
from projections.questions.services import BY
from projections.views.business.services import SERVICES

services = App(help="What cards were used for, where and when.", no_args_is_help=True)
SCHEMES = ("YRD", "JJJ", "CY", "HGG")
RESULTS = ("SUCCESS", "FAILURE")
COUNTED = ("uses>", "other provinces>", "amount>")
ITEM_COLUMNS = ("scheme", "item", "province", "from", "to", *COUNTED[:2])
Scheme = Annotated[str | None, only("S", f"Only of this scheme: {', '.join(SCHEMES)}.", "--scheme")]
Item = Annotated[str | None, only("I", "Only of this item.", "--item")]
Province = Annotated[str | None, only("P", "Only used in this province, such as 34.")]


@services.command("counts")
def count_services(
    by: Annotated[str, only("K,...", f"What to group by: {', '.join(BY)}.")] = "scheme,item,act",
    scheme: Scheme = None,
    item: Item = None,
    act: Annotated[str | None, only("E", "Only this act, by its event: ServiceUsed, VenueEntered.")] = None,
    province: Province = None,
    area: Annotated[str | None, only("A", "Only used in this area, such as 340100.")] = None,
    code: Annotated[str | None, only("C", "Only this service_code.")] = None,
    result: Annotated[str | None, only("R", f"Only with this result: {', '.join(RESULTS)}.")] = None,
    first: First = None,
    last: Last = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """Count what cards were used for.

    Services at counters and halls always, every other act when it belongs to a regional scheme.

    \b
    Example:
      onecard services counts --scheme YRD --by item,province,month
      onecard services counts --act ServiceUsed --by code,step,result --from 2025-06-01 --to 2025-06-30
    """
    wanted = by.split(",")
    for name in wanted:
        one_of("--by", name, tuple(BY))
    one_of("--scheme", scheme, SCHEMES)
    one_of("--result", result, RESULTS)
    days = period(first, last)
    where = {
        "scheme": scheme,
        "item": item,
        "act": act,
        "province": province,
        "area": area,
        "code": code,
        "result": result,
    }
    columns = [name for name in BY if name in wanted]
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "counts",
        (*columns, *COUNTED),
        lambda one: (
            *(one[name] for name in columns),
            one["uses"],
            one["away"],
            None if one["amount_fen"] is None else yuan(one["amount_fen"]),
        ),
        SERVICES,
        lambda cursor, one: questions.Counts(cursor, one, columns, where, *days),
    )


@services.command("items")
def list_items(
    scheme: Scheme = None,
    item: Item = None,
    province: Annotated[str | None, only("P", "Only switched on in this province.")] = None,
    on: Annotated[str | None, only("DATE", "Only switched on on this day.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List items of regional schemes.

    Where and when each is switched on, and how often it was used there meanwhile.

    \b
    Example:
      onecard services items --scheme YRD --on 2025-06-30
    """
    one_of("--scheme", scheme, SCHEMES)
    holds_on = None if on is None else day("--on", on)
    names = ("scheme", "item", "province", "valid_from", "valid_to", "uses", "away")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "items",
        ITEM_COLUMNS,
        lambda one: [one[name] for name in names],
        SERVICES,
        lambda cursor, one: questions.Items(cursor, one, holds_on, scheme=scheme, item=item, province=province),
    )
