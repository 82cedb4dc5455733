"""`transit`: a card's journeys, taps to look into, operators' days, and what cities owe each other."""

from typing import Annotated, Any

import typer

from ops.cli.answers import Asked
from ops.cli.explaining import App
from ops.cli.output import Json, Jsonl, counted, for_people, yuan
from ops.cli.periods import First, Last, period
from ops.cli.sources import Source
from ops.cli.things import Element, answer_parts, answer_things, card_id_of, one_of, only, show_things, yuans
from projections.questions import journeys as questions
from projections.questions.snapshot import Cursor
from projections.views.business.journeys import JOURNEYS

transit = App(help="Journeys, operators' days, and what cities owe each other.", no_args_is_help=True)
STATES = ("OPEN", "CLOSED", "TIMED_OUT", "WAITING", "UNMATCHED", "NONE")
CHAINS = ("ok", "broken", "unchecked")
OperatorName = Annotated[str | None, only("O", "Only of this operator.")]
IssueCity = Annotated[str | None, only("C", "Only cards issued in this city, such as 3301.", "--issue")]
UseCity = Annotated[str | None, only("C", "Only use in this city, such as 3101.", "--use")]
StateName = Annotated[str | None, only("S", f"Only in this state: {', '.join(STATES)}.", "--state")]
JOURNEY_COLUMNS = ("entered or paid", "left", "operator", "mode", "from", "to", "state", "due>", "paid>", "notes")
TAP_COLUMNS = ("tapped", "card", "operator", "counter>", "type", "state", "missing>", "chain", "due>", "paid>")
OBLIGATION_COLUMNS = ("issued in", "used in", "clearing day", "charges>", "owed>")
PAIR_COLUMNS = ("issued in", "used in", "charges>", "owed>", "remitted>", "balance>")
DAY_COLUMNS = ("operator", "day", "closed", "taps>", "corrections>", "due>", "paid>", "subsidy>")
CLOSING_COLUMNS = ("operator", "from", "to", "taps>", "corrections>", "due>", "paid>", "subsidy>", "days now")


@transit.command("journeys")
def list_journeys(
    card: Annotated[str, typer.Argument(metavar="CARD", help="A card_sn or card_id.")],
    state: StateName = None,
    first: First = None,
    last: Last = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List a card's journeys.

    Each with its taps, what was due and paid, and what of it is missing: counters of the chip, exits, entries.
    OPEN: no exit yet. TIMED_OUT: charged as one without an exit. WAITING: an exit whose entry is not recorded.
    UNMATCHED: an exit whose terminal knew no entry. NONE: a single tap, such as a bus. Days are business dates.

    \b
    Example:
      onecard transit journeys 340000D15600000500000000000000A1 --from 2025-06-01
    """
    one_of("--state", state, STATES)
    days = period(first, last)

    def of_one(cursor: Cursor, one: str) -> questions.Journeys:
        card_id = card_id_of(cursor, one, card)
        assert card_id is not None
        return questions.Journeys(cursor, one, card_id, state, *days)

    return answer_parts(Asked(source, as_json, as_jsonl), "card", card, "journeys", JOURNEYS, of_one, _show_journeys)


@transit.command("taps")
def list_taps(
    operator: OperatorName = None,
    state: StateName = None,
    chain: Annotated[str | None, only("C", f"Only where the chip's balances are: {', '.join(CHAINS)}.")] = None,
    has_gap: Annotated[bool, typer.Option("--gaps", help="Only after a gap in the chip's counters.")] = False,
    issue: IssueCity = None,
    use: UseCity = None,
    first: First = None,
    last: Last = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List taps with the fare in effect.

    By chip and counter, for what an operator looks into. Days are operating days.

    \b
    Example:
      onecard transit taps --operator METRO-HF --state WAITING --from 2025-06-01 --to 2025-06-30
    """
    one_of("--state", state, STATES)
    one_of("--chain", chain, CHAINS)
    days = period(first, last)
    where = {"operator": operator, "state": state, "chain": chain, "issue_city": issue, "use_city": use}
    names = ("tapped_at", "card_id", "operator", "counter", "tap_type", "state", "missing_counters", "chain")
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "taps",
        TAP_COLUMNS,
        lambda one: (*(one[name] for name in names), *yuans(one, "due", "paid")),
        JOURNEYS,
        lambda cursor, one: questions.taps(cursor, one, *days, has_gap, where),
    )


