"""Section 4: personal accounts, treatment registrations, settlements and what undoes them, family aid."""

from typing import Any

from tests.model.aid import aid_postings, lots, take, wallet_cleared
from tests.model.formats import EMERGENCY, INPATIENT
from tests.model.presence import ALL_STATES, BUT_CANCELLED, accept, person_only, present, scheme_allowed, used
from tests.model.shape import Refused, refuse_if
from tests.model.state import (
    Command,
    Event,
    Log,
    Planned,
    Postings,
    legs,
    mirrored,
    plus_days,
    plus_months,
)


def _card(log: Log, command: Command, states: list[str], use: bool = False, person: bool = False) -> str:
    card = present(log, command, command["card_sn"])
    accept(log, card, command, states)
    if use:
        used(log, card, command, "MEDICAL")
    else:
        scheme_allowed(log, command)
    if person:
        person_only(log, card)
    return card


# 4.1 the personal account


def contribute_account(log: Log, command: Command) -> list[Planned]:
    card = _card(log, command, BUT_CANCELLED, person=True)
    postings = legs(
        (f"card:{card}:medical_account", command["amount_fen"]),
        (f"fund:{command['home_area'][:2]}:310200", -command["amount_fen"]),
    )
    return [Planned(card, "AccountContributed", {}, postings)]


def withdraw_account(log: Log, command: Command) -> list[Planned]:
    card = _card(log, command, ALL_STATES, person=True)
    account, amount = f"card:{card}:medical_account", command["amount_fen"]
    refuse_if(log.balance(account) < amount, "insufficient_medical_account")
    postings = legs((account, -amount), (f"fund:{command['home_area'][:2]}:310200", amount))
    return [Planned(card, "AccountWithdrawn", {}, postings)]


# 4.2, 4.3 registrations


def registrations(log: Log, card: str) -> list[dict[str, Any]]:
    """The registrations of a card as they stand: later long-term ones and explicit ends have cut `valid_to`."""
    found: list[dict[str, Any]] = []
    for event in log.on(card, "TreatmentRegistered", "TreatmentRegistrationEnded"):
        if event["event"] == "TreatmentRegistrationEnded":
            for old in found:
                if old["registration_id"] == event["registration_id"]:
                    old["valid_to"] = min(old["valid_to"] or event["ended_on"], event["ended_on"])
                    old["ended"] = True
            continue
        if event["kind"] == "LONG_TERM":
            for old in found:
                if old["kind"] == "LONG_TERM" and old["valid_from"] < event["valid_from"]:
                    day_before = plus_days(event["valid_from"], -1)
                    old["valid_to"] = min(old["valid_to"] or day_before, day_before)
        fields = ("registration_id", "kind", "valid_from", "home_province", "treatment_province")
        new = {field: event[field] for field in fields}
        found.append({**new, "valid_to": event["effective_valid_to"], "ended": False})
    return found


def register_treatment(log: Log, command: Command) -> list[Planned]:
    card = _card(log, command, ["ACTIVE"], use=True, person=True)
    home, treatment = command["home_area"][:2], command["treatment_area"][:2]
    date, valid_from, valid_to = command["bdate"], command["valid_from"], command.get("valid_to")
    refuse_if(home == treatment, "same_province")
    refuse_if(log.first("TreatmentRegistered", registration_id=command["registration_id"]), "registration_exists")
    refuse_if(valid_to is not None and valid_to < valid_from, "period_invalid")
    months = log.config("medical.temporary_registration_months", date, home)
    if command["kind"] == "TEMPORARY":
        shortest = plus_days(plus_months(valid_from, months), -1)
        refuse_if(valid_to is not None and valid_to < shortest, "registration_too_short")
        valid_to = valid_to or shortest
    else:
        lock = log.config("medical.registration_lock_months", date, home)
        for old in registrations(log, card):
            refuse_if(
                old["kind"] == "LONG_TERM"
                and old["home_province"] == home
                and old["treatment_province"] != treatment
                and (old["valid_to"] is None or old["valid_to"] >= valid_from)
                and date < plus_months(old["valid_from"], lock),
                "registration_locked",
            )
    derived = {"home_province": home, "treatment_province": treatment, "effective_valid_to": valid_to}
    return [Planned(card, "TreatmentRegistered", derived)]


