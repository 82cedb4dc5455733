"""What a bill moves, what it makes provinces owe, and every way it can be refused."""

from typing import Any

import msgspec
import pytest

from ledger.core.provinces import FUND_TYPES, PARTIES
from ledger.core.rows import ROW_LIMIT
from ledger.families.clearing.units import Unit
from ledger.families.medical.settlement import Settlement
from tests.families.medical.scene import AWAY, CARDS, Scene

STAY = {"admitted_on": "2025-05-10", "discharged_on": "2025-05-20"}


def test_a_bill_at_home_pays_the_institution_from_funds_account_and_cash() -> None:
    scene = Scene()
    assert scene.bill(funds={"310100": 60, "330100": 20}, account_fen=50, cash_fen=7, hospital_fen=3) == "recorded"
    assert scene.balance("provider:H1") == 137
    assert (scene.balance("fund:34:310100"), scene.balance("fund:34:330100")) == (-60, -20)
    assert (scene.balance("A:medical_account"), scene.balance("cash:H1")) == (950, -7)
    assert scene.last["cleared_fen"] == 0
    assert scene.row(Unit, "settlement:S1") is None
    assert scene.unforeseen == []


def test_a_bill_elsewhere_makes_home_owe_funds_and_account_but_not_cash() -> None:
    scene = Scene()
    assert scene.bill(funds={"310100": 60}, account_fen=50, cash_fen=7, **AWAY) == "recorded"
    assert scene.last["cleared_fen"] == 110
    assert (scene.balance("clearing:34:31"), scene.balance("advance:31")) == (110, -110)
    unit = scene.row(Unit, "settlement:S1")
    assert (unit.lines, unit.confirmed) == (1, False)
    assert scene.unforeseen == []


def test_the_account_part_is_not_cleared_where_home_says_so() -> None:
    key = "medical.clear_personal_account"
    scene = Scene({"key": key, "scope": "34", "effective_from": "2025-06-02", "value": False})
    scene.bill("S1", funds={"310100": 60}, account_fen=50, at="2025-06-01T23:59:59+08:00", **AWAY)
    assert (scene.last["clear_account"], scene.last["cleared_fen"]) == (True, 110)
    scene.bill("S2", funds={"310100": 60}, account_fen=50, at="2025-06-02T00:00:00+08:00", **AWAY)
    assert (scene.last["clear_account"], scene.last["cleared_fen"]) == (False, 60)


def test_a_bill_of_nothing_but_cash_elsewhere_still_is_a_line() -> None:
    scene = Scene()
    assert scene.bill(cash_fen=5, **AWAY) == "recorded"
    assert scene.row(Unit, "settlement:S1").lines == 1
    assert scene.balance("clearing:34:31") == 0


def test_wallet_lots_are_owed_by_their_givers_even_at_home() -> None:
    scene = Scene()
    assert scene.give("W1", 300) == "recorded"
    assert scene.bill(account_fen=250, account_mutual_aid_fen=250, wallet_fen=250) == "recorded"
    assert scene.last["wallet_cleared"] == {"31": 250}
    assert scene.last["cross_province"] is False
    assert (scene.balance("clearing:31:34"), scene.balance("A:wallet")) == (250, 50)
    unit = scene.row(Unit, "settlement:S1")
    assert (unit.lines, unit.confirmed) == (1, False)
    assert scene.unforeseen == []


def test_a_wallet_part_spent_in_the_givers_own_province_is_owed_by_nobody() -> None:
    scene = Scene()
    scene.give("W1", 300)
    assert scene.bill(account_fen=250, account_mutual_aid_fen=250, wallet_fen=250, **AWAY) == "recorded"
    assert (scene.last["wallet_cleared"], scene.last["cleared_fen"]) == ({}, 0)
    assert scene.row(Unit, "settlement:S1").lines == 1


def test_family_aid_from_home_is_cleared_by_home_and_makes_no_line_of_its_own() -> None:
    scene = Scene()
    assert scene.give("F1", 200, giver="B") == "recorded"
    assert scene.bill(account_fen=150, account_mutual_aid_fen=120, **AWAY) == "recorded"
    assert scene.last["lots_used"] == [
        {"transfer_id": "F1", "province": "34", "purse": "FAMILY_AID", "amount_fen": 120}
    ]
    assert (scene.last["wallet_cleared"], scene.last["cleared_fen"]) == ({}, 150)
    assert (scene.balance("A:family_aid"), scene.balance("A:medical_account")) == (80, 970)


def test_family_aid_from_another_province_than_home_is_untouchable() -> None:
    scene = Scene()
    elsewhere = {"giver_area": "320500", "receiver_area": "320500"}
    scene.give("X1", 500, giver="B", **elsewhere)
    scene.give("F1", 100, giver="B")
    aid: dict[str, Any] = {"account_fen": 101, "account_mutual_aid_fen": 101}
    assert scene.bill(**aid) == "insufficient_family_aid"
    assert scene.bill(account_fen=100, account_mutual_aid_fen=100) == "recorded"
    assert [lot["transfer_id"] for lot in scene.last["lots_used"]] == ["F1"]
    assert scene.balance("A:family_aid") == 500


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("missing_field", {"cash_fen": 1, "admitted_on": "2025-05-01"}),
        ("settlement_not_balanced", {"total_fen": 99, "cash_fen": 100}),
        ("mutual_aid_exceeds_account", {"account_fen": 10, "account_mutual_aid_fen": 11}),
        ("wallet_exceeds_mutual_aid", {"account_fen": 10, "account_mutual_aid_fen": 5, "wallet_fen": 6}),
        ("period_invalid", {"cash_fen": 1, "admitted_on": "2025-05-02", "discharged_on": "2025-05-01"}),
        ("third_party_liable", {"cash_fen": 1, "third_party_liable": True}),
        ("treatment_not_registered", {"cash_fen": 1, "med_type": "2101", **AWAY}),
        ("insufficient_medical_account", {"account_fen": 1001}),
        ("insufficient_family_aid", {"account_fen": 1, "account_mutual_aid_fen": 1}),
        ("insufficient_wallet", {"account_fen": 1, "account_mutual_aid_fen": 1, "wallet_fen": 1}),
        ("unknown_code", {"funds": {"310200": 1}}),
    ],
)
def test_a_bill_is_refused(code: str, parts: dict[str, Any]) -> None:
    assert Scene().bill(**parts) == code


