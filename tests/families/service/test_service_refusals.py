"""Every refusal of the service commands caused once, in the order in which the contract names them."""

from typing import Any

import pytest

from tests.families.counter import (
    A1,
    ACTIVE,
    B1,
    BEN,
    F1,
    Command,
    act,
    activate,
    delegate,
    grant,
    issue,
    lose,
)
from tests.families.given import Ledger
from tests.families.service.scene import (
    AGENT,
    FIRM,
    NOON,
    borrow,
    bring_back,
    budget,
    buy,
    close_day,
    credit,
    enter,
    expire_voucher,
    fine,
    give_voucher,
    on_pass,
    pay,
    pay_bill,
    redeem,
    refund,
    refund_bill,
    study,
    use,
    visit,
)

TWO = (*ACTIVE, issue(card_sn=B1, person=BEN), activate(card_sn=B1))
LOST = (*ACTIVE, lose("FORMAL", "2025-06-01 12:00"))
LOCKED = (*ACTIVE, act("LockCard", "2025-06-01 12:00", reason="RISK"))
CANCELLED = (*ACTIVE, act("CancelCard", "2025-06-01 12:00", reason="OTHER"))
PAID = (*TWO, pay(1000, 400))
HALF = (*PAID, refund(300, 200))
ENTITLED = (*TWO, grant("2025-01-02 09:00", "E1", kind="VENUE", province="33"))
LENT = (*TWO, borrow())
BOUGHT = (*TWO, buy("2025-01-01 12:00"))
WORN = (*BOUGHT, on_pass("ActivatePass", "2025-02-01 12:00"), visit("2025-02-01 12:00"))
ENDED = (*WORN, on_pass("ExpirePass", "2026-02-01 12:00"))
GIVEN_BACK = (*BOUGHT, on_pass("RefundPass", "2025-01-02 12:00"))
BILLED = (*TWO, pay_bill())
BILL_BACK = (*BILLED, refund_bill())
VOUCHER = (*TWO, give_voucher(merchants=["M1", "M2"]))
PARTLY = (*VOUCHER, redeem(200))
SPENT = (*VOUCHER, redeem(500))
OVER = (*VOUCHER, expire_voucher("2025-07-01 12:00"))
FUNDED = (*FIRM, *ACTIVE, budget(1000))

