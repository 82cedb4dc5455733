"""What a demo shows at its end: the books on a screen or two, in the words of people who never saw them."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from shlex import quote
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from ops.cli.china import in_china
from ops.cli.output import counted, table, yuan
from ops.cli.provinces import named
from ops.demo.begun import Begun
from ops.demo.play import Played
from ops.demo.scenarios import Scenario
from projections.topics.topology import parse

MOST_PAIRS: Final = 10
MOST_CODES: Final = 15
EVENTS_NAMED: Final = 4
QUIETLY: Final = "--receipts /dev/null --rejects /dev/null"
AGAIN: Final = "books nothing twice, and what was refused is refused again"
COLOURS: Final = {"YELLOW": "yellow", "RED": "bold red", "NONE": "green"}
Families = list[tuple[str, int, list[tuple[str, int]]]]


def show_day(console: Console, played: Played, families: Families) -> None:
    """The parts of a working day."""
    _recorded(console, played, families)
    _published(console, played, families)
    _refused(console, played)
    _three_balances(console, played)
    if played.history is not None:
        _life(console, played.history)
    _clearing(console, played)
    _usage(console, played)
    _verdict(console, played)


def show_frame(console: Console, played: Played, families: Families, middle: Callable[[], None]) -> None:
    """What was recorded and published before what a story has to show, and the verdict after it."""
    _recorded(console, played, families)
    _published(console, played, families)
    middle()
    _verdict(console, played)


def show_scenario(console: Console, played: Played, families: Families, scenario: Scenario) -> None:
    """The parts of a story."""
    _recorded(console, played, families)
    _published(console, played, families)
    _refused(console, played)
    _three_balances(console, played)
    if played.history is not None:
        _life(console, played.history)
    _clearing(console, played)
    _usage(console, played)
    _late_bill(console, played, scenario)
    _verdict(console, played)


def heading(console: Console, text: str) -> None:
    """The title of a part."""
    console.print()
    console.print(Text(text, style="bold cyan"))


def _recorded(console: Console, played: Played, families: Families) -> None:
    heading(console, "What was recorded")
    rows = []
    for family, count, events in families:
        most = ", ".join(f"{name} {number:,}" for name, number in events[:EVENTS_NAMED])
        rows.append((family, f"{count:,}", most + (", ..." if len(events) > EVENTS_NAMED else "")))
    console.print(table(("family", "events>", "most of them~"), rows))
    status = played.status
    counts = [counted(status[f"{name}s"], name) for name in ("event", "card", "stream")]
    console.print(f"{counts[0]} of {counts[1]}, in {counts[2]}.")


def _published(console: Console, played: Played, families: Families) -> None:
    """What each topic of events holds: as verification compares them, each event of a family once, on its topic."""
    if played.published is None:
        return
    heading(console, "What was published")
    events = {family: count for family, count, _ in families}
    rows = []
    for topic in played.published["topics"]:
        found = parse(topic["name"])
        if found is not None:
            rows.append((topic["name"], topic["partitions"], f"{events.get(found[0], 0):,}"))
    console.print(table(("topic", "partitions>", "events>"), rows))
    console.print("The views below were built from these topics, in the order of the log.")


def _refused(console: Console, played: Played) -> None:
    codes = played.submitted["rejects_by_code"]
    if not codes:
        return
    heading(console, "What was refused, and what the sender was told")
    words = _first_messages(played.rejects)
    ranked = Counter(codes).most_common()
    rows = [(code, f"{count:,}", words.get(code, "")) for code, count in ranked[:MOST_CODES]]
    console.print(table(("code", "lines>", "for example~"), rows))
    if len(ranked) > MOST_CODES:
        rest = sum(count for _, count in ranked[MOST_CODES:])
        console.print(f"... and {counted(rest, 'line')} with {counted(len(ranked) - MOST_CODES, 'more code')}.")


def _first_messages(rejects: Path) -> dict[str, str]:
    """The message of each code's first reject."""
    found: dict[str, str] = {}
    with rejects.open(encoding="utf-8") as file:
        for line in file:
            reject = json.loads(line)
            found.setdefault(reject["code"], f"line {reject['line']}: {reject['message']}")
    return found