def end_treatment_registration(log: Log, command: Command) -> list[Planned]:
    card = _card(log, command, ALL_STATES, person=True)
    mine = [old for old in registrations(log, card) if old["registration_id"] == command["registration_id"]]
    refuse_if(not mine, "registration_unknown")
    old = mine[0]
    refuse_if(old["ended"], "registration_ended")
    refuse_if(command["ended_on"] < old["valid_from"], "period_invalid")
    lock = log.config("medical.registration_lock_months", command["bdate"], old["home_province"])
    lock_ends = plus_days(plus_months(old["valid_from"], lock), -1)
    refuse_if(old["kind"] == "LONG_TERM" and command["ended_on"] < lock_ends, "registration_locked")
    return [Planned(card, "TreatmentRegistrationEnded")]


# 4.4 to 4.6 settlements


def settlement_of(log: Log, settlement_id: str) -> Event | None:
    return log.first("MedicalSettled", settlement_id=settlement_id)


def is_reversed(log: Log, settlement_id: str) -> bool:
    return log.first("MedicalReversed", settlement_id=settlement_id) is not None


def is_voided(log: Log, settlement: Event) -> bool:
    pair = {"submitter": settlement["submitter"], "voided_reference": settlement["reference"]}
    return log.first("MedicalVoided", **pair) is not None


def settlement_id_used(log: Log, settlement_id: str) -> bool:
    reversal = log.first("MedicalReversed", reversal_id=settlement_id)
    return settlement_of(log, settlement_id) is not None or reversal is not None


def standing_deductions(log: Log, settlement_id: str) -> list[Event]:
    return [
        deduction
        for deduction in log.all("AuditDeducted", settlement_id=settlement_id)
        if log.first("AuditDeductionReversed", deduction_id=deduction["deduction_id"]) is None
    ]


def is_cut_off(log: Log, settlement: Event) -> bool:
    """Whether a cycle has taken the settlement's own lines; they share one fate."""
    own = f"{settlement['position']}-"
    return any(line_id.startswith(own) for cut in log.of("CycleCutOff") for line_id in cut["taken"])


def _registration_missing(log: Log, card: str, command: Command, home: str, treatment: str) -> bool:
    if home == treatment or command.get("emergency") or command["med_type"] in EMERGENCY:
        return False
    kind = "inpatient" if command["med_type"] in INPATIENT else "other"
    if not log.config(f"medical.registration_required_{kind}", command["bdate"], home):
        return False
    date = command["bdate"]
    covered_day = min(date, command.get("admitted_on", date))
    return not any(
        (old["home_province"], old["treatment_province"]) == (home, treatment)
        and old["valid_from"] <= date
        and (old["valid_to"] is None or covered_day <= old["valid_to"])
        for old in registrations(log, card)
    )


def _stays_overlap(log: Log, card: str, command: Command) -> bool:
    if "admitted_on" not in command:
        return False
    return any(
        "admitted_on" in other
        and other["admitted_on"] < command["discharged_on"]
        and command["admitted_on"] < other["discharged_on"]
        and not is_reversed(log, other["settlement_id"])
        and not is_voided(log, other)
        for other in log.all("MedicalSettled", stream=card, institution=command["institution"])
    )


