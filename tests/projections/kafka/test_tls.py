"""A listener as production has it: TLS with an authority of one's own, and users who log in by password."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ops.kafka import broker
from ops.kafka.properties import Ports, server_properties
from projections.kafka.access import Access, BrokerProblem
from projections.kafka.cluster import Cluster
from projections.kafka.publisher import Publisher
from projections.kafka.reader import Reader
from tests.fix_kafka import Kafka
from tests.projections.kafka.book import publish, values

pytestmark = pytest.mark.slow

TOPIC = "onecard.card.tls.events.v1"
# How long to try a broker that will not let us in however long we try: the product's own limit is tested elsewhere.
BRIEFLY_MS = 2_000


def make_certificate(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that is its own authority, in one PEM file; the certificate beside it."""
    key, certificate = folder / "key.pem", folder / "ca.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    both = folder / "both.pem"
    both.write_text(key.read_text("ascii") + certificate.read_text("ascii"), "ascii")
    return certificate


@pytest.fixture
def secured(own_broker: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Kafka, Path]:
    """A broker whose clients' listener speaks TLS, and its authority's certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("NO OPENSSL, TLS NOT TESTED: its command makes the certificate")
    certificate = make_certificate(tmp_path)
    own_broker.access("onecard-admin-k1")
    assert own_broker.broker is not None
    own_broker.broker.stop(lambda _: None)

    def with_tls(ports: Ports, data: str) -> dict[str, str]:
        made = server_properties(ports, data)
        protocols = "listener.security.protocol.map"
        return made | {
            protocols: made[protocols].replace("CLIENTS:SASL_PLAINTEXT", "CLIENTS:SASL_SSL"),
            "super.users": f"User:onecard-admin-k1;{made['super.users']}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(tmp_path / "both.pem"),
        }

    monkeypatch.setattr(broker, "server_properties", with_tls)
    own_broker.revive()
    return own_broker, certificate


def test_tls_with_a_password_lets_in_and_a_wrong_authority_or_password_does_not(
    secured: tuple[Kafka, Path], tmp_path: Path
) -> None:
    kafka, certificate = secured
    access: Access = replace(kafka.access("onecard-admin-k1"), ca_file=certificate)

    with Cluster(access) as cluster:
        cluster.create(TOPIC, 1, 1, {})
    publish(access, "onecard-relay-tls", TOPIC, [b"over TLS"])
    assert values(access, TOPIC) == [b"over TLS"]

    (tmp_path / "other").mkdir()
    with pytest.raises(BrokerProblem) as caught:
        Reader(replace(access, ca_file=make_certificate(tmp_path / "other"), reaching_ms=BRIEFLY_MS))
    assert caught.value.code == "unreachable" and "certificate" in str(caught.value).lower()
    assert "ONECARD_KAFKA_CA_FILE" in str(caught.value)

    with pytest.raises(BrokerProblem) as caught:
        Publisher(replace(access, password="wrong"), "onecard-relay-tls").open()
    assert caught.value.code == "login_refused"

    with pytest.raises(BrokerProblem) as caught:
        Reader(replace(access, ca_file=None, reaching_ms=BRIEFLY_MS))
    assert caught.value.code == "unreachable"
