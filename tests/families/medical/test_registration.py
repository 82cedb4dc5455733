"""Where care away from home is registered, from when and until when."""

from typing import Any

import pytest

from ledger.core import rows
from ledger.core.calendar import date_text
from ledger.families.medical.registration import Registration, Registrations
from tests.families.medical.scene import AWAY, Scene

TEMPORARY = {"kind": "TEMPORARY", "reason": "REFERRAL"}


def register(scene: Scene, registration_id: str = "G1", treatment: str = "310106", **own: Any) -> str:
    parts = {"kind": "LONG_TERM", "reason": "RETIRED", "home_area": "340100", "valid_from": "2025-01-01", **own}
    return scene.order("RegisterTreatment", registration_id=registration_id, treatment_area=treatment, **parts)


def end(scene: Scene, ended_on: str, registration_id: str = "G1", **own: Any) -> str:
    return scene.order("EndTreatmentRegistration", registration_id=registration_id, ended_on=ended_on, **own)


def valid_to(scene: Scene, registration_id: str) -> str | None:
    found = scene.row(Registration, registration_id)
    day = rows.item_at(scene.world(), Registrations, found.card_id, found.index).valid_to
    return None if day is None else date_text(day)


@pytest.mark.parametrize(
    ("code", "own"),
    [
        ("unknown_code", {"kind": "LONG_TERM", "reason": "OTHER"}),
        ("unknown_code", {"kind": "TEMPORARY", "reason": "RETIRED"}),
        ("same_province", {"treatment": "340200"}),
        ("period_invalid", {"valid_to": "2024-12-31"}),
        ("registration_too_short", {**TEMPORARY, "valid_from": "2025-08-31", "valid_to": "2026-02-26"}),
    ],
)
def test_a_registration_is_refused(code: str, own: dict[str, Any]) -> None:
    assert register(Scene(), **own) == code


def test_a_temporary_one_lasts_the_months_its_home_asks_for() -> None:
    months = {"key": "medical.temporary_registration_months", "scope": "34", "effective_from": "2025-06-02", "value": 1}
    scene = Scene(months)
    own: dict[str, Any] = {**TEMPORARY, "valid_from": "2025-08-31"}
    assert register(scene, "G1", at="2025-06-01T12:00:00+08:00", **own) == "recorded"
    assert date_text(scene.last["valid_to"]) == "2026-02-27"
    assert register(scene, "G2", **own) == "recorded"
    assert date_text(scene.last["valid_to"]) == "2025-09-29"
    assert register(scene, "G2", **own) == "registration_exists"
    assert register(scene, "G3", valid_to="2025-09-28", **own) == "registration_too_short"
    assert register(scene, "G3", valid_to="2025-09-29", **own) == "recorded"
    assert scene.unforeseen == []


def test_a_new_long_term_one_ends_the_earlier_that_began_before_it() -> None:
    scene = Scene()
    assert register(scene, "G1", valid_from="2024-01-01", valid_to="2024-06-30") == "recorded"
    assert register(scene, "G2", valid_from="2024-07-01") == "recorded"
    assert register(scene, "G3", valid_from="2025-03-01", home_area="320500") == "recorded"
    assert register(scene, "G4", **TEMPORARY, valid_from="2024-01-01") == "recorded"
    assert register(scene, "G5", valid_from="2025-02-01") == "recorded"
    ends = [valid_to(scene, f"G{number}") for number in range(1, 6)]
    assert ends == ["2024-06-30", "2025-01-31", None, "2024-06-30", None]
    assert scene.unforeseen == []


def test_long_term_ones_that_begin_on_one_day_stand_beside_each_other() -> None:
    scene = Scene()
    assert register(scene, "G1", valid_from="2024-01-01") == "recorded"
    assert register(scene, "G2", "320500", valid_from="2024-01-01") == "recorded"
    assert [valid_to(scene, name) for name in ("G1", "G2")] == [None, None]


def test_a_long_term_one_elsewhere_is_locked_for_months() -> None:
    scene = Scene()
    assert register(scene, "G1", valid_from="2025-01-02") == "recorded"
    there = {"treatment": "320500", "valid_from": "2025-09-01"}
    assert register(scene, "G2", at="2025-07-01T23:59:59+08:00", **there) == "registration_locked"
    assert register(scene, "G3", valid_from="2025-02-01") == "recorded", "to the same province nothing is locked"
    assert register(scene, "G4", at="2025-06-30T12:00:00+08:00", **{**there, **TEMPORARY}) == "recorded"
    assert register(scene, "G2", at="2025-07-31T23:59:59+08:00", **there) == "registration_locked"
    assert register(scene, "G2", at="2025-08-01T00:00:00+08:00", **there) == "recorded"


def test_an_end_is_refused_or_shortens_it() -> None:
    scene = Scene()
    assert end(scene, "2025-01-01") == "registration_unknown"
    assert register(scene, "G1", valid_from="2025-01-02") == "recorded"
    assert end(scene, "2025-12-31", card="B") == "registration_unknown"
    assert end(scene, "2025-01-01") == "period_invalid"
    assert end(scene, "2025-06-30") == "registration_locked"
    assert end(scene, "2025-07-01") == "recorded"
    assert end(scene, "2025-07-02") == "registration_ended"
    assert valid_to(scene, "G1") == "2025-07-01"
    register(scene, "G2", **TEMPORARY)
    assert end(scene, "2025-01-01", "G2") == "recorded"
    assert valid_to(scene, "G2") == "2025-01-01"
    register(scene, "G3", **TEMPORARY)
    assert end(scene, "2026-01-01", "G3") == "recorded"
    assert valid_to(scene, "G3") == "2025-06-30", "an end already lower stays"
    assert scene.unforeseen == []


def test_care_needs_a_registration_that_covers_the_day_or_the_admission() -> None:
    scene = Scene()
    inpatient: dict[str, Any] = {"cash_fen": 1, "med_type": "2101", **AWAY}
    assert scene.bill(**inpatient) == "treatment_not_registered"
    register(scene, "G1", valid_from="2025-06-03", **TEMPORARY)
    assert scene.bill(**inpatient) == "treatment_not_registered"
    register(scene, "G2", valid_from="2024-06-02", valid_to="2025-06-01", **TEMPORARY)
    assert scene.bill(**inpatient) == "treatment_not_registered"
    stay = {"admitted_on": "2025-06-01", "discharged_on": "2025-06-02"}
    assert scene.bill("S1", **stay, **inpatient) == "recorded"
    assert scene.bill("S2", at="2025-06-03T00:00:00+08:00", **inpatient) == "recorded"
    assert scene.unforeseen == []
    assert scene.bill("S3", at="2025-06-03T00:00:00+08:00", **{**inpatient, "home_area": "320500"}) != "recorded"


def test_emergencies_and_outpatients_need_none_unless_home_asks() -> None:
    scene = Scene({"key": "medical.registration_required_other", "scope": "34", "effective_from": "2025-06-03",
                   "value": True})  # fmt: skip
    assert scene.bill("S1", cash_fen=1, med_type="11", **AWAY) == "recorded"
    late: dict[str, Any] = {"at": "2025-06-03T00:00:00+08:00", "cash_fen": 1, **AWAY}
    assert scene.bill("S2", med_type="11", **late) == "treatment_not_registered"
    assert scene.bill("S2", med_type="11", emergency=True, **late) == "recorded"
    assert scene.bill("S3", med_type="1301", **late) == "recorded"
    assert scene.bill("S4", med_type="22", emergency=True, **late) == "recorded"
