"""Family aid given, used first in first out, spent outside a bill, and returned."""

from typing import Any

import pytest

from ledger.families.clearing.units import Unit
from tests.families.medical.scene import CARDS, Scene

PURCHASE = {"purpose": "PURCHASE", "institution": "P1", "spend_area": "340100", "purse": "WALLET"}
PREMIUM = {"purpose": "PREMIUM", "fund_pay_type": "390100", "spend_area": "340100", "purse": "WALLET"}


def spend(scene: Scene, amount: int, spend_id: str = "X1", **own: Any) -> str:
    """A purchase, unless told otherwise."""
    parts = own if "purpose" in own else PURCHASE | own
    return scene.order("SpendFamilyAid", spend_id=spend_id, amount_fen=amount, **parts)


def unspend(scene: Scene, spend_id: str = "X1", reversal_id: str = "XR", **own: Any) -> str:
    return scene.order("ReverseFamilyAidSpend", spend_id=spend_id, reversal_id=reversal_id, **own)


def give_back(scene: Scene, transfer_id: str, amount: int, **own: Any) -> str:
    return scene.order("ReturnFamilyAid", transfer_id=transfer_id, amount_fen=amount, **own)


def test_a_transfer_takes_from_the_giver_and_makes_a_lot_of_the_receiver() -> None:
    scene = Scene()
    assert scene.give("W1", 300) == "recorded"
    assert [name for _, name, _ in scene.events[-2:]] == ["FamilyAidTransferred", "FamilyAidReceived"]
    assert (scene.last["purse"], scene.last["giver_province"]) == ("WALLET", "31")
    assert (scene.last["giver_card_id"], scene.last["receiver_card_id"]) == (scene.card_id("C"), scene.card_id("A"))
    assert (scene.balance("C:medical_account"), scene.balance("A:wallet")) == (700, 300)
    assert scene.balance("aid_in_transit:31") == 0
    assert scene.give("F1", 300, giver="B") == "recorded"
    assert (scene.card("A").family_aid, scene.card("A").wallet) == (300, 300)
    assert scene.unforeseen == []


@pytest.mark.parametrize(
    ("code", "own"),
    [
        ("same_card", {"giver": "A"}),
        ("transfer_exists", {"transfer_id": "W0"}),
        ("giver_not_employee", {"giver_insutype": "390"}),
        ("transfer_too_large", {"amount": 200_001}),
        ("insufficient_medical_account", {"amount": 1000}),
        ("card_unknown", {"receiver_card_sn": "340000D156000005FFFFFFFFFFFFFFFF"}),
    ],
)
def test_a_transfer_is_refused(code: str, own: dict[str, Any]) -> None:
    scene = Scene()
    assert scene.give("W0", 1) == "recorded"
    assert scene.give(**{"transfer_id": "W1", "amount": 1, **own}) == code


def test_neither_card_may_be_an_enterprise_and_both_must_be_active() -> None:
    scene = Scene()
    firm = scene.issue_to_a_firm()
    assert scene.give("W1", 1, receiver_card_sn=firm) == "not_for_enterprise"
    assert scene.order("LockCard", "B", at="2025-06-01T12:00:00+08:00", reason="RISK") == "recorded"
    assert scene.give("W1", 1, receiver="B") == "card_locked"
    assert scene.give("W1", 1, giver="B") == "card_locked"


def test_only_the_wallet_has_limits_and_returns_do_not_lower_them() -> None:
    scene = Scene()
    scene.contribute("B", 300_000)
    assert scene.give("F1", 200_001, giver="B") == "recorded"
    for number in range(3):
        assert scene.give(f"W{number}", 1) == "recorded"
        assert give_back(scene, f"W{number}", 1) == "recorded"
    assert scene.give("W3", 1) == "too_many_transfers_today"
    assert scene.give("W3", 1, at="2025-06-03T00:00:00+08:00") == "recorded"
    assert scene.unforeseen == []


def test_the_first_lot_received_is_spent_first_and_owed_by_its_giver() -> None:
    scene = Scene()
    scene.give("W1", 100)
    scene.give("W2", 100, giver="B", giver_area="320500")
    assert spend(scene, 150) == "recorded"
    assert [(lot["transfer_id"], lot["amount_fen"]) for lot in scene.last["lots_used"]] == [("W1", 100), ("W2", 50)]
    assert scene.last["wallet_cleared"] == {"31": 100, "32": 50}
    assert (scene.balance("clearing:31:34"), scene.balance("clearing:32:34")) == (100, 50)
    assert scene.balance("provider:P1") == 150
    unit = scene.row(Unit, "spend:X1")
    assert (unit.lines, unit.confirmed) == (2, True)
    assert scene.unforeseen == []


