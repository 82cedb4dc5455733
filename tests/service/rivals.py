"""Pairs of commands at the same instant that must not both have their way, each with what is recorded before."""

import itertools
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ledger.core.fields import PERSON_CHECKS, PERSON_WEIGHTS

Command = dict[str, Any]
DAY = "2025-06-{:02d}T12:00:00+08:00"
MAKER, APPROVER = "310101198504040040", "330101201507070075"
ACCOUNT = "a" * 64
PAPER = {"card_number": "A00000011", "bank": "ICBC", "bank_account": ACCOUNT, "expires_on": "2034-02-28"}
JUNE = {"valid_from": "2025-06-01", "valid_to": "2025-06-30"}


class Contest(NamedTuple):
    """Two lines at the same instant: the one that comes too late is refused with this code. `both`: it may also be that
    neither is, because one of the two orders is fine."""

    one: bytes
    other: bytes
    code: str
    both: bool = False

    def allows(self, codes: list[str]) -> bool:
        return codes == [self.code] or (self.both and codes == [])


def person(serial: int) -> str:
    body = f"350101{1950 + serial % 40}01{1 + serial // 40 % 28:02d}{serial // 1120:03d}"
    total = sum(weight * int(digit) for weight, digit in zip(PERSON_WEIGHTS, body, strict=True))
    return body + PERSON_CHECKS[total % 11]


