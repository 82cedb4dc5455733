"""The view `enterprises` against the events and the accounts of policy funds, and the file of an enterprise."""

from collections import Counter
from pathlib import Path

import pytest

from tests.cli.lines import NUMBER, activate, issue, say, told
from tests.fix_command import Onecard
from tests.fix_told import ToldHistory

USES = ("ServiceUsed", "MerchantPaid", "MerchantRefunded", "VenueEntered", "UtilityPaid", "UtilityRefunded")


def test_policy_funds_are_the_accounts_of_cards(told_history: ToldHistory) -> None:
    rows = told_history.ask("SELECT card_id::text, sum(amount_fen)::bigint FROM views.enterprises_grants_v1 GROUP BY 1")
    booked = told_history.balances("card:")
    assert bool(rows) == bool(told_history.of("PolicyFundCredited"))  # a short history may have none
    assert {f"card:{card_id}:policy_fund": fen for card_id, fen in rows} == {
        account: fen for account, fen in booked.items() if account.endswith(":policy_fund")
    }


def test_only_uses_of_enterprises_are_counted(told_history: ToldHistory) -> None:
    cards = {event["card_id"] for event in told_history.of("EnterpriseCardIssued")}
    wanted = Counter((e["card_id"], e["name"]) for e in told_history.of(*USES) if e["card_id"] in cards)
    rows = told_history.ask("SELECT card_id::text, act, sum(uses)::bigint FROM views.enterprises_uses_v1 GROUP BY 1, 2")
    assert {row[:2]: row[2] for row in rows} == dict(wanted)
    agents = told_history.ask("SELECT delegation_id FROM views.enterprises_agents_v1")
    assert {agent for (agent,) in agents} == {event["delegation_id"] for event in told_history.of("AgentAuthorised")}


CODE = "91350100M000100Y43"
SN = "340000D15600000500000000000000E1"
PERSONAL = "340000D15600000500000000000000A1"


@pytest.fixture
def known(onecard: Onecard, tmp_path: Path) -> Onecard:
    """An enterprise with an agent, who paid with its card and asked for a service, and a grant."""
    first = issue(command="IssueEnterpriseCard", reference="e", card_sn=SN, card_number="A0000002X", credit_code=CODE)
    del first["social_security_number"]
    service = {"service_code": "TAX-1", "service_area": "340100", "step": "APPLICATION", "result": "FAILURE"}
    paid = {"merchant": "M1", "merchant_area": "340100", "price_fen": 900, "paid_fen": 900, "discount_fen": 0}
    lines = [
        issue(),
        activate(),
        first,
        activate(reference="ea", card_sn=SN),
        say("AuthoriseAgent", "a", card_sn=SN, delegation_id="AG1", agent=NUMBER, matters=["ALL"],
            valid_from="2025-03-02", valid_to="2025-12-31"),
        say("IssueBudget", "b", province="34", programme="jobs", amount_fen=10_000, document="D1"),
        say("CreditPolicyFund", "c", card_sn=SN, grant_id="G1", province="34", programme="jobs", amount_fen=2_500,
            bank_transaction="B1"),
        say("UseService", "s", card_sn=SN, acting_person=NUMBER, **service),
        say("PayMerchant", "p", card_sn=SN, acting_person=NUMBER, payment_id="P1", **paid),
        say("RefundMerchant", "r", card_sn=SN, refund_id="R1", payment_id="P1", paid_fen=400, discount_fen=0),
    ]  # fmt: skip
    told(onecard, tmp_path, *lines)
    return onecard


def test_a_file_tells_card_funds_agents_and_uses(known: Onecard, tmp_path: Path) -> None:
    file = known("enterprise", CODE, "--json").json
    assert known("enterprise", SN, "--json").json == file
    assert (file["position"], file["credit_code"], file["policy_fund_fen"]) == (10, CODE, 2_500)
    assert [(one["state"], one["bank"], one["bank_active"]) for one in file["cards"]] == [("ACTIVE", "ICBC", False)]
    assert file["funds"] == [
        {"province": "34", "programme": "jobs", "grants": 1, "amount_fen": 2_500, "last_credited_on": "2025-03-02"}
    ]
    assert [(one["grant_id"], one["bank_transaction"]) for one in file["grants"]] == [("G1", "B1")]
    assert [(one["act"], one["at"], one["uses"], one["failures"], one["amount_fen"]) for one in file["services"]] == [
        ("MerchantPaid", "M1", 1, 0, 900), ("MerchantRefunded", "M1", 1, 0, -400), ("ServiceUsed", "TAX-1", 1, 1, 0),
    ]  # fmt: skip
    (agent,) = file["agents"]
    (agency,) = known("person", PERSONAL, "--json").json["agencies"]
    assert agency["credit_code"] == CODE
    assert {key: value for key, value in agency.items() if key in agent} == agent
    shown = known("enterprise", CODE).stdout
    assert "25.00" in shown and "TAX-1" in shown and "AG1" in shown

    told(known, tmp_path, say("RestrictProcessing", "x", card_sn=PERSONAL, reason="COURT"),
         say("EndDelegation", "y", card_sn=SN, delegation_id="AG1"))  # fmt: skip
    hidden = known("enterprise", CODE, "--json").json
    assert (hidden["agents"], hidden["agent_count"]) == ([], 1)
    assert "1 whose processing is restricted" in known("enterprise", CODE).stdout


def test_what_is_no_enterprise_is_exit_1(known: Onecard) -> None:
    for name, code in ((PERSONAL, "enterprise_unknown"), ("9" * 18, "enterprise_unknown"), ("x", "card_unknown")):
        ended = known("enterprise", name, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (1, code)
        assert "9" * 18 not in ended.stdout  # it may be a person's number
    assert known("person", SN, "--json").json["error"]["code"] == "person_unknown"
    assert known("enterprise", CODE, "--source", "all").code == 2
