"""Whose card or life has ended is not paid: sending names the first such line, whenever the fact was recorded."""

from unittest.mock import Mock

from pytest import MonkeyPatch

from ledger.core.fields import instant
from ledger.families.benefit.doubt import PENDING_LIMIT, OlderPending, PendingLines, first_gone
from ledger.families.benefit.payout import Batch
from tests.families.benefit.office import (
    ADA,
    BEN,
    CAI,
    NEW_SN,
    SN,
    add_line,
    approve,
    at,
    cancel_card,
    credit,
    issue_card,
    number,
    office,
    offset,
    open_batch,
    overpaid,
    paid,
    reissue,
    send,
    sent,
    stop,
)
from tests.families.given import KEYRING, Ledger

PEOPLE = {"9": ADA, "10": BEN, "2": CAI}
APPROVED = sent(lines=PEOPLE)[:-1]


def named(ledger: Ledger) -> list[str]:
    """Stop every line that sending refuses, and tell which lines it named."""
    lines = []
    while ledger.submit(send("B1")) == "line_card_cancelled":
        lines.append(first_gone(ledger.world(), "B1", instant(at("2025-06-04"))) or "")
        ledger.given(stop("B1", lines[-1]))
    return lines


def test_lines_are_named_in_the_order_of_their_ids_as_text() -> None:
    ledger = office()
    ledger.given(*APPROVED, *(cancel_card(SN[person], "2025-06-03") for person in (ADA, BEN, CAI)))
    assert named(ledger) == ["10", "2", "9"]
    assert ledger.submit(send("B1")) == "batch_empty"


def test_a_cancellation_counts_from_its_own_instant() -> None:
    ledger = office()
    ledger.given(*APPROVED, cancel_card(SN[BEN], "2025-06-04T12:00:00.000001+08:00"))
    ledger.given(send("B1", "2025-06-04"))


def test_a_cancellation_at_the_instant_of_sending_stops_it() -> None:
    ledger = office()
    ledger.given(*APPROVED, cancel_card(SN[BEN], "2025-06-04"))
    assert ledger.submit(send("B1", "2025-06-04")) == "line_card_cancelled"


def test_a_line_added_late_to_a_card_cancelled_since_is_in_doubt_from_the_start() -> None:
    ledger = office()
    ledger.given(open_batch("B1"), cancel_card(SN[ADA], "2025-06-03"), add_line("B1"), approve("B1"))
    assert ledger.submit(send("B1", "2025-06-04")) == "line_card_cancelled"
    ledger.given(send("B1", "2025-06-02"))


def test_a_beneficiary_who_is_paid_through_another_card_may_have_died() -> None:
    ledger = office()
    ledger.given(open_batch("B1"), add_line("B1", payee=BEN, household_head=BEN), approve("B1"))
    ledger.given(cancel_card(SN[ADA], "2025-06-05", "2025-05-31"))
    assert ledger.submit(send("B1", "2025-06-04")) == "line_card_cancelled"


def test_another_reason_or_a_later_death_of_such_a_beneficiary_stops_nothing() -> None:
    for died_on in (None, "2025-06-01"):
        ledger = office()
        ledger.given(open_batch("B1"), add_line("B1", payee=BEN, household_head=BEN), approve("B1"))
        ledger.given(cancel_card(SN[ADA], "2025-06-03", died_on), send("B1", "2025-06-04"))


def test_the_old_card_of_a_payee_with_a_new_one_stays_cancelled() -> None:
    ledger = office()
    ledger.given(*APPROVED, cancel_card(SN[ADA], "2025-06-03"), issue_card(ADA, NEW_SN, "d" * 64, "2025-06-03"))
    assert named(ledger) == ["9"]


def test_a_new_card_shows_that_a_beneficiary_reported_dead_lives() -> None:
    ledger = office()
    ledger.given(open_batch("B1"), add_line("B1", payee=BEN, household_head=BEN), approve("B1"))
    ledger.given(cancel_card(SN[ADA], "2025-06-03", "2025-05-01"), issue_card(ADA, NEW_SN, "d" * 64, "2025-06-03"))
    ledger.given(send("B1", "2025-06-04"))