class Rivals:
    """Numbers everything, so that no two rounds meet."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._references = itertools.count(1)
        self.before: list[bytes] = []

    def line(self, command: str, day: int, **fields: Any) -> bytes:
        reference = f"r{next(self._references)}"
        envelope = {"command": command, "submitter": "T1", "reference": reference, "occurred_at": DAY.format(day)}
        return json.dumps({**envelope, **fields}).encode()

    def say(self, command: str, day: int, **fields: Any) -> None:
        self.before.append(self.line(command, day, **fields))

    def card(self, active: bool = True) -> tuple[str, str]:
        """(card_sn, holder) of a new card, active unless told otherwise, with 1,000 fen in its medical account."""
        n = next(self._numbers)
        card_sn, holder = f"350000D156000005{n:016X}", person(n)
        self.say("IssueCard", 1, card_sn=card_sn, social_security_number=holder, **PAPER)
        if active:
            self.say("ActivateCard", 1, card_sn=card_sn, application="SOCIAL_SECURITY")
        contribution = {"home_area": "350100", "month": "2025-01", "source": "EMPLOYEE", "amount_fen": 1_000}
        self.say("ContributeAccount", 1, card_sn=card_sn, **contribution)
        return card_sn, holder

    def open_batch(self, batch: str, programme: str, period: str = "2025-04", batch_type: str = "NORMAL") -> None:
        plan: Command = {"kind": "PENSION", "period": period, "batch_type": batch_type, "bank": "ABC"}
        plan |= {"province": "35", "programme": programme, "planned_count": 1, "planned_fen": 1_000}
        self.say("OpenPayoutBatch", 2, acting_person=MAKER, batch_id=batch, **plan)

    def payout(self, card_sn: str, holder: str, batch: str, line: str = "1") -> Command:
        """What a line of 1,000 fen to this card says, whether new or issued again."""
        who = {"payee": holder, "relationship": "SELF", "bank_account": ACCOUNT, "card_sn": card_sn}
        return {**who, "batch_id": batch, "line_id": line, "amount_fen": 1_000}

    def approved(self, batch: str, programme: str, card_sn: str, holder: str, period: str = "2025-04") -> None:
        self.open_batch(batch, programme, period)
        self.say("AddPayoutLine", 2, beneficiary=holder, **self.payout(card_sn, holder, batch))
        self.say("ApproveBatch", 20, acting_person=APPROVER, batch_id=batch)

    def sent(self) -> tuple[str, str, str]:
        """(batch_id, card_sn, holder) of a batch whose one line is with the bank."""
        batch = f"B{next(self._numbers)}"
        card_sn, holder = self.card()
        self.say("IssueBudget", 1, province="35", programme=f"p{batch}", amount_fen=9_000, document="doc")
        self.approved(batch, f"p{batch}", card_sn, holder)
        self.say("SendBatch", 20, batch_id=batch, application_id=f"A{batch}")
        return batch, card_sn, holder

    def bill(self, card_sn: str, settlement: str, treatment: str, fund: int, account: int) -> bytes:
        parts = {"account_fen": account, "account_mutual_aid_fen": 0, "cash_fen": 0, "hospital_fen": 0}
        kind = {"insutype": "310", "med_type": "11", "clr_type": "310112", "institution": "H1", "visit_id": settlement}
        return self.line(
            "SettleMedical",
            5,
            card_sn=card_sn,
            settlement_id=settlement,
            home_area="350100",
            treatment_area=treatment,
            total_fen=fund + account,
            funds={"310100": fund} if fund else {},
            **kind,
            **parts,
        )

    # --- of which one way around both may be recorded ----------------------------------------------------------------

    def confirmation_and_reversal(self) -> Contest:
        n = next(self._numbers)
        card_sn, _ = self.card()
        self.before.append(self.bill(card_sn, f"S{n}", "310106", 500, 0))
        reversal = {"settlement_id": f"S{n}", "reversal_id": f"S{n}R", "reason": "CANCELLED"}
        one = self.line("ConfirmSettlements", 6, treatment_province="31", settlement_ids=[f"S{n}"])
        return Contest(one, self.line("ReverseMedical", 6, card_sn=card_sn, **reversal), "settlement_reversed", True)

    def aid_and_end_of_the_receiver(self) -> Contest:
        n = next(self._numbers)
        giver, receiver = self.card()[0], self.card()[0]
        areas = {"giver_area": "350100", "receiver_area": "350100", "giver_insutype": "310", "relation": "PARENT"}
        transfer = {"transfer_id": f"T{n}", "receiver_card_sn": receiver, "amount_fen": 400}
        one = self.line("TransferFamilyAid", 7, card_sn=giver, **transfer, **areas)
        return Contest(one, self.line("CancelCard", 7, card_sn=receiver, reason="OTHER"), "card_cancelled", True)

    def replacement_and_a_line_to_the_old_card(self) -> Contest:
        """Somebody adds a line while the counter hands out the new card, with a new account."""
        batch, card_sn, holder = self.sent()
        self.open_batch(f"{batch}-2", f"p{batch}", "2025-05")
        added = self.line("AddPayoutLine", 21, beneficiary=holder, **self.payout(card_sn, holder, f"{batch}-2"))
        return Contest(added, self.replacement(card_sn), "card_sn_retired", True)

    def replacement_and_the_banks_answer(self) -> Contest:
        """The money lands on the card, whichever plastic it has: nobody is refused."""
        batch, card_sn, _ = self.sent()
        credit = {"batch_id": batch, "line_id": "1", "amount_fen": 1_000, "bank_transaction": "BT"}
        return Contest(self.line("CreditBenefit", 21, **credit), self.replacement(card_sn), "", True)

    # --- of which one only can be recorded ---------------------------------------------------------------------------

    def two_batches_of_one_budget(self) -> Contest:
        n = next(self._numbers)
        card_sn, holder = self.card()
        self.say("IssueBudget", 1, province="35", programme=f"p{n}", amount_fen=1_500, document="doc")
        self.approved(f"B{n}", f"p{n}", card_sn, holder, "2025-04")
        self.approved(f"C{n}", f"p{n}", card_sn, holder, "2025-05")
        one = self.line("SendBatch", 20, batch_id=f"B{n}", application_id=f"A{n}")
        return Contest(one, self.line("SendBatch", 20, batch_id=f"C{n}", application_id=f"D{n}"), "insufficient_budget")

    def two_bills_of_one_account(self) -> Contest:
        n = next(self._numbers)
        card_sn, _ = self.card()
        one, other = (self.bill(card_sn, f"S{n}{part}", "350100", 0, 700) for part in "AB")
        return Contest(one, other, "insufficient_medical_account")

    def two_reissues_of_one_line(self) -> Contest:
        """Into two correction batches, of a line that came back from the bank."""
        batch, card_sn, holder = self.sent()
        self.say("ReturnBenefit", 20, batch_id=batch, line_id="1", reason="ACCOUNT_CLOSED", bank_transaction="BR")
        source = {"source_batch_id": batch, "source_line_id": "1"}
        lines = []
        for name in (f"{batch}-A", f"{batch}-B"):
            self.open_batch(name, f"p{batch}", batch_type="CORRECTION")
            lines.append(self.line("ReissueBenefit", 21, **self.payout(card_sn, holder, name), **source))
        return Contest(*lines, "line_already_reissued")

    def two_redemptions_of_one_voucher(self) -> Contest:
        n = next(self._numbers)
        card_sn, _ = self.card()
        funder = {"province": "35", "programme": "elder", "face_fen": 500}
        self.say("IssueVoucher", 2, card_sn=card_sn, voucher_id=f"V{n}", **funder, **JUNE)
        shop = {"card_sn": card_sn, "voucher_id": f"V{n}", "merchant_area": "350100", "amount_fen": 500}
        one, other = (
            self.line("RedeemVoucher", 7, redemption_id=f"V{n}{part}", merchant=f"M{part}", **shop) for part in "AB"
        )
        return Contest(one, other, "voucher_used")

    def two_activations_of_one_card(self) -> Contest:
        card_sn, _ = self.card(active=False)
        activation = {"card_sn": card_sn, "application": "SOCIAL_SECURITY"}
        one, other = (self.line("ActivateCard", 7, **activation) for _ in range(2))
        return Contest(one, other, "application_already_active")

    def two_activations_of_one_pass(self) -> Contest:
        n = next(self._numbers)
        card_sn, _ = self.card()
        sale = {"product": "YEAR", "seller": "HN1", "seller_area": "460100", "price_fen": 10_000}
        self.say("PurchasePass", 2, card_sn=card_sn, pass_id=f"P{n}", **sale)
        one, other = (self.line("ActivatePass", 7, card_sn=card_sn, pass_id=f"P{n}") for _ in range(2))
        return Contest(one, other, "pass_already_active")

    def two_exits_of_one_entry(self) -> Contest:
        card_sn, _ = self.card()
        gate = {"card_sn": card_sn, "operator": "OP1", "terminal": "G1", "operating_area": "350100", "mode": "METRO"}
        ride = {**gate, "concession_class": "ORDINARY", "uploaded_at": DAY.format(7)}
        self.say("TapTransit", 7, **ride, tap_type="ENTRY", counter=1, fare_due_fen=0, paid_fen=0)
        fare = {"tap_type": "EXIT", "entry_counter": 1, "fare_due_fen": 300, "paid_fen": 300}
        one, other = (self.line("TapTransit", 7, **ride, **fare, counter=counter) for counter in (2, 3))
        return Contest(one, other, "journey_closed")

    def two_replacements_in_the_middle_of_a_payout(self) -> Contest:
        _, card_sn, _ = self.sent()
        return Contest(self.replacement(card_sn), self.replacement(card_sn), "card_sn_retired")

    def replacement(self, card_sn: str) -> bytes:
        """With a new account; the plastic is the next number."""
        paper = {"new_card_sn": f"350000D156000005{next(self._numbers):016X}", "new_card_number": PAPER["card_number"]}
        paper |= {"expires_on": "2035-03-31", "reason": "DAMAGED", "bank": "ABC", "bank_account": "b" * 64}
        return self.line("ReplaceCard", 21, card_sn=card_sn, **paper)

    def rounds(self, each: int) -> Iterator[Contest]:
        kinds = (
            self.confirmation_and_reversal,
            self.aid_and_end_of_the_receiver,
            self.replacement_and_a_line_to_the_old_card,
            self.replacement_and_the_banks_answer,
            self.two_batches_of_one_budget,
            self.two_bills_of_one_account,
            self.two_reissues_of_one_line,
            self.two_redemptions_of_one_voucher,
            self.two_activations_of_one_card,
            self.two_activations_of_one_pass,
            self.two_exits_of_one_entry,
            self.two_replacements_in_the_middle_of_a_payout,
        )
        for _ in range(each):
            for kind in kinds:
                yield kind()
