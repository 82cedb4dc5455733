"""Section 2: issue, activation, loss, replacement, locking, cancellation, electronic card, delegation, entitlement."""

from typing import Any

from tests.model.presence import (
    ALL_STATES,
    BUT_CANCELLED,
    accept,
    bearer,
    card_province,
    electronic_card_in_force,
    enterprise_only,
    holder,
    in_order,
    last_state,
    person_only,
    person_restricted,
    present,
    scheme_allowed,
    state_events,
    state_set_by,
)
from tests.model.shape import refuse_if
from tests.model.state import Command, Log, Planned, midnight_micros, plus_days, stream_id

# 2.1, 2.2


def _full_years(number: str, date: str) -> int:
    """Age by the date of birth inside a social security number."""
    born = (int(number[6:10]), number[10:12], number[12:14])
    years = int(date[:4]) - born[0]
    return years - 1 if (date[5:7], date[8:10]) < born[1:] else years


def issue_card(log: Log, command: Command) -> list[Planned]:
    refuse_if(bearer(log, command["card_sn"]), "card_sn_exists")
    scheme_allowed(log, command)
    refuse_if(command["expires_on"] <= command["bdate"], "period_invalid")
    person = command["social_security_number"]
    issues = log.all("CardIssued", social_security_number=person)
    erased = [gone["position"] for issue in issues for gone in log.on(issue["stream"], "PersonKeyDestroyed")]
    live = [
        issue
        for issue in issues
        if last_state(log, issue["stream"]) != "CANCELLED" and issue["position"] > max(erased, default=0)
    ]
    refuse_if(live, "person_has_live_card")
    limit = log.config("card.guardian_below_age", command["bdate"], command["card_sn"][:2])
    too_young = _full_years(command["number_in_clear"], command["bdate"]) < limit
    refuse_if(too_young and "guardian" not in command, "guardian_required")
    refuse_if(command.get("guardian") == person, "guardian_is_holder")
    return [Planned(stream_id(command["card_sn"]), "CardIssued")]


def issue_enterprise_card(log: Log, command: Command) -> list[Planned]:
    refuse_if(bearer(log, command["card_sn"]), "card_sn_exists")
    scheme_allowed(log, command)
    refuse_if(command["expires_on"] <= command["bdate"], "period_invalid")
    live = [
        event
        for event in log.all("EnterpriseCardIssued", credit_code=command["credit_code"])
        if last_state(log, event["stream"]) != "CANCELLED"
    ]
    refuse_if(live, "enterprise_has_live_card")
    return [Planned(stream_id(command["card_sn"]), "EnterpriseCardIssued")]


# 2.3 to 2.9: the life cycle


def bank_active(log: Log, card: str) -> bool:
    active = False
    for event in log.on(card, "CardActivated", "CardReplaced"):
        if event["event"] == "CardActivated" and event["application"] == "BANK":
            active = True
        if event["event"] == "CardReplaced" and "bank_account" in event:
            active = False
    return active


def bank_account(log: Log, card: str) -> str:
    """The account registered last."""
    found = [event["bank_account"] for event in log.streams[card] if _registers_account(event)]
    return str(found[-1])


def _registers_account(event: dict[str, Any]) -> bool:
    return event["event"] in ("CardIssued", "EnterpriseCardIssued", "CardReplaced") and "bank_account" in event


def _life(log: Log, command: Command, states: list[str], named: dict[str, str] | None = None) -> tuple[str, str]:
    card = present(log, command, command["card_sn"])
    in_order(log, card, command, life=True)
    state = accept(log, card, command, states, named)
    scheme_allowed(log, command)
    return card, state


def activate_card(log: Log, command: Command) -> list[Planned]:
    if command["application"] == "SOCIAL_SECURITY":
        card, _ = _life(log, command, ["ISSUED"], {"ACTIVE": "application_already_active"})
    else:
        card, _ = _life(log, command, ["ISSUED", "ACTIVE"])
        refuse_if(bank_active(log, card), "application_already_active")
    return [Planned(card, "CardActivated")]


