"""`topics`: Kafka's topics and rights, as topics.toml declares them."""

from collections import defaultdict
from contextlib import closing
from typing import Annotated, Any

import typer

from ops.cli.explaining import App
from ops.cli.opening import opened, settings_now
from ops.cli.output import Json, answer, counted, for_people, refuse, table, tell
from ops.topics.declared import PREFIX, load_declared
from ops.topics.plan import MADE, Plan, apply_plan, plan_for, profile_for, told, wait_until_settled
from ops.wiring import kafka_access
from projections.kafka.cluster import Cluster
from projections.kafka.reader import Reader
from projections.topics.topology import parse, source_of_relay

EVERY_SOURCE = "all"

topics = App(help="Kafka's topics and rights.", no_args_is_help=True)

Source = Annotated[str | None, typer.Option("--source", metavar="S", help="The source; without it, the store's own.")]
ProfileName = Annotated[
    str | None, typer.Option("--profile", metavar="P", help="laptop or production; found out without it.")
]


@topics.command("plan")
def plan_topics(source: Source = None, profile: ProfileName = None, as_json: Json = False) -> int:
    """Show what apply would do.

    \b
    Example:
      onecard topics plan
    """
    with Opened(source) as work:
        chosen = profile_for(work.declared, profile, work.cluster.nodes())
        plan = plan_for(work.cluster, work.declared, work.source, chosen)
    _tell_of_reaching(plan)
    found = {
        "create": sorted(plan.create),
        "repair": [
            {"name": one.name, "setting": one.setting, "found": one.found, "declared": one.declared}
            for one in plan.repair
        ],
        "grant": told(plan.grant),
        "revoke": told(plan.revoke),
        "unchanged": plan.unchanged,
        "refused": _refused(plan),
    }
    return answer(found, as_json, _show_plan, ok=not plan.refused)


@topics.command("apply")
def apply_topics(source: Source = None, profile: ProfileName = None, as_json: Json = False) -> int:
    """Make topics and rights as they are declared.

    \b
    Example:
      onecard topics apply
    """
    with Opened(source) as work:
        chosen = profile_for(work.declared, profile, work.cluster.nodes())
        plan = plan_for(work.cluster, work.declared, work.source, chosen)
        for done in apply_plan(work.cluster, plan):
            # A program finds what was made in the document, and what was put right nowhere else.
            if not (as_json and done.startswith(MADE)):
                tell(done)
        wait_until_settled(work.cluster, work.declared, work.source, chosen)
    _tell_of_reaching(plan)
    found = {"created": sorted(plan.create), "unchanged": plan.unchanged, "refused": _refused(plan)}
    return answer(found, as_json, _show_applied, ok=not plan.refused)


@topics.command("show")
def show_topics(source: Source = None, as_json: Json = False) -> int:
    """Show the topics and how much is on them.

    \b
    Example:
      onecard topics show --source all
    """
    with Opened(source, every=True) as work, closing(Reader(work.cluster.access)) as reader:
        seen = {name: topic.partitions for name, topic in work.cluster.topics().items() if work.shows(name)}
        parts = [(name, number) for name, partitions in seen.items() for number in range(partitions)]
        first, last = reader.beginning_offsets(parts), reader.stable_ends(parts)
    by_topic = defaultdict(list)
    for part in parts:
        by_topic[part[0]].append((first[part], last[part]))
    found = {"topics": [_shown(name, by_topic[name]) for name in sorted(seen)]}
    return answer(found, as_json, _show_topics)


class Opened:
    """A cluster, what is declared, and the source that is meant, which only a store may know."""

    def __init__(self, source: str | None, *, every: bool = False) -> None:
        settings = settings_now()
        access = kafka_access(settings)
        self.declared = load_declared(settings)
        self.source = source or settings.source or _source_of_store()
        if self.source == EVERY_SOURCE and not every:
            refuse("--source: name one source; each has its own topics.")
        self.cluster = Cluster(access)

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.close()

    def shows(self, topic: str) -> bool:
        family_and_source = parse(topic)
        source = family_and_source[1] if family_and_source else source_of_relay(topic)
        return topic.startswith(PREFIX) and self.source in (source, EVERY_SOURCE)


def _source_of_store() -> str:
    with opened() as ledger:
        return ledger.source


def _tell_of_reaching(plan: Plan) -> None:
    """Neither granted nor taken away by us, so nothing else would show that a wall has a door."""
    for right in told(plan.reaching):
        tell(f"beware: {right}, which reaches our topics too: take it away by Kafka's own tools if that is not meant")


def _refused(plan: Plan) -> list[dict[str, str]]:
    return [{"name": name, "reason": reason} for name, reason in plan.refused]


def _shown(name: str, ranges: list[tuple[int, int]]) -> dict[str, Any]:
    """Of all partitions together: the lowest offset there is, the highest one, and how many lie in between."""
    held = [(first, last) for first, last in ranges if last > first]
    return {
        "name": name,
        "partitions": len(ranges),
        "records": sum(last - first for first, last in held),
        "first_offset": min((first for first, _ in held), default=None),
        "last_offset": max((last - 1 for _, last in held), default=None),
    }


def _show_topics(found: dict[str, Any]) -> None:
    rows = [(one["name"], one["partitions"], one["records"]) for one in found["topics"]]
    with for_people() as console:
        if not rows:
            console.print("There are no topics here yet, or none that this user may see: `onecard topics plan`.")
            return
        console.print(table(("topic", "partitions>", "records>"), rows))
        console.print("Records are offsets in use: each transaction takes one more in every partition that it touched.")


def _show_plan(found: dict[str, Any]) -> None:
    with for_people() as console:
        for name in found["create"]:
            console.print(f"create   {name}")
        for one in found["repair"]:
            console.print(f"repair   {one['name']}: {one['setting']} is {one['found']}, declared {one['declared']}")
        for verb in ("grant", "revoke"):
            for right in found[verb]:
                console.print(f"{verb:8} {right}")
        if not any(found[verb] for verb in ("create", "repair", "grant", "revoke")):
            console.print("Nothing to do.")
        _print_refused(console, found)


def _show_applied(found: dict[str, Any]) -> None:
    with for_people() as console:
        console.print(f"{counted(len(found['created']), 'topic')} created, {len(found['unchanged'])} were as declared.")
        _print_refused(console, found)


def _print_refused(console: Any, found: dict[str, Any]) -> None:
    for one in found["refused"]:
        console.print(f"refused  {one['name']} {one['reason']}")
