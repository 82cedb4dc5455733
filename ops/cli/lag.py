"""`lag`: how far followers are behind, as a whole or in every partition, and what holds everybody up."""

from typing import Annotated, Any

import typer

from ops.cli.opening import asked, opened
from ops.cli.output import Json, answer, for_people, table, tell
from ops.cli.sources import Source, listed
from ops.wiring import Ledger
from projections.questions import lagging, sources
from projections.questions.brokers import Brokers
from projections.questions.lagging import Account


def lag(
    source: Source = None,
    partitions: Annotated[
        bool, typer.Option("--partitions", help="Also each topic and partition, in events and seconds.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Show how far followers are behind.

    Behind in seconds is the age of the oldest event that a view does not show yet.

    \b
    Example:
      onecard lag --partitions
    """
    with opened() as ledger:
        account = _account(ledger, source, partitions)
        now = ledger.clock()()
    for one in account.hanging:
        tell(f"onecard: {one.advice()}")
    for name, problem in account.problems.items():
        tell(f"onecard: of source {name} Kafka does not tell everything: {problem}")
    found = _document(account, source == sources.ALL)
    if partitions:
        found |= _finer(account, now)
    ages = [one.seconds_behind(now) for one in account.followers]
    return answer(found, as_json, lambda shown: _show(shown, ages, account))


def _account(ledger: Ledger, source: str | None, partitions: bool) -> Account:
    everything = source == sources.ALL
    wanted = None if everything else [asked(ledger, lambda cursor: sources.one(cursor, ledger.source, source))]
    if ledger.settings.kafka_bootstrap is None:
        return asked(ledger, lambda cursor: lagging.of_database(cursor, wanted))
    with Brokers(ledger.access(), ledger.topology) as brokers:
        return lagging.of_topics(lambda question: asked(ledger, question), brokers, wanted, partitions)


def _document(account: Account, national: bool) -> dict[str, Any]:
    """The contract's; with several sources each follower names its own."""
    if national:
        followers = [{"source": one.source, **one.document()} for one in account.followers]
        return {"head_position": account.heads, "followers": followers}
    ((_, head),) = account.heads.items()
    return {"head_position": head, "followers": [one.document() for one in account.followers]}


def _finer(account: Account, now: int) -> dict[str, Any]:
    """Every view in every partition; a view that follows the log has none, and one row."""
    waits = [
        {
            "name": one.name,
            "source": one.source,
            "topic": one.topic,
            "partition": one.partition,
            "position": one.position,
            "last_position": one.last_position,
            "behind": one.behind,
            "exact": one.exact,
            "behind_seconds": one.seconds_behind(now),
        }
        for one in account.waiting
    ]
    waits += [
        {
            "name": one.name,
            "source": one.source,
            "topic": None,
            "partition": None,
            "position": one.position,
            "last_position": account.heads[one.source],
            "behind": one.behind,
            "exact": True,
            "behind_seconds": one.seconds_behind(now),
        }
        for one in account.followers
        if one.feed == lagging.LOG
    ]
    hanging = [
        {
            "transactional_id": one.transactional_id,
            "state": one.state,
            "age_seconds": one.age_seconds,
            "partitions": [{"topic": topic, "partition": number} for topic, number in one.partitions],
        }
        for one in account.hanging
    ]
    return {"partitions": waits, "hanging_transactions": hanging}


def _show(found: dict[str, Any], ages: list[int], account: Account) -> None:
    columns = ("follower", "share", "feed", "position>", "behind>", "seconds>", "running")
    aged = [{**one, "seconds": age} for one, age in zip(found["followers"], ages, strict=True)]
    with for_people() as console:
        console.print(
            listed(
                columns,
                aged,
                lambda one: (
                    one["name"],
                    one["share"],
                    one["feed"],
                    one["position"],
                    one["behind"],
                    one["seconds"],
                    "yes" if one["running"] else "no",
                ),
            )
        )
        for source, head in account.heads.items():
            unsure = ", as far as the views here know" if source in account.problems else ""
            console.print(f"The head of source {source} is at position {head}{unsure}.")
        if "partitions" in found:
            _show_partitions(console, found["partitions"])


def _show_partitions(console: Any, waits: list[dict[str, Any]]) -> None:
    """Only who waits for something: of hundreds of partitions most are quiet."""
    behind = [one for one in waits if one["behind"]]
    if not behind:
        console.print("Nobody is behind in any partition.")
        return
    columns = ("follower", "topic", "partition>", "position>", "last>", "behind>", "seconds>")
    rows = [
        (
            one["name"],
            one["topic"] or f"the log of {one['source']}",
            one["partition"],
            one["position"],
            one["last_position"],
            one["behind"] if one["exact"] else f"~{one['behind']}",
            one["behind_seconds"],
        )
        for one in behind
    ]
    console.print(table(columns, rows))