def settle_medical(log: Log, command: Command) -> list[Planned]:
    card = _card(log, command, ["ACTIVE"], use=True, person=True)
    home, treatment = command["home_area"][:2], command["treatment_area"][:2]
    account, aid, wallet = command["account_fen"], command["account_mutual_aid_fen"], command.get("wallet_fen", 0)
    total, cash, hospital = command["total_fen"], command["cash_fen"], command["hospital_fen"]
    fund = sum(command["funds"].values())
    refuse_if(settlement_id_used(log, command["settlement_id"]), "settlement_exists")
    refuse_if(total != fund + account + cash + hospital, "settlement_not_balanced")
    refuse_if(aid > account, "mutual_aid_exceeds_account")
    refuse_if(wallet > aid, "wallet_exceeds_mutual_aid")
    if "admitted_on" in command:
        refuse_if(command["discharged_on"] < command["admitted_on"], "period_invalid")
    refuse_if(command.get("third_party_liable"), "third_party_liable")
    refuse_if(_registration_missing(log, card, command, home, treatment), "treatment_not_registered")
    refuse_if(_stays_overlap(log, card, command), "overlapping_stay")
    own = account - aid
    refuse_if(log.balance(f"card:{card}:medical_account") < own, "insufficient_medical_account")
    family_lots = [lot for lot in lots(log, card, "FAMILY_AID") if lot["province"] == home]
    refuse_if(sum(lot["left"] for lot in family_lots) < aid - wallet, "insufficient_family_aid")
    wallet_lots = lots(log, card, "WALLET")
    refuse_if(sum(lot["left"] for lot in wallet_lots) < wallet, "insufficient_wallet")

    used_lots = take(family_lots, aid - wallet) + take(wallet_lots, wallet)
    clears = log.config("medical.clear_personal_account", command["bdate"], home)
    cleared = fund + (account - wallet if clears else 0) if home != treatment else 0
    others = wallet_cleared([lot for lot in used_lots if lot["purse"] == "WALLET"], treatment)
    postings = legs(
        (f"provider:{command['institution']}", total - hospital),
        (f"cash:{command['institution']}", -cash),
        *[(f"fund:{home}:{kind}", -amount) for kind, amount in command["funds"].items()],
        (f"card:{card}:medical_account", -own),
        (f"card:{card}:family_aid", -(aid - wallet)),
        (f"card:{card}:wallet", -wallet),
        (f"clearing:{home}:{treatment}", cleared),
        (f"advance:{treatment}", -cleared),
        *aid_postings(others, treatment),
    )
    derived = {
        "home_province": home,
        "treatment_province": treatment,
        "cross_province": home != treatment,
        "fund_fen": fund,
        "lots_used": used_lots,
        "cleared_fen": cleared,
        "wallet_cleared": others,
    }
    return [Planned(card, "MedicalSettled", derived, postings)]


def _undone(settlement: Event) -> tuple[dict[str, Any], Postings]:
    derived = {"settlement_id": settlement["settlement_id"], "lots_used": settlement["lots_used"]}
    return derived, mirrored(settlement["postings"])


def reverse_medical(log: Log, command: Command) -> list[Planned]:
    card = _card(log, command, ALL_STATES)
    settlement = settlement_of(log, command["settlement_id"])
    if settlement is None or settlement["stream"] != card:
        raise Refused("settlement_unknown")
    refuse_if(is_voided(log, settlement), "settlement_voided")
    refuse_if(is_reversed(log, command["settlement_id"]), "settlement_reversed")
    refuse_if(settlement_id_used(log, command["reversal_id"]), "settlement_exists")
    refuse_if(standing_deductions(log, command["settlement_id"]), "settlement_has_deductions")
    refuse_if(command["occurred_at"] < settlement["occurred_at"], "before_settlement")
    return [Planned(card, "MedicalReversed", *_undone(settlement))]


def void_medical(log: Log, command: Command) -> list[Planned]:
    card = _card(log, command, ALL_STATES)
    submitter, voided = command["submitter"], command["voided_reference"]
    refuse_if(log.first("MedicalVoided", submitter=submitter, voided_reference=voided), "already_voided")
    recorded = log.submitted(submitter, voided)
    if recorded is None:
        return [Planned(card, "MedicalVoided", {"settlement_id": None, "lots_used": [], "effective": False})]
    refuse_if(recorded["event"] != "MedicalSettled", "not_a_settlement")
    refuse_if(recorded["stream"] != card, "settlement_unknown")
    refuse_if(is_reversed(log, recorded["settlement_id"]), "settlement_reversed")
    refuse_if(is_cut_off(log, recorded), "settlement_cut_off")
    refuse_if(standing_deductions(log, recorded["settlement_id"]), "settlement_has_deductions")
    derived, postings = _undone(recorded)
    return [Planned(card, "MedicalVoided", {**derived, "effective": True}, postings)]


DECISIONS = {
    "ContributeAccount": contribute_account,
    "WithdrawAccount": withdraw_account,
    "RegisterTreatment": register_treatment,
    "EndTreatmentRegistration": end_treatment_registration,
    "SettleMedical": settle_medical,
    "ReverseMedical": reverse_medical,
    "VoidMedical": void_medical,
}