def test_a_settlement_id_is_used_once_for_ever() -> None:
    scene = Scene()
    scene.bill(cash_fen=1)
    assert scene.bill(card="B", cash_fen=2) == "settlement_exists"
    scene.order("ReverseMedical", settlement_id="S1", reversal_id="R1", reason="REFUND")
    assert scene.bill(cash_fen=1) == "settlement_exists"
    assert scene.bill("R1", cash_fen=1) == "settlement_exists"


def test_refusals_come_in_the_order_of_the_contract() -> None:
    scene = Scene()
    scene.bill(cash_fen=1)
    faults: dict[str, Any] = {
        "total_fen": 5, "account_fen": 3, "account_mutual_aid_fen": 4, "wallet_fen": 5, "third_party_liable": True,
        "med_type": "22", "admitted_on": "2025-05-02", "discharged_on": "2025-05-01", **AWAY,
    }  # fmt: skip
    assert scene.bill("S1", **faults) == "settlement_exists"
    assert scene.bill("S2", **faults) == "settlement_not_balanced"
    assert scene.bill("S2", **{**faults, "total_fen": 3}) == "mutual_aid_exceeds_account"
    faults |= {"total_fen": 3, "account_mutual_aid_fen": 3}
    assert scene.bill("S2", **faults) == "wallet_exceeds_mutual_aid"
    assert scene.bill("S2", **{**faults, "wallet_fen": 3}) == "period_invalid"
    faults |= {"wallet_fen": 3, "discharged_on": "2025-05-03"}
    assert scene.bill("S2", **faults) == "third_party_liable"
    assert scene.bill("S2", **{**faults, "third_party_liable": False}) == "treatment_not_registered"
    faults |= {"third_party_liable": False, "emergency": True}
    assert scene.bill("S2", **faults) == "insufficient_wallet"


def test_two_bills_must_not_cover_the_same_days_in_one_institution() -> None:
    scene = Scene()
    assert scene.bill("S1", cash_fen=1, **STAY) == "recorded"
    assert scene.bill("S2", cash_fen=1, admitted_on="2025-05-19", discharged_on="2025-05-25") == "overlapping_stay"
    assert scene.bill("S2", cash_fen=1, admitted_on="2025-05-15", discharged_on="2025-05-15") == "overlapping_stay"
    assert scene.bill("S2", cash_fen=1, admitted_on="2025-05-20", discharged_on="2025-05-25") == "recorded"
    assert scene.bill("S3", cash_fen=1, institution="H2", **STAY) == "recorded"
    assert scene.bill("S4", card="B", cash_fen=1, **STAY) == "recorded"
    assert scene.bill("S5", cash_fen=1) == "recorded"
    scene.order("ReverseMedical", settlement_id="S1", reversal_id="R1", reason="REFUND")
    assert scene.bill("S6", cash_fen=1, **STAY) == "recorded"


def test_care_is_refused_to_an_enterprise_and_to_an_actor_without_delegation() -> None:
    scene = Scene()
    actor = CARDS["B"][2]
    assert scene.bill(cash_fen=1, acting_person=actor) == "acting_person_not_authorised"
    firm = scene.issue_to_a_firm()
    assert scene.bill(cash_fen=1, card_sn=firm) == "acting_person_required"
    own: dict[str, Any] = {"home_area": "340100", "month": "2025-01", "source": "SUBSIDY", "amount_fen": 1}
    assert scene.order("ContributeAccount", card_sn=firm, **own) == "not_for_enterprise"


def test_a_row_holds_the_worst_settlement() -> None:
    most, long = 10**13, "x" * 64
    worst = Settlement(
        card_id="c" * 36, position=2**62, occurred_at=2**52, business_date=47_000, institution=long,
        home_province="34", treatment_province="31", insutype="310", clr_type="310112", total_fen=most,
        funds=dict.fromkeys(FUND_TYPES, most), account_fen=most, account_mutual_aid_fen=most, wallet_fen=most,
        cash_fen=most, hospital_fen=most, cleared_fen=most, wallet_cleared=dict.fromkeys(PARTIES, most), lots=2**31,
        admitted_on=47_000, discharged_on=47_000, deducted=dict.fromkeys(FUND_TYPES, most), deductions=2**31,
    )  # fmt: skip
    assert len(msgspec.msgpack.encode(worst)) < ROW_LIMIT


def test_the_account_is_filled_and_emptied() -> None:
    scene = Scene()
    out = {"home_area": "340100", "reason": "TRANSFER"}
    assert scene.order("WithdrawAccount", amount_fen=1001, **out) == "insufficient_medical_account"
    assert scene.order("CancelCard", reason="OTHER", at="2025-06-01T00:00:00+08:00") == "recorded"
    into: dict[str, Any] = {"home_area": "340100", "month": "2025-01", "source": "INTEREST", "amount_fen": 1}
    assert scene.order("ContributeAccount", **into) == "card_cancelled"
    assert scene.order("WithdrawAccount", amount_fen=1000, **out) == "recorded"
    assert (scene.balance("A:medical_account"), scene.balance("fund:34:310200")) == (0, -1000)
