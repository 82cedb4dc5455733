"""The registry as files: a web server that knows nothing of it serves stock deserializers."""

import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from fastapi.testclient import TestClient

from ops.api.app import make_app
from ops.api.subjects import Subjects
from schemas.registry import registry
from tests.fix_command import Onecard
from tests.interop.publication import golden


@pytest.fixture
def site(onecard: Onecard, tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    ended = onecard("schemas", "export", folder, "--json")
    assert ended.json == {"directory": str(folder), "files": len(list(folder.rglob("index.json")))}
    return folder


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """A web server that answers a path with the index.json found there, else 404."""

    class Server(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(site / path.split("?")[0].strip("/") / "index.json")

        def log_message(self, format: str, *arguments: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_every_file_is_what_the_server_answers(site: Path) -> None:
    client = TestClient(make_app(Subjects(registry())))
    for file in site.rglob("index.json"):
        path = file.parent.relative_to(site).as_posix()
        assert json.loads(file.read_text("utf-8")) == client.get(f"/{path}").json(), path


def test_a_stock_deserializer_reads_every_event_with_files_as_its_registry(address: str) -> None:
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": address}))
    context = SerializationContext("onecard.card.33.events.v1", MessageField.VALUE)
    for value, event in golden():
        assert deserialize(value, context)["reference"] == event["reference"]


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(onecard: Onecard, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = onecard("schemas", "export", tmp_path / "file")
    assert ended.code == 3 and "file" in ended.stderr and ended.stderr.count("\n") == 1
