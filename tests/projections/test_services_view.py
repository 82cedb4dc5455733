"""The view `services` against the events counted one by one, and a region's statistics by scheme and item."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cli.lines import SN, activate, issue, told, write
from tests.fix_command import Onecard
from tests.fix_told import ToldHistory

# A command told on two cards is one act.
SECOND = ("FamilyAidReceived", "FamilyAidRestored")


def acts(told_history: ToldHistory) -> list[dict[str, Any]]:
    """What counts: services always, everything else within a scheme."""
    found = [{**event, "name": name} for _, name, event in told_history.events if name not in SECOND]
    return [event for event in found if event["name"] == "ServiceUsed" or event["scheme"] is not None]


def test_every_service_and_every_act_of_a_scheme_is_counted_once(told_history: ToldHistory) -> None:
    wanted = Counter(
        (event["scheme"] or "", event["scheme_item"] or "", event["name"], event["business_date"],
         event.get("service_code") or "", event.get("result") or "", event["channel"] or "")
        for event in acts(told_history)
    )  # fmt: skip
    rows = told_history.ask(
        "SELECT scheme, item, act, day, code, result, channel, sum(uses)::bigint FROM views.services_uses_v1"
        " GROUP BY 1, 2, 3, 4, 5, 6, 7"
    )
    assert wanted and {row[:7]: row[7] for row in rows} == dict(wanted)


def test_acts_of_a_scheme_fall_where_and_when_its_item_is_switched_on(told_history: ToldHistory) -> None:
    rows = told_history.ask(
        "SELECT count(*), count(i.item), coalesce(sum(uses), 0)::bigint FROM views.services_uses_v1"
        " LEFT JOIN views.services_items_v1 AS i USING (source, scheme, item, province)"
        " WHERE scheme <> '' AND (i.item IS NULL OR day BETWEEN valid_from AND coalesce(valid_to, 99999))"
    )
    assert rows[0][0] == rows[0][1]
    assert rows[0][2] == sum(event["scheme"] is not None for event in acts(told_history))
    enabled = {(e["item_scheme"], e["item"], e["province"], e["valid_from"], e["valid_to"])
               for e in told_history.of("SchemeItemEnabled")}  # fmt: skip
    items = told_history.ask("SELECT scheme, item, province, valid_from, valid_to FROM views.services_items_v1")
    assert set(items) == enabled


def test_a_service_is_away_if_the_card_is_of_another_province(told_history: ToldHistory) -> None:
    away = Counter(event["service_area"] for event in told_history.of("ServiceUsed") if event["cross_province"])
    rows = told_history.ask(
        "SELECT area, sum(away)::bigint FROM views.services_uses_v1 WHERE act = 'ServiceUsed' GROUP BY 1"
    )
    assert {area: count for area, count in rows if count} == dict(away)


OWN = {"submitter": "T1", "card_sn": SN, "occurred_at": "2025-06-02T10:00:00+08:00"}
SCHEME = {"scheme": "YRD", "scheme_item": "ALL-IN"}


def enable(province: str, **other: Any) -> dict[str, Any]:
    return {"command": "EnableSchemeItem", "submitter": "T1", "reference": f"on-{province}", "province": province,
            "occurred_at": "2025-01-01T10:00:00+08:00", "item_scheme": "YRD", "item": "ALL-IN",
            "valid_from": "2025-06-01", **other}  # fmt: skip


def use(reference: str, **other: Any) -> dict[str, Any]:
    return {**OWN, "command": "UseService", "reference": reference, "service_code": "SOC-01", "service_area": "310100",
            "step": "IDENTITY", "result": "SUCCESS", **other}  # fmt: skip


@pytest.fixture
def used(onecard: Onecard, tmp_path: Path) -> Onecard:
    """Shanghai and Anhui switch an item on; a card of Anhui uses services there, with and without the scheme."""
    voucher = {"voucher_id": "V1", "province": "31", "programme": "tour", "face_fen": 500}
    days = {"valid_from": "2025-06-01", "valid_to": "2025-06-01"}
    entry = {"entry_id": "E1", "venue": "PARK1", "venue_area": "310100", "price_due_fen": 1000, "price_paid_fen": 1000}
    lines = [
        issue(),
        activate(),
        enable("31", valid_to="2025-12-31"),
        enable("34"),
        use("u1", **SCHEME),
        use("u2", **SCHEME, result="FAILURE", occurred_at="2025-07-01T10:00:00+08:00"),
        use("u3", step="QUEUE", channel="COUNTER"),
        {**OWN, **SCHEME, **entry, "command": "EnterVenue", "reference": "e1"},
        {**OWN, **SCHEME, **voucher, **days, "command": "IssueVoucher", "reference": "v1"},
        {**OWN, **SCHEME, "command": "ExpireVoucher", "reference": "v2", "voucher_id": "V1"},
    ]
    ended = onecard("submit", write(tmp_path / "lines", *lines), "--json", clock="2026-01-01T00:00:00Z")
    assert ended.json["rejected"] == 0
    onecard("follow", "--until-caught-up")
    return onecard


def test_a_region_counts_by_scheme_and_item(used: Onecard) -> None:
    document = used("services", "counts", "--scheme", "YRD", "--json").json
    assert (document["by"], document["position"]) == (["scheme", "item", "act"], 10)
    empty = dict.fromkeys(["province", "area", "code", "step", "package", "channel", "result", "month", "day"])
    assert document["counts"] == [
        {**empty, "scheme": "YRD", "item": "ALL-IN", "act": act, "uses": uses, "away": away, "amount_fen": fen}
        for act, uses, away, fen in (
            ("ServiceUsed", 2, 2, 0), ("VenueEntered", 1, 1, 1000), ("VoucherExpired", 1, 0, 500),
            ("VoucherIssued", 1, 1, 500),
        )
    ]  # fmt: skip
    by_month = used("services", "counts", "--by", "month,result", "--act", "ServiceUsed", "--jsonl").lines
    assert [(one["result"], one["month"], one["uses"], one["amount_fen"]) for one in by_month] == [
        ("FAILURE", "2025-07", 1, None), ("SUCCESS", "2025-06", 2, None),
    ]  # fmt: skip
    (queue,) = used("services", "counts", "--by", "step,channel", "--code", "SOC-01", "--from", "2025-06-01",
                    "--to", "2025-06-30", "--jsonl").lines[1:]  # fmt: skip
    assert (queue["step"], queue["channel"], queue["uses"]) == ("QUEUE", "COUNTER", 1)
    shown = used("services", "counts", "--by", "scheme,act").stdout
    assert "VenueEntered" in shown and "10.00" in shown


def test_an_item_tells_how_often_it_was_used_while_it_was_on(used: Onecard) -> None:
    items = used("services", "items", "--json").json["items"]
    assert [(one["province"], one["valid_to"], one["uses"], one["away"]) for one in items] == [
        ("31", "2025-12-31", 4, 4), ("34", None, 1, 0),
    ]  # fmt: skip
    on = used("services", "items", "--on", "2026-01-01", "--jsonl").lines
    assert [one["province"] for one in on] == ["34"]
    assert used("services", "items", "--on", "2025-05-31", "--jsonl").stdout == ""
    assert "ALL-IN" in used("services", "items").stdout


def test_what_cannot_be_asked_of_services_is_refused(used: Onecard) -> None:
    for wrong in (["--by", "colour"], ["--by", ""], ["--scheme", "ABC"], ["--from", "2025"],
                  ["--from", "2025-06-02", "--to", "2025-06-01"]):  # fmt: skip
        assert used("services", "counts", *wrong).code == 2, wrong


def test_amounts_hold_what_others_bore(used: Onecard, tmp_path: Path) -> None:
    class_, days = {"concession_class": "ELDERLY"}, {"valid_from": "2025-01-01", "valid_to": "2025-12-31"}
    tap = {"operator": "OP1", "terminal": "T1", "operating_area": "310100", "tap_type": "SINGLE", "mode": "BUS",
           "counter": 1, "fare_due_fen": 200, "paid_fen": 80, "uploaded_at": OWN["occurred_at"], **class_}  # fmt: skip
    pay = {"payment_id": "P1", "merchant": "M1", "merchant_area": "310100", "price_fen": 1000, "funder": "tour"}
    own = [
        {"command": "GrantEntitlement", "entitlement_id": "EN1", "kind": "TRANSIT_CONCESSION", "province": "31",
         **class_, **days},
        {"command": "TapTransit", **SCHEME, **tap},
        {"command": "CorrectFare", **SCHEME, "correction_id": "C1", "operator": "OP1", "counter": 1,
         "reason": "COMPLAINT", "fare_due_fen": 150, "paid_fen": 60},
        {"command": "PayMerchant", **SCHEME, **pay, "paid_fen": 900, "discount_fen": 100},
        {"command": "RefundMerchant", **SCHEME, "refund_id": "R1", "payment_id": "P1", "paid_fen": 450,
         "discount_fen": 50},
    ]  # fmt: skip
    told(used, tmp_path, *({**OWN, **one, "reference": f"x{n}"} for n, one in enumerate(own)))
    counts = used("services", "counts", "--scheme", "YRD", "--by", "act", "--jsonl").lines
    found = {one["act"]: one["amount_fen"] for one in counts}
    assert found["TransitTapped"] == 200 and found["FareCorrected"] == -50
    assert found["MerchantPaid"] == 1000 and found["MerchantRefunded"] == 500
