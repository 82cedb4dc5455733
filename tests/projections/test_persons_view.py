"""The view `persons` against the cards' own histories, and files of persons: alone, linked, restricted, erased."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from ledger.core.configuration import Configuration
from projections.questions import audit, persons
from projections.questions.audit import Selection
from tests.cli.lines import CARD_ID, NUMBER, SN, activate, issue, say, told
from tests.fix_command import Onecard
from tests.fix_damage import SOURCE
from tests.fix_told import ToldHistory

SHOWN = "state, social_security_active, bank_active, electronic, restricted_on IS NOT NULL, loss_expires_at IS NOT NULL"


def test_a_card_is_as_its_own_history_leaves_it(told_history: ToldHistory) -> None:
    store = told_history.store
    config, keyring = Configuration.load(store.config), store.keyring()
    rows = told_history.ask(f"SELECT card_id::text, {SHOWN} FROM views.persons_cards_v1")
    rows += told_history.ask(f"SELECT card_id::text, {SHOWN} FROM views.enterprises_cards_v1")
    assert len(rows) == len(told_history.of("CardIssued", "EnterpriseCardIssued"))
    with closing(store.connect()) as connection, connection.transaction(), connection.cursor() as cursor:
        for card_id, *found in rows:
            card = audit.history(cursor, SOURCE, card_id, Selection(), config, keyring)["card"]
            names = ("state", "social_security_active", "bank_active", "electronic_card", "restricted")
            wanted = [card[name] for name in names]
            assert found == [*wanted, card["loss_expires_at"] is not None], card_id


def test_delegations_and_links_stand_as_told(told_history: ToldHistory) -> None:
    ended = {event["delegation_id"]: event["business_date"] for event in told_history.of("DelegationEnded")}
    holders = {event["card_id"]: event["person_key"] for event in told_history.of("CardIssued")}
    codes = {event["card_id"]: event["credit_code"] for event in told_history.of("EnterpriseCardIssued")}
    rows = told_history.ask(
        "SELECT delegation_id, encode(giver, 'hex'), credit_code, encode(person, 'hex'), ended_on"
        " FROM views.persons_delegations_v1"
    )
    assert sorted(rows) == sorted(
        (event["delegation_id"], holders.get(event["card_id"]), codes.get(event["card_id"]),
         event.get("delegate") or event.get("agent"), ended.get(event["delegation_id"]))
        for event in told_history.of("DelegateAuthorised", "AgentAuthorised")
    )  # fmt: skip
    gone = {event["link_id"]: event["business_date"] for event in told_history.of("PersonRecordsUnlinked")}
    links = told_history.ask("SELECT link_id, encode(person, 'hex'), ended_on FROM views.persons_links_v1")
    assert sorted(links) == sorted(
        (event["link_id"], event["person"], gone.get(event["link_id"]))
        for event in told_history.of("PersonRecordsLinked")
    )


def test_looks_into_a_card_are_counted(told_history: ToldHistory) -> None:
    wanted = Counter(event["subject_card_id"] for event in told_history.of("AuditAccessed"))
    rows = told_history.ask("SELECT card_id::text, accesses FROM views.persons_cards_v1 WHERE accesses > 0")
    rows += told_history.ask("SELECT card_id::text, accesses FROM views.enterprises_cards_v1 WHERE accesses > 0")
    assert dict(rows) == dict(wanted)


def test_files_tell_links_and_benefits_once_for_everybody(told_history: ToldHistory) -> None:
    """The benefits of all beneficiaries are those of all cards; who is linked is in each other's files."""
    with closing(told_history.store.connect()) as connection, connection.transaction(), connection.cursor() as cursor:
        keys = [key for (key,) in told_history.ask("SELECT encode(person, 'hex') FROM views.persons_persons_v1")]
        files = {key: persons.file_of(cursor, SOURCE, key) for key in keys}
    received = 0
    for key, file in files.items():
        assert key in {one["person"] for one in file["persons"]}
        for other in file["persons"]:
            if other["person"] in files:
                assert files[other["person"]]["persons"] == file["persons"]
        own = [one for one in file["benefits"] if one["person"] == key and one["as"] == "BENEFICIARY"]
        received += sum(one["paid_fen"] - one["overpaid_fen"] for one in own)
        cards = {event["card_id"] for event in told_history.of("CardIssued") if event["person_key"] == key}
        assert {one["card_id"] for one in file["cards"] if one["person"] == key} == cards
    booked = told_history.balances("card:")
    assert received == sum(fen for account, fen in booked.items() if account.endswith(":benefits"))
    erased = [file for file in files.values() if any(one["erased_on"] for one in file["persons"])]
    for file in erased:
        gone = {one["person"] for one in file["persons"] if one["erased_on"]}
        assert not gone.intersection(one["person"] for one in file["entitlements"])


# --- the command -----------------------------------------------------------------------------------------------------

OTHER_SN = "340000D15600000500000000000000B1"
OTHER = "340101196202020024"
DAYS = {"valid_from": "2025-03-02", "valid_to": "2025-12-31"}


