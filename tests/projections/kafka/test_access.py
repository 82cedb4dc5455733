"""Every way of not getting in ends within ten seconds in one sentence that names the setting, never the password."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kafka import errors

from projections.kafka.access import LIMIT_MS, Access, BrokerProblem, Fenced, translated
from projections.kafka.cluster import Cluster
from projections.kafka.publisher import Publisher
from projections.kafka.reader import Reader
from tests.fix_kafka import Kafka

CLIENTS: list[Callable[[Access], Any]] = [Reader, Cluster, lambda access: Publisher(access, "onecard-test-door").open()]
NAMES = ["reader", "cluster", "publisher"]
# How long to try brokers that will not let us in however long we try.
BRIEFLY_MS = 1_000


def refused(act: Callable[[], Any]) -> BrokerProblem:
    """The problem that an act ends in, within ten seconds and with no thread left behind."""
    threads = set(threading.enumerate())
    began = time.monotonic()
    with pytest.raises(BrokerProblem) as caught:
        act()
    assert time.monotonic() - began < 10
    deadline = time.monotonic() + 5
    while left := {thread for thread in threading.enumerate() if thread.is_alive()} - threads:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("client", CLIENTS, ids=NAMES)
def test_a_wrong_password_is_a_refused_login(kafka: Kafka, client: Callable[[Access], Any]) -> None:
    access = replace(kafka.access("onecard-reader-k1"), password="not the password")

    problem = refused(lambda: client(access))

    assert problem.code == "login_refused"
    assert "ONECARD_KAFKA_PASSWORD_FILE" in str(problem) and "onecard-reader-k1" in str(problem)
    assert "not the password" not in str(problem)


def test_a_user_whom_nobody_made_is_a_refused_login(kafka: Kafka) -> None:
    access = replace(kafka.access("onecard-reader-k1"), user="nobody")

    assert refused(lambda: Reader(access)).code == "login_refused"


@pytest.mark.parametrize("client", CLIENTS, ids=NAMES)
def test_a_port_where_nobody_listens_is_unreachable_and_says_why(client: Callable[[Access], Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    problem = refused(lambda: client(Access(f"127.0.0.1:{port}", reaching_ms=BRIEFLY_MS)))

    assert problem.code == "unreachable"
    assert f"127.0.0.1:{port}" in str(problem) and "ONECARD_KAFKA_BOOTSTRAP" in str(problem)
    assert "ECONNREFUSED" in str(problem)


@pytest.mark.slow
def test_a_server_that_accepts_and_says_nothing_is_unreachable_within_the_products_own_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        problem = refused(lambda: Reader(Access(f"127.0.0.1:{server.getsockname()[1]}")))

    assert problem.code == "unreachable"


@pytest.mark.slow
def test_why_connecting_failed_is_told_even_when_the_last_attempt_only_ran_out_of_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    silent: list[socket.socket] = []
    later = threading.Timer(1, lambda: silent.append(socket.create_server(address)))
    later.start()
    problem = refused(lambda: Reader(Access(f"127.0.0.1:{address[1]}", reaching_ms=3 * BRIEFLY_MS)))
    later.join()
    silent.pop().close()

    assert problem.code == "unreachable" and "ECONNREFUSED" in str(problem)


def test_every_client_tries_for_less_than_ten_seconds_unless_told_otherwise() -> None:
    assert Access("there:9092").settings()["bootstrap_timeout_ms"] == LIMIT_MS < 10_000
    assert Access("there:9092", reaching_ms=BRIEFLY_MS).settings()["bootstrap_timeout_ms"] == BRIEFLY_MS


def test_a_name_that_resolves_to_nothing_is_unreachable() -> None:
    problem = refused(lambda: Reader(Access("no-such-broker.invalid:9092", reaching_ms=BRIEFLY_MS)))

    assert problem.code == "unreachable"


@pytest.mark.parametrize("bootstrap", ["", ",", "host:port", "a b:9092", "http://there:9092", "::1"])
def test_a_bootstrap_that_names_no_brokers_is_told_at_once(bootstrap: str) -> None:
    problem = refused(lambda: Reader(Access(bootstrap)))

    assert problem.code == "unreachable" and "ONECARD_KAFKA_BOOTSTRAP" in str(problem) and "host:port" in str(problem)


def test_brokers_are_named_by_host_and_port_or_host_alone() -> None:
    assert Access("one:9092, [::1]:9093,two").settings()["bootstrap_servers"] == ["one:9092", "[::1]:9093", "two"]


def test_a_client_without_a_user_is_told_that_a_login_may_be_wanted(kafka: Kafka) -> None:
    access = replace(kafka.access("onecard-reader-k1"), user=None, password=None, reaching_ms=BRIEFLY_MS)

    problem = refused(lambda: Reader(access))

    assert problem.code == "unreachable" and "ONECARD_KAFKA_USER" in str(problem)


def test_tls_towards_a_listener_without_it_is_unreachable_and_names_the_ca_file(kafka: Kafka, tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"

    problem = refused(lambda: Reader(replace(kafka.access(), ca_file=missing, reaching_ms=BRIEFLY_MS)))

    assert problem.code == "unreachable" and "ONECARD_KAFKA_CA_FILE" in str(problem)


def test_the_password_shows_nowhere_even_when_all_is_logged(kafka: Kafka, caplog: pytest.LogCaptureFixture) -> None:
    access = kafka.access("onecard-reader-k1")
    assert access.password
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="kafka")

    Cluster(access).close()
    Reader(access).close()
    with pytest.raises(BrokerProblem):
        Publisher(access, "not-for-this-user").open()

    assert "Starting KafkaAdminClient with configuration" in caplog.text
    assert access.password not in caplog.text
    assert access.password not in repr(access) + repr(access.settings()) + str(access.settings())
    assert "{sasl_plain_password}".format(**access.settings()) == "***"


def test_the_client_says_nothing_below_info_and_prints_nothing_by_itself() -> None:
    assert logging.getLogger("kafka").getEffectiveLevel() >= logging.INFO
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("kafka").handlers)


def test_brokers_are_asked_for_their_version_and_several_may_be_named() -> None:
    settings = Access("one:9092, two:9093,").settings()

    assert settings["bootstrap_servers"] == ["one:9092", "two:9093"]
    assert "api_version" not in settings


def test_the_checksums_are_computed_by_compiled_code() -> None:
    from kafka.record import util

    assert util._crc32c is util.crc32c_c is not None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.KafkaError("Cannot perform send because …", errors.ProducerFencedError()), "fenced"),
        (errors.InvalidProducerEpochError(), "fenced"),
        (errors.KafkaError("Cannot perform send because …", errors.ClusterAuthorizationFailedError()), "not_allowed"),
        (errors.TransactionalIdAuthorizationFailedError(), "not_allowed"),
        (errors.UnknownTopicOrPartitionError("t"), "topic_unknown"),
        (errors.NodeNotReadyError(1), "unreachable"),
        (errors.KafkaTimeoutError("flush"), "timed_out"),
        (errors.PolicyViolationError("no"), "failed"),
        (RuntimeError("what nobody thought of"), "failed"),
    ],
)
def test_the_clients_errors_get_the_code_of_their_cause(error: Exception, code: str) -> None:
    problem = translated(error, Access("there:9092", "somebody"))

    assert problem.code == code
    assert isinstance(problem, Fenced) == (code == "fenced")
    assert "there:9092" in str(problem) and str(problem).endswith(".")


def test_a_timeout_is_told_with_the_reason_why_connecting_failed() -> None:
    reason = errors.KafkaConnectionError("111 ECONNREFUSED")

    problem = translated(errors.KafkaTimeoutError("flush"), Access("there:9092"), reason)

    assert problem.code == "unreachable" and "ECONNREFUSED" in str(problem)


def test_a_problem_of_ours_stays_what_it_is() -> None:
    problem = BrokerProblem("topic_unknown", "said already")

    assert translated(problem, Access("there:9092")) is problem
