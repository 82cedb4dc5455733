"""How the brokers are reached, and how their refusals are told: one sentence, with a code, never a password.

The client's own errors name neither a setting nor a remedy, hide a wrong password behind a timeout and wrap a fenced
producer in a plain error. `translated` looks for the cause and says it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from kafka import errors

from projections.kafka.inside import Door

# Whatever fails is told within ten seconds: connecting, asking and delivering each end before that.
LIMIT_MS = 8_000
_REQUEST_MS = 5_000
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]+)(:\d{1,5})?")

Client = TypeVar("Client")


class BrokerProblem(Exception):
    """Kafka does not do what it must; the message says what to do about it.

    `code` is one of unreachable, login_refused, not_allowed, topic_unknown, fenced, timed_out, failed.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Fenced(BrokerProblem):
    """Another publisher has taken over; this one must stop and must not come back by itself."""

    def __init__(self, message: str) -> None:
        super().__init__("fenced", message)


class _Hidden(str):
    """A password that shows itself to nobody who prints the client's configuration."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return "***"


@dataclass(frozen=True)
class Access:
    """Where Kafka is and who we are to it. `reaching_ms`: how long connecting may take."""

    bootstrap: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    client_id: str = "onecard"
    reaching_ms: int = LIMIT_MS

    def settings(self) -> dict[str, Any]:
        """What every client of ours is made with."""
        secured = "SSL" if self.ca_file else "PLAINTEXT"
        settings: dict[str, Any] = {
            "bootstrap_servers": self._servers(),
            "client_id": self.client_id,
            "security_protocol": f"SASL_{secured}" if self.user else secured,
            "bootstrap_timeout_ms": self.reaching_ms,
            "request_timeout_ms": _REQUEST_MS,
            "reconnect_backoff_ms": 50,
            "reconnect_backoff_max_ms": 1_000,
            "kafka_client": Door(),
        }
        if self.ca_file:
            settings["ssl_cafile"] = str(self.ca_file)
        if self.user:
            settings |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.user,
                "sasl_plain_password": _Hidden(self.password or ""),
            }
        return settings

    def _servers(self) -> list[str]:
        servers = [server.strip() for server in self.bootstrap.split(",") if server.strip()]
        if not servers or not all(map(_SERVER.fullmatch, servers)):
            raise BrokerProblem(
                "unreachable", f"ONECARD_KAFKA_BOOTSTRAP is {self.bootstrap!r}: name brokers as host:port,host:port."
            )
        return servers

    def opened(self, make: Callable[..., Client], **more: Any) -> Client:
        """A client of the given kind, connected; else a BrokerProblem, with nothing left running."""
        settings = self.settings()
        door: Door = settings["kafka_client"]
        try:
            return make(**settings, **more)
        except Exception as error:
            door.shut()
            raise translated(error, self, door.failure) from error


def translated(error: BaseException, access: Access, reason: BaseException | None = None) -> BrokerProblem:
    """The client's error as ours. `reason`: why connecting failed, where the client only says that time is over."""
    if isinstance(error, BrokerProblem):
        return error
    cause = _cause(error)
    place = f"Kafka at {access.bootstrap}"
    user = f"user {access.user}" if access.user else "a client without a user"
    if _is_login(cause) or (
        isinstance(cause, errors.KafkaTimeoutError | errors.KafkaConnectionError) and _is_login(reason)
    ):
        return BrokerProblem(
            "login_refused",
            f"{place} refuses the login of {user}: check ONECARD_KAFKA_USER and the password in "
            "ONECARD_KAFKA_PASSWORD_FILE.",
        )
    if isinstance(cause, errors.ProducerFencedError | errors.InvalidProducerEpochError):
        return Fenced(
            f"{place} has given this publisher's place to another one (or it stood still for longer than a transaction "
            "may last): see which one is running, and start only one."
        )
    if isinstance(cause, errors.AuthorizationError):
        return BrokerProblem("not_allowed", f"{place} does not let {user} do this: {_missing_right(cause)}.")
    if isinstance(cause, errors.UnknownTopicOrPartitionError | errors.UnknownTopicIdError):
        return BrokerProblem(
            "topic_unknown",
            f"{place} has no topic {_subject(cause) or 'of that name'}: run `onecard topics apply` for the store that "
            "publishes there.",
        )
    if _is_unreachable(cause) or (reason is not None and isinstance(cause, errors.RetriableError)):
        why = _text(reason or cause)
        return BrokerProblem(
            "unreachable",
            f"No answer from {place} ({why}): check ONECARD_KAFKA_BOOTSTRAP, that the brokers run, and whether they "
            f"want a login or TLS (ONECARD_KAFKA_USER, ONECARD_KAFKA_CA_FILE).",
        )
    if isinstance(cause, errors.KafkaTimeoutError | errors.RequestTimedOutError):
        return BrokerProblem("timed_out", f"{place} took too long ({_text(cause)}): look at the brokers, then repeat.")
    return BrokerProblem("failed", f"{place} failed: {_text(cause)}.")


def topic_unknown(access: Access, topic: str) -> BrokerProblem:
    return translated(errors.UnknownTopicOrPartitionError(topic), access)


def not_allowed(access: Access, topic: str) -> BrokerProblem:
    return translated(errors.TopicAuthorizationFailedError({topic}), access)


def _cause(error: BaseException) -> BaseException:
    """The error that others were wrapped around: as their argument, as what they were raised from, or in words."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = next((part for part in error.args if isinstance(part, BaseException)), None) or error.__cause__
        if inner is None:
            break
        error = inner
    if type(error) in (errors.KafkaError, errors.IllegalStateError):
        for name in re.findall(r"\w+Error\b", str(error)):
            kind = getattr(errors, name, None)
            if isinstance(kind, type) and kind is not errors.KafkaError:
                about_topics = issubclass(kind, errors.AuthorizationError | errors.UnknownTopicOrPartitionError)
                return cast(BaseException, kind() if about_topics else kind(str(error)))
    return error


def _is_unreachable(error: BaseException) -> bool:
    return "bootstrap" in str(error) or isinstance(
        error, errors.KafkaConnectionError | errors.NodeNotReadyError | errors.StaleMetadata | OSError
    )


def _is_login(error: BaseException | None) -> bool:
    return isinstance(
        error,
        errors.SaslAuthenticationFailedError | errors.UnsupportedSaslMechanismError | errors.IllegalSaslStateError,
    )


def _missing_right(cause: BaseException) -> str:
    remedy = "rights are in ops/topics.toml and granted by `onecard topics apply`"
    if isinstance(cause, errors.TopicAuthorizationFailedError):
        return f"a right on {_subject(cause) or 'a topic'} is missing; {remedy}"
    if isinstance(cause, errors.TransactionalIdAuthorizationFailedError):
        return f"the right to write under this transactional id is missing; {remedy}"
    if isinstance(cause, errors.ClusterAuthorizationFailedError):
        return f"the right to write is missing; {remedy}"
    return f"{type(cause).__name__.removesuffix('Error')}; {remedy}"


def _subject(cause: BaseException) -> str:
    """The topics an error is about, if it says."""
    for part in cause.args:
        if isinstance(part, str):
            return part
        if isinstance(part, list | tuple | set | frozenset):
            return ", ".join(sorted(str(name) for name in part))
    return ""


def _text(error: BaseException | None) -> str:
    name = type(error).__name__.removesuffix("Error")
    said = " ".join(str(error).split())
    said = said.removeprefix(f"{type(error).__name__}: ")
    return f"{name}: {said[:300]}" if said and said != "None" else name