CASES: list[tuple[str, tuple[Command, ...], Command]] = [
    # Stages 1, 4 and 5, by the commands that use a card
    ("unknown_code", ACTIVE, use(step="NOTHING")),
    ("bad_format", ACTIVE, use(token_hash="AB")),
    ("unknown_field", ACTIVE, use(amount_fen=1)),
    ("card_unknown", (), use()),
    ("before_card_issue", ACTIVE, use("2024-02-01 09:00")),
    ("card_not_activated", (issue(),), use()),
    ("card_lost", LOST, use()),
    ("card_locked", LOCKED, pay()),
    ("card_cancelled", CANCELLED, enter(0, 0)),
    ("electronic_card_not_active", ACTIVE, use(channel="ELECTRONIC_CARD")),
    ("acting_person_not_authorised", ACTIVE, use(acting_person=BEN)),
    (
        "acting_person_not_authorised",
        (*ACTIVE, delegate("2025-01-02 09:00", matters=["MEDICAL"])),
        use(acting_person=BEN),
    ),
    ("acting_person_required", AGENT, use(card_sn=F1)),
    ("acting_person_not_authorised", AGENT, use("2026-06-02 12:00", card_sn=F1, acting_person=BEN)),
    ("scheme_item_not_enabled", ACTIVE, pay(scheme="YRD", scheme_item="shop")),
    ("scheme_item_not_enabled", ACTIVE, close_day("2025-06-01", NOON) | {"scheme": "YRD", "scheme_item": "shop"}),
    # 6.2
    ("missing_field", ACTIVE, {**pay(1000), "discount_fen": 1}),
    ("unknown_field", ACTIVE, pay(1000, funder="elder")),
    ("payment_exists", PAID, pay(1)),
    ("payment_exists", BILLED, pay(1, payment_id="PU1")),
    ("payment_not_balanced", ACTIVE, pay(1000, 400, paid_fen=601)),
    # 6.3
    ("refund_exists", HALF, refund(1)),
    ("refund_exists", (*BILL_BACK, pay(1000)), refund(1)),
    ("payment_unknown", TWO, refund(1)),
    ("payment_unknown", PAID, refund(1, card_sn=B1)),
    ("payment_unknown", BILLED, refund(1, payment_id="PU1")),
    ("refund_empty", PAID, refund(0)),
    ("before_payment", PAID, refund(1, at="2025-06-02 11:59")),
    ("refund_exceeds_payment", HALF, refund(301, refund_id="RF2")),
    ("refund_exceeds_payment", HALF, refund(0, 201, refund_id="RF2")),
    ("refund_exceeds_payment", (*TWO, pay(1000)), refund(0, 1)),
    # 6.4
    ("day_closed", (close_day("2025-06-02", "2025-06-03 00:00"),), close_day("2025-06-02", NOON)),
    ("day_not_over", (), close_day("2025-06-02", "2025-06-02 23:59")),
    # 6.5
    ("out_of_range", ACTIVE, enter(0, 0, group_size=0)),
    ("entry_exists", (*ACTIVE, enter(0, 0)), enter(1, 1)),
    ("paid_exceeds_due", ACTIVE, enter(100, 101)),
    ("entitlement_not_valid", ACTIVE, enter(100, 99)),
    ("entitlement_not_valid", ACTIVE, enter(100, 99, entitlement_id="E1")),
    ("entitlement_not_valid", ENTITLED, enter(100, 99, card_sn=B1, entitlement_id="E1")),
    ("entitlement_not_valid", ENTITLED, enter(100, 99, entitlement_id="E1", venue_area="320100")),
    ("entitlement_not_valid", ENTITLED, enter(100, 99, at="2026-01-01 00:00", entitlement_id="E1")),
    (
        "entitlement_not_valid",
        (*ACTIVE, grant("2025-01-02 09:00", "E1", kind="LIBRARY", province="33")),
        enter(100, 99, entitlement_id="E1"),
    ),
    (
        "entitlement_not_valid",
        (*ENTITLED, act("EndEntitlement", NOON, entitlement_id="E1", ended_on="2025-06-02")),
        enter(100, 99, entitlement_id="E1"),
    ),
    # 6.6, 6.7
    ("not_for_enterprise", AGENT, borrow(card_sn=F1, acting_person=BEN)),
    ("loan_exists", LENT, borrow(item="BOOK-2")),
    ("item_on_loan", LENT, borrow(loan_id="LN2", card_sn=B1)),
    ("period_invalid", TWO, borrow(due_on="2025-06-01")),
    ("unknown_field", LENT, bring_back("2025-06-03 12:00") | {"card_sn": A1}),
    ("item_not_on_loan", TWO, bring_back(NOON)),
    ("item_not_on_loan", (*LENT, bring_back("2025-06-03 12:00")), bring_back("2025-06-03 12:00", acting_person=BEN)),
    ("before_loan", LENT, bring_back("2025-06-02 11:59")),
    ("not_for_enterprise", FIRM, fine(card_sn=F1)),
    ("fine_exists", (*LENT, fine()), fine(amount_fen=1)),
    ("loan_unknown", TWO, fine()),
    ("loan_unknown", LENT, fine(card_sn=B1)),
    # 6.8
    ("not_for_enterprise", AGENT, buy(card_sn=F1, acting_person=BEN)),
    ("pass_exists", BOUGHT, buy()),
    ("pass_unknown", TWO, on_pass("ActivatePass", NOON)),
    ("pass_unknown", BOUGHT, on_pass("UsePass", NOON, card_sn=B1, venue="VA", venue_area="460100")),
    ("before_purchase", BOUGHT, on_pass("ActivatePass", "2024-12-31 12:00")),
    ("before_purchase", BOUGHT, on_pass("RefundPass", "2024-12-31 12:00")),
    ("pass_already_active", WORN, on_pass("ActivatePass", NOON)),
    ("pass_expired", ENDED, on_pass("ActivatePass", NOON)),
    ("pass_refunded", GIVEN_BACK, on_pass("ActivatePass", NOON)),
    ("pass_not_active", BOUGHT, visit("2025-03-31 12:00")),
    ("pass_not_active", WORN, visit("2025-01-31 12:00")),
    ("pass_expired", WORN, visit("2026-02-01 00:00")),
    ("pass_expired", ENDED, visit("2025-02-03 12:00")),
    ("pass_refunded", GIVEN_BACK, visit(NOON)),
    ("pass_used_today", WORN, visit("2025-02-01 23:59", area="330100")),
    ("pass_not_refundable", WORN, on_pass("RefundPass", "2025-02-02 12:00")),
    ("pass_not_refundable", BOUGHT, on_pass("RefundPass", "2025-04-01 00:00")),
    ("pass_expired", ENDED, on_pass("RefundPass", NOON)),
    ("pass_refunded", GIVEN_BACK, on_pass("RefundPass", NOON)),
    ("pass_not_expired", BOUGHT, on_pass("ExpirePass", "2025-03-31 12:00")),
    ("pass_not_expired", BOUGHT, on_pass("ExpirePass", "2026-03-31 23:59")),
    ("pass_not_expired", WORN, on_pass("ExpirePass", "2026-01-31 23:59")),
    ("pass_expired", ENDED, on_pass("ExpirePass", "2026-02-01 12:00", channel="FILE")),
    ("pass_refunded", GIVEN_BACK, on_pass("ExpirePass", "2027-02-01 12:00")),
    # 6.9
    ("payment_exists", PAID, pay_bill(payment_id="PM1")),
    ("bill_already_paid", BILLED, pay_bill(payment_id="PU2", card_sn=B1)),
    ("refund_exists", BILL_BACK, refund_bill(channel="FILE")),
    ("payment_unknown", TWO, refund_bill()),
    ("payment_unknown", PAID, refund_bill(payment_id="PM1")),
    ("payment_unknown", BILLED, refund_bill(card_sn=B1)),
    ("payment_refunded", BILL_BACK, refund_bill(refund_id="RF2")),
    ("before_payment", BILLED, refund_bill("2025-06-02 11:59")),
    # 6.10
    ("not_for_enterprise", FIRM, give_voucher(card_sn=F1)),
    ("card_cancelled", CANCELLED, give_voucher()),
    ("out_of_range", ACTIVE, give_voucher(merchants=[])),
    ("bad_format", ACTIVE, give_voucher(merchants=["M1", "M1"])),
    ("period_invalid", ACTIVE, give_voucher(valid_from="2025-07-01")),
    ("voucher_exists", VOUCHER, give_voucher()),
    ("redemption_exists", PARTLY, redeem(1)),
    ("voucher_unknown", TWO, redeem(1)),
    ("voucher_unknown", VOUCHER, redeem(1, card_sn=B1)),
    ("voucher_used", SPENT, redeem(1, redemption_id="RD2")),
    ("voucher_expired", OVER, redeem(1)),
    ("voucher_not_valid_yet", VOUCHER, redeem(1, at="2025-05-31 23:59")),
    ("voucher_expired", VOUCHER, redeem(1, at="2025-07-01 00:00")),
    ("merchant_not_allowed", VOUCHER, redeem(501, merchant="M3")),
    ("insufficient_voucher", PARTLY, redeem(301, redemption_id="RD2")),
    ("voucher_unknown", TWO, expire_voucher(NOON)),
    ("voucher_used", SPENT, expire_voucher("2025-07-01 12:00")),
    ("voucher_expired", OVER, expire_voucher("2025-07-02 12:00")),
    ("voucher_not_expired", VOUCHER, expire_voucher("2025-06-30 23:59")),
    # 6.11, 6.12
    ("not_for_enterprise", FIRM, study(card_sn=F1)),
    ("card_cancelled", CANCELLED, study()),
    ("period_invalid", ACTIVE, study(valid_to="2024-08-31")),
    ("not_an_enterprise", FUNDED, credit(1, card_sn=A1)),
    ("grant_exists", (*FUNDED, credit(1)), credit(2)),
    ("insufficient_budget", FUNDED, credit(1001)),
    ("insufficient_budget", FUNDED, credit(1, programme="other")),
]


