"""Framed bytes and events are the same thing said twice, and other people's Avro libraries agree."""

import io
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.store import codec
from ledger.store.codec import Undecodable, Unencodable
from schemas.registry import registry
from tests.schemas.samples import Shape

EVENTS = registry().events()
EXAMPLES = 15


def shape(event: str) -> Shape:
    return Shape(registry().latest(event).definition)


def plausible(event: str) -> dict[str, Any]:
    return shape(event).plausible()


def without_logical_types(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: without_logical_types(value) for key, value in node.items() if key != "logicalType"}
    return [without_logical_types(value) for value in node] if isinstance(node, list) else node


def with_bytes(definition: Any, event: dict[str, Any]) -> dict[str, Any]:
    """An event as a general Avro library takes it: uuids and hashes as bytes."""
    names = Shape(definition).names

    def given(kind: Any, value: Any) -> Any:
        if value is None:
            return None
        kind = kind[1] if isinstance(kind, list) else kind
        kind = names.get(kind, kind) if isinstance(kind, str) else kind
        if isinstance(kind, dict) and kind["type"] == "array":
            return [given(kind["items"], item) for item in value]
        return bytes.fromhex(value.replace("-", "")) if isinstance(kind, dict) and kind["type"] == "fixed" else value

    return {field["name"]: given(field["type"], event[field["name"]]) for field in definition["fields"]}


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_survives_the_round_trip_and_fastavro_writes_the_same_bytes(event: str) -> None:
    definition = registry().latest(event).definition
    compiled = fastavro.parse_schema(without_logical_types(definition))

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(shape(event).events())
    def survives(values: dict[str, Any]) -> None:
        data = codec.encode(event, values)
        assert codec.decode(data) == (event, values)
        independent = io.BytesIO()
        fastavro.schemaless_writer(independent, compiled, with_bytes(definition, values))
        assert data[codec.HEADER_BYTES :] == independent.getvalue()

    survives()


@pytest.mark.parametrize("event", EVENTS)
def test_fields_come_in_schema_order(event: str) -> None:
    _, decoded = codec.decode(codec.encode(event, plausible(event)))
    assert list(decoded) == [field["name"] for field in registry().latest(event).definition["fields"]]


def test_the_frame_is_magic_byte_and_schema_id() -> None:
    data = codec.encode("MedicalSettled", plausible("MedicalSettled"))
    assert data[0] == 0
    assert int.from_bytes(data[1:5], "big") == registry().latest("MedicalSettled").id


def test_a_map_has_the_same_bytes_whatever_its_order() -> None:
    event = plausible("MedicalSettled")
    turned = {**event, "funds": dict(reversed(event["funds"].items()))}
    assert list(event["funds"]) != list(turned["funds"])
    assert codec.encode("MedicalSettled", event) == codec.encode("MedicalSettled", turned)


def test_lists_and_maps_in_several_blocks_are_read_as_one() -> None:
    event = plausible("SettlementsConfirmed") | {"settlement_ids": ["A", "B"]}
    data = codec.encode("SettlementsConfirmed", event)
    one_block = bytes([4, 2, 65, 2, 66, 0])
    assert data.endswith(one_block)
    two_blocks = bytes([2, 2, 65, 1, 4, 2, 66, 0])  # the second with its size in bytes, as Avro allows
    assert codec.decode(data.removesuffix(one_block) + two_blocks) == ("SettlementsConfirmed", event)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: b"", "not framed"),
        (lambda data: data[:4], "not framed"),
        (lambda data: b"\x01" + data[1:], "not framed"),
        (lambda data: b"\x00\x00\x0f\x42\x40" + data[5:], "schema id 1000000 is not registered"),
        (lambda data: b"\x00\x01" + data[2:], "is not registered"),
        (lambda data: data + b"\x00", "1 bytes too many"),
        (lambda data: data[:-1], "TransitTapped"),
        (lambda data: data[:5], "TransitTapped"),
    ],
)
def test_foreign_and_damaged_bytes_are_refused_with_a_reason(change: Any, reason: str) -> None:
    data = codec.encode("TransitTapped", plausible("TransitTapped"))
    with pytest.raises(Undecodable, match=reason):
        codec.decode(change(data))


@pytest.mark.parametrize("event", ["CardIssued", "MedicalSettled", "TransitTapped", "CycleClosed"])
def test_bytes_cut_off_anywhere_are_refused(event: str) -> None:
    data = codec.encode(event, plausible(event))
    for length in range(len(data)):
        with pytest.raises(Undecodable):
            codec.decode(data[:length])


@settings(max_examples=300, deadline=None)
@given(event=st.sampled_from(EVENTS), place=st.integers(5, 400), noise=st.binary(min_size=1, max_size=12))
def test_noise_is_an_event_or_undecodable_and_never_another_error(event: str, place: int, noise: bytes) -> None:
    data = codec.encode(event, plausible(event))
    damaged = data[:place] + noise + data[place + len(noise) :]
    try:
        name, _ = codec.decode(damaged)
    except Undecodable:
        return
    assert name == event


@pytest.mark.parametrize(
    "change",
    [
        {"amount_fen": None},
        {"amount_fen": 1.0},
        {"amount_fen": "1"},
        {"amount_fen": 1 << 63},
        {"business_date": 1 << 31},
        {"occurred_at": -(1 << 63) - 1},
        {"occurred_at": 1.5},
        {"retry_count": -(1 << 31) - 1},
        {"prev_digest": "ab"},
        {"prev_digest": "zz" * 32},
        {"card_sn": 7},
        {"line_id": "\ud800"},
        {"relationship": "NEIGHBOUR"},
        {"relationship": "UNRECOGNISED"},
        {"unknown": 1},
    ],
)
def test_an_event_the_schema_does_not_allow_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(Unencodable, match="PayoutLineAdded"):
        codec.encode("PayoutLineAdded", plausible("PayoutLineAdded") | change)


def test_a_misspelt_or_missing_field_is_not_written() -> None:
    event = plausible("BudgetIssued")
    amount = event.pop("amount_fen")
    with pytest.raises(Unencodable, match="fields"):
        codec.encode("BudgetIssued", event)
    with pytest.raises(Unencodable, match="amount_fen"):
        codec.encode("BudgetIssued", event | {"amount": amount})


def test_an_unknown_event_name_is_not_written() -> None:
    with pytest.raises(Unencodable, match="CardSold"):
        codec.encode("CardSold", {})


def test_list_entries_must_have_exactly_their_fields() -> None:
    event = plausible("CycleClosed")
    event["pairs"] = [event["pairs"][0] | {"note": "x"}]
    with pytest.raises(Unencodable):
        codec.encode("CycleClosed", event)
