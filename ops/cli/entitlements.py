"""`entitlements list`, `concessions`, `venues`, `students`: who is entitled to what, and what it cost."""

from typing import Annotated

from ops.cli.answers import Asked
from ops.cli.audit import day
from ops.cli.clearing_acts import month
from ops.cli.explaining import App
from ops.cli.output import Json, Jsonl, yuan
from ops.cli.sources import Source
from ops.cli.things import Card, answer_things, card_id_of, one_of, only
from projections.questions import entitlements as questions
from projections.views.business.entitlements import ENTITLEMENTS, NONE, TO_VENUES

entitlements = App(help="Who is entitled to what, and what venues gave by it.", no_args_is_help=True)
KINDS = ("TRANSIT_CONCESSION", *TO_VENUES, "LIBRARY")
CLASSES = ("STUDENT", "ELDERLY", "MILITARY", "DISABLED")
STATUSES = ("ENROLLED", "SUSPENDED", "GRADUATED", "LEFT")
COLUMNS = (
    "entitlement",
    "card",
    "kind",
    "class",
    "province",
    "from",
    "last day",
    "entries>",
    "due>",
    "paid>",
    "subsidy>",
)
VISIT_COLUMNS = ("province", "venue", "month", "by", "entries>", "visitors>", "due>", "paid>", "subsidy>")
STUDENT_COLUMNS = ("school", "card", "status", "from", "to", "set on")
Concession = Annotated[str | None, only("C", f"Only concessions of this class: {', '.join(CLASSES)}.", "--class")]
AMOUNTS = ("due_fen", "paid_fen", "subsidy_fen")


@entitlements.command("list")
def list_entitlements(
    card: Card = None,
    kind: Annotated[str | None, only("K", f"Only of this kind: {', '.join(KINDS)}.")] = None,
    concession: Concession = None,
    province: Annotated[str | None, only("P", "Only holding in this province, such as 34.")] = None,
    on: Annotated[str | None, only("DATE", "Only holding on this day.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List entitlements.

    Each with what venues gave by it.

    \b
    Example:
      onecard entitlements list --province 33 --kind ELDER_CARE --on 2025-06-30
    """
    one_of("--kind", kind, KINDS)
    one_of("--class", concession, CLASSES)
    holds_on = None if on is None else day("--on", on)
    where = {"kind": kind, "concession_class": concession, "province": province}
    names = ("entitlement_id", "card_id", "kind", "concession_class", "province", "valid_from", "last_day", "entries")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "entitlements",
        COLUMNS,
        lambda one: (*(one[key] for key in names), *(yuan(one[key]) for key in AMOUNTS)),
        ENTITLEMENTS,
        lambda cursor, one: questions.entitlements(
            cursor, one, holds_on, card_id=card_id_of(cursor, one, card), **where
        ),
    )


@entitlements.command("concessions")
def list_concessions(
    card: Card = None,
    concession: Concession = None,
    province: Annotated[str | None, only("P", "Only tapped in this province, such as 34.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List cards that rode by a concession.

    What it saved is told by `onecard transit`, for corrections change it.

    \b
    Example:
      onecard entitlements concessions --class ELDERLY --province 33
    """
    one_of("--class", concession, CLASSES)
    names = ("card_id", "province", "concession_class", "taps", "last_used_on")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "concessions",
        ("card", "province", "class", "taps>", "last"),
        lambda one: [one[key] for key in names],
        ENTITLEMENTS,
        lambda cursor, one: questions.concessions(
            cursor, one, card_id=card_id_of(cursor, one, card), province=province, concession_class=concession
        ),
    )


@entitlements.command("venues")
def list_visits(
    province: Annotated[str | None, only("P", "Only of venues in this province, such as 34.")] = None,
    venue: Annotated[str | None, only("V", "Only of this venue.")] = None,
    kind: Annotated[str | None, only("K", f"Only by this kind, or {NONE} for none: {', '.join(TO_VENUES)}.")] = None,
    first: Annotated[str | None, only("M", "First month, such as 2025-06.", "--from")] = None,
    last: Annotated[str | None, only("M", "Last month.", "--to")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List entries of venues by month.

    By kind of entitlement: what visitors paid, and what local finance owes.

    \b
    Example:
      onecard entitlements venues --province 33 --from 2025-01 --to 2025-06
    """
    one_of("--kind", kind, (NONE, *TO_VENUES))
    for option, given in (("--from", first), ("--to", last)):
        if given is not None:
            month(option, given)
    names = ("province", "venue", "month", "kind", "entries", "visitors")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "venues",
        VISIT_COLUMNS,
        lambda one: (*(one[key] for key in names), *(yuan(one[key]) for key in AMOUNTS)),
        ENTITLEMENTS,
        lambda cursor, one: questions.visits(cursor, one, first, last, province=province, venue=venue, kind=kind),
    )


@entitlements.command("students")
def list_students(
    card: Card = None,
    school: Annotated[str | None, only("S", "Only of this school.")] = None,
    status: Annotated[str | None, only("T", f"Only of this status: {', '.join(STATUSES)}.")] = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List students and their status.

    Each as its school told last.

    \b
    Example:
      onecard entitlements students --school USTC --status GRADUATED
    """
    one_of("--status", status, STATUSES)
    names = ("school", "card_id", "status", "valid_from", "valid_to", "set_on")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "students",
        STUDENT_COLUMNS,
        lambda one: [one[key] for key in names],
        ENTITLEMENTS,
        lambda cursor, one: questions.students(
            cursor, one, card_id=card_id_of(cursor, one, card), school=school, status=status
        ),
    )
