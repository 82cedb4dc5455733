"""Section 6 without passes: counters, merchants, venues, libraries, bills, vouchers, students, policy funds."""

from typing import Any

from tests.model.presence import (
    ALL_STATES,
    BUT_CANCELLED,
    accept,
    card_province,
    enterprise_only,
    person_only,
    present,
    scheme_allowed,
    used,
)
from tests.model.shape import Refused, refuse_if
from tests.model.state import Command, Event, Log, Planned, legs, mirrored, plus_days, stream_id


def in_use(log: Log, command: Command) -> str:
    """Stages 4 and 5 of a command marked *card* and *use* that takes an active card."""
    card = present(log, command, command["card_sn"])
    accept(log, card, command, ["ACTIVE"])
    used(log, card, command, "SERVICE")
    return card


def in_states(log: Log, command: Command, states: list[str]) -> str:
    """The same without *use*."""
    card = present(log, command, command["card_sn"])
    accept(log, card, command, states)
    scheme_allowed(log, command)
    return card


# 6.1


def use_service(log: Log, command: Command) -> list[Planned]:
    card = in_use(log, command)
    away = command["service_area"][:2] != card_province(log, card)
    return [Planned(card, "ServiceUsed", {"cross_province": away})]


# 6.2 to 6.4


def _payment_known(log: Log, payment_id: str) -> bool:
    return any(log.first(name, payment_id=payment_id) for name in ("MerchantPaid", "UtilityPaid"))


def _refund_known(log: Log, refund_id: str) -> bool:
    return any(log.first(name, refund_id=refund_id) for name in ("MerchantRefunded", "UtilityRefunded"))


def pay_merchant(log: Log, command: Command) -> list[Planned]:
    card = in_use(log, command)
    price, paid, discount = command["price_fen"], command["paid_fen"], command["discount_fen"]
    refuse_if(_payment_known(log, command["payment_id"]), "payment_exists")
    refuse_if(price != paid + discount, "payment_not_balanced")
    merchant = command["merchant"]
    postings = legs(
        (f"merchant:{merchant}", price),
        (f"cash:{merchant}", -paid),
        (f"programme:{command['merchant_area'][:2]}:{command.get('funder')}", -discount),
    )
    return [Planned(card, "MerchantPaid", {}, postings)]


def refund_merchant(log: Log, command: Command) -> list[Planned]:
    card = in_states(log, command, ALL_STATES)
    refuse_if(_refund_known(log, command["refund_id"]), "refund_exists")
    payment = log.first("MerchantPaid", payment_id=command["payment_id"], stream=card)
    if payment is None:
        raise Refused("payment_unknown")
    paid, discount = command["paid_fen"], command["discount_fen"]
    refuse_if(paid == 0 and discount == 0, "refund_empty")
    refuse_if(command["occurred_at"] < payment["occurred_at"], "before_payment")
    earlier = log.all("MerchantRefunded", payment_id=command["payment_id"])
    for part in ("paid_fen", "discount_fen"):
        so_far = sum(event[part] for event in earlier)
        refuse_if(so_far + command[part] > payment[part], "refund_exceeds_payment")
    merchant, province = payment["merchant"], payment["merchant_area"][:2]
    postings = legs(
        (f"cash:{merchant}", paid),
        (f"programme:{province}:{payment.get('funder')}", discount),
        (f"merchant:{merchant}", -(paid + discount)),
    )
    return [Planned(card, "MerchantRefunded", {"merchant": merchant}, postings)]


def close_merchant_day(log: Log, command: Command) -> list[Planned]:
    scheme_allowed(log, command)
    merchant, day = command["merchant"], command["day"]
    closes = log.all("MerchantDayClosed", merchant=merchant)
    refuse_if(any(day <= close["day"] for close in closes), "day_closed")
    refuse_if(command["bdate"] <= day, "day_not_over")
    covered = {position for close in closes for position in close["covered"]}
    found = [
        event
        for event in log.of("MerchantPaid", "MerchantRefunded", "VoucherRedeemed")
        if event["merchant"] == merchant and event["position"] not in covered and event["business_date"] <= day
    ]
    sold = [event for event in found if event["event"] == "MerchantPaid"]
    returned = [event for event in found if event["event"] == "MerchantRefunded"]
    redeemed = [event for event in found if event["event"] == "VoucherRedeemed"]
    sums = {
        "payment_count": len(sold),
        "paid_fen": sum(event["paid_fen"] for event in sold),
        "discount_fen": sum(event["discount_fen"] for event in sold),
        "refund_count": len(returned),
        "refund_fen": sum(event["paid_fen"] + event["discount_fen"] for event in returned),
        "voucher_count": len(redeemed),
        "voucher_fen": sum(event["amount_fen"] for event in redeemed),
    }
    net = sums["paid_fen"] + sums["discount_fen"] - sums["refund_fen"] + sums["voucher_fen"]
    derived: dict[str, Any] = {**sums, "net_fen": net, "covered": [event["position"] for event in found]}
    return [Planned(stream_id(f"merchant_day:{merchant}"), "MerchantDayClosed", derived)]


