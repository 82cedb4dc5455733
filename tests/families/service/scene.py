"""Everyday services in few words, on Anna's card: every builder takes what differs and fills in the rest."""

from typing import Any

from tests.families.counter import F1, Command, act, activate, issue_to_firm, name_agent

NOON = "2025-06-02 12:00"
HASH = "ab" * 32
FIRM = (issue_to_firm(), activate(card_sn=F1))
AGENT = (*FIRM, name_agent("2025-01-02 09:00", matters=["SERVICE"]))


def use(at: str = NOON, **fields: Any) -> Command:
    own = {"service_code": "SOC-01", "service_area": "340100", "step": "IDENTITY", "result": "SUCCESS"}
    return act("UseService", at, **{**own, **fields})


def pay(price: int = 1000, discount: int = 0, at: str = NOON, payment_id: str = "PM1", **fields: Any) -> Command:
    own = {"payment_id": payment_id, "merchant": "M1", "merchant_area": "330100", "price_fen": price}
    own |= {"paid_fen": price - discount, "discount_fen": discount}
    if discount:
        own["funder"] = "elder"
    return act("PayMerchant", at, **{**own, **fields})


def refund(paid: int, discount: int = 0, at: str = NOON, refund_id: str = "RF1", **fields: Any) -> Command:
    own = {"refund_id": refund_id, "payment_id": "PM1", "paid_fen": paid, "discount_fen": discount}
    return act("RefundMerchant", at, **{**own, **fields})


def close_day(day: str, at: str, merchant: str = "M1") -> Command:
    return act("CloseMerchantDay", at, None, merchant=merchant, merchant_area="330100", day=day)


def enter(due: int, paid: int, at: str = NOON, entry_id: str = "EV1", **fields: Any) -> Command:
    own = {"entry_id": entry_id, "venue": "PARK1", "venue_area": "330100", "price_due_fen": due, "price_paid_fen": paid}
    return act("EnterVenue", at, **{**own, **fields})


def borrow(at: str = NOON, loan_id: str = "LN1", item: str = "BOOK-1", **fields: Any) -> Command:
    own = {"loan_id": loan_id, "library": "LIB-SH", "library_area": "310106", "item": item, "due_on": "2025-06-30"}
    return act("BorrowItem", at, **{**own, **fields})


def bring_back(at: str, item: str = "BOOK-1", **fields: Any) -> Command:
    return act("ReturnItem", at, None, library="LIB-HF", library_area="340100", item=item, **fields)


def fine(at: str = NOON, fine_id: str = "FN1", **fields: Any) -> Command:
    own = {"fine_id": fine_id, "loan_id": "LN1", "library": "LIB-SH", "library_area": "310106", "amount_fen": 40}
    return act("ChargeFine", at, **{**own, "reason": "OVERDUE", **fields})


def buy(at: str = NOON, pass_id: str = "P1", price: int = 10_000, **fields: Any) -> Command:
    own = {"pass_id": pass_id, "product": "YEAR", "seller": "HN1", "seller_area": "460100", "price_fen": price}
    return act("PurchasePass", at, **{**own, **fields})


def on_pass(command: str, at: str, pass_id: str = "P1", **fields: Any) -> Command:
    return act(command, at, pass_id=pass_id, **fields)


def visit(at: str, venue: str = "VA", area: str = "460200", **fields: Any) -> Command:
    return on_pass("UsePass", at, venue=venue, venue_area=area, **fields)


def pay_bill(at: str = NOON, payment_id: str = "PU1", **fields: Any) -> Command:
    own = {"payment_id": payment_id, "utility": "WATER1", "utility_area": "340100", "account_hash": HASH}
    return act("PayUtility", at, **{**own, "bill_month": "2025-05", "amount_fen": 350, **fields})


def refund_bill(at: str = NOON, refund_id: str = "RF1", payment_id: str = "PU1", **fields: Any) -> Command:
    return act("RefundUtility", at, payment_id=payment_id, refund_id=refund_id, **fields)


def give_voucher(face: int = 500, at: str = NOON, voucher_id: str = "V1", **fields: Any) -> Command:
    own = {"voucher_id": voucher_id, "province": "33", "programme": "elder", "face_fen": face}
    return act("IssueVoucher", at, **{**own, "valid_from": "2025-06-01", "valid_to": "2025-06-30", **fields})


def redeem(amount: int, at: str = NOON, redemption_id: str = "RD1", **fields: Any) -> Command:
    own = {"voucher_id": "V1", "redemption_id": redemption_id, "merchant": "M1", "merchant_area": "330100"}
    return act("RedeemVoucher", at, **{**own, "amount_fen": amount, **fields})


def expire_voucher(at: str, **fields: Any) -> Command:
    return act("ExpireVoucher", at, **{"voucher_id": "V1", **fields})


def study(at: str = NOON, **fields: Any) -> Command:
    own = {"school": "SCHOOL-1", "status": "ENROLLED", "valid_from": "2024-09-01"}
    return act("SetStudentStatus", at, **{**own, **fields})


def credit(amount: int, at: str = NOON, grant_id: str = "GR1", **fields: Any) -> Command:
    own = {"grant_id": grant_id, "province": "34", "programme": "jobs", "amount_fen": amount, "bank_transaction": "T1"}
    return act("CreditPolicyFund", at, **{"card_sn": F1, **own, **fields})


def budget(amount: int) -> Command:
    own = {"province": "34", "programme": "jobs", "amount_fen": amount, "document": "No. 12"}
    return act("IssueBudget", "2025-01-02 09:00", None, **own)
