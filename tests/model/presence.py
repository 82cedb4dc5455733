"""Stages 4 and 5 of the contract: which card is meant, what state it had at the instant, who may use it."""

from tests.model.shape import Refused, refuse_if
from tests.model.state import Command, Event, Log

LIFE = (
    "CardIssued EnterpriseCardIssued CardActivated CardLossReported CardLossLifted CardTemporaryLossExpired"
    " CardReplaced CardLocked CardUnlocked CardCancelled"
).split()
ELECTRONIC = "ElectronicCardIssued ElectronicCardRevoked CardReplaced CardCancelled".split()
ALL_STATES = "ISSUED ACTIVE FORMAL_LOSS LOCKED TEMPORARY_LOSS CANCELLED".split()
BUT_CANCELLED = ALL_STATES[:-1]
# What still reaches a card whose processing is restricted.
ALWAYS = (
    "CancelCard AddPayoutLine ReissueBenefit ContributeAccount WithdrawAccount ReverseMedical VoidMedical"
    " ReverseFamilyAidSpend ReturnFamilyAid RefundMerchant RefundPass ExpirePass RefundUtility ExpireVoucher"
    " RecordAccess RestrictProcessing DestroyPersonKey"
).split()
AREAS_OF_USE = (
    "treatment_area spend_area operating_area venue_area seller_area merchant_area library_area utility_area"
    " service_area"
).split()
CODE_OF_STATE = {
    "ISSUED": "card_not_activated",
    "TEMPORARY_LOSS": "card_lost",
    "FORMAL_LOSS": "card_lost",
    "LOCKED": "card_locked",
    "CANCELLED": "card_cancelled",
}
STATE_AFTER = {
    "CardIssued": "ISSUED",
    "EnterpriseCardIssued": "ISSUED",
    "CardLossLifted": "ACTIVE",
    "CardTemporaryLossExpired": "ACTIVE",
    "CardUnlocked": "ACTIVE",
    "CardReplaced": "ACTIVE",
    "CardLocked": "LOCKED",
    "CardCancelled": "CANCELLED",
}


# The card behind a number


def bearer(log: Log, card_sn: str) -> Event | None:
    """The event that recorded this card_sn: an issue or the replacement that brought it."""
    for event in log.of("CardIssued", "EnterpriseCardIssued"):
        if event["card_sn"] == card_sn:
            return event
    return log.first("CardReplaced", new_card_sn=card_sn)


def issued(log: Log, card: str) -> Event:
    return log.streams[card][0]


def is_enterprise(log: Log, card: str) -> bool:
    return bool(issued(log, card)["event"] == "EnterpriseCardIssued")


def holder(log: Log, card: str) -> str | None:
    return issued(log, card).get("social_security_number")


def card_province(log: Log, card: str) -> str:
    return str(issued(log, card)["card_sn"])[:2]


def issuing_area(log: Log, card: str) -> str:
    return str(issued(log, card)["card_sn"])[:6]


def retired_at(log: Log, card_sn: str) -> int | None:
    for event in log.of("CardReplaced"):
        if event["card_sn"] == card_sn:
            return int(event["occurred_at"])
    return None


def present(log: Log, command: Command, card_sn: str, even_retired: bool = False) -> str:
    """Stage 4."""
    recorded = bearer(log, card_sn)
    if recorded is None:
        raise Refused("card_unknown")
    refuse_if(command["occurred_at"] < recorded["occurred_at"], "before_card_issue")
    retirement = retired_at(log, card_sn)
    if retirement is not None and not even_retired:
        refuse_if(command["occurred_at"] >= retirement, "card_sn_retired")
    restricted = is_restricted(log, recorded["stream"]) and command["command"] not in ALWAYS
    refuse_if(restricted, "processing_restricted")
    return str(recorded["stream"])


def is_restricted(log: Log, card: str) -> bool:
    return bool(log.on(card, "ProcessingRestricted"))


def person_restricted(log: Log, person: str) -> bool:
    """Whether the person holds a restricted card whose last recorded state is not CANCELLED."""
    cards = [issue["stream"] for issue in log.all("CardIssued", social_security_number=person)]
    return any(is_restricted(log, card) and last_state(log, card) != "CANCELLED" for card in cards)


# Its state in time


def effective(event: Event) -> int:
    return int(event["loss_expires_at"] if event["event"] == "CardTemporaryLossExpired" else event["occurred_at"])


def state_set_by(event: Event) -> str | None:
    if event["event"] == "CardActivated":
        return "ACTIVE" if event["application"] == "SOCIAL_SECURITY" else None
    if event["event"] == "CardLossReported":
        return "TEMPORARY_LOSS" if event["kind"] == "TEMPORARY" else "FORMAL_LOSS"
    return STATE_AFTER[event["event"]]


