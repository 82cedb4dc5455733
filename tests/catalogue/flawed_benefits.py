"""What is wrong with the commands of contract section 3, in the order of their refusals."""

from typing import Any

from tests.catalogue.faults import (
    C1,
    CANCELLED,
    NOT_FOR_FIRM,
    ON_ANY_CARD,
    SCHEME,
    SHAPE,
    SUBMITTED,
    Fault,
    Group,
    flawed,
)
from tests.families.benefit import office as pay
from tests.families.benefit.office import ADA, BEN, CAI
from tests.families.counter import A1, B1

HEAD: dict[str, Any] = {"payee": ADA, "household_head": ADA, "village": "V1"}
RURAL: dict[str, Any] = {"kind": "RURAL_SUBSIDY"}
CORRECTION: dict[str, Any] = {**RURAL, "batch_type": "CORRECTION"}
OPEN = pay.open_batch("B1")
LINED = (pay.budget(), OPEN, pay.add_line("B1"))
SENT = (*LINED, pay.approve("B1"), pay.send("B1"))
PAID = (*SENT, pay.credit("B1"))
NO_BATCH = Fault("batch_unknown", batch_id="B9")
NO_LINE = Fault("line_unknown", line_id="9")
OTHERS_SENT = (
    pay.open_batch("B2", fen=99_001),
    pay.add_line("B2", person=CAI, fen=99_001),
    pay.approve("B2"),
    pay.send("B2"),
)
OTHERS_LINE = pay.add_line("B1", "2", BEN)
BEN_DEAD = Fault("beneficiary_dead", pay.cancel_card(B1, "2025-05-20", "2025-05-01"))
PAYEE: Group = (
    Fault("village_required", village=None),
    Fault("payee_not_card_holder", card_sn=C1),
    Fault("payee_not_allowed", household_head=None),
    Fault("bank_account_mismatch", bank_account="f" * 64),
    BEN_DEAD,
)
RETURNED = (
    *(pay.budget(), pay.open_batch("B1", **RURAL), pay.add_line("B1", person=BEN, **HEAD), pay.publish("B1")),
    *(pay.approve("B1", "2025-06-20"), pay.send("B1", "2025-06-20"), pay.give_back("B1")),
)
FLAWED = [
    flawed(
        (pay.open_batch("B1", **RURAL),),
        pay.add_line("B1", person=BEN, **HEAD),
        *(ON_ANY_CARD, CANCELLED, SCHEME, NOT_FOR_FIRM, NO_BATCH),
        Fault("batch_not_open", pay.close("B1")),
        Fault("batch_is_correction", pay.open_batch("B2", **CORRECTION), batch_id="B2"),
        Fault("line_exists", pay.add_line("B1", "1", CAI, village="V1")),
        PAYEE,
        Fault("beneficiary_twice", pay.add_line("B1", "2", BEN, **HEAD)),
        Fault(
            "benefit_already_claimed",
            pay.open_batch("S1", batch_type="SUPPLEMENT", **RURAL),
            pay.add_line("S1", person=BEN, **HEAD),
        ),
        Fault("ceiling_exceeded", amount_fen=2_501),
        apart="batch_not_open with line_exists, batch_not_open with beneficiary_twice",
        configuration=({"key": "payout.ceiling_fen", "effective_from": "2025-06-02", "value": 2_500},),
    ),
    flawed(
        LINED,
        pay.publish("B1"),
        *(SHAPE, Fault("out_of_range", place=""), SUBMITTED, NO_BATCH),
        Fault("batch_not_open", pay.publish("B1")),
        Fault("batch_empty", pay.stop("B1")),
        Fault("batch_totals_differ", OTHERS_LINE),
        apart="batch_empty with batch_totals_differ",
    ),
    flawed(
        (*LINED, pay.publish("B1")),
        pay.object_to("Q1", "B1", day="2025-06-02"),
        *(SHAPE, SUBMITTED, NO_BATCH, Fault("batch_not_published", pay.approve("B1")), NO_LINE),
        Fault("line_not_pending", pay.stop("B1")),
        Fault("objection_exists", pay.object_to("Q1", "B1", day="2025-06-02"), pay.resolve("Q1")),
        Fault("disclosure_over", occurred_at="2025-06-03T00:00:00+08:00"),
    ),
    flawed(
        (pay.open_batch("B1", **RURAL), pay.add_line("B1", village="V1"), pay.publish("B1")),
        pay.approve("B1", "2025-06-12"),
        *(SHAPE, SUBMITTED, NO_BATCH, Fault("batch_not_published", pay.approve("B1", "2025-06-12"))),
        Fault("batch_empty", pay.stop("B1")),
        Fault("disclosure_not_over", occurred_at="2025-06-11T23:59:59.999999+08:00"),
        Fault("objection_open", pay.object_to("Q1", "B1")),
        Fault("approver_is_maker", acting_person=pay.MAKER),
    ),
    flawed(
        (*LINED, pay.approve("B1")),
        pay.send("B1"),
        *(SHAPE, SUBMITTED, NO_BATCH, Fault("batch_not_approved", pay.send("B1"))),
        Fault("batch_empty", pay.stop("B1")),
        Fault("line_card_cancelled", pay.cancel_card(A1, "2025-06-04")),
        Fault("insufficient_budget", *OTHERS_SENT),
    ),
    flawed(
        SENT,
        pay.credit("B1"),
        *(SHAPE, SUBMITTED, NO_BATCH, NO_LINE, Fault("line_not_in_payment", pay.give_back("B1"))),
        Fault("amount_differs", amount_fen=999),
    ),
    flawed(
        (*RETURNED, pay.open_batch("C1", **CORRECTION)),
        pay.reissue("C1", "1", "B1", "1", **HEAD),
        *(ON_ANY_CARD, CANCELLED, SCHEME, NOT_FOR_FIRM, NO_BATCH),
        Fault("batch_not_open", pay.close("C1")),
        Fault("batch_not_correction", pay.open_batch("B2", **RURAL), batch_id="B2"),
        Fault("source_line_unknown", source_line_id="9"),
        Fault("line_already_reissued", pay.open_batch("C2", **CORRECTION), pay.reissue("C2", "1", "B1", "1", **HEAD)),
        Fault("batch_programme_differs", pay.open_batch("C3", period="2025-07", **CORRECTION), batch_id="C3"),
        Fault("reissue_exceeds_source", amount_fen=1_001),
        PAYEE,
        Fault("benefit_already_claimed", pay.open_batch("B3", **RURAL), pay.add_line("B3", person=BEN, **HEAD)),
    ),
    flawed(
        PAID,
        pay.overpaid("O1", "B1"),
        *(SHAPE, SUBMITTED, Fault("overpayment_exists", pay.overpaid("O1", "B1", fen=1)), NO_BATCH, NO_LINE),
        Fault("line_not_paid", pay.open_batch("B2", period="2025-07"), pay.add_line("B2"), batch_id="B2"),
        Fault("overpayment_exceeds_paid", amount_fen=1_001),
    ),
    flawed(
        (*PAID, pay.overpaid("O1", "B1"), pay.open_batch("B2", 2, period="2025-07"), pay.add_line("B2", fen=500)),
        pay.offset("F1", "O1", "B2"),
        *(SHAPE, SUBMITTED, Fault("offset_exists", pay.offset("F1", "O1", "B2"))),
        *(Fault("overpayment_unknown", overpayment_id="O9"), NO_BATCH, NO_LINE),
        Fault("line_not_pending", pay.stop("B2")),
        Fault("offset_other_card", pay.add_line("B2", "2", BEN), line_id="2"),
        Fault("offset_other_programme", pay.open_batch("B3", programme="rent"), pay.add_line("B3"), batch_id="B3"),
        Fault("recovery_exceeds_outstanding", amount_fen=601),
        Fault("offset_exceeds_line", amount_fen=500),
    ),
]