def report_loss(log: Log, command: Command) -> list[Planned]:
    if command["kind"] == "FORMAL":
        card, _ = _life(log, command, ["ACTIVE", "TEMPORARY_LOSS"])
        return [Planned(card, "CardLossReported")]
    card, _ = _life(log, command, ["ACTIVE"])
    province, date = card_province(log, card), command["bdate"]
    days = log.config("card.temporary_loss_days", date, province)
    if log.config("card.temporary_loss_working_days", date, province):
        expires = midnight_micros(plus_days(log.working_day(date, days, date), 1))
    else:
        expires = command["occurred_at"] + days * 86_400_000_000
    return [Planned(card, "CardLossReported", {"loss_expires_at": expires})]


def lift_loss(log: Log, command: Command) -> list[Planned]:
    card, state = _life(log, command, ["TEMPORARY_LOSS", "FORMAL_LOSS"], {"ACTIVE": "card_not_lost"})
    liftable = log.config("card.formal_loss_liftable", command["bdate"], card_province(log, card))
    refuse_if(state == "FORMAL_LOSS" and not liftable, "loss_not_liftable")
    return [Planned(card, "CardLossLifted")]


def expire_temporary_loss(log: Log, command: Command) -> list[Planned]:
    card = present(log, command, command["card_sn"])
    scheme_allowed(log, command)
    last = state_events(log, card)[-1]
    refuse_if(state_set_by(last) != "TEMPORARY_LOSS", "card_not_lost")
    refuse_if(command["occurred_at"] < last["loss_expires_at"], "loss_not_expired")
    return [Planned(card, "CardTemporaryLossExpired", {"loss_expires_at": last["loss_expires_at"]})]


def replace_card(log: Log, command: Command) -> list[Planned]:
    card = present(log, command, command["card_sn"])
    in_order(log, card, command, life=True, electronic=True)
    if command["reason"] == "LOST":
        named = {"ACTIVE": "card_not_lost", "TEMPORARY_LOSS": "card_not_formally_lost"}
        accept(log, card, command, ["FORMAL_LOSS"], named)
    else:
        accept(log, card, command, ["ACTIVE", "LOCKED"])
    scheme_allowed(log, command)
    refuse_if(bearer(log, command["new_card_sn"]), "card_sn_exists")
    refuse_if(command["expires_on"] <= command["bdate"], "period_invalid")
    return [Planned(card, "CardReplaced")]


def lock_card(log: Log, command: Command) -> list[Planned]:
    card, _ = _life(log, command, ["ACTIVE"])
    return [Planned(card, "CardLocked")]


def unlock_card(log: Log, command: Command) -> list[Planned]:
    card, _ = _life(log, command, ["LOCKED"], {"ACTIVE": "card_not_locked"})
    return [Planned(card, "CardUnlocked")]


def cancel_card(log: Log, command: Command) -> list[Planned]:
    card = present(log, command, command["card_sn"])
    in_order(log, card, command, life=True, electronic=True)
    accept(log, card, command, BUT_CANCELLED)
    scheme_allowed(log, command)
    refuse_if("died_on" in command and command["died_on"] > command["bdate"], "period_invalid")
    return [Planned(card, "CardCancelled")]


# 2.10 to 2.13


def _standing(log: Log, command: Command, states: list[str], electronic: bool = False) -> str:
    card = present(log, command, command["card_sn"])
    in_order(log, card, command, electronic=electronic)
    accept(log, card, command, states)
    scheme_allowed(log, command)
    return card


def issue_electronic_card(log: Log, command: Command) -> list[Planned]:
    card = _standing(log, command, ["ACTIVE"], electronic=True)
    person_only(log, card)
    refuse_if(electronic_card_in_force(log, card, command["occurred_at"]), "electronic_card_exists")
    refuse_if(command["level"] == "PAYMENT" and not bank_active(log, card), "bank_not_activated")
    return [Planned(card, "ElectronicCardIssued")]


def revoke_electronic_card(log: Log, command: Command) -> list[Planned]:
    card = _standing(log, command, ALL_STATES, electronic=True)
    refuse_if(not electronic_card_in_force(log, card, command["occurred_at"]), "electronic_card_not_active")
    return [Planned(card, "ElectronicCardRevoked")]


