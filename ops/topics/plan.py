"""How a Kafka differs from what is declared, and making it so. Planning and applying see the same differences.

What would lose or mix up history is refused and left for a person: a topic with another number of partitions or
copies, and a topic whose name begins as ours do and is none of ours.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ops.problems import EnvironmentProblem
from ops.topics.declared import PREFIX, Declared, Profile, Wanted
from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Right, Topic
from projections.topics.topology import parse, source_of_relay, transactional_id

LAPTOP, PRODUCTION = "laptop", "production"
# What was accepted is seen by every broker after a moment.
SETTLED_WITHIN = 10
NO_RIGHTS = "rights"
CREATED, GRANTED = "created", "granted"
MADE = (CREATED, GRANTED)


class Kafka(Protocol):
    """What is asked of a cluster and done to it."""

    def nodes(self) -> int: ...
    def topics(self) -> dict[str, Topic]: ...
    def configs(self, topics: list[str]) -> dict[str, dict[str, str]]: ...
    def create(self, name: str, partitions: int, replication: int, configs: dict[str, str]) -> None: ...
    def alter_configs(self, topic: str, configs: dict[str, str | None]) -> None: ...
    def acls(self) -> set[Right]: ...
    def create_acls(self, rights: list[Right]) -> None: ...
    def delete_acls(self, rights: list[Right]) -> None: ...


@dataclass(frozen=True, order=True)
class Repair:
    """A setting of a topic that is not as declared."""

    name: str
    setting: str
    found: str | None
    declared: str


@dataclass
class Plan:
    """Every difference. Nothing in `refused` is touched."""

    create: dict[str, Wanted] = field(default_factory=dict)
    repair: list[Repair] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    grant: list[Right] = field(default_factory=list)
    revoke: list[Right] = field(default_factory=list)
    # Rights that reach our topics although they are not about them: others' to give, and ours to tell of.
    reaching: list[Right] = field(default_factory=list)

    @property
    def nothing_to_do(self) -> bool:
        return not (self.create or self.repair or self.grant or self.revoke)


def profile_for(declared: Declared, name: str | None, nodes: int) -> Profile:
    """The profile of that name; without one, production's where there are brokers enough for it."""
    if name is None:
        production = declared.profiles.get(PRODUCTION)
        name = PRODUCTION if production and nodes >= production.replication_factor else LAPTOP
    profile = declared.profiles.get(name)
    if profile is None:
        raise EnvironmentProblem(f"There is no profile {name!r} in the topics file: {', '.join(declared.profiles)}.")
    if nodes < profile.replication_factor:
        raise EnvironmentProblem(
            f"Profile {name} keeps {profile.replication_factor} replicas, and this Kafka has {_many(nodes, 'broker')}: "
            "start more of them, or choose another --profile."
        )
    return profile


def plan_for(kafka: Kafka, declared: Declared, source: str, profile: Profile) -> Plan:
    """How this Kafka differs, as far as one source is concerned and what all of them share."""
    found, plan = kafka.topics(), Plan()
    wanted = declared.topics(source, profile)
    refusals = {name: reason for name, topic in wanted.items() if (reason := _unlike(topic, found.get(name)))}
    plan.create = {name: topic for name, topic in wanted.items() if name not in found}
    configs = kafka.configs([name for name in wanted if name in found and name not in refusals])
    for name in sorted(configs):
        repairs = _repairs(name, wanted[name], configs[name])
        plan.repair += repairs
        if not repairs:
            plan.unchanged.append(name)
    plan.refused = sorted([*refusals.items(), *_drifted(found, declared)])
    granted = _granted(kafka)
    if granted is None:
        reason = (
            "this Kafka keeps no rights (authorizer.class.name is not set): everybody may read and write everything"
        )
        plan.refused.append((NO_RIGHTS, reason))
    else:
        ours = declared.rights_of(source)
        plan.grant = sorted(ours - granted)
        plan.revoke = sorted(right for right in granted - ours if _is_about(right, declared, source))
        names = [*wanted, transactional_id(source)]
        plan.reaching = sorted(right for right in granted - ours - set(plan.revoke) if _reaches(right, names))
    return plan


