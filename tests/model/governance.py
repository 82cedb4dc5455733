"""Section 8: who looked, restriction, erasure, links of persons, items of schemes; seals without their root."""

from tests.model.presence import (
    ALL_STATES,
    accept,
    card_province,
    holder,
    is_restricted,
    person_only,
    person_restricted,
    present,
    scheme_allowed,
)
from tests.model.shape import Refused, refuse_if
from tests.model.state import Command, Event, Log, Planned, plus_months, stream_id

MEMBERS = {
    "YRD": ["31", "32", "33", "34"],
    "JJJ": ["11", "12", "13"],
    "CY": ["50", "51"],
    "HGG": ["44", "45", "46"],
}


def _any_card(log: Log, command: Command) -> str:
    """Stages 4 and 5 of a command marked *card* and *always* that takes any state."""
    card = present(log, command, command["card_sn"])
    accept(log, card, command, ALL_STATES)
    scheme_allowed(log, command)
    return card


# 8.1


def seal_log(log: Log, command: Command) -> list[Planned]:
    refuse_if(log.first("LogSealed", seal_id=command["seal_id"]), "seal_exists")
    seals = log.of("LogSealed")
    since = seals[-1]["position"] if seals else 0
    refuse_if(all(event["event"] == "LogSealed" for event in log.events[since:]), "nothing_to_seal")
    derived = {
        "after_position": seals[-1]["through_position"] if seals else 0,
        "through_position": len(log.events),
        "tree_size": len(log.events),
    }
    return [Planned(stream_id("seal:log"), "LogSealed", derived)]


# 8.2, 8.3


def record_access(log: Log, command: Command) -> list[Planned]:
    card = _any_card(log, command)
    refuse_if(log.first("AuditAccessed", access_id=command["access_id"]), "access_exists")
    away = command["from_province"] != card_province(log, card)
    derived = {"subject_card_id": card, "cross_province": away}
    return [Planned(stream_id(f"access:{card}"), "AuditAccessed", derived)]


def restrict_processing(log: Log, command: Command) -> list[Planned]:
    card = _any_card(log, command)
    refuse_if(is_restricted(log, card), "already_restricted")
    return [Planned(card, "ProcessingRestricted")]


# 8.4


def cards_of(log: Log, person: str | None) -> list[Event]:
    """The issues of a person's cards, in recorded order."""
    return log.all("CardIssued", social_security_number=person)


def destroy_person_key(log: Log, command: Command) -> list[Planned]:
    card = _any_card(log, command)
    person_only(log, card)
    issues = cards_of(log, holder(log, card))
    cards = [issue["stream"] for issue in issues]
    refuse_if(not all(is_restricted(log, one) for one in cards), "not_restricted")
    refuse_if(any(log.on(one, "PersonKeyDestroyed") for one in cards), "key_destroyed")
    posted = [event for event in log.events if event["stream"] in cards and event["postings"]]
    last = posted[-1] if posted else issues[-1]
    years = log.config("retention.years", command["bdate"])
    refuse_if(command["bdate"] < plus_months(last["business_date"], 12 * years), "retention_not_over")
    return [Planned(card, "PersonKeyDestroyed")]


# 8.5


def _ended(log: Log, link: Event) -> bool:
    return log.first("PersonRecordsUnlinked", link_id=link["link_id"]) is not None


def link_person_records(log: Log, command: Command) -> list[Planned]:
    one, other = command["person"], command["other_person"]
    refuse_if(person_restricted(log, one) or person_restricted(log, other), "processing_restricted")
    refuse_if(one == other, "same_person")
    refuse_if(log.first("PersonRecordsLinked", link_id=command["link_id"]), "link_exists")
    links = log.all("PersonRecordsLinked", person=one, other_person=other)
    links += log.all("PersonRecordsLinked", person=other, other_person=one)
    refuse_if(any(not _ended(log, link) for link in links), "already_linked")
    return [Planned(stream_id(f"person_link:{command['link_id']}"), "PersonRecordsLinked")]


def unlink_person_records(log: Log, command: Command) -> list[Planned]:
    link = log.first("PersonRecordsLinked", link_id=command["link_id"])
    if link is None:
        raise Refused("link_unknown")
    refuse_if(_ended(log, link), "link_ended")
    return [Planned(stream_id(f"person_link:{command['link_id']}"), "PersonRecordsUnlinked")]


# 8.6


def enable_scheme_item(log: Log, command: Command) -> list[Planned]:
    scheme_allowed(log, command)
    scheme, forever = command["item_scheme"], "9999-12-31"
    refuse_if(command["province"] not in MEMBERS[scheme], "province_not_in_scheme")
    start, end = command["valid_from"], command.get("valid_to", forever)
    refuse_if(end < start, "period_invalid")
    same = {field: command[field] for field in ("item_scheme", "item", "province")}
    for earlier in log.all("SchemeItemEnabled", **same):
        apart = earlier.get("valid_to", forever) < start or end < earlier["valid_from"]
        refuse_if(not apart, "scheme_item_overlaps")
    return [Planned(stream_id(f"scheme:{scheme}"), "SchemeItemEnabled")]


DECISIONS = {
    "SealLog": seal_log,
    "RecordAccess": record_access,
    "RestrictProcessing": restrict_processing,
    "DestroyPersonKey": destroy_person_key,
    "LinkPersonRecords": link_person_records,
    "UnlinkPersonRecords": unlink_person_records,
    "EnableSchemeItem": enable_scheme_item,
}
