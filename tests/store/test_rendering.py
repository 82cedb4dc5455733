"""People see an event's own fields, with instants and dates as text."""

import json

import pytest

from ledger.store.rendering import to_json
from schemas.registry import registry
from tests.schemas.samples import Shape


def test_the_envelope_is_left_out_and_times_are_text() -> None:
    event = Shape(registry().latest("TransitTapped").definition).plausible()
    shown = to_json("TransitTapped", event | {"uploaded_at": 1_750_003_200_000_001, "operating_day": 20_254})
    assert shown["uploaded_at"] == "2025-06-15T16:00:00.000001Z"
    assert shown["operating_day"] == "2025-06-15"
    assert shown["business_date"] == "2025-06-15"
    assert shown["fare_due_fen"] == event["fare_due_fen"]
    envelope = {"card_id", "card_version", "occurred_at", "recorded_at"}
    envelope |= {"submitter", "reference", "acting_person", "prev_digest"}
    assert set(event) - set(shown) == envelope


def test_an_absent_instant_or_date_stays_null() -> None:
    event = Shape(registry().latest("CardLossReported").definition).plausible() | {"loss_expires_at": None}
    assert to_json("CardLossReported", event)["loss_expires_at"] is None


@pytest.mark.parametrize("event", registry().events())
def test_every_event_can_be_shown(event: str) -> None:
    shown = to_json(event, Shape(registry().latest(event).definition).plausible())
    assert "stream_id" not in shown
    json.dumps(shown)