def _three_balances(console: Console, played: Played) -> None:
    largest = [
        max(document["accounts"], key=lambda one: abs(one["balance_fen"]))
        for document in played.balances
        if document["accounts"]
    ]
    if not largest:
        return
    heading(console, "Three balances")
    rows = [(account["account"], yuan(account["balance_fen"]), _meaning(account["account"])) for account in largest]
    console.print(table(("account", "balance>", "which is~"), rows))
    trial = played.trial_balance
    said = "as that of every event's postings is" if trial["balanced"] else "and not 0: the books do not balance"
    console.print(f"The sum of {counted(trial['accounts'], 'account')} is {yuan(trial['balance_fen'])}, {said}.")


def _meaning(account: str) -> str:
    """What an account's name says, for the three kinds shown."""
    parts = account.split(":")
    if parts[0] == "fund":
        return f"what fund {parts[2]} of {named(parts[1])} has paid for its insured"
    if parts[0] == "provider":
        return f"what the medical institution {parts[1]} in {named(parts[1][1:3])} has earned"
    return f"the {parts[-1].replace('_', ' ')} on the card shown below"


def _life(console: Console, history: dict[str, Any]) -> None:
    heading(console, "One card's life")
    for span in history["card_sns"]:
        until = "" if span["to"] is None else f", replaced {_china(span['to'])}"
        console.print(f"card_sn {span['card_sn']}, issued {_china(span['from'])}{until}")
    own = f"card:{history['card_id']}:"
    rows = []
    for event in history["events"]:
        card = [
            f"{yuan(one['amount_fen'])} {one['account'].rpartition(':')[2]}"
            for one in event["postings"]
            if one["account"].startswith(own)
        ]
        rows.append((event["card_version"], _china(event["occurred_at"]), event["event"], ", ".join(card)))
    console.print(table(("version>", "China time", "event", "on the card~"), rows))
    console.print(f"Today it is {history['card']['state']}.")


def _clearing(console: Console, played: Played) -> None:
    cycle, notices = _asked(played.cycle), _asked(played.notices)
    heading(console, f"Clearing between provinces, {cycle['cycle']} ({cycle['state']})")
    counts = f"lines taken: {cycle['line_count']:,}, left for a later month: {cycle['deferred_count']:,}"
    console.print(f"{counts}; {yuan(cycle['payable_fen'])} yuan payable.")
    due = sorted((one for one in notices["notices"] if one["payer"]), key=lambda one: -one["amount_fen"])
    rows = [
        (named(one["payer"]), "pays", named(one["payee"]), yuan(one["amount_fen"]), _paid(one))
        for one in due[:MOST_PAIRS]
    ]
    if rows:
        console.print(table(("payer", "", "payee", "yuan>", "until now"), rows))
    if len(due) > MOST_PAIRS:
        rest = sum(one["amount_fen"] for one in due[MOST_PAIRS:])
        console.print(f"... and {counted(len(due) - MOST_PAIRS, 'more pair')} with {yuan(rest)} yuan.")


def _paid(notice: dict[str, Any]) -> str:
    if not notice["outstanding_fen"]:
        return "paid"
    return f"{yuan(notice['remitted_fen'])} paid" if notice["remitted_fen"] else "open"


def _usage(console: Console, played: Played) -> None:
    """How much of the prepayments the month took: the highest first."""
    used = [
        (one["prepayment"]["usage_per_mille"], one)
        for one in _asked(played.notices)["notices"]
        if one["prepayment"] is not None and one["prepayment"]["usage_per_mille"] is not None
    ]
    if not used:
        return
    heading(console, "Prepayments between provinces: how much of them the month took")
    rows = []
    for per_mille, one in sorted(used, key=lambda pair: -pair[0])[:MOST_PAIRS]:
        prepayment = one["prepayment"]
        style = COLOURS[prepayment["level"]]
        alert = "" if prepayment["level"] == "NONE" else prepayment["level"]
        said = Text(f"{alert}, raised" if prepayment["alert_raised"] else alert, style=style)
        sides = named(one["home"]), named(one["treatment"])
        rows.append((*sides, yuan(prepayment["base_fen"]), Text(percent(per_mille), style=style), said))
    console.print(table(("home", "treatment", "prepaid>", "used>", "alert"), rows))
    levels = Counter(one["prepayment"]["level"] for _, one in used)
    console.print(f"{levels['RED']:,} red, {levels['YELLOW']:,} yellow of {counted(len(used), 'prepayment')}.")


