"""The schema registry's read endpoints, as its clients ask them: documents, error codes, and nothing to write to."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ops.api.app import MEDIA_TYPE, make_app
from ops.api.subjects import LONGEST_LOOK_UP, Subjects
from schemas.files import compact
from schemas.registry import registry

ISSUED = "onecard.card.v1.CardIssued"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(make_app(Subjects(registry()))) as client:
        yield client


def refusal(answer: Any) -> tuple[int, int]:
    """HTTP status and the registry's own error code."""
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert set(answer.json()) == {"error_code", "message"} and answer.json()["message"]
    return answer.status_code, answer.json()["error_code"]


def test_every_id_leads_to_its_schema(client: TestClient) -> None:
    for version in registry().versions:
        answer = client.get(f"/schemas/ids/{version.id}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
        assert set(answer.json()) == {"schema"}
        assert compact(json.loads(answer.json()["schema"])) == compact(version.definition)


def test_clients_may_add_a_subject_and_ask_for_the_highest_id(client: TestClient) -> None:
    plain = client.get("/schemas/ids/5").json()
    assert client.get("/schemas/ids/5?subject=any-value&fetchMaxId=false").json() == plain
    highest = max(version.id for version in registry().versions)
    assert client.get("/schemas/ids/5?fetchMaxId=true").json() == {**plain, "maxId": highest}


def test_an_id_leads_to_where_it_is_used(client: TestClient) -> None:
    assert client.get("/schemas/ids/5/versions").json() == [{"subject": ISSUED, "version": 2}]
    assert client.get("/schemas/ids/5/subjects").json() == [ISSUED]
    assert client.get("/schemas/ids/5/schema").json() == json.loads(client.get("/schemas/ids/5").json()["schema"])


def test_a_subject_leads_to_its_versions(client: TestClient) -> None:
    assert ISSUED in client.get("/subjects").json()
    assert len(client.get("/subjects").json()) == len(registry().events())
    assert client.get("/subjects?subjectPrefix=onecard.card.").json() == [
        subject for subject in client.get("/subjects").json() if subject.startswith("onecard.card.")
    ]
    assert client.get(f"/subjects/{ISSUED}/versions").json() == [1, 2]
    second = client.get(f"/subjects/{ISSUED}/versions/2").json()
    assert (second["subject"], second["version"], second["id"]) == (ISSUED, 2, 5)
    assert second == client.get(f"/subjects/{ISSUED}/versions/latest").json()
    assert second == client.get(f"/subjects/{ISSUED}/versions/-1").json()
    assert client.get(f"/subjects/{ISSUED}/versions/1/schema").json() == json.loads(
        client.get(f"/subjects/{ISSUED}/versions/1").json()["schema"]
    )


def test_it_says_that_it_is_read_only_and_what_compatibility_it_keeps(client: TestClient) -> None:
    assert client.get("/schemas/types").json() == ["AVRO"]
    assert client.get("/mode").json() == client.get(f"/mode/{ISSUED}").json() == {"mode": "READONLY"}
    level = {"compatibilityLevel": "FULL_TRANSITIVE"}
    assert client.get("/config").json() == client.get(f"/config/{ISSUED}").json() == level


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/schemas/ids/99999", (404, 40403)),
        ("/schemas/ids/0", (404, 40403)),
        ("/schemas/ids/-1", (404, 404)),
        ("/schemas/ids/²", (404, 404)),
        ("/schemas/ids/" + "9" * 5_000, (404, 404)),
        ("/schemas/ids/99999/versions", (404, 40403)),
        ("/subjects/nobody/versions", (404, 40401)),
        ("/subjects/nobody/versions/1", (404, 40401)),
        (f"/subjects/{ISSUED}/versions/3", (404, 40402)),
        (f"/subjects/{ISSUED}/versions/0", (422, 42202)),
        (f"/subjects/{ISSUED}/versions/newest", (422, 42202)),
        ("/config/nobody", (404, 40401)),
        ("/mode/nobody", (404, 40401)),
    ],
)
def test_what_is_not_there_is_told_in_the_codes_that_clients_know(
    client: TestClient, path: str, expected: tuple[int, int]
) -> None:
    assert refusal(client.get(path)) == expected


@pytest.mark.parametrize("path", ["/docs", "/associations/resources/-/onecard.card.33.events.v1", "/subjects/", "/v1"])
def test_everything_else_is_a_plain_404_because_clients_probe_for_other_registries(
    client: TestClient, path: str
) -> None:
    assert refusal(client.get(path)) == (404, 404)
    assert refusal(client.post(path, json={})) == (404, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/subjects/{ISSUED}/versions"),
        ("DELETE", f"/subjects/{ISSUED}"),
        ("DELETE", f"/subjects/{ISSUED}/versions/1"),
        ("PUT", "/config"),
        ("PUT", f"/config/{ISSUED}"),
        ("DELETE", f"/config/{ISSUED}"),
        ("PUT", "/mode"),
        ("PUT", f"/mode/{ISSUED}"),
    ],
)
def test_writing_is_refused_as_a_registry_in_read_only_mode_does(client: TestClient, method: str, path: str) -> None:
    assert refusal(client.request(method, path, json={"schema": '"string"'})) == (422, 42205)


def test_a_schema_that_is_brought_is_found_however_it_is_written(client: TestClient) -> None:
    for version in registry().versions:
        line = version.line
        for text in (json.dumps(version.definition, indent=4), compact(version.definition)):
            found = client.post(f"/subjects/{line.subject}", json={"schema": text, "schemaType": "AVRO"}).json()
            assert (found["subject"], found["version"], found["id"]) == (line.subject, line.version, line.id)


def test_a_schema_without_its_documentation_is_found_by_its_bytes(client: TestClient) -> None:
    definition = json.loads(client.get("/schemas/ids/4").json()["schema"])
    for field in definition["fields"]:
        field.pop("doc"), field.pop("class")
    assert client.post(f"/subjects/{ISSUED}", json={"schema": json.dumps(definition)}).json()["id"] == 4


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"schema":"\\"string\\""}', (404, 40403)),
        (b'{"schema":"syntax = 3","schemaType":"PROTOBUF"}', (404, 40403)),
        (b'{"schema":"no json"}', (422, 42201)),
        (b'{"schema":"{\\"type\\":\\"unheard-of\\"}"}', (422, 42201)),
        (b'{"schema":7}', (422, 42201)),
        (b"{}", (422, 42201)),
        (b"[]", (422, 42201)),
        (b"\xff", (422, 42201)),
        (b"[" * 100_000, (422, 42201)),
        (json.dumps({"schema": "[" * 100_000}).encode(), (422, 42201)),
        (b"x" * (LONGEST_LOOK_UP + 1), (413, 413)),
    ],
    ids=lambda one: str(one[:24] if isinstance(one, bytes) else one),
)
def test_a_body_that_is_no_schema_of_ours_is_refused(
    client: TestClient, body: bytes, expected: tuple[int, int]
) -> None:
    assert refusal(client.post(f"/subjects/{ISSUED}", content=body)) == expected


def test_a_look_up_in_a_subject_that_is_not_there(client: TestClient) -> None:
    assert refusal(client.post("/subjects/nobody", json={"schema": '"string"'})) == (404, 40401)