def _delegation_known(log: Log, command: Command) -> bool:
    known = log.of("DelegateAuthorised", "AgentAuthorised")
    return any(event["delegation_id"] == command["delegation_id"] for event in known)


def authorise_delegate(log: Log, command: Command) -> list[Planned]:
    card = _standing(log, command, ["ACTIVE"])
    person_only(log, card)
    refuse_if(person_restricted(log, command["delegate"]), "processing_restricted")
    refuse_if(command["valid_from"] > command["valid_to"], "period_invalid")
    refuse_if(_delegation_known(log, command), "delegation_exists")
    refuse_if(command["delegate"] == holder(log, card), "delegate_is_holder")
    return [Planned(card, "DelegateAuthorised")]


def authorise_agent(log: Log, command: Command) -> list[Planned]:
    card = _standing(log, command, ["ACTIVE"])
    enterprise_only(log, card)
    refuse_if(person_restricted(log, command["agent"]), "processing_restricted")
    refuse_if(command["valid_from"] > command["valid_to"], "period_invalid")
    refuse_if(_delegation_known(log, command), "delegation_exists")
    return [Planned(card, "AgentAuthorised")]


def end_delegation(log: Log, command: Command) -> list[Planned]:
    card = _standing(log, command, ALL_STATES)
    mine = log.on(card, "DelegateAuthorised", "AgentAuthorised")
    known = any(event["delegation_id"] == command["delegation_id"] for event in mine)
    refuse_if(not known, "delegation_unknown")
    refuse_if(log.first("DelegationEnded", delegation_id=command["delegation_id"]), "delegation_ended")
    return [Planned(card, "DelegationEnded")]


def grant_entitlement(log: Log, command: Command) -> list[Planned]:
    card = _standing(log, command, BUT_CANCELLED)
    person_only(log, card)
    refuse_if(command["valid_from"] > command["valid_to"], "period_invalid")
    refuse_if(log.first("EntitlementGranted", entitlement_id=command["entitlement_id"]), "entitlement_exists")
    return [Planned(card, "EntitlementGranted")]


def end_entitlement(log: Log, command: Command) -> list[Planned]:
    card = _standing(log, command, ALL_STATES)
    mine = log.first("EntitlementGranted", entitlement_id=command["entitlement_id"], stream=card)
    refuse_if(not mine, "entitlement_unknown")
    refuse_if(log.first("EntitlementEnded", entitlement_id=command["entitlement_id"]), "entitlement_ended")
    return [Planned(card, "EntitlementEnded")]


def concession_holds(log: Log, card: str, concession_class: str, province: str, date: str) -> bool:
    for grant in log.all("EntitlementGranted", stream=card, concession_class=concession_class, province=province):
        end = log.first("EntitlementEnded", entitlement_id=grant["entitlement_id"])
        if grant["valid_from"] <= date <= grant["valid_to"] and (end is None or date < end["ended_on"]):
            return True
    return False


def died_before(log: Log, person: str, date: str) -> bool:
    """Whether the personal card of this person recorded last was cancelled for a death before the date."""
    cards = log.all("CardIssued", social_security_number=person)
    if not cards:
        return False
    deaths = [event for event in log.on(cards[-1]["stream"], "CardCancelled") if event["reason"] == "DEATH"]
    return any(event["died_on"] < date for event in deaths)


DECISIONS = {
    "IssueCard": issue_card,
    "IssueEnterpriseCard": issue_enterprise_card,
    "ActivateCard": activate_card,
    "ReportLoss": report_loss,
    "LiftLoss": lift_loss,
    "ExpireTemporaryLoss": expire_temporary_loss,
    "ReplaceCard": replace_card,
    "LockCard": lock_card,
    "UnlockCard": unlock_card,
    "CancelCard": cancel_card,
    "IssueElectronicCard": issue_electronic_card,
    "RevokeElectronicCard": revoke_electronic_card,
    "AuthoriseDelegate": authorise_delegate,
    "EndDelegation": end_delegation,
    "AuthoriseAgent": authorise_agent,
    "GrantEntitlement": grant_entitlement,
    "EndEntitlement": end_entitlement,
}
