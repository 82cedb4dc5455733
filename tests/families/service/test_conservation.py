"""Whatever happens to vouchers and payments: issued = redeemed + expired + left, and nothing is given back twice."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.families.service.payments import MerchantPayment, UtilityPayment
from ledger.families.service.voucher import Voucher
from tests.families.counter import ACTIVE
from tests.families.given import Ledger
from tests.families.service.scene import (
    close_day,
    expire_voucher,
    give_voucher,
    pay,
    pay_bill,
    redeem,
    refund,
    refund_bill,
)

DAYS = st.sampled_from(["2025-06-01", "2025-06-15", "2025-06-30", "2025-07-01"])
FEN = st.sampled_from([1, 40, 100])
NAME = st.sampled_from(["1", "2", "3"])
SHOP = st.sampled_from(["M1", "M2"])
CLOSED = "paid_fen discount_fen refund_fen voucher_fen".split()


class Street(RuleBasedStateMachine):
    """Any command in any order; what is refused changes nothing, what is recorded conserves."""

    @initialize()
    def begin(self) -> None:
        self.ledger = Ledger()
        self.ledger.given(*ACTIVE)
        self.serial = 0

    def say(self, command: dict[str, Any]) -> None:
        before = dict(self.ledger.memory.rows)
        if isinstance(self.ledger.submit(command), str):
            assert self.ledger.memory.rows == before

    def fresh(self, kind: str) -> str:
        self.serial += 1
        return f"{kind}{self.serial}"

    @rule(voucher=NAME, face=FEN, shop=st.none() | SHOP)
    def give(self, voucher: str, face: int, shop: str | None) -> None:
        self.say(give_voucher(face, at="2025-06-01 08:00", voucher_id=voucher, merchants=[shop] if shop else None))

    @rule(voucher=NAME, amount=FEN, day=DAYS, shop=SHOP)
    def take(self, voucher: str, amount: int, day: str, shop: str) -> None:
        self.say(redeem(amount, f"{day} 12:00", self.fresh("RD"), voucher_id=voucher, merchant=shop))

    @rule(voucher=NAME, day=DAYS)
    def end(self, voucher: str, day: str) -> None:
        self.say(expire_voucher(f"{day} 13:00", voucher_id=voucher))

    @rule(name=NAME, price=FEN, share=st.integers(0, 4), day=DAYS, shop=SHOP)
    def buy(self, name: str, price: int, share: int, day: str, shop: str) -> None:
        self.say(pay(price, price * share // 4, f"{day} 12:00", f"PM{name}", merchant=shop))

    @rule(name=NAME, paid=st.integers(0, 40), discount=st.integers(0, 40), day=DAYS)
    def give_back(self, name: str, paid: int, discount: int, day: str) -> None:
        self.say(refund(paid, discount, f"{day} 14:00", self.fresh("RF"), payment_id=f"PM{name}"))

    @rule(name=NAME, month=st.sampled_from(["2025-05", "2025-06"]))
    def bill(self, name: str, month: str) -> None:
        self.say(pay_bill("2025-06-10 12:00", f"PU{name}", bill_month=month))

    @rule(name=NAME)
    def bill_back(self, name: str) -> None:
        self.say(refund_bill("2025-06-11 12:00", self.fresh("RF"), f"PU{name}"))

    @rule(day=DAYS, shop=SHOP)
    def close(self, day: str, shop: str) -> None:
        self.say(close_day(day, "2025-08-01 12:00", shop))

    def told(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        return [
            event
            for _, told, event in self.ledger.events
            if told == name and all(event[field] == value for field, value in fields.items())
        ]

    def total(self, field: str, name: str, **fields: Any) -> int:
        return sum(event[field] for event in self.told(name, **fields))

    @invariant()
    def a_voucher_is_redeemed_expired_or_left(self) -> None:
        left = 0
        for issued in self.told("VoucherIssued"):
            voucher_id = issued["voucher_id"]
            row = self.ledger.row(Voucher, voucher_id)
            gone = self.total("amount_fen", "VoucherRedeemed", voucher_id=voucher_id)
            gone += self.total("amount_fen", "VoucherExpired", voucher_id=voucher_id)
            assert issued["face_fen"] == gone + row.left and row.left >= 0
            left += row.left
        assert left == sum(fen for account, fen in self.ledger.balances.items() if account.endswith(":vouchers"))

    @invariant()
    def no_part_of_a_payment_is_given_back_twice(self) -> None:
        for paid in self.told("MerchantPaid"):
            row = self.ledger.row(MerchantPayment, paid["payment_id"])
            for part, refunded in (("paid_fen", row.refunded_paid), ("discount_fen", row.refunded_discount)):
                assert refunded == self.total(part, "MerchantRefunded", payment_id=paid["payment_id"]) <= paid[part]

    @invariant()
    def a_bill_is_paid_once(self) -> None:
        standing = [
            event["bill_month"]
            for event in self.told("UtilityPaid")
            if not self.ledger.row(UtilityPayment, event["payment_id"]).refunded
        ]
        assert len(standing) == len(set(standing))

    @invariant()
    def a_merchants_closed_days_and_the_open_rest_are_all_there_was(self) -> None:
        for shop in ("M1", "M2"):
            closes = self.told("MerchantDayClosed", merchant=shop)
            assert [close["day"] for close in closes] == sorted({close["day"] for close in closes})
            earned = self.total("price_fen", "MerchantPaid", merchant=shop)
            earned += self.total("amount_fen", "VoucherRedeemed", merchant=shop)
            earned -= sum(self.total(part, "MerchantRefunded", merchant=shop) for part in ("paid_fen", "discount_fen"))
            assert self.ledger.balances[f"merchant:{shop}"] == earned
            if closes and closes[-1] is self.ledger.events[-1][2] and date_is_last(closes[-1]["day"]):
                assert sum(close["net_fen"] for close in closes) == earned

    def teardown(self) -> None:
        assert self.ledger.made_again() == self.ledger.memory.rows


def date_is_last(day: int) -> bool:
    """1 July 2025: no event of this street is later."""
    return day == 20_270


TestStreet = Street.TestCase
TestStreet.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
