"""Whatever happens: planned = paid + returned + stopped, issued = available + frozen + paid, and nothing is lost."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.families.benefit.budget import Budget
from ledger.families.benefit.overpayment import Overpayment
from ledger.families.benefit.payout import CLOSED, PAID, PENDING, RETURNED, STOPPED, Batch, PayoutLine
from ledger.families.card.holder import Card
from tests.families.benefit.office import (
    ADA,
    BEN,
    CAI,
    SN,
    add_line,
    approve,
    budget,
    cancel_card,
    close,
    credit,
    give_back,
    issue_card,
    object_to,
    office,
    offset,
    open_batch,
    overpaid,
    publish,
    recover,
    reissue,
    resolve,
    send,
    stop,
)
from tests.families.given import KEYRING

BATCHES = ("B1", "B2", "S1", "C1", "C2")
TYPES = {"B": "NORMAL", "S": "SUPPLEMENT"}
PERIOD = {"B1": "2025-06", "B2": "2025-07", "S1": "2025-06", "C1": "2025-06", "C2": "2025-07"}
BATCH = st.sampled_from(BATCHES)
PLAIN_BATCH = st.sampled_from(BATCHES[:3])
CORRECTION = st.sampled_from(BATCHES[3:])
LINE = st.sampled_from(["1", "2", "3"])
PERSON = st.sampled_from([ADA, BEN, CAI])
FEN = st.sampled_from([1, 40, 100])
PICK = st.integers(0, 11)
IDENTIFIER = st.sampled_from(["1", "2", "3"])


class PaymentOffice(RuleBasedStateMachine):
    """Any command in any order; what is refused changes nothing, what is recorded conserves."""

    @initialize()
    def begin(self) -> None:
        self.ledger = office()
        self.prepare("B1", [ADA, BEN, CAI], 100, 3)

    def find_line(self, outcome: str, pick: int) -> tuple[str, str]:
        """(batch_id, line_id) of a line in this state, or of any that may not even exist."""
        names = [(batch, number) for batch in BATCHES for number in ("1", "2", "3")]
        fitting = [
            name for name in names if (line := self.ledger.row(PayoutLine, ":".join(name))) and line.outcome == outcome
        ]
        return (fitting or names)[pick % len(fitting or names)]

    def say(self, command: dict[str, Any]) -> None:
        self.ledger.submit(command)

    @rule(batch=PLAIN_BATCH, people=st.permutations([ADA, BEN, CAI]), fen=FEN, steps=st.integers(0, 3))
    def prepare(self, batch: str, people: list[str], fen: int, steps: int) -> None:
        """A batch of three lines, taken some steps towards the bank's answer."""
        self.say(open_batch(batch, 3, 3 * fen, batch_type=TYPES[batch[0]], period=PERIOD[batch]))
        for number, person in enumerate(people, start=1):
            self.say(add_line(batch, str(number), person, fen))
        for command in (approve(batch), send(batch), credit(batch, "1", fen))[:steps]:
            self.say(command)

    @rule(batch=BATCH, line=LINE, person=PERSON, head=PERSON, fen=FEN)
    def add(self, batch: str, line: str, person: str, head: str, fen: int) -> None:
        self.say(add_line(batch, line, person, fen, payee=head, household_head=head))

    @rule(batch=CORRECTION, line=LINE, pick=PICK, outcome=st.sampled_from([RETURNED, STOPPED]), fen=FEN)
    def reissue(self, batch: str, line: str, pick: int, outcome: str, fen: int) -> None:
        source, source_line = self.find_line(outcome, pick)
        found = self.ledger.row(PayoutLine, f"{source}:{source_line}")
        person = next((one for one in SN if found and KEYRING.person(one) == found.beneficiary), ADA)
        self.say(open_batch(batch, 1, fen, batch_type="CORRECTION", period=PERIOD[source]))
        self.say(reissue(batch, line, source, source_line, person, fen=fen))

    @rule(batch=BATCH)
    def publish(self, batch: str) -> None:
        self.say(publish(batch))

    @rule(batch=BATCH)
    def send(self, batch: str) -> None:
        self.say(approve(batch))
        self.say(send(batch))

    @rule(pick=PICK)
    def stop(self, pick: int) -> None:
        self.say(stop(*self.find_line(PENDING, pick)))

    @rule(batch=BATCH, line=LINE, objection=IDENTIFIER)
    def object(self, batch: str, line: str, objection: str) -> None:
        self.say(object_to(objection, batch, line, "2025-06-02"))

    @rule(objection=IDENTIFIER, outcome=st.sampled_from(["UPHELD", "DISMISSED"]))
    def resolve(self, objection: str, outcome: str) -> None:
        self.say(resolve(objection, outcome))

    @rule(pick=PICK)
    def credit(self, pick: int) -> None:
        batch, line = self.find_line(PENDING, pick)
        found = self.ledger.row(PayoutLine, f"{batch}:{line}")
        self.say(credit(batch, line, found.net_fen if found else 1))

    @rule(pick=PICK, outcome=st.sampled_from([PENDING, PAID]))
    def give_back(self, pick: int, outcome: str) -> None:
        self.say(give_back(*self.find_line(outcome, pick)))

    @rule(overpayment=IDENTIFIER, pick=PICK, fen=FEN)
    def find(self, overpayment: str, pick: int, fen: int) -> None:
        self.say(overpaid(overpayment, *self.find_line(PAID, pick), fen))

    @rule(recovery=IDENTIFIER, overpayment=IDENTIFIER, fen=FEN)
    def recover(self, recovery: str, overpayment: str, fen: int) -> None:
        self.say(recover(recovery, overpayment, fen))

    @rule(number=st.integers(1, 9), overpayment=IDENTIFIER, pick=PICK, fen=FEN)
    def offset(self, number: int, overpayment: str, pick: int, fen: int) -> None:
        self.say(offset(str(number), overpayment, *self.find_line(PENDING, pick), fen))

    @rule(batch=BATCH)
    def close(self, batch: str) -> None:
        self.say(close(batch))

    @rule(person=PERSON, died=st.booleans(), serial=st.integers(1, 9))
    def change_card(self, person: str, died: bool, serial: int) -> None:
        self.say(cancel_card(SN[person], "2025-06-03", "2025-05-31" if died else None))
        self.say(issue_card(person, f"{SN[person][:-1]}{serial}", "d" * 64, "2025-06-03"))

    @rule(fen=FEN)
    def top_up(self, fen: int) -> None:
        self.say(budget(fen))

    @invariant()
    def batches_add_up(self) -> None:
        for batch_id in BATCHES:
            batch = self.ledger.row(Batch, batch_id)
            if batch is None:
                continue
            lines = [line for line in self.lines(batch_id) if not line.struck]
            sums = {
                outcome: [line.amount_fen for line in lines if line.outcome == outcome]
                for outcome in (PENDING, PAID, RETURNED, STOPPED)
            }
            assert (batch.counted_count, batch.counted_fen) == (len(lines), sum(line.amount_fen for line in lines))
            assert (batch.paid_count, batch.paid_fen) == (len(sums[PAID]), sum(sums[PAID]))
            assert (batch.returned_count, batch.returned_fen) == (len(sums[RETURNED]), sum(sums[RETURNED]))
            assert (batch.stopped_count, batch.stopped_fen) == (len(sums[STOPPED]), sum(sums[STOPPED]))
            assert batch.live_count == len(sums[PENDING]) + len(sums[PAID])
            live = [line for line in lines if line.outcome in (PENDING, PAID)]
            assert batch.net_fen == sum(line.net_fen for line in live)
            assert all(line.net_fen >= 1 for line in lines)
            if any(name == "BatchSent" and event["batch_id"] == batch_id for _, name, event in self.ledger.events):
                assert (batch.planned_count, batch.planned_fen) == (batch.counted_count, batch.counted_fen)

    @invariant()
    def nobody_is_paid_twice_in_a_batch(self) -> None:
        for batch_id in BATCHES:
            live = [line.beneficiary for line in self.lines(batch_id) if line.outcome in (PENDING, PAID)]
            assert len(live) == len(set(live))

    @invariant()
    def closing_told_the_truth(self) -> None:
        for _, name, event in self.ledger.events:
            if name == "BatchClosed":
                assert self.ledger.row(Batch, event["batch_id"]).state == CLOSED
                assert event["planned_fen"] == event["paid_fen"] + event["returned_fen"] + event["stopped_fen"]
                assert event["planned_count"] == event["paid_count"] + event["returned_count"] + event["stopped_count"]

    @invariant()
    def accounts_agree_with_rows(self) -> None:
        balances = self.ledger.balances
        assert sum(balances.values()) == 0
        line = self.ledger.row(Budget, "34:pension")
        parts = {part: balances[f"budget:34:pension:{part}"] for part in ("available", "frozen", "paid")}
        assert parts == {"available": line.available, "frozen": line.frozen, "paid": line.paid}
        assert -balances["budget:34:pension:issued"] == sum(parts.values())
        assert min(parts.values()) >= 0
        in_transit = sum(
            line.net_fen
            for batch_id in BATCHES
            if (batch := self.ledger.row(Batch, batch_id)) and batch.is_sent_or_closed
            for line in self.lines(batch_id)
            if line.outcome == PENDING
        )
        assert balances["bank:ABC"] == in_transit
        for name in self.ledger.memory.rows:
            if name[0] is Card:
                card = self.ledger.row(*name)
                assert card.benefits == balances[f"card:{name[1]}:benefits"] >= 0
                assert card.recovery == balances[f"card:{name[1]}:recovery"] >= 0

    @invariant()
    def nothing_is_recovered_twice(self) -> None:
        for name in self.ledger.memory.rows:
            if name[0] is Overpayment:
                found = self.ledger.row(*name)
                assert min(found.outstanding_fen, found.offset_fen, found.recovered_fen) >= 0

    def lines(self, batch_id: str) -> list[PayoutLine]:
        found = (self.ledger.row(PayoutLine, f"{batch_id}:{number}") for number in (1, 2, 3))
        return [line for line in found if line is not None]

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            assert self.ledger.made_again() == self.ledger.memory.rows


PaymentOffice.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestPaymentOffice = PaymentOffice.TestCase
