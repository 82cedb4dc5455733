"""People read China's time, in a spelling that can be typed where an instant is asked for; documents keep to UTC."""

import re

from ops.cli.china import in_china
from tests.cli.lines import GOLDEN
from tests.fix_command import Onecard

CLOCK = "2026-01-01T00:00:00Z"


def test_the_same_second_lies_on_two_days() -> None:
    assert in_china("at 2025-06-30T15:59:50.000000Z, not") == "at 2025-06-30T23:59:50+08:00, not"
    assert in_china("2025-06-30T16:00:10.000000Z") == "2025-07-01T00:00:10+08:00"
    assert in_china("a 2025-12-31T23:59:59.999999Z b 2025-01-01T00:00:00.000000Z") == (
        "a 2026-01-01T07:59:59.999999+08:00 b 2025-01-01T08:00:00+08:00"
    )


def test_what_is_no_instant_of_ours_stays_as_it_is() -> None:
    for text in ("2025-06-30T15:59:50Z", "2025-13-30T15:59:50.000000Z", "X2025-06-30T15:59:50.000000Z", "Z", "ZH-2025"):
        assert in_china(text) == text


def test_tables_tell_it_and_documents_do_not(onecard: Onecard) -> None:
    onecard("submit", GOLDEN / "E01.jsonl", "--receipts", "/dev/null", "--rejects", "/dev/null", clock=CLOCK)
    onecard("follow", "--until-caught-up", clock=CLOCK)
    card_id = onecard("clearing", "lines", "--cycle", "2025-06", "--json", clock=CLOCK).json["lines"][0]["card_id"]

    shown = onecard("history", card_id, clock=CLOCK).stdout
    events = onecard("history", card_id, "--json", clock=CLOCK).json["events"]

    assert events and all(re.fullmatch(r"[-0-9]{10}T[:0-9]{8}\.[0-9]{6}Z", event["occurred_at"]) for event in events)
    assert not any(event["occurred_at"] in shown for event in events)
    for event in events:
        instant = in_china(event["occurred_at"])
        assert instant in shown
        assert onecard("history", card_id, "--as-of", instant, clock=CLOCK).code == 0
