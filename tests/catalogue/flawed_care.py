"""What is wrong with the commands of contract section 4, in the order of their refusals."""

from typing import Any

from tests.catalogue import medical as care
from tests.catalogue.faults import (
    BEN_RESTRICTED,
    C1,
    CANCELLED,
    FREE_TOO,
    NOT_FOR_FIRM,
    ON_A_CARD,
    ON_ANY_CARD,
    SCHEME,
    SHAPE,
    SUBMITTED,
    USE,
    Fault,
    flawed,
    identity,
    states,
)
from tests.catalogue.general import NOBODYS
from tests.catalogue.medical import AWAY, bill, give, register, reverse, spend, unspend, void
from tests.families.counter import A1, B1, F1

YESTERDAY = "2025-06-01 12:00"
STAY: dict[str, Any] = {"admitted_on": "2025-05-10", "discharged_on": "2025-05-20"}
OWN: dict[str, Any] = {"account_fen": 200, "cash_fen": 100, "total_fen": 300, "med_type": "2101", **STAY}
BENS: dict[str, Any] = {"card_sn": B1}
BILLED = bill("S1", reference="bill-1", **AWAY, funds={"310100": 100}, cash_fen=0)
GIVEN = give(amount=100)

FLAWED = [
    flawed((), care.contribute(), ON_ANY_CARD, CANCELLED, SCHEME, NOT_FOR_FIRM),
    flawed(
        (),
        care.withdraw(300_000),
        *(ON_ANY_CARD, SCHEME, NOT_FOR_FIRM, Fault("insufficient_medical_account", amount_fen=300_001)),
    ),
    flawed(
        (),
        register(valid_to="2026-05-31"),
        *(SHAPE, Fault("missing_field", scheme="YRD"), Fault("unknown_code", reason="REFERRAL")),
        *(SUBMITTED, identity(), states(), USE),
        Fault("same_province", treatment_area="340200"),
        Fault("registration_exists", register(**BENS)),
        Fault("period_invalid", valid_to="2025-04-30"),
        Fault("registration_locked", register("G2", treatment_area="320500")),
        apart="missing_field with scheme_item_not_enabled",
    ),
    flawed(
        (),
        register(kind="TEMPORARY", reason="OTHER", valid_to="2025-10-31"),
        *(ON_A_CARD, states(), USE),
        Fault("same_province", treatment_area="340200"),
        Fault("registration_exists", register(**BENS)),
        Fault("period_invalid", valid_to="2025-04-30"),
        Fault("registration_too_short", valid_to="2025-10-30"),
    ),
    flawed(
        (register(valid_from="2025-01-01"),),
        care.end("2025-06-30"),
        *(ON_A_CARD, SCHEME, NOT_FOR_FIRM),
        Fault("registration_unknown", register("G2", **BENS), registration_id="G2"),
        Fault("registration_ended", care.end("2025-07-31")),
        Fault("period_invalid", ended_on="2024-12-31"),
        Fault("registration_locked", ended_on="2025-06-29"),
    ),
    flawed(
        (),
        bill(**OWN),
        *(SHAPE, Fault("missing_field", discharged_on=None)),
        *(SUBMITTED[0], Fault("settlement_voided", void("last")), SUBMITTED[1], identity(), states(), USE),
        Fault("settlement_exists", bill("S0", **BENS), reverse("S0", "S1", **BENS)),
        Fault("settlement_not_balanced", total_fen=301),
        Fault("mutual_aid_exceeds_account", account_mutual_aid_fen=201),
        Fault("wallet_exceeds_mutual_aid", wallet_fen=202),
        Fault("period_invalid", admitted_on="2025-05-21"),
        Fault("third_party_liable", third_party_liable=True),
        Fault("treatment_not_registered", treatment_area="310106"),
        Fault("overlapping_stay", bill("S2", **STAY)),
        Fault("insufficient_medical_account", care.withdraw(299_801)),
        apart="settlement_voided with reference_reused",
    ),
    flawed(
        (),
        bill(account_fen=300, cash_fen=0, total_fen=300),
        Fault("insufficient_medical_account", care.withdraw(300_000)),
        Fault("insufficient_family_aid", account_mutual_aid_fen=200, wallet_fen=100),
        Fault("insufficient_wallet", account_mutual_aid_fen=200, wallet_fen=200),
    ),
    flawed(
        (BILLED,),
        reverse(),
        *(ON_ANY_CARD, SCHEME, Fault("settlement_unknown", card_sn=B1)),
        Fault("settlement_voided", void()),
        Fault("settlement_reversed", reverse(reversal_id="S1Q")),
        Fault("settlement_exists", reversal_id="S1"),
        Fault("settlement_has_deductions", care.deduct()),
        Fault("before_settlement", occurred_at="2025-06-02T11:59:59.999999+08:00"),
        apart="card_sn_retired with before_settlement",
    ),
    flawed(
        (BILLED,),
        void(),
        *(ON_ANY_CARD, SCHEME, Fault("already_voided", void())),
        Fault("not_a_settlement", care.contribute(reference="else"), voided_reference="else"),
        Fault("settlement_unknown", card_sn=B1),
        Fault("settlement_reversed", reverse(reversal_id="S1Q")),
        Fault("settlement_cut_off", care.confirm("S1"), care.cut_off()),
        Fault("settlement_has_deductions", care.deduct()),
    ),
    flawed(
        (),
        GIVEN,
        *(ON_A_CARD, Fault("card_unknown", receiver_card_sn=NOBODYS)),
        *(identity(B1, new=FREE_TOO)[2], BEN_RESTRICTED, states(), states(B1), USE),
        Fault("not_for_enterprise", receiver_card_sn=F1),
        Fault("same_card", receiver_card_sn=A1),
        Fault("transfer_exists", care.contribute(card_sn=C1), give(card_sn=C1)),
        Fault("giver_not_employee", giver_insutype="390"),
        Fault("transfer_too_large", amount_fen=200_001),
        Fault("too_many_transfers_today", give("W2", 1), give("W3", 1), give("W4", 1)),
        Fault("insufficient_medical_account", care.withdraw(299_901)),
    ),
    flawed(
        (GIVEN,),
        spend(),
        *(SHAPE, Fault("missing_field", institution=None), Fault("unknown_field", fund_pay_type="310100")),
        *(SUBMITTED, identity(B1), states(B1), USE),
        Fault("spend_exists", spend(amount=1)),
        Fault("insufficient_family_aid", purse="FAMILY_AID"),
        Fault("insufficient_wallet", amount_fen=101),
    ),
    flawed(
        (GIVEN, spend()),
        unspend(),
        *(SHAPE, SUBMITTED, identity(B1, always=True), SCHEME, Fault("spend_unknown", card_sn=C1)),
        Fault("spend_reversed", unspend(reversal_id="X1Q")),
        Fault("spend_exists", reversal_id="X1"),
        Fault("before_settlement", occurred_at="2025-06-02T11:59:59.999999+08:00"),
        apart="card_sn_retired with before_settlement",
    ),
    flawed(
        (GIVEN,),
        care.bring_back(100),
        *(SHAPE, SUBMITTED, identity(B1, always=True), SCHEME, Fault("transfer_unknown", card_sn=C1)),
        Fault("return_exceeds_unspent", amount_fen=101),
    ),
]
