"""A bill is undone by a reversal, once, or by a void, in either order; then everything is as if it had never been."""

import copy
from typing import Any

import pytest

from ledger.core.calendar import last_day
from ledger.families.clearing.units import ALL, Calendar, CutOff, CutOffs, Unit
from ledger.families.medical import settlement
from ledger.families.medical.settlement import Settlement
from tests.families.medical.scene import AWAY, Scene

FULL: dict[str, Any] = {
    "funds": {"310100": 60}, "account_fen": 500, "account_mutual_aid_fen": 450, "wallet_fen": 250, "cash_fen": 5,
    "hospital_fen": 2, "admitted_on": "2025-05-10", "discharged_on": "2025-05-20", **AWAY,
}  # fmt: skip


def aided() -> Scene:
    """Card A holds family aid of B in two lots and wallet aid of C in two."""
    scene = Scene()
    for transfer, giver, amount in (("F1", "B", 150), ("W1", "C", 100), ("F2", "B", 150), ("W2", "C", 200)):
        assert scene.give(transfer, amount, giver) == "recorded"
    return scene


def reverse(scene: Scene, settlement_id: str = "S1", reversal_id: str = "R1", **own: Any) -> str:
    return scene.order("ReverseMedical", settlement_id=settlement_id, reversal_id=reversal_id, reason="REFUND", **own)


def void(scene: Scene, reference: str = "bill-1", **own: Any) -> str:
    return scene.order("VoidMedical", voided_reference=reference, reason="TIMEOUT", **own)


def deduct(scene: Scene, funds: dict[str, int]) -> None:
    """An audit deduction stands, as the clearing family would record it."""
    world = scene.world()
    settlement.deduct(world, "S1", funds)
    scene.memory.keep(world)


def cut_off(scene: Scene, month: str, confirmed: bool) -> None:
    """The settlement is confirmed, or not, and the month is cut off, as the clearing family would record it."""
    world = scene.world()
    world.edit(Unit, "settlement:S1").confirmed = confirmed
    world.edit_or_add(Calendar, ALL).count = 1
    world.add(CutOffs.at(ALL, 0), CutOffs([CutOff(month, scene.position)]))
    scene.memory.keep(world)
    scene.position += 1


@pytest.mark.parametrize("way", ["reversal", "void"])
def test_undoing_a_bill_restores_accounts_lots_and_stay(way: str) -> None:
    scene = aided()
    before = copy.copy(scene.balances)
    purses = {name: data for name, data in scene.memory.rows.items() if name[0].kind in ("aid_purse", "aid_lots")}
    assert scene.bill(reference="bill-1", **FULL) == "recorded"
    assert [lot["transfer_id"] for lot in scene.last["lots_used"]] == ["F1", "F2", "W1", "W2"]
    assert (reverse(scene) if way == "reversal" else void(scene)) == "recorded"
    assert +scene.balances == +before and -scene.balances == -before
    assert {name: data for name, data in scene.memory.rows.items() if name in purses} == purses
    assert scene.card("A").medical_account == 1000
    assert scene.bill("S2", **FULL) == "recorded"
    assert scene.made_again() == scene.memory.rows


def test_a_reversal_says_everything_with_the_opposite_sign() -> None:
    scene = aided()
    scene.bill(**FULL)
    settled = scene.last
    position = scene.position - 1
    reverse(scene)
    for name in ("total_fen", "account_fen", "account_mutual_aid_fen", "wallet_fen", "cash_fen", "hospital_fen"):
        assert scene.last[name] == -settled[name]
    assert scene.last["cleared_fen"] == -(60 + 500 - 250) == -settled["cleared_fen"]
    assert (scene.last["funds"], scene.last["wallet_cleared"]) == ({"310100": -60}, {})
    assert scene.last["original_occurred_at"] == settled["occurred_at"]
    assert (scene.last["original_position"], scene.last["original_cycle"]) == (position, None)
    unit = scene.row(Unit, "settlement:S1")
    assert (unit.reversed_at, unit.reversed_on) == (scene.position - 1, scene.last["business_date"])
    assert {name.split()[0] for name in scene.unforeseen} == {"aid_lots"}, "which pages, only the lots used tell"


def test_a_reversal_names_the_cycle_that_took_the_bill() -> None:
    scene = Scene()
    scene.bill(cash_fen=1, **AWAY)
    cut_off(scene, "2025-06", confirmed=True)
    assert reverse(scene) == "recorded"
    assert scene.last["original_cycle"] == "2025-06"
    assert scene.row(Unit, "settlement:S1").cycle == "2025-06"
    assert {name.split()[0] for name in scene.unforeseen} == {"cut_offs"}