@transit.command("obligations")
def list_obligations(
    issue: IssueCity = None,
    use: UseCity = None,
    first: First = None,
    last: Last = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what cities came to owe each other.

    By the city that issued the cards, which owes, the city they were used in, and the clearing day. `owed_fen`
    beside the list is their sum. What was paid of it: `onecard transit pairs`.

    \b
    Example:
      onecard transit obligations --issue 3401 --use 3101 --from 2025-06-01 --to 2025-06-30
    """
    days = period(first, last)
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "obligations",
        OBLIGATION_COLUMNS,
        lambda one: (
            *(one[name] for name in ("issue_city", "use_city", "clearing_day", "charges")),
            *yuans(one, "owed"),
        ),
        JOURNEYS,
        lambda cursor, one: questions.obligations(cursor, one, issue, use, *days),
    )


@transit.command("pairs")
def list_pairs(
    issue: IssueCity = None,
    use: UseCity = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what cities owe each other now.

    What the city that issued cards came to owe the other, what it remitted, and what is left.

    \b
    Example:
      onecard transit pairs --use 3101
    """
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "pairs",
        PAIR_COLUMNS,
        lambda one: (
            *(one[name] for name in ("issue_city", "use_city", "charges")),
            *yuans(one, "owed", "remitted", "balance"),
        ),
        JOURNEYS,
        lambda cursor, one: questions.pairs(cursor, one, issue, use),
    )


@transit.command("days")
def list_days(
    operator: OperatorName = None,
    first: First = None,
    last: Last = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List operators' clearing days.

    Taps, corrections, what was due, what passengers paid of it and what local finance adds.

    \b
    Example:
      onecard transit days --operator METRO-HF --from 2025-06-01 --to 2025-06-30
    """
    days = period(first, last)
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "days",
        DAY_COLUMNS,
        lambda one: (one["operator"], one["day"], "closed" if one["closed"] else "open", *_counted(one)),
        JOURNEYS,
        lambda cursor, one: questions.days(cursor, one, operator, *days),
    )


@transit.command("closings")
def list_closings(
    operator: OperatorName = None,
    first: First = None,
    last: Last = None,
    source: Source = None,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
) -> int:
    """List what operators closed.

    Each closing stands beside what its days add up to now, which must be the same.

    \b
    Example:
      onecard transit closings --operator METRO-HF
    """
    days = period(first, last)
    return answer_things(
        Asked(source, as_json, as_jsonl),
        "closings",
        CLOSING_COLUMNS,
        lambda one: (
            *(one[name] for name in ("operator", "closed_from", "day")),
            *_counted(one),
            "the same" if one["agrees"] else ", ".join(one["differing"]),
        ),
        JOURNEYS,
        lambda cursor, one: questions.closings(cursor, one, operator, *days),
    )


def _counted(one: Element) -> tuple[Any, ...]:
    return one["tap_count"], one["correction_count"], *yuans(one, "due", "paid", "subsidy")


def _show_journeys(found: questions.Journeys) -> None:
    show_things(found, "journeys", JOURNEY_COLUMNS, _journey)
    rest = found.rest()
    due, paid, subsidy = yuans(rest, "due", "paid", "subsidy")
    with for_people() as console:
        console.print(f"All journeys of the card: {due} yuan due, {paid} paid, {subsidy} borne by local finance.")
        for chip in rest["chips"]:
            gaps = [f"{gap['from']}" + (f" to {gap['to']}" if gap["to"] > gap["from"] else "") for gap in chip["gaps"]]
            missing = f"counters not recorded: {', '.join(gaps)}" if gaps else "no counter is missing"
            console.print(f"Chip {chip['chip'][:8]}: {counted(chip['taps'], 'tap')}, {missing}.")


def _journey(one: Element) -> tuple[object, ...]:
    taps = {tap["tap_type"]: tap for tap in one["taps"]}
    entry, left = taps.get("ENTRY") or taps.get("SINGLE"), taps.get("EXIT")
    when = [None if tap is None else tap["tapped_at"] for tap in (entry, left)]
    where = [None if tap is None else tap["station"] or tap["operating_area"] for tap in (entry, left)]
    return *when, one["operator"], one["mode"], *where, one["state"], *yuans(one, "due", "paid"), _notes(one)


def _notes(one: Element) -> str:
    notes = []
    if one["missing_exit_fen"] is not None:
        notes.append(f"charged {yuan(one['missing_exit_fen'])} without an exit")
    if one["transfer_of_counter"] is not None:
        notes.append(f"changed from {one['transfer_of_counter']}")
    if one["corrections"]:
        notes.append(f"corrections: {one['corrections']}")
    if one["missing_counters"]:
        notes.append(f"came after a gap of {one['missing_counters']}")
    if one["chain"] == "broken":
        notes.append("balance broken")
    if one["concession_class"] != "ORDINARY":
        notes.append(one["concession_class"].lower())
    return ", ".join(notes)