def _many(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def apply_plan(kafka: Kafka, plan: Plan) -> Iterator[str]:
    """Do what is planned; gives a sentence for each thing done. Rights come first: no topic is open while it is new."""
    kafka.delete_acls(plan.revoke)
    yield from (f"taken away: {right}" for right in told(plan.revoke))
    kafka.create_acls(plan.grant)
    yield from (f"{GRANTED}: {right}" for right in told(plan.grant))
    for name, topic in plan.create.items():
        kafka.create(name, topic.partitions, topic.replication, topic.configs)
        yield f"{CREATED}: {name}, {_many(topic.partitions, 'partition')}, {_many(topic.replication, 'replica')}"
    for repair in plan.repair:
        kafka.alter_configs(repair.name, {repair.setting: repair.declared})
        yield f"repaired: {repair.name}: {repair.setting} was {repair.found}, is {repair.declared}"


def wait_until_settled(kafka: Kafka, declared: Declared, source: str, profile: Profile) -> None:
    """Look again: a BrokerProblem if what was accepted has not come true."""
    until = time.monotonic() + SETTLED_WITHIN
    while not (rest := plan_for(kafka, declared, source, profile)).nothing_to_do:
        if time.monotonic() > until:
            names = [*rest.create, *(repair.name for repair in rest.repair), *told(rest.grant), *told(rest.revoke)]
            raise BrokerProblem("failed", f"Kafka accepted everything and did not do it: {', '.join(names)}.")
        time.sleep(0.1)


def told(rights: Iterable[Right]) -> list[str]:
    """Rights in words: who may do what to what, a line for each thing."""
    operations: dict[str, list[str]] = {}
    for right in sorted(rights):
        verb = "may" if right.permission == "ALLOW" else "MAY NOT"
        who = f"{right.principal.removeprefix('User:')} {verb}"
        what = f"{right.resource.lower()} {right.name}" + ("*" if right.pattern == "PREFIXED" else "")
        operations.setdefault(f"{who} % {what}", []).append(right.operation)
    return [line.replace("%", ", ".join(done), 1) for line, done in operations.items()]


def _unlike(wanted: Wanted, found: Topic | None) -> str | None:
    """What about an existing topic cannot be put right without moving data."""
    if found is None:
        return None
    if found.partitions != wanted.partitions:
        return (
            f"has {_many(found.partitions, 'partition')} and is declared with {wanted.partitions}: the number is fixed "
            "for life, since with another one a card's events would lie in two partitions; restore the declaration"
        )
    if found.replication != wanted.replication:
        return (
            f"has {found.replication} replicas and the profile wants {wanted.replication}: change that by Kafka's own "
            "kafka-reassign-partitions, or choose the right --profile"
        )
    return None


def _repairs(name: str, wanted: Wanted, found: dict[str, str]) -> list[Repair]:
    return [
        Repair(name, setting, found.get(setting), value)
        for setting, value in sorted(wanted.configs.items())
        if found.get(setting) != value
    ]


def _drifted(found: dict[str, Topic], declared: Declared) -> Iterator[tuple[str, str]]:
    """Topics under our prefix that are nobody's."""
    for name in found:
        ours = parse(name) is not None or source_of_relay(name) is not None
        if name.startswith(PREFIX) and not ours and name not in declared.others:
            yield name, "is no topic of a ledger: delete it, or name it among `others` in the topics file"


def _granted(kafka: Kafka) -> set[Right] | None:
    """The rights that this Kafka has; None if it keeps none."""
    try:
        return kafka.acls()
    except BrokerProblem as problem:
        if "SecurityDisabled" in str(problem):
            return None
        raise


def _reaches(right: Right, names: Iterable[str]) -> bool:
    """Whether it lets somebody read or write these by naming everything, or the beginning of their names."""
    if right.resource not in ("TOPIC", "TRANSACTIONAL_ID") or right.permission != "ALLOW":
        return False
    if right.operation in ("DESCRIBE", "DESCRIBE_CONFIGS"):
        return False
    if right.pattern == "LITERAL":
        return right.name == "*"
    return right.pattern == "PREFIXED" and any(name.startswith(right.name) for name in names)


def _is_about(right: Right, declared: Declared, source: str) -> bool:
    """Whether a right is ours to take away: on this source's own topics, or a reader's on the topics of all."""
    if right.resource == "TRANSACTIONAL_ID":
        return (right.pattern, right.name) in (
            ("LITERAL", transactional_id(source)),
            ("PREFIXED", transactional_id("")),
        )
    if right.resource == "GROUP":
        names = {f"{reader}." for reader in declared.rights.readers}
        return right.pattern == "PREFIXED" and right.name in names
    if right.resource != "TOPIC":
        return False
    if right.pattern == "LITERAL":
        return right.name in (*declared.topology.all_events(source), declared.topology.relay(source))
    return right.pattern == "PREFIXED" and right.name.startswith(PREFIX)