# 6.5


def entitlement_holds(log: Log, card: str, entitlement_id: str | None, province: str, date: str) -> bool:
    for grant in log.all("EntitlementGranted", stream=card, entitlement_id=entitlement_id, province=province):
        end = log.first("EntitlementEnded", entitlement_id=entitlement_id)
        lasts = grant["valid_from"] <= date <= grant["valid_to"] and (end is None or date < end["ended_on"])
        if lasts and grant["kind"] in ("VENUE", "ELDER_CARE", "STUDENT"):
            return True
    return False


def enter_venue(log: Log, command: Command) -> list[Planned]:
    card = in_use(log, command)
    due, paid, province = command["price_due_fen"], command["price_paid_fen"], command["venue_area"][:2]
    refuse_if(log.first("VenueEntered", entry_id=command["entry_id"]), "entry_exists")
    refuse_if(paid > due, "paid_exceeds_due")
    holds = entitlement_holds(log, card, command.get("entitlement_id"), province, command["bdate"])
    refuse_if(paid < due and not holds, "entitlement_not_valid")
    venue = command["venue"]
    postings = legs((f"venue:{venue}", due), (f"cash:{venue}", -paid), (f"subsidy:{province}", -(due - paid)))
    return [Planned(card, "VenueEntered", {"subsidy_fen": due - paid}, postings)]


# 6.6, 6.7


def loan_of(log: Log, item: str) -> Event | None:
    """The loan that an item is out on."""
    for loan in log.all("ItemBorrowed", item=item):
        if log.first("ItemReturned", loan_id=loan["loan_id"]) is None:
            return loan
    return None


def borrow_item(log: Log, command: Command) -> list[Planned]:
    card = in_use(log, command)
    person_only(log, card)
    refuse_if(log.first("ItemBorrowed", loan_id=command["loan_id"]), "loan_exists")
    refuse_if(loan_of(log, command["item"]), "item_on_loan")
    refuse_if(command["due_on"] < command["bdate"], "period_invalid")
    return [Planned(card, "ItemBorrowed")]


def return_item(log: Log, command: Command) -> list[Planned]:
    scheme_allowed(log, command)
    loan = loan_of(log, command["item"])
    if loan is None:
        raise Refused("item_not_on_loan")
    refuse_if(command["occurred_at"] < loan["occurred_at"], "before_loan")
    overdue = 0
    while plus_days(loan["due_on"], overdue) < command["bdate"]:
        overdue += 1
    return [Planned(loan["stream"], "ItemReturned", {"loan_id": loan["loan_id"], "overdue_days": overdue})]


def charge_fine(log: Log, command: Command) -> list[Planned]:
    card = in_states(log, command, ALL_STATES)
    person_only(log, card)
    refuse_if(log.first("FineCharged", fine_id=command["fine_id"]), "fine_exists")
    refuse_if(log.first("ItemBorrowed", loan_id=command["loan_id"], stream=card) is None, "loan_unknown")
    library, amount = command["library"], command["amount_fen"]
    return [Planned(card, "FineCharged", {}, legs((f"library:{library}", amount), (f"cash:{library}", -amount)))]


# 6.9


def _bill_paid(log: Log, command: Command) -> bool:
    bill = {field: command[field] for field in ("utility", "account_hash", "bill_month")}
    payments = log.all("UtilityPaid", **bill)
    return any(log.first("UtilityRefunded", payment_id=payment["payment_id"]) is None for payment in payments)


def pay_utility(log: Log, command: Command) -> list[Planned]:
    card = in_use(log, command)
    refuse_if(_payment_known(log, command["payment_id"]), "payment_exists")
    refuse_if(_bill_paid(log, command), "bill_already_paid")
    utility, amount = command["utility"], command["amount_fen"]
    return [Planned(card, "UtilityPaid", {}, legs((f"utility:{utility}", amount), (f"cash:{utility}", -amount)))]


def refund_utility(log: Log, command: Command) -> list[Planned]:
    card = in_states(log, command, ALL_STATES)
    refuse_if(_refund_known(log, command["refund_id"]), "refund_exists")
    payment = log.first("UtilityPaid", payment_id=command["payment_id"], stream=card)
    if payment is None:
        raise Refused("payment_unknown")
    refuse_if(log.first("UtilityRefunded", payment_id=command["payment_id"]), "payment_refunded")
    refuse_if(command["occurred_at"] < payment["occurred_at"], "before_payment")
    return [Planned(card, "UtilityRefunded", {}, mirrored(payment["postings"]))]