def test_a_reversal_is_refused() -> None:
    scene = Scene()
    assert reverse(scene) == "settlement_unknown"
    scene.bill("S1", cash_fen=1)
    scene.bill("S2", cash_fen=1, reference="bill-2")
    assert reverse(scene, card="B") == "settlement_unknown"
    assert reverse(scene, reversal_id="S1") == "settlement_exists"
    assert reverse(scene, reversal_id="S2") == "settlement_exists"
    deduct(scene, {"310100": 1})
    assert reverse(scene, at="2025-06-01T00:00:00+08:00") == "settlement_has_deductions"
    world = scene.world()
    settlement.undeduct(world, "S1", {"310100": 1})
    scene.memory.keep(world)
    assert scene.row(Settlement, "S1").deducted == {}
    assert reverse(scene, at="2025-06-01T00:00:00+08:00") == "before_settlement"
    assert reverse(scene) == "recorded"
    assert reverse(scene, reversal_id="R2") == "settlement_reversed"
    assert reverse(scene, settlement_id="R1", reversal_id="R2") == "settlement_unknown"
    assert reverse(scene, settlement_id="S2") == "settlement_exists"
    assert void(scene, "bill-2") == "recorded"
    assert reverse(scene, settlement_id="S2", reversal_id="R3") == "settlement_voided"


def test_a_void_wins_whether_it_comes_after_the_bill_or_before() -> None:
    scene = Scene()
    scene.bill(cash_fen=1, reference="bill-1", **AWAY)
    assert void(scene) == "recorded"
    assert (scene.last["effective"], scene.last["settlement_id"], scene.last["total_fen"]) == (True, "S1", -1)
    assert scene.row(Unit, "settlement:S1").voided
    assert scene.bill(cash_fen=1, reference="bill-1", **AWAY) == "duplicate"
    assert scene.bill(cash_fen=2, reference="bill-1", **AWAY) == "reference_reused"
    assert void(scene) == "already_voided"
    assert scene.bill("S1", cash_fen=1) == "settlement_exists"

    assert void(scene, "bill-2", card="B") == "recorded"
    assert (scene.last["effective"], scene.last["settlement_id"], scene.last["total_fen"]) == (False, None, 0)
    assert scene.bill("S2", cash_fen=1, reference="bill-2") == "settlement_voided"
    assert scene.bill("S2", cash_fen=1, reference="bill-2", at="2099-01-01T00:00:00+08:00") == "settlement_voided"
    assert scene.bill("S2", cash_fen=1, reference="bill-2", submitter="T2") == "recorded"


def test_a_void_before_anything_binds_settlements_only() -> None:
    scene = Scene()
    assert void(scene, "n1") == "recorded"
    own: dict[str, Any] = {"home_area": "340100", "month": "2025-01", "source": "EMPLOYEE", "amount_fen": 1}
    assert scene.order("ContributeAccount", reference="n1", **own) == "recorded"


def test_a_void_is_refused() -> None:
    scene = Scene()
    scene.bill("S1", cash_fen=1, reference="bill-1", **AWAY)
    own: dict[str, Any] = {"home_area": "340100", "month": "2025-01", "source": "EMPLOYEE", "amount_fen": 1}
    scene.order("ContributeAccount", reference="other", **own)
    assert void(scene, "other") == "not_a_settlement"
    assert void(scene, card="B") == "settlement_unknown"
    deduct(scene, {"310100": 1})
    assert void(scene) == "settlement_has_deductions"
    cut_off(scene, "2025-06", confirmed=True)
    assert void(scene) == "settlement_cut_off"
    scene.bill("S2", cash_fen=1, reference="bill-2")
    reverse(scene, "S2")
    assert void(scene, "bill-2") == "settlement_reversed"


def test_a_cut_off_that_left_the_bill_out_does_not_stop_a_void() -> None:
    scene = Scene()
    scene.bill("S1", cash_fen=1, reference="bill-1", **AWAY)
    cut_off(scene, "2025-06", confirmed=False)
    assert last_day("2025-06") >= scene.last["business_date"]
    assert void(scene) == "recorded"
    assert scene.row(Unit, "settlement:S1").deferrals == 1


def test_a_void_reaches_a_bill_on_a_cancelled_card_and_may_be_dated_before_it() -> None:
    scene = Scene()
    scene.bill("S1", cash_fen=1, reference="bill-1")
    scene.order("CancelCard", reason="OTHER", at="2025-06-03T00:00:00+08:00")
    assert void(scene, at="2025-01-01T00:00:00+08:00") == "recorded"
