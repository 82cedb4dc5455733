"""Bytes once published mean the same for ever, to us and to a stock Avro reader."""

import io
import json
import warnings
from datetime import UTC, date, datetime
from typing import Any

import avro.io
import avro.schema
import pytest

from ledger.store import codec
from ledger.store.upcasters import UPCASTERS
from schemas.registry import Registered, registry
from tests.store.golden_events import CORPUS, bytes_of, path_of, read

VERSIONS = [pytest.param(one, id=f"{one.event}-{one.line.version}") for one in registry().versions]


def test_every_registered_version_has_golden_bytes_and_every_file_a_version() -> None:
    assert {path_of(one) for one in registry().versions} == set(CORPUS.rglob("*.json"))


@pytest.mark.parametrize("version", VERSIONS)
def test_golden_bytes_decode_to_what_they_always_meant(version: Registered) -> None:
    golden = read(version)
    assert golden["schema_id"] == version.id
    assert codec.decode(bytes.fromhex(golden["hex"])) == (golden["event"], golden["decoded"])


@pytest.mark.parametrize("version", VERSIONS)
def test_golden_events_encode_to_the_same_bytes(version: Registered) -> None:
    golden = read(version)
    names = {field["name"] for field in version.definition["fields"]}
    written = bytes_of(version, {name: value for name, value in golden["decoded"].items() if name in names})
    assert written.hex() == golden["hex"]
    if version is registry().latest(version.event):
        assert codec.encode(golden["event"], golden["decoded"]).hex() == golden["hex"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stock_avro_reader_gets_the_same_values(version: Registered) -> None:
    """The official library, given nothing but the frame and the published schema of that id."""
    golden = read(version)
    data = bytes.fromhex(golden["hex"])
    assert data[0] == 0
    published = registry().by_id(int.from_bytes(data[1:5], "big"))
    assert published is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it knows uuids as text only, and leaves 16 bytes as they are
        schema = avro.schema.parse(json.dumps(published.definition))
    body = io.BytesIO(data[5:])
    found: Any = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(body))
    assert body.read() == b""
    expected = {name: value for name, value in golden["decoded"].items() if name in found}
    assert {name: plain(value) for name, value in found.items()} == {
        name: value.replace("-", "") if name.endswith(("card_id", "stream_id")) and value else value
        for name, value in expected.items()
    }


def plain(value: Any) -> Any:
    """A library's value as events hold it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        since = value - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return value.toordinal() - date(1970, 1, 1).toordinal() if isinstance(value, date) else value


def test_an_issue_of_version_1_gets_the_area_its_card_sn_begins_with() -> None:
    first, latest = registry().of_event("CardIssued")
    assert "issuing_area" not in {field["name"] for field in first.definition["fields"]}
    old = read(first)["decoded"]
    assert old["issuing_area"] == old["card_sn"][:6] == "340000"
    assert list(codec.decode(bytes.fromhex(read(first)["hex"]))[1]) == [f["name"] for f in latest.definition["fields"]]


def test_no_upcaster_is_there_for_a_version_that_is_not() -> None:
    old = {(one.line.subject, one.line.version) for one in registry().versions} - {
        (registry().latest(event).line.subject, registry().latest(event).line.version) for event in registry().events()
    }
    assert set(UPCASTERS) <= old