def test_a_stopped_line_is_not_looked_at() -> None:
    ledger = office()
    ledger.given(*APPROVED, cancel_card(SN[ADA], "2025-06-03"), stop("B1", "9"), send("B1"))


def test_a_reissue_is_watched_like_any_line() -> None:
    ledger = office()
    ledger.given(open_batch("B1"), add_line("B1"), approve("B1"), stop("B1"))
    ledger.given({"command": "CloseBatch", "occurred_at": "2025-06-20T12:00:00+08:00", "batch_id": "B1"})
    ledger.given(open_batch("C1", batch_type="CORRECTION"), reissue("C1", "1", "B1", "1"), approve("C1"))
    ledger.given(cancel_card(SN[ADA], "2025-06-03"))
    assert ledger.submit(send("C1")) == "line_card_cancelled"


def test_a_line_is_put_in_doubt_once_however_many_cards_end() -> None:
    ledger = office()
    ledger.given(open_batch("B1"), add_line("B1", payee=BEN, household_head=BEN))
    ledger.given(cancel_card(SN[ADA], "2025-06-03"), cancel_card(SN[BEN], "2025-06-03"))
    assert ledger.row(Batch, "B1").doubtful == 1


def test_many_pending_lines_of_one_person_spread_over_pages_and_none_is_lost() -> None:
    ledger = office()
    count = 2 * PENDING_LIMIT + OlderPending.SIZE
    batches = [f"S{serial}" for serial in range(count)]
    for batch in batches:
        ledger.given(open_batch(batch, batch_type="SUPPLEMENT"), add_line(batch), approve(batch))
    ledger.given(cancel_card(SN[ADA], "2025-06-03"))

    pending = ledger.row(PendingLines, KEYRING.person(ADA))
    assert (len(pending.lines), pending.older) == (PENDING_LIMIT, count - PENDING_LIMIT)
    assert {ledger.submit(send(batch)) for batch in batches} == {"line_card_cancelled"}
    assert ledger.made_again() == ledger.memory.rows


def test_cancelling_the_card_of_a_head_with_many_lines_asks_the_store_a_few_times(monkeypatch: MonkeyPatch) -> None:
    ledger = office()
    members = 4 * PENDING_LIMIT
    ledger.given(open_batch("B1", count=members, fen=members * 1_000, batch_type="SUPPLEMENT"))
    for serial in range(members):
        line = add_line("B1", str(serial), ADA, beneficiary=number(100 + serial), household_head=ADA)
        ledger.given({**line, "relationship": "HEAD"})
    load = Mock(wraps=ledger.memory.load)
    monkeypatch.setattr(ledger.memory, "load", load)
    ledger.given(cancel_card(SN[ADA], "2025-06-03"))
    assert ledger.row(Batch, "B1").doubtful == members
    assert load.call_count < 20


def test_lines_sent_since_are_dropped_from_the_list() -> None:
    ledger = office()
    for month in range(1, 6):
        ledger.given(*sent(f"B{month}", period=f"2025-0{month}"))
    assert ledger.row(PendingLines, KEYRING.person(ADA)).lines == ["B5:1"]


def test_a_line_costs_four_rows_and_a_credit_four_of_which_two_are_shared_by_the_batch() -> None:
    ledger = office()
    ledger.given(open_batch("B1", 2, 2_000))

    def rows_written(command: dict[str, object]) -> list[str]:
        before = dict(ledger.memory.rows)
        ledger.given(command)
        assert ledger.unforeseen == []
        return sorted(name[0].kind for name, data in ledger.memory.rows.items() if before.get(name) != data)

    assert rows_written(add_line("B1")) == ["claim_year", "payout_batch", "payout_line", "pending_lines"]
    ledger.given(add_line("B1", "2", BEN), approve("B1"))
    assert rows_written(send("B1")) == ["budget", "payout_batch"]
    assert rows_written(credit("B1")) == ["budget", "card", "payout_batch", "payout_line"]


def test_nothing_about_an_offset_line_is_read_one_by_one() -> None:
    ledger = office()
    ledger.given(*paid(), overpaid("O1", "B1"), open_batch("B2", period="2025-07"), add_line("B2"))
    ledger.given(offset("F1", "O1", "B2"))
    assert [row for row in ledger.unforeseen if not row.startswith("line_offsets")] == []