@pytest.mark.parametrize(("code", "history", "command"), CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_the_command_is_refused(code: str, history: tuple[Command, ...], command: dict[str, Any]) -> None:
    ledger = Ledger()
    ledger.given(*history)
    before = dict(ledger.memory.rows)

    assert ledger.submit(command) == code
    assert ledger.memory.rows == before


ACCEPTED: list[tuple[tuple[Command, ...], Command, str]] = [
    (ACTIVE, use(), "ServiceUsed"),
    (AGENT, use(card_sn=F1, acting_person=BEN), "ServiceUsed"),
    (ACTIVE, pay(1000, 400), "MerchantPaid"),
    (PAID, refund(300, 200), "MerchantRefunded"),
    (PAID, close_day("2025-06-02", "2025-06-03 00:00"), "MerchantDayClosed"),
    (ENTITLED, enter(100, 0, entitlement_id="E1"), "VenueEntered"),
    (ACTIVE, borrow(), "ItemBorrowed"),
    (LENT, bring_back("2025-06-03 12:00"), "ItemReturned"),
    (LENT, bring_back(NOON), "ItemReturned"),
    (LENT, fine(), "FineCharged"),
    (ACTIVE, buy(), "PassPurchased"),
    (BOUGHT, on_pass("ActivatePass", "2025-02-01 12:00"), "PassActivated"),
    (BOUGHT, visit("2025-04-01 12:00"), "PassUsed"),
    (BOUGHT, on_pass("RefundPass", "2025-03-31 23:59"), "PassRefunded"),
    (WORN, on_pass("ExpirePass", "2026-02-01 00:00"), "PassExpired"),
    (ACTIVE, pay_bill(), "UtilityPaid"),
    (BILLED, refund_bill(), "UtilityRefunded"),
    (ACTIVE, give_voucher(), "VoucherIssued"),
    (VOUCHER, redeem(500), "VoucherRedeemed"),
    (VOUCHER, redeem(500, at="2025-06-01 00:00"), "VoucherRedeemed"),
    (VOUCHER, redeem(500, at="2025-06-30 23:59"), "VoucherRedeemed"),
    (PARTLY, expire_voucher("2025-07-01 00:00"), "VoucherExpired"),
    (ACTIVE, study(valid_to="2028-06-30"), "StudentStatusSet"),
    (FUNDED, credit(1000), "PolicyFundCredited"),
]


@pytest.mark.parametrize(
    ("history", "command", "event"), ACCEPTED, ids=lambda part: part if isinstance(part, str) else ""
)
def test_the_command_is_recorded_once_and_its_event_makes_the_same_rows_again(
    history: tuple[Command, ...], command: dict[str, Any], event: str
) -> None:
    ledger = Ledger()
    ledger.given(*history)

    recorded = ledger.submit(command, reference="once")
    assert not isinstance(recorded, str), recorded
    assert [name for _, name, _ in ledger.events[-1:]] == [event]
    # What only the decision can name is loaded by it at once; everything else is announced.
    found_out = ("authorisations", "pass_venue", "merchant_day_sum")
    assert [name for name in ledger.unforeseen if not name.startswith(found_out)] == []
    assert sum(ledger.balances.values()) == 0
    assert ledger.made_again() == ledger.memory.rows

    assert ledger.submit(command, reference="once") == "duplicate"
    assert ledger.submit(command | {"channel": "WEB"}, reference="once") == "reference_reused"