@pytest.fixture
def known(onecard: Onecard, tmp_path: Path) -> Onecard:
    """Two people: one authorised the other, who has an entitlement and was looked at; their records are linked."""
    lines = [
        issue(),
        activate(),
        issue(reference="i2", card_sn=OTHER_SN, card_number="A0000002X", social_security_number=OTHER),
        activate(reference="a2", card_sn=OTHER_SN),
        say("AuthoriseDelegate", "d", card_sn=SN, delegation_id="DG1", delegate=OTHER, relation="SPOUSE",
            matters=["MEDICAL", "SERVICE"], **DAYS),
        say("GrantEntitlement", "g", card_sn=OTHER_SN, entitlement_id="EN1", kind="LIBRARY", province="34", **DAYS),
        say("RecordAccess", "r", card_sn=OTHER_SN, access_id="AC1", accessor="clerk", purpose="asked",
            query="PERSON_FILE", from_province="31", records=2),
        say("LinkPersonRecords", "l", link_id="LK1", person=NUMBER, other_person=OTHER, reason="twice"),
    ]  # fmt: skip
    told(onecard, tmp_path, *lines)
    return onecard


def test_a_file_shows_linked_persons_together(known: Onecard, tmp_path: Path) -> None:
    file = known("person", SN, "--json").json
    assert file["position"] == 8 and file["restricted"] is False
    assert (file["accesses"], file["accesses_elsewhere"]) == (1, 1)
    holder = {one["card_id"]: one["person"] for one in file["cards"]}
    assert len(holder) == 2 and holder[CARD_ID] == file["person_key"]
    (given,), (received,) = file["delegations_given"], file["delegations_received"]
    assert given == received and given["giver"] == file["person_key"] and given["matters"] == "MEDICAL,SERVICE"
    assert [one["link_id"] for one in file["links"]] == ["LK1"]
    assert [(one["entitlement_id"], one["person"]) for one in file["entitlements"]] == [("EN1", given["person"])]
    by_key = known("person", given["person"], "--json").json
    assert by_key == {**file, "person_key": given["person"]}
    shown = known("person", CARD_ID).stdout
    assert "linked with" in shown and "EN1" in shown and "MEDICAL,SERVICE" in shown

    told(known, tmp_path, say("UnlinkPersonRecords", "u", link_id="LK1", reason="not so"))
    alone = known("person", SN, "--json").json
    assert [one["person"] for one in alone["persons"]] == [file["person_key"]]
    assert alone["entitlements"] == [] and alone["accesses"] == 0
    assert [one["ended_on"] for one in alone["links"]] == ["2025-03-02"]


def test_a_person_whose_key_is_destroyed_leads_to_nobody(known: Onecard, tmp_path: Path) -> None:
    much_later = {"occurred_at": "2055-03-02T10:00:00+08:00"}
    lines = [
        say("UnlinkPersonRecords", "u", link_id="LK1", reason="not so"),
        say("RestrictProcessing", "x", card_sn=SN, reason="WITHDRAWN"),
        say("DestroyPersonKey", "k", card_sn=SN, authority="archive") | much_later,
    ]
    told(known, tmp_path, *lines, clock="2056-01-01T00:00:00Z")
    file = known("person", SN, "--json").json
    assert file["restricted"] is True and file["persons"][0]["erased_on"] == "2055-03-02"
    assert [one["state"] for one in file["cards"]] == ["ACTIVE"]
    assert file["delegations_given"] == file["links"] == []
    assert "destroyed on 2055-03-02" in known("person", SN).stdout


@pytest.mark.parametrize("is_destroyed", [False, True])
def test_files_of_others_do_not_name_who_is_restricted_or_destroyed(
    known: Onecard, tmp_path: Path, is_destroyed: bool
) -> None:
    key = known("person", SN, "--json").json["person_key"]
    lines = [
        say("UnlinkPersonRecords", "u", link_id="LK1", reason="not so"),
        say("RestrictProcessing", "x", card_sn=SN, reason="WITHDRAWN"),
    ]
    if is_destroyed:
        lines += [
            say("CancelCard", "c", card_sn=SN, reason="OTHER"),
            say("DestroyPersonKey", "k", card_sn=SN, authority="archive")
            | {"occurred_at": "2055-03-02T10:00:00+08:00"},
        ]
    told(known, tmp_path, *lines, clock="2056-01-01T00:00:00Z")
    other = known("person", OTHER_SN, "--json")
    assert other.json["delegations_received"] == other.json["links"] == [] and key not in other.stdout
    assert [one["entitlement_id"] for one in other.json["entitlements"]] == ["EN1"]


def test_who_is_unknown_is_exit_1_and_all_is_refused(known: Onecard) -> None:
    for name, code in (("nobody", "card_unknown"), ("0" * 64, "person_unknown"), ("\udcff", "card_unknown")):
        ended = known("person", name, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (1, code)
    assert known("person", SN, "--source", "all").code == 2
