"""What everyday services book: who earned, who paid, what waits, and what a merchant's day adds up to."""

from ledger.core.calendar import date_text
from ledger.core.identity import card_id_of
from tests.families.counter import A1, ACTIVE, B1, BEN, F1, activate, grant, issue, lose
from tests.families.given import Ledger
from tests.families.service.scene import (
    FIRM,
    borrow,
    bring_back,
    budget,
    close_day,
    credit,
    enter,
    expire_voucher,
    fine,
    give_voucher,
    pay,
    pay_bill,
    redeem,
    refund,
    refund_bill,
    use,
)

SUMS = (
    "payment_count paid_fen discount_fen refund_count refund_fen voucher_count voucher_fen net_fen".split()
)  # fmt: skip
ANNA, FIRMS = card_id_of(A1), card_id_of(F1)


def ledger_of(*commands: dict[str, object]) -> Ledger:
    ledger = Ledger()
    ledger.given(*ACTIVE, *commands)
    return ledger


def booked(ledger: Ledger) -> dict[str, int]:
    return {account: amount for account, amount in ledger.balances.items() if amount}


def test_a_service_point_in_another_province_is_told_apart() -> None:
    ledger = ledger_of()
    home, away = ledger.given(use(), use(service_area="310106"))
    assert (home["cross_province"], away["cross_province"]) == (False, True)


def test_a_discount_is_owed_by_the_programme_of_the_merchants_province() -> None:
    assert booked(ledger_of(pay(1000, 400))) == {"merchant:M1": 1000, "cash:M1": -600, "programme:33:elder": -400}


def test_what_is_refunded_in_parts_leaves_nothing_in_the_end() -> None:
    ledger = ledger_of(pay(1000, 400), refund(300, 100), refund(300, 300, refund_id="RF2"))
    assert booked(ledger) == {}
    assert ledger.submit(refund(1, refund_id="RF3")) == "refund_exceeds_payment"


def test_a_refund_reaches_a_card_that_is_lost() -> None:
    assert booked(ledger_of(pay(10), lose("FORMAL", "2025-06-03 12:00"), refund(10, at="2025-06-04 12:00"))) == {}


def test_a_close_counts_each_act_once_and_late_ones_the_next_time() -> None:
    ledger = ledger_of(
        pay(1000, 400),
        refund(100, 50, at="2025-06-02 13:00"),
        give_voucher(),
        redeem(200),
        pay(7, payment_id="PM2", at="2025-06-03 09:00"),
        pay(9, payment_id="PM3", merchant="M2"),
    )
    (first,) = ledger.given(close_day("2025-06-02", "2025-06-03 00:00"))
    ledger.given(pay(5, payment_id="PM4", at="2025-06-01 09:00"))
    (second,) = ledger.given(close_day("2025-06-05", "2025-06-06 00:00"))

    assert first["closed_from"] is None
    assert [first[name] for name in SUMS] == [1, 600, 400, 1, 150, 1, 200, 1050]
    assert date_text(second["closed_from"]) == "2025-06-03"
    assert [second[name] for name in SUMS] == [2, 12, 0, 0, 0, 0, 0, 12]
    assert (first["card_version"], second["card_version"]) == (1, 2)
    (nothing,) = ledger.given(close_day("2025-06-05", "2025-06-06 00:00", "M9"))
    assert [nothing[name] for name in SUMS] == [0] * 8
    assert ledger.made_again() == ledger.memory.rows


def test_local_finance_bears_what_an_entitled_visitor_does_not_pay() -> None:
    ledger = ledger_of(grant("2025-01-02 09:00", "E1", kind="STUDENT", province="33"))
    free, reduced = ledger.given(
        enter(600, 0, entitlement_id="E1"), enter(400, 100, entry_id="EV2", entitlement_id="E1", group_size=3)
    )

    assert (free["subsidy_fen"], free["group_size"], reduced["group_size"]) == (600, 1, 3)
    assert booked(ledger) == {"venue:PARK1": 1000, "cash:PARK1": -100, "subsidy:33": -900}


def test_an_entitlement_that_lowers_nothing_is_not_looked_at() -> None:
    (event,) = ledger_of().given(enter(100, 100, entitlement_id="nobodys"))
    assert event["entitlement_id"] == "nobodys"


def test_anyone_may_bring_an_item_back_and_it_counts_on_the_borrowers_card() -> None:
    ledger = ledger_of(issue(card_sn=B1, person=BEN), activate(card_sn=B1), borrow())
    (event,) = ledger.given(bring_back("2025-07-02 09:00", acting_person=BEN))

    assert (event["card_id"], event["loan_id"], event["overdue_days"]) == (ANNA, "LN1", 2)
    (again,) = ledger.given(borrow("2025-07-03 09:00", "LN2", card_sn=B1, due_on="2025-08-01"))
    assert again["card_id"] == card_id_of(B1)
    (punctual,) = ledger.given(bring_back("2025-08-01 23:59"))
    assert punctual["overdue_days"] == 0


def test_a_fine_is_charged_after_the_return_too() -> None:
    assert booked(ledger_of(borrow(), bring_back("2025-07-02 09:00"), fine("2025-07-03 09:00"))) == {
        "library:LIB-SH": 40,
        "cash:LIB-SH": -40,
    }


def test_a_bill_that_was_given_back_can_be_paid_again_by_another_card() -> None:
    ledger = ledger_of(issue(card_sn=B1, person=BEN), activate(card_sn=B1), pay_bill(), refund_bill())
    ledger.given(pay_bill(payment_id="PU2", card_sn=B1))
    assert booked(ledger) == {"utility:WATER1": 350, "cash:WATER1": -350}
    assert ledger.submit(pay_bill(payment_id="PU3")) == "bill_already_paid"


def test_other_months_accounts_and_utilities_are_other_bills() -> None:
    ledger = ledger_of(pay_bill())
    ledger.given(
        pay_bill(payment_id="PU2", bill_month="2025-06"),
        pay_bill(payment_id="PU3", account_hash="cd" * 32),
        pay_bill(payment_id="PU4", utility="POWER1"),
    )


def test_the_rest_of_a_voucher_goes_back_to_its_programme() -> None:
    ledger = ledger_of(give_voucher(500), redeem(200), expire_voucher("2025-07-01 00:00"))
    assert booked(ledger) == {"merchant:M1": 200, "programme:33:elder": -200}


def test_a_voucher_may_name_a_hundred_long_merchants() -> None:
    names = [f"{'M' * 61}{number:03}" for number in range(100)]
    ledger = ledger_of(give_voucher(500, merchants=names), redeem(1, merchant=names[99]))
    assert ledger.submit(redeem(1, redemption_id="RD2", merchant="M" * 64)) == "merchant_not_allowed"
    assert ledger.made_again() == ledger.memory.rows


def test_policy_money_leaves_the_budget_line_for_good() -> None:
    ledger = Ledger()
    ledger.given(*FIRM, budget(1000), credit(600))
    assert ledger.submit(credit(401, grant_id="GR2")) == "insufficient_budget"
    assert booked(ledger) == {
        f"card:{FIRMS}:policy_fund": 600,
        "programme:34:jobs": -600,
        "budget:34:jobs:issued": -1000,
        "budget:34:jobs:available": 400,
        "budget:34:jobs:paid": 600,
    }
