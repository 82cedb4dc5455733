"""What the tables of refusals beside the families' own tests leave out: a recorded command of each kind, and the codes
that only another configuration or a longer history causes."""

from tests.catalogue.case import Case
from tests.families.benefit import office as pay
from tests.families.benefit import test_refusals as benefit
from tests.families.card import test_card_refusals as card
from tests.families.counter import (
    ACTIVE,
    B1,
    act,
    activate,
    close_day,
    correct,
    delegate,
    grant,
    issue,
    issue_to_firm,
    load,
    lose,
    name_agent,
    replace,
    tap,
)
from tests.families.governance import test_governance_refusals as governance
from tests.families.service import test_service_refusals as service
from tests.families.service.scene import on_pass, visit
from tests.families.transit import test_transit_refusals as transit

OFFICE = (
    *(pay.issue_card(person, pay.SN[person], pay.ACCOUNT[person]) for person in (pay.ADA, pay.BEN, pay.CAI)),
    pay.budget(),
)
"""What tests.families.benefit.office tells a ledger before anything else."""
LOCK = act("LockCard", card.DAY, reason="RISK")
RETURNED_GRAIN = (
    pay.open_batch("B1", **benefit.RURAL),
    pay.add_line("B1", village="V1"),
    pay.publish("B1"),
    pay.approve("B1", "2025-06-20"),
    pay.send("B1", "2025-06-20"),
    pay.give_back("B1"),
)
RESTRICTED_BEN = (*card.SECOND, governance.restrict(card.DAY, card_sn=B1))

ACCEPTED = [
    # 2
    Case("", (), issue()),
    Case("", (), issue_to_firm()),
    Case("", (issue(),), activate()),
    Case("", ACTIVE, lose("FORMAL", card.DAY)),
    Case("", card.LOST, act("LiftLoss", card.LATER)),
    Case("", (*ACTIVE, lose("TEMPORARY", card.DAY)), act("ExpireTemporaryLoss", "2025-03-08 10:00")),
    Case("", card.LOST, replace("LOST", card.LATER)),
    Case("", ACTIVE, LOCK),
    Case("", card.LOCKED, act("UnlockCard", card.LATER)),
    Case("", ACTIVE, act("CancelCard", card.LATER, reason="DEATH", died_on="2025-03-01")),
    Case("", ACTIVE, act("IssueElectronicCard", card.LATER, level="IDENTITY")),
    Case("", card.IN_PHONE, act("RevokeElectronicCard", card.LATER, reason="HOLDER")),
    Case("", ACTIVE, delegate(card.DAY)),
    Case("", card.DELEGATED, act("EndDelegation", card.LATER, delegation_id="D1")),
    Case("", card.FIRM, name_agent(card.DAY)),
    Case("", ACTIVE, grant(card.DAY)),
    Case("", card.GRANTED, act("EndEntitlement", card.LATER, entitlement_id="E1", ended_on="2025-03-05")),
    # 3
    *(
        Case("", (*OFFICE, *given), then)
        for given, then in (
            ([], pay.budget(5)),
            ([], pay.open_batch("B1")),
            (benefit.OPENED, pay.add_line("B1")),
            (benefit.LINED, pay.publish("B1")),
            (benefit.PUBLISHED, pay.object_to("Q1", "B1", day="2025-06-02")),
            ([*benefit.PUBLISHED, pay.object_to("Q1", "B1", day="2025-06-02")], pay.resolve("Q1", "UPHELD")),
            (benefit.PUBLISHED, pay.approve("B1")),
            (benefit.LINED, pay.stop("B1")),
            (benefit.APPROVED, pay.send("B1")),
            (pay.sent(), pay.credit("B1")),
            (pay.paid(), pay.give_back("B1")),
            (benefit.CORRECTED, pay.reissue("C1", "1", "B1", "1")),
            (pay.paid(), pay.overpaid("O1", "B1")),
            (benefit.OVERPAID, pay.recover("R1", "O1")),
            (benefit.LATER, pay.offset("F1", "O1", "B2")),
            (pay.paid(), pay.close("B1")),
        )
    ),
    # 5
    Case("", ACTIVE, load(1_000)),
    Case("", transit.ENTERED, tap("EXIT", 5, "2025-05-02 12:30", 300, entry_counter=4)),
    Case("", transit.RODE, correct("COMPLAINT", 4, transit.NEXT_DAY, 100)),
    Case("", transit.RODE, close_day("2025-05-02", transit.NEXT_DAY)),
]

REFUSED = [
    # 2
    Case("loss_not_liftable", card.LOST, act("LiftLoss", card.LATER), (card.LOST_FOR_GOOD,)),
    Case("processing_restricted", (*ACTIVE, *RESTRICTED_BEN), delegate(card.LATER)),
    Case("processing_restricted", (*card.FIRM, *RESTRICTED_BEN), name_agent(card.LATER)),
    # 3
    Case("ceiling_exceeded", (*OFFICE, *benefit.OPENED), pay.add_line("B1", fen=1_501), (benefit.CEILING,)),
    Case(
        "ceiling_exceeded",
        (*OFFICE, *benefit.CORRECTED, pay.open_batch("S1", batch_type="SUPPLEMENT"), pay.add_line("S1", fen=501)),
        pay.reissue("C1", "1", "B1", "1"),
        (benefit.CEILING,),
    ),
    Case(
        "village_required",
        (*OFFICE, *RETURNED_GRAIN, pay.open_batch("C1", **benefit.CORRECTION, **benefit.RURAL)),
        pay.reissue("C1", "1", "B1", "1"),
    ),
    Case("disclosure_not_over", (*OFFICE, *benefit.PUBLISHED), pay.approve("B1"), (benefit.WEEK,)),
    # 6
    Case("before_purchase", service.BOUGHT, visit("2024-12-31 12:00")),
    Case("before_purchase", service.BOUGHT, on_pass("ExpirePass", "2024-12-31 12:00")),
    Case("pass_unknown", ACTIVE, on_pass("ExpirePass", service.NOON)),
    Case("pass_unknown", ACTIVE, on_pass("RefundPass", service.NOON)),
    # 8
    Case(
        "retention_not_over",
        (*ACTIVE, load(1), governance.restrict()),
        governance.destroy(),
    ),
]


def tables() -> list[Case]:
    """The cases that stand in tables beside the families' own tests."""
    found = [Case(code, tuple(given), then) for each in (card, transit, service) for code, given, then in each.CASES]
    found += [Case(code, given, then, (governance.NO_RETENTION,)) for code, given, then in governance.CASES]
    found += [Case(code, (*OFFICE, *given), then) for code, given, then in benefit.REFUSALS]
    return found


def recorded_tables() -> list[Case]:
    found = [Case("", given, then) for given, then, _ in service.ACCEPTED]
    return found + [Case("", given, then, (governance.NO_RETENTION,)) for given, then, _ in governance.ACCEPTED]