# 6.10


def remaining(log: Log, voucher: Event) -> int:
    used_up = log.all("VoucherRedeemed", voucher_id=voucher["voucher_id"])
    return int(voucher["face_fen"] - sum(event["amount_fen"] for event in used_up))


def _live_voucher(log: Log, card: str, command: Command) -> Event:
    voucher = log.first("VoucherIssued", voucher_id=command["voucher_id"], stream=card)
    if voucher is None:
        raise Refused("voucher_unknown")
    refuse_if(log.first("VoucherExpired", voucher_id=command["voucher_id"]), "voucher_expired")
    refuse_if(remaining(log, voucher) == 0, "voucher_used")
    return voucher


def issue_voucher(log: Log, command: Command) -> list[Planned]:
    card = in_states(log, command, BUT_CANCELLED)
    person_only(log, card)
    refuse_if(command["valid_from"] > command["valid_to"], "period_invalid")
    refuse_if(log.first("VoucherIssued", voucher_id=command["voucher_id"]), "voucher_exists")
    funder, face = f"programme:{command['province']}:{command['programme']}", command["face_fen"]
    return [Planned(card, "VoucherIssued", {}, legs((f"card:{card}:vouchers", face), (funder, -face)))]


def redeem_voucher(log: Log, command: Command) -> list[Planned]:
    card = in_use(log, command)
    person_only(log, card)
    refuse_if(log.first("VoucherRedeemed", redemption_id=command["redemption_id"]), "redemption_exists")
    voucher = _live_voucher(log, card, command)
    refuse_if(command["bdate"] < voucher["valid_from"], "voucher_not_valid_yet")
    refuse_if(command["bdate"] > voucher["valid_to"], "voucher_expired")
    merchant, amount = command["merchant"], command["amount_fen"]
    refuse_if(merchant not in voucher.get("merchants", [merchant]), "merchant_not_allowed")
    refuse_if(amount > remaining(log, voucher), "insufficient_voucher")
    postings = legs((f"merchant:{merchant}", amount), (f"card:{card}:vouchers", -amount))
    return [Planned(card, "VoucherRedeemed", {}, postings)]


def expire_voucher(log: Log, command: Command) -> list[Planned]:
    card = in_states(log, command, ALL_STATES)
    voucher = _live_voucher(log, card, command)
    refuse_if(command["bdate"] <= voucher["valid_to"], "voucher_not_expired")
    left, funder = remaining(log, voucher), f"programme:{voucher['province']}:{voucher['programme']}"
    return [Planned(card, "VoucherExpired", {}, legs((funder, left), (f"card:{card}:vouchers", -left)))]


# 6.11, 6.12


def set_student_status(log: Log, command: Command) -> list[Planned]:
    card = in_states(log, command, BUT_CANCELLED)
    person_only(log, card)
    refuse_if(command.get("valid_to", command["valid_from"]) < command["valid_from"], "period_invalid")
    return [Planned(card, "StudentStatusSet")]


def credit_policy_fund(log: Log, command: Command) -> list[Planned]:
    card = in_states(log, command, BUT_CANCELLED)
    enterprise_only(log, card)
    refuse_if(log.first("PolicyFundCredited", grant_id=command["grant_id"]), "grant_exists")
    line, amount = f"{command['province']}:{command['programme']}", command["amount_fen"]
    refuse_if(log.balance(f"budget:{line}:available") < amount, "insufficient_budget")
    postings = legs(
        (f"card:{card}:policy_fund", amount),
        (f"programme:{line}", -amount),
        (f"budget:{line}:paid", amount),
        (f"budget:{line}:available", -amount),
    )
    return [Planned(card, "PolicyFundCredited", {}, postings)]


DECISIONS = {
    "UseService": use_service,
    "PayMerchant": pay_merchant,
    "RefundMerchant": refund_merchant,
    "CloseMerchantDay": close_merchant_day,
    "EnterVenue": enter_venue,
    "BorrowItem": borrow_item,
    "ReturnItem": return_item,
    "ChargeFine": charge_fine,
    "PayUtility": pay_utility,
    "RefundUtility": refund_utility,
    "IssueVoucher": issue_voucher,
    "RedeemVoucher": redeem_voucher,
    "ExpireVoucher": expire_voucher,
    "SetStudentStatus": set_student_status,
    "CreditPolicyFund": credit_policy_fund,
}
