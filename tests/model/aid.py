"""Sections 4.7 to 4.10: family aid given, spent outside settlements, and returned.

What a card received is kept as lots, one per transfer, used first in, first out."""

from typing import Any

from tests.model.presence import ALL_STATES, accept, person_only, present, scheme_allowed, used
from tests.model.shape import Refused, refuse_if
from tests.model.state import Command, Log, Planned, legs, mirrored

ACCOUNT = {"FAMILY_AID": "family_aid", "WALLET": "wallet"}
SHORT = {"FAMILY_AID": "insufficient_family_aid", "WALLET": "insufficient_wallet"}

Lot = dict[str, Any]


def lots(log: Log, card: str, purse: str | None = None) -> list[Lot]:
    """What is left of every transfer this card received, oldest first."""
    found: list[Lot] = []
    for event in log.streams.get(card, []):
        if event["event"] == "FamilyAidReceived":
            lot = {"transfer_id": event["transfer_id"], "province": event["giver_province"], "purse": event["purse"]}
            found.append({**lot, "left": event["amount_fen"], "giver": event["giver_card_id"]})
        elif event["event"] == "FamilyAidReturned":
            _change(found, event["transfer_id"], -event["amount_fen"])
        elif event["event"] in ("MedicalSettled", "FamilyAidSpent"):
            for used_lot in event["lots_used"]:
                _change(found, used_lot["transfer_id"], -used_lot["amount_fen"])
        elif event["event"] in ("MedicalReversed", "MedicalVoided", "FamilyAidSpendReversed"):
            for used_lot in event["lots_used"]:
                _change(found, used_lot["transfer_id"], used_lot["amount_fen"])
    return [lot for lot in found if purse in (None, lot["purse"])]


def _change(found: list[Lot], transfer_id: str, amount: int) -> None:
    for lot in found:
        if lot["transfer_id"] == transfer_id:
            lot["left"] += amount


def take(available: list[Lot], amount: int) -> list[dict[str, Any]]:
    taken = []
    for lot in available:
        part = min(lot["left"], amount)
        if part > 0:
            fields = {field: lot[field] for field in ("transfer_id", "province", "purse")}
            taken.append({**fields, "amount_fen": part})
            amount -= part
    return taken


def wallet_cleared(used_lots: list[dict[str, Any]], treatment: str) -> dict[str, int]:
    owed: dict[str, int] = {}
    for lot in used_lots:
        if lot["province"] != treatment:
            owed[lot["province"]] = owed.get(lot["province"], 0) + lot["amount_fen"]
    return dict(sorted(owed.items()))


def aid_postings(owed: dict[str, int], treatment: str) -> list[tuple[str, int]]:
    pairs = []
    for giver, amount in owed.items():
        pairs += [(f"clearing:{giver}:{treatment}", amount), (f"advance:{treatment}", -amount)]
    return pairs


# 4.7


def transfer_family_aid(log: Log, command: Command) -> list[Planned]:
    giver = present(log, command, command["card_sn"])
    receiver = present(log, command, command["receiver_card_sn"])
    accept(log, giver, command, ["ACTIVE"])
    accept(log, receiver, command, ["ACTIVE"])
    used(log, giver, command, "MEDICAL")
    person_only(log, giver)
    person_only(log, receiver)
    amount, province = command["amount_fen"], command["giver_area"][:2]
    purse = "FAMILY_AID" if province == command["receiver_area"][:2] else "WALLET"
    refuse_if(giver == receiver, "same_card")
    refuse_if(log.first("FamilyAidTransferred", transfer_id=command["transfer_id"]), "transfer_exists")
    refuse_if(command["giver_insutype"] != "310", "giver_not_employee")
    if purse == "WALLET":
        most = log.config("family_aid.max_transfer_fen", command["bdate"], province)
        refuse_if(amount > most, "transfer_too_large")
        today = log.all("FamilyAidTransferred", stream=giver, purse="WALLET", business_date=command["bdate"])
        limit = log.config("family_aid.max_transfers_per_day", command["bdate"], province)
        refuse_if(len(today) >= limit, "too_many_transfers_today")
    account = f"card:{giver}:medical_account"
    refuse_if(amount > log.balance(account), "insufficient_medical_account")
    transit = f"aid_in_transit:{province}"
    derived = {"purse": purse, "giver_province": province, "receiver_card_id": receiver, "giver_card_id": giver}
    return [
        Planned(giver, "FamilyAidTransferred", derived, legs((transit, amount), (account, -amount))),
        Planned(
            receiver,
            "FamilyAidReceived",
            derived,
            legs((f"card:{receiver}:{ACCOUNT[purse]}", amount), (transit, -amount)),
        ),
    ]