def percent(per_mille: int) -> str:
    """`76.3 %`."""
    return f"{per_mille // 10:,}.{per_mille % 10} %"


def _late_bill(console: Console, played: Played, scenario: Scenario) -> None:
    assert played.settlement is not None
    heading(console, f"Bill {scenario.settlement}: {scenario.remark}")
    for line in played.settlement["lines"]:
        taken = f"cycle {line['cycle']} took it" if line["cycle"] else "no cycle has taken it yet"
        occurred_at = line["occurred_at"]
        console.print(Text(f"It occurred at {occurred_at}, which is {_china(occurred_at)} in China."))
        console.print(
            f"So it belongs to {line['origin_period']} (business date {line['business_date']});"
            f" {taken}, deferrals: {line['deferrals']}, amount: {yuan(line['amount_fen'])} yuan."
        )


def _verdict(console: Console, played: Played) -> None:
    found, checked = played.verified, played.verified["checked"]
    heading(console, "Verdict")
    counts = ", ".join(counted(checked[f"{name}s"], name) for name in ("event", "posting", "account"))
    if "topics" in found["against"]:
        counts += f", {counted(checked['records'], 'record')} on topics"
    if found["ok"]:
        console.print(Text(f"Everything was derived again from the log: {counts}, and nothing differs.", style="green"))
    else:
        console.print(Text(f"Of {counts}, {counted(len(found['findings']), 'finding')}:", style="bold red"))
        for finding in found["findings"][:MOST_PAIRS]:
            console.print(f"  {finding['kind']} {finding['subject']}: {finding['detail']}")


def next_commands(played: Played) -> list[str]:
    """What is worth typing after a day or the golden month."""
    cards = [] if played.history is None else [played.history["card_sns"][-1]["card_sn"]]
    cycle = _asked(played.cycle)["cycle"]
    return [
        *(f"onecard {asking} {card_sn}" for card_sn in cards for asking in ("history", "explain")),
        f"onecard clearing table {cycle}",
        f"onecard clearing net {cycle}",
        "onecard accounts --prefix prepayment:",
    ]


def show_next(console: Console, begun: Begun, home: Path, file: Path, worth: Iterable[str]) -> None:
    """Where the data is now and what to type next: every line as it can be pasted."""
    heading(console, "Now you")
    console.print(
        f"The store is in {home}; the next demo starts from an empty one. To look around in it:", soft_wrap=True
    )
    for typed in (
        *(f"unset {name}" for name in begun.unset),
        f"export ONECARD_HOME={quote(str(home))}",
        *(begun.typed(one) for one in worth),
        begun.typed(f"onecard submit {quote(str(file))} {QUIETLY}    # again: {AGAIN}"),
        begun.typed("onecard --help"),
    ):
        console.print(f"  {typed}", soft_wrap=True)
    again = "".join(f"; set {name} again as it was, with the password in it" for name in begun.secret)
    console.print(f"For {'your own store' if begun.home else 'a store of your own'}{again}:")
    for typed in (*begun.back(), begun.typed("onecard submit your-commands.jsonl")):
        console.print(f"  {typed}", soft_wrap=True)


def _asked(found: dict[str, Any] | None) -> dict[str, Any]:
    """A document that a day and the golden month always ask for."""
    assert found is not None
    return found


def _china(instant: str) -> str:
    """An instant of a document as people in China read it."""
    return in_china(instant)[: len("2025-06-30T23:59:50")].replace("T", " ")
