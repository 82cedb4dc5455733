"""Cluster: topics, their settings, rights, users and transactions, with every answer looked at.

Several of the client's calls report failures inside their results instead of raising them, so that a right that was
never granted looks applied. Here a call either did what it says or raises a BrokerProblem.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from kafka import errors
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)

from projections.kafka import inside
from projections.kafka.access import Access, BrokerProblem, not_allowed, topic_unknown, translated

Answer = TypeVar("Answer")
_LOOK_SECONDS = 1 / 50


@dataclass(frozen=True, order=True)
class Topic:
    """A topic as the brokers have it. `replication` is that of its least replicated partition."""

    name: str
    partitions: int
    replication: int


@dataclass(frozen=True, order=True)
class Right:
    """That a principal may do something to resources of a name or a prefix. Words are Kafka's own, in capitals."""

    principal: str
    operation: str
    resource: str
    name: str
    pattern: str = "LITERAL"
    permission: str = "ALLOW"
    host: str = "*"


class Cluster:
    """One administrator's connection."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._admin: Any = access.opened(KafkaAdminClient)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._admin.close()

    def nodes(self) -> int:
        """How many brokers there are."""
        return len(self._asked(self._admin.describe_cluster)["brokers"])

    def topics(self) -> dict[str, Topic]:
        """Every topic we may see, but not the brokers' own."""
        return {
            topic["name"]: Topic(
                topic["name"],
                len(topic["partitions"]),
                min((len(partition["replica_nodes"]) for partition in topic["partitions"]), default=0),
            )
            for topic in self._asked(self._admin.describe_topics)
            if not topic["is_internal"] and not topic["error_code"]
        }

    def require(self, topics: Iterable[str]) -> dict[str, int]:
        """The topics' numbers of partitions; a BrokerProblem if one is missing or not for us to see."""
        seen = self._asked(lambda: inside.partitions(self._admin, topics))
        for topic, found in seen.items():
            if isinstance(found, errors.UnknownTopicOrPartitionError):
                raise topic_unknown(self.access, topic)
            if isinstance(found, errors.TopicAuthorizationFailedError):
                raise not_allowed(self.access, topic)
            if isinstance(found, Exception):
                raise self._problem(found)
        return {topic: found for topic, found in seen.items() if isinstance(found, int)}

    def configs(self, topics: Iterable[str]) -> dict[str, dict[str, str]]:
        """Every setting of each topic that has a value, the brokers' defaults included."""
        wanted = sorted(set(topics))
        if not wanted:
            return {}
        self.require(wanted)
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in wanted]
        found = self._asked(lambda: self._admin.describe_configs(resources, config_filter="all")).get("topic", {})
        for topic in wanted:
            if not found.get(topic):
                raise not_allowed(self.access, topic)
        return {
            topic: {name: entry["value"] for name, entry in found[topic].items() if entry["value"] is not None}
            for topic in wanted
        }

    def create(self, name: str, partitions: int, replication: int, configs: Mapping[str, str]) -> None:
        """Make a topic and wait until each of its partitions has a leader."""
        wanted = {name: {"num_partitions": partitions, "replication_factor": replication, "configs": dict(configs)}}
        self._asked(lambda: self._admin.create_topics(wanted))
        self._asked(lambda: self._admin.wait_for_topics([name]))

    def delete(self, topics: Iterable[str]) -> None:
        """Delete topics, with all that was published on them."""
        wanted = sorted(set(topics))
        if wanted:
            self._asked(lambda: self._admin.delete_topics(wanted))

    def alter_configs(self, topic: str, configs: Mapping[str, str | None]) -> None:
        """Set these settings of a topic and leave the others; None takes one back to the brokers' default."""
        entries = {name: ("DELETE", None) if value is None else ("SET", value) for name, value in configs.items()}
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, entries)
        # Not checked by the client, which takes settings that it may not see for settings that there are none of.
        answer = self._asked(lambda: self._admin.alter_configs([resource], raise_on_unknown=False))
        result = answer.get("topic", {}).get(topic, "no answer")
        if errors.TopicAuthorizationFailedError.__name__ in result:
            raise not_allowed(self.access, topic)
        if result != "OK":
            raise BrokerProblem("failed", f"Kafka at {self.access.bootstrap} does not set {topic}: {result}.")

    def acls(self) -> set[Right]:
        """Every right that is granted or denied."""
        found, error = self._asked(lambda: self._admin.describe_acls(_everything()))
        self._check(error)
        return {_right(acl) for acl in found}

    def create_acls(self, rights: Iterable[Right]) -> None:
        """Grant or deny, and wait until it is in force with the broker that is asked."""
        wanted = set(rights)
        if not wanted:
            return
        answer = self._asked(lambda: self._admin.create_acls([_acl(right) for right in sorted(wanted)]))
        for error in answer["failed"]:
            self._check(error)
        if len(answer["succeeded"]) != len(wanted):
            raise BrokerProblem(
                "failed",
                f"Kafka at {self.access.bootstrap} granted {len(answer['succeeded'])} of {len(wanted)} rights.",
            )
        self._wait_until(lambda: wanted <= self.acls(), "the rights that were granted")

    def delete_acls(self, rights: Iterable[Right]) -> None:
        """Take rights away, and wait until they are out of force with the broker that is asked."""
        wanted = set(rights)
        if not wanted:
            return
        filters = [_filter(right) for right in sorted(wanted)]
        for _, matching, error in self._asked(lambda: self._admin.delete_acls(filters)):
            self._check(error)
            if not matching:
                raise BrokerProblem("failed", f"Kafka at {self.access.bootstrap} has not the right to be taken away.")
        self._wait_until(lambda: not wanted & self.acls(), "that the rights were taken away")

    def users(self) -> list[str]:
        """The users who log in by SCRAM-SHA-512."""
        found = self._asked(self._admin.describe_user_scram_credentials)
        for user, entry in found.items():
            if entry["error"]:
                raise BrokerProblem("failed", f"Kafka at {self.access.bootstrap} on user {user}: {entry['error']}.")
        return sorted(
            user
            for user, entry in found.items()
            if any(info["mechanism"].name == "SCRAM_SHA_512" for info in entry["credential_infos"])
        )

    def set_password(self, user: str, password: str) -> None:
        """Make a user, or give an existing one another password."""
        change = UserScramCredentialUpsertion(user, "SCRAM-SHA-512", password)
        said = self._asked(lambda: self._admin.alter_user_scram_credentials([change])).get(user, "no answer")
        if said is not None:
            # A missing right comes without its code, in words about the broker's inside.
            known = errors.ClusterAuthorizationFailedError() if "permission" in said else errors.KafkaError(said)
            raise self._problem(known)
        self._wait_until(lambda: user in self.users(), f"user {user}")

    def hanging_transactions(self, longest_ms: int) -> list[dict[str, Any]]:
        """Transactions older than any may be, with their age, the oldest first: they hold up every reader of committed
        records on their partitions."""
        # The client adds five minutes to what it is given.
        limit = longest_ms - 5 * 60 * 1000
        found = self._asked(lambda: self._admin.find_hanging_transactions(max_transaction_timeout_ms=limit))
        return sorted(found, key=lambda transaction: -transaction["age_ms"])

    def _wait_until(self, is_seen: Callable[[], bool], what: str) -> None:
        """The controller answers first; a broker hears of it a moment later, and acts as before until then."""
        until = time.monotonic_ns() + self.access.reaching_ms * 1_000_000
        while not is_seen():
            if time.monotonic_ns() > until:
                raise BrokerProblem(
                    "failed", f"Kafka at {self.access.bootstrap} does not show {what} yet: run the same again later."
                )
            time.sleep(_LOOK_SECONDS)

    def _asked(self, call: Callable[[], Answer]) -> Answer:
        try:
            return call()
        except Exception as error:
            raise self._problem(error) from error

    def _check(self, error: Any) -> None:
        if error is not errors.NoError and error is not None:
            raise self._problem(error() if isinstance(error, type) else error)

    def _problem(self, error: BaseException) -> BrokerProblem:
        return translated(error, self.access, self._admin.config["kafka_client"].failure)


def _acl(right: Right) -> ACL:
    return ACL(
        principal=right.principal,
        host=right.host,
        operation=ACLOperation[right.operation],
        permission_type=ACLPermissionType[right.permission],
        resource_pattern=ResourcePattern(
            ResourceType[right.resource], right.name, ACLResourcePatternType[right.pattern]
        ),
    )


def _filter(right: Right) -> ACLFilter:
    acl = _acl(right)
    pattern = acl.resource_pattern
    return ACLFilter(
        acl.principal,
        acl.host,
        acl.operation,
        acl.permission_type,
        ResourcePatternFilter(pattern.resource_type, pattern.resource_name, pattern.pattern_type),
    )


def _everything() -> ACLFilter:
    return ACLFilter(
        None,
        None,
        ACLOperation.ANY,
        ACLPermissionType.ANY,
        ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
    )


def _right(acl: ACL) -> Right:
    pattern = acl.resource_pattern
    return Right(
        acl.principal,
        acl.operation.name,
        pattern.resource_type.name,
        pattern.resource_name,
        pattern.pattern_type.name,
        acl.permission_type.name,
        acl.host,
    )
