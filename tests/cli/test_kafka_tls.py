"""Brokers that speak TLS: a command that knows who signed their certificate gets in, any other is told in a line."""

import subprocess
import time
from pathlib import Path

import pytest

from ops import wiring
from ops.kafka import properties
from ops.kafka.jars import java
from tests.fix_command import Onecard
from tests.fix_kafka import Kafka

STORE_PASSWORD = "only-for-this-test"


def signed(place: Path, name: str) -> tuple[Path, Path]:
    """A key with a certificate for 127.0.0.1 as a broker keeps it, and the certificate as clients are given it."""
    store, certificate = place / f"{name}.p12", place / f"{name}.pem"
    keytool = [str(Path(java()).resolve().with_name("keytool")), "-keystore", str(store), "-storepass", STORE_PASSWORD]
    made = ["-genkeypair", "-alias", "broker", "-keyalg", "EC", "-dname", f"CN={name}", "-ext", "SAN=ip:127.0.0.1"]
    subprocess.run([*keytool, *made, "-storetype", "PKCS12"], check=True, capture_output=True)
    subprocess.run([*keytool, "-exportcert", "-alias", "broker", "-rfc", "-file", str(certificate)], check=True,
                   capture_output=True)  # fmt: skip
    return store, certificate


@pytest.fixture
def encrypted(own_broker: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Kafka, Path]:
    """A broker whose users log in by TLS, and the certificate to trust."""
    assert own_broker.broker is not None
    own_broker.access("follower")
    own_broker.broker.stop(lambda _: None)
    store, certificate = signed(tmp_path, "broker")
    protocols = "listener.security.protocol.map"
    keys = {"location": str(store), "password": STORE_PASSWORD, "type": "PKCS12"}
    encrypted = {
        protocols: properties.ALWAYS[protocols].replace("CLIENTS:SASL_PLAINTEXT", "CLIENTS:SASL_SSL"),
        **{f"listener.name.clients.ssl.keystore.{name}": value for name, value in keys.items()},
        "listener.name.clients.ssl.key.password": STORE_PASSWORD,
    }
    monkeypatch.setattr(properties, "ALWAYS", properties.ALWAYS | encrypted)
    own_broker.revive()
    return own_broker, certificate


def test_tls_is_spoken_with_whoever_our_authority_signed_and_every_other_case_is_one_line(
    encrypted: tuple[Kafka, Path], onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka, certificate = encrypted
    assert kafka.broker is not None
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", kafka.broker.clients)
    monkeypatch.setenv("ONECARD_KAFKA_USER", "follower")
    monkeypatch.setenv("ONECARD_KAFKA_PASSWORD_FILE", str(kafka.broker.password_file("follower")))
    show = ("topics", "show", "--source", "all")

    monkeypatch.setenv("ONECARD_KAFKA_CA_FILE", str(certificate))
    assert onecard(*show, "--json").json == {"topics": []}

    # However long they try: that the product's own limit is kept is a test's of the users.
    monkeypatch.setattr(wiring, "LIMIT_MS", 3_000)
    _, stranger = signed(tmp_path, "stranger")
    for ca_file, gist in ((str(stranger), "certificate verify failed"), ("", "whether they want a login or TLS")):
        monkeypatch.setenv("ONECARD_KAFKA_CA_FILE", ca_file)
        begun = time.monotonic()
        ended = onecard(*show)
        assert time.monotonic() - begun < 10
        assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
        assert "ONECARD_KAFKA_CA_FILE" in ended.stderr and gist in ended.stderr

    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no certificate\n")
    monkeypatch.setenv("ONECARD_KAFKA_CA_FILE", str(nothing))
    ended = onecard(*show)
    assert (ended.code, ended.stderr.count("\n")) == (3, 1)