def test_aid_of_ones_own_province_is_owed_only_when_it_is_spent_elsewhere() -> None:
    scene = Scene()
    scene.give("F1", 100, giver="B")
    assert spend(scene, 40, **PREMIUM | {"purse": "FAMILY_AID"}) == "recorded"
    assert (scene.last["wallet_cleared"], scene.balance("fund:34:390100")) == ({}, 40)
    assert scene.row(Unit, "spend:X1") is None
    assert spend(scene, 40, "X2", spend_area="310106", purse="FAMILY_AID") == "recorded"
    assert scene.last["wallet_cleared"] == {"34": 40}


def test_a_spend_is_refused() -> None:
    scene = Scene()
    scene.give("W1", 100)
    assert spend(scene, 1, fund_pay_type="390100") == "unknown_field"
    assert spend(scene, 1, institution=None) == "missing_field"
    assert spend(scene, 1, purpose="PREMIUM", spend_area="340100", purse="WALLET") == "missing_field"
    assert spend(scene, 1, purse="FAMILY_AID") == "insufficient_family_aid"
    assert spend(scene, 101) == "insufficient_wallet"
    assert spend(scene, 100) == "recorded"
    assert spend(scene, 1) == "spend_exists"


def test_a_spend_is_undone_once_and_its_lots_live_again() -> None:
    scene = Scene()
    scene.give("W1", 100)
    scene.give("W2", 100)
    spend(scene, 150)
    assert unspend(scene, "X9") == "spend_unknown"
    assert unspend(scene, card="B") == "spend_unknown"
    assert unspend(scene, reversal_id="X1") == "spend_exists"
    assert unspend(scene, at="2025-06-01T00:00:00+08:00") == "before_settlement"
    assert unspend(scene) == "recorded"
    assert (scene.last["amount_fen"], scene.last["wallet_cleared"]) == (-150, {"31": -150})
    assert (scene.last["institution"], scene.last["fund_pay_type"]) == ("P1", None)
    assert (scene.balance("A:wallet"), scene.balance("clearing:31:34"), scene.balance("provider:P1")) == (200, 0, 0)
    assert scene.row(Unit, "spend:X1").reversed_at == scene.position - 1
    assert unspend(scene, reversal_id="XS") == "spend_reversed"
    assert spend(scene, 1, "XR") == "spend_exists"
    assert spend(scene, 120, "X2") == "recorded"
    assert [lot["transfer_id"] for lot in scene.last["lots_used"]] == ["W1", "W2"]
    assert unspend(scene, "X2", "XR") == "spend_exists"


def test_what_is_unspent_goes_back_in_parts() -> None:
    scene = Scene()
    scene.give("W1", 100)
    spend(scene, 30)
    assert give_back(scene, "W9", 1) == "transfer_unknown"
    assert give_back(scene, "W1", 1, card="C") == "transfer_unknown"
    assert give_back(scene, "W1", 71) == "return_exceeds_unspent"
    assert give_back(scene, "W1", 20) == "recorded"
    assert [name for _, name, _ in scene.events[-2:]] == ["FamilyAidReturned", "FamilyAidRestored"]
    assert scene.events[-1][2]["card_id"] == scene.card_id("C")
    assert scene.unforeseen == []
    assert give_back(scene, "W1", 50) == "recorded"
    assert give_back(scene, "W1", 1) == "return_exceeds_unspent"
    assert (scene.balance("A:wallet"), scene.balance("C:medical_account")) == (0, 970)
    assert scene.balance("aid_in_transit:31") == 0


def test_a_cancelled_giver_gets_returned_aid_back() -> None:
    scene = Scene()
    scene.give("W1", 100)
    assert scene.order("CancelCard", "C", reason="OTHER", at="2025-06-03T00:00:00+08:00") == "recorded"
    assert give_back(scene, "W1", 100, at="2025-06-04T00:00:00+08:00") == "recorded"
    assert scene.card("C").medical_account == 1000


def test_an_actor_needs_a_delegation_of_the_giver_only() -> None:
    scene = Scene()
    assert scene.give("W1", 1, acting_person=CARDS["A"][2]) == "acting_person_not_authorised"
    assert scene.give("W1", 1, acting_person=CARDS["C"][2]) == "recorded"
