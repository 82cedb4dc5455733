"""Headers say where a record stands, and a record that is not ours is not taken for ours."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.store import codec
from projections.topics.envelope import NAMES, Foreign, Stamp, headers_of, stamp_of
from schemas.registry import registry
from tests.schemas.samples import Shape

POSITIONS = st.integers(1, (1 << 63) - 1)
SOURCES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)


def plausible(event: str = "CardIssued") -> bytes:
    return codec.encode(event, Shape(registry().latest(event).definition).plausible())


def test_the_headers_of_a_card_issue() -> None:
    assert headers_of("33", 4711, 4690, plausible()) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"33/4711"),
        ("ce_type", b"onecard.card.v1.CardIssued"),
        ("ce_source", b"/onecard/33"),
        ("ce_time", b"2025-06-15T16:00:00.123456Z"),
        ("content-type", b"application/avro"),
        ("position", b"4711"),
        ("prev_position", b"4690"),
    ]


def test_bytes_of_an_older_version_have_the_same_type() -> None:
    old = next(one for one in registry().versions if one.event == "CardIssued" and one.line.version == 1)
    data = bytes([0]) + old.id.to_bytes(4, "big") + plausible()[5:]
    assert dict(headers_of("33", 1, 0, data))["ce_type"] == b"onecard.card.v1.CardIssued"


@given(source=SOURCES, position=POSITIONS, data=st.data())
def test_what_is_written_is_read_back(source: str, position: int, data: st.DataObject) -> None:
    prev_position = data.draw(st.integers(0, position - 1))
    headers = headers_of(source, position, prev_position, plausible())
    assert tuple(name for name, _ in headers) == NAMES
    assert stamp_of(headers) == Stamp(source, position, prev_position)
    assert stamp_of([("traceparent", b"00-abc"), *reversed(headers)]) == Stamp(source, position, prev_position)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"position": None}, "position is missing"),
        ({"ce_type": None}, "ce_type is missing"),
        ({"position": b"07"}, "no position"),
        ({"position": b"-7"}, "no position"),
        ({"position": "７".encode()}, "no position"),
        ({"position": b"9" * 4_400}, "no position"),
        ({"prev_position": b""}, "no position"),
        ({"prev_position": b"7"}, "not before"),
        ({"position": b"8"}, "do not agree"),
        ({"ce_id": b"34/7"}, "do not agree"),
        ({"ce_source": b"33"}, "do not agree"),
        ({"ce_source": b"\xff"}, "not UTF-8"),
        ({"ce_specversion": b"0.3"}, "must be 1.0"),
        ({"content-type": b"application/json"}, "must be 1.0"),
    ],
)
def test_a_record_of_somebody_else_is_told_with_a_reason(change: dict[str, bytes | None], reason: str) -> None:
    headers: Any = dict(headers_of("33", 7, 6, plausible())) | change
    with pytest.raises(Foreign, match=reason):
        stamp_of(list(headers.items()))


def test_a_header_that_comes_twice_is_not_ours() -> None:
    with pytest.raises(Foreign, match="position comes twice"):
        stamp_of([*headers_of("33", 7, 6, plausible()), ("position", b"8")])


@given(st.lists(st.tuples(st.sampled_from([*NAMES, "x"]), st.one_of(st.none(), st.binary(max_size=30))), max_size=12))
def test_noise_is_never_a_stamp_and_never_another_error(headers: list[tuple[str, bytes | None]]) -> None:
    with pytest.raises(Foreign):
        stamp_of(headers)


@pytest.mark.parametrize("event", registry().events())
def test_instants_are_read_without_decoding_the_event(event: str) -> None:
    @settings(max_examples=10, deadline=None)
    @given(Shape(registry().latest(event).definition).events())
    def agrees(values: dict[str, Any]) -> None:
        data = codec.encode(event, values)
        assert codec.instants_of(data) == (values["occurred_at"], values["recorded_at"])

    agrees()


def test_bytes_too_short_for_instants_are_undecodable() -> None:
    data = plausible()
    for length in range(37):
        with pytest.raises(codec.Undecodable):
            codec.instants_of(data[:length])
    with pytest.raises(codec.Undecodable, match="1000000"):
        headers_of("33", 7, 6, b"\x00\x00\x0f\x42\x40" + data[5:])