def state_events(log: Log, card: str) -> list[Event]:
    return [event for event in log.on(card, *LIFE) if state_set_by(event) is not None]


def state_at(log: Log, card: str, instant: int) -> str | None:
    found = [event for event in state_events(log, card) if effective(event) <= instant]
    if not found:
        return None
    state = state_set_by(found[-1])
    if state == "TEMPORARY_LOSS" and found[-1]["loss_expires_at"] <= instant:
        return "ACTIVE"
    return state


def last_state(log: Log, card: str) -> str | None:
    return state_set_by(state_events(log, card)[-1])


def in_order(log: Log, card: str, command: Command, life: bool = False, electronic: bool = False) -> None:
    chain: list[int] = []
    if life:
        chain += [effective(event) for event in log.on(card, *LIFE)]
    if electronic:
        chain += [event["occurred_at"] for event in log.on(card, *ELECTRONIC)]
    refuse_if(chain and command["occurred_at"] < max(chain), "out_of_order")


def accept(log: Log, card: str, command: Command, states: list[str], named: dict[str, str] | None = None) -> str:
    """The states a command takes; `named` are the codes it gives for others than the usual ones."""
    state = state_at(log, card, command["occurred_at"])
    if state is None:
        raise AssertionError("stage 4 lets nothing pass from before the issue")
    if state in states:
        return state
    raise Refused((named or {}).get(state) or CODE_OF_STATE[state])


def blocked_since(log: Log, card: str, card_sn: str, instant: int) -> int | None:
    """Start of the run without an instant of ACTIVE that covers the instant; a retired number is blocked for ever."""
    retirement = retired_at(log, card_sn)
    edges = {effective(event) for event in state_events(log, card)}
    edges |= {event["loss_expires_at"] for event in log.on(card, "CardLossReported") if event["kind"] == "TEMPORARY"}
    if retirement is not None:
        edges.add(retirement)

    def blocked(edge: int) -> bool:
        return state_at(log, card, edge) not in ("ACTIVE", None) or (retirement is not None and edge >= retirement)

    start = None
    for edge in sorted((edge for edge in edges if edge <= instant), reverse=True):
        if not blocked(edge):
            break
        start = edge
    return start


# Its use


def electronic_card_in_force(log: Log, card: str, instant: int) -> bool:
    found = [event for event in log.on(card, *ELECTRONIC) if event["occurred_at"] <= instant]
    return bool(found) and found[-1]["event"] == "ElectronicCardIssued"


def authorised(log: Log, card: str, command: Command, kind: str, named: str, matter: str) -> bool:
    for grant in log.on(card, kind):
        ends = [
            end
            for end in log.on(card, "DelegationEnded")
            if end["delegation_id"] == grant["delegation_id"] and end["occurred_at"] <= command["occurred_at"]
        ]
        if (
            grant[named] == command["acting_person"]
            and grant["valid_from"] <= command["bdate"] <= grant["valid_to"]
            and not ends
            and ("ALL" in grant["matters"] or matter in grant["matters"])
        ):
            return True
    return False


def scheme_allowed(log: Log, command: Command) -> None:
    """The item named must be on where the command is used, on its business date."""
    if "scheme" not in command:
        return
    where = next(command[name] for name in (*AREAS_OF_USE, "province", "card_sn") if name in command)[:2]
    items = log.all("SchemeItemEnabled", item_scheme=command["scheme"], item=command["scheme_item"], province=where)
    on = [item for item in items if item["valid_from"] <= command["bdate"] <= item.get("valid_to", "9999-12-31")]
    refuse_if(not on, "scheme_item_not_enabled")


def used(log: Log, card: str, command: Command, matter: str) -> None:
    """The tests of a command marked *use*, the scheme included."""
    if command.get("channel") == "ELECTRONIC_CARD":
        in_force = electronic_card_in_force(log, card, command["occurred_at"])
        refuse_if(not in_force, "electronic_card_not_active")
    if is_enterprise(log, card):
        refuse_if("acting_person" not in command, "acting_person_required")
        agent = authorised(log, card, command, "AgentAuthorised", "agent", matter)
        refuse_if(not agent, "acting_person_not_authorised")
    elif "acting_person" in command and command["acting_person"] != holder(log, card):
        delegate = authorised(log, card, command, "DelegateAuthorised", "delegate", matter)
        refuse_if(not delegate, "acting_person_not_authorised")
    scheme_allowed(log, command)


def person_only(log: Log, card: str) -> None:
    refuse_if(is_enterprise(log, card), "not_for_enterprise")


def enterprise_only(log: Log, card: str) -> None:
    refuse_if(not is_enterprise(log, card), "not_an_enterprise")