# 4.8, 4.9


def spend_id_used(log: Log, spend_id: str) -> bool:
    spent = log.first("FamilyAidSpent", spend_id=spend_id)
    undone = log.first("FamilyAidSpendReversed", reversal_id=spend_id)
    return spent is not None or undone is not None


def spend_family_aid(log: Log, command: Command) -> list[Planned]:
    card = present(log, command, command["card_sn"])
    accept(log, card, command, ["ACTIVE"])
    used(log, card, command, "MEDICAL")
    person_only(log, card)
    refuse_if(spend_id_used(log, command["spend_id"]), "spend_exists")
    purse, amount, treatment = command["purse"], command["amount_fen"], command["spend_area"][:2]
    available = lots(log, card, purse)
    refuse_if(amount > sum(lot["left"] for lot in available), SHORT[purse])
    used_lots = take(available, amount)
    owed = wallet_cleared(used_lots, treatment)
    if command["purpose"] == "PURCHASE":
        earner = f"provider:{command['institution']}"
    else:
        earner = f"fund:{treatment}:{command['fund_pay_type']}"
    postings = legs((earner, amount), (f"card:{card}:{ACCOUNT[purse]}", -amount), *aid_postings(owed, treatment))
    derived = {"treatment_province": treatment, "lots_used": used_lots, "wallet_cleared": owed}
    return [Planned(card, "FamilyAidSpent", derived, postings)]


def reverse_family_aid_spend(log: Log, command: Command) -> list[Planned]:
    card = present(log, command, command["card_sn"])
    accept(log, card, command, ALL_STATES)
    scheme_allowed(log, command)
    spent = log.first("FamilyAidSpent", spend_id=command["spend_id"], stream=card)
    if spent is None:
        raise Refused("spend_unknown")
    refuse_if(log.first("FamilyAidSpendReversed", spend_id=command["spend_id"]), "spend_reversed")
    refuse_if(spend_id_used(log, command["reversal_id"]), "spend_exists")
    refuse_if(command["occurred_at"] < spent["occurred_at"], "before_settlement")
    derived = {"lots_used": spent["lots_used"]}
    return [Planned(card, "FamilyAidSpendReversed", derived, mirrored(spent["postings"]))]


# 4.10


def return_family_aid(log: Log, command: Command) -> list[Planned]:
    receiver = present(log, command, command["card_sn"])
    accept(log, receiver, command, ALL_STATES)
    scheme_allowed(log, command)
    mine = [lot for lot in lots(log, receiver) if lot["transfer_id"] == command["transfer_id"]]
    refuse_if(not mine, "transfer_unknown")
    lot, amount = mine[0], command["amount_fen"]
    refuse_if(amount > lot["left"], "return_exceeds_unspent")
    transit = f"aid_in_transit:{lot['province']}"
    purse = f"card:{receiver}:{ACCOUNT[lot['purse']]}"
    giver = f"card:{lot['giver']}:medical_account"
    return [
        Planned(receiver, "FamilyAidReturned", {}, legs((transit, amount), (purse, -amount))),
        Planned(lot["giver"], "FamilyAidRestored", {}, legs((giver, amount), (transit, -amount))),
    ]


DECISIONS = {
    "TransferFamilyAid": transfer_family_aid,
    "SpendFamilyAid": spend_family_aid,
    "ReverseFamilyAidSpend": reverse_family_aid_spend,
    "ReturnFamilyAid": return_family_aid,
}
