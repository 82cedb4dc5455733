"""What a plan says of clusters that are hard to come by: three brokers, no authorizer, promises that are not kept."""

from dataclasses import dataclass, field

import pytest

from ops.problems import EnvironmentProblem
from ops.settings import Settings
from ops.topics import plan
from ops.topics.declared import Declared, load_declared
from ops.topics.plan import apply_plan, plan_for, profile_for, told, wait_until_settled
from projections.kafka.access import BrokerProblem
from projections.kafka.cluster import Right, Topic


@dataclass
class Imagined:
    """A cluster in memory. `deaf`: it accepts everything and does nothing."""

    brokers: int = 1
    deaf: bool = False
    without_authorizer: bool = False
    held: dict[str, Topic] = field(default_factory=dict)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    rights: set[Right] = field(default_factory=set)

    def nodes(self) -> int:
        return self.brokers

    def topics(self) -> dict[str, Topic]:
        return dict(self.held)

    def configs(self, topics: list[str]) -> dict[str, dict[str, str]]:
        return {topic: dict(self.settings[topic]) for topic in topics}

    def create(self, name: str, partitions: int, replication: int, configs: dict[str, str]) -> None:
        if not self.deaf:
            self.held[name] = Topic(name, partitions, replication)
            self.settings[name] = dict(configs)

    def alter_configs(self, topic: str, configs: dict[str, str | None]) -> None:
        if not self.deaf:
            self.settings[topic] |= {name: value for name, value in configs.items() if value is not None}

    def acls(self) -> set[Right]:
        if self.without_authorizer:
            raise BrokerProblem("failed", "Kafka at x failed: SecurityDisabled: no Authorizer is configured.")
        return set(self.rights)

    def create_acls(self, rights: list[Right]) -> None:
        if not self.deaf:
            self.rights |= set(rights)

    def delete_acls(self, rights: list[Right]) -> None:
        if not self.deaf:
            self.rights -= set(rights)


@pytest.fixture
def declared() -> Declared:
    return load_declared(Settings())


def applied(cluster: Imagined, declared: Declared, name: str | None = None) -> None:
    profile = profile_for(declared, name, cluster.nodes())
    list(apply_plan(cluster, plan_for(cluster, declared, "33", profile)))


def test_the_profile_is_productions_where_there_are_brokers_enough_for_it(declared: Declared) -> None:
    production, laptop = declared.profiles["production"], declared.profiles["laptop"]
    assert [profile_for(declared, None, nodes) for nodes in (1, 2, 3, 9)] == [laptop, laptop, production, production]
    assert profile_for(declared, "laptop", 9) is laptop
    with pytest.raises(EnvironmentProblem, match=r"^Profile production keeps 3 replicas, and this Kafka has 2 broker"):
        profile_for(declared, "production", 2)
    with pytest.raises(EnvironmentProblem, match=r"^There is no profile 'lab' in the topics file: laptop, production"):
        profile_for(declared, "lab", 3)


def test_on_three_brokers_every_topic_has_three_replicas_and_needs_two(declared: Declared) -> None:
    cluster = Imagined(brokers=3)
    applied(cluster, declared)
    assert len(cluster.held) == 8
    assert {topic.replication for topic in cluster.held.values()} == {3}
    assert {settings["min.insync.replicas"] for settings in cluster.settings.values()} == {"2"}


def test_topics_of_a_laptop_that_became_a_cluster_are_not_moved_by_us(declared: Declared) -> None:
    cluster = Imagined()
    applied(cluster, declared)
    cluster.brokers = 3
    refused = plan_for(cluster, declared, "33", profile_for(declared, None, 3))
    assert refused.nothing_to_do and len(refused.refused) == 8
    assert all("has 1 replicas and the profile wants 3" in reason for _, reason in refused.refused)


def test_a_cluster_that_keeps_no_rights_is_told_and_gets_its_topics(declared: Declared) -> None:
    cluster = Imagined(without_authorizer=True)
    laptop = declared.profiles["laptop"]
    assert [name for name, _ in plan_for(cluster, declared, "33", laptop).refused] == ["rights"]
    applied(cluster, declared)
    assert len(cluster.held) == 8 and not cluster.rights


def test_any_other_refusal_to_tell_rights_is_not_taken_for_that(
    declared: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Imagined) -> set[Right]:
        raise BrokerProblem("not_allowed", "Kafka at x does not let user y do this.")

    monkeypatch.setattr(Imagined, "acls", refuse)
    with pytest.raises(BrokerProblem, match="does not let user y"):
        plan_for(Imagined(), declared, "33", declared.profiles["laptop"])


def test_what_was_accepted_and_not_done_is_no_success(declared: Declared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "SETTLED_WITHIN", 0)
    cluster = Imagined(deaf=True)
    applied(cluster, declared)
    laptop = declared.profiles["laptop"]
    with pytest.raises(BrokerProblem, match=r"accepted everything and did not do it: onecard\.card\.33\.events\.v1, "):
        wait_until_settled(cluster, declared, "33", laptop)
    cluster.deaf = False
    applied(cluster, declared)
    wait_until_settled(cluster, declared, "33", laptop)


def test_rights_on_everything_or_on_a_shorter_prefix_are_told_and_left_to_those_who_gave_them(
    declared: Declared,
) -> None:
    doors = {
        Right("User:backup", "READ", "TOPIC", "*"),
        Right("User:odd", "WRITE", "TOPIC", "onecard", "PREFIXED"),
        Right("User:odd", "WRITE", "TRANSACTIONAL_ID", "onecard-relay-3", "PREFIXED"),
        Right("User:root", "ALL", "TRANSACTIONAL_ID", "*"),
    }
    walls = {
        Right("User:backup", "READ", "TOPIC", "*", permission="DENY"),
        Right("User:other", "READ", "TOPIC", "onecards", "PREFIXED"),
        Right("User:other", "READ", "TOPIC", "elsewhere"),
        Right("User:watch", "DESCRIBE", "TOPIC", "*"),
        Right("User:watch", "READ", "GROUP", "*"),
    }
    cluster = Imagined(rights=doors | walls)
    applied(cluster, declared)
    assert doors | walls <= cluster.rights
    plan = plan_for(cluster, declared, "33", profile_for(declared, None, 1))
    assert plan.reaching == sorted(doors) and plan.nothing_to_do and not plan.refused


def test_rights_are_told_a_line_for_each_thing() -> None:
    rights = [
        Right("User:a", "WRITE", "TOPIC", "t"),
        Right("User:a", "READ", "TOPIC", "t"),
        Right("User:b", "READ", "GROUP", "b.", "PREFIXED"),
        Right("User:c", "READ", "TOPIC", "t", permission="DENY"),
    ]
    assert told(rights) == ["a may READ, WRITE topic t", "b may READ group b.*", "c MAY NOT READ topic t"]
