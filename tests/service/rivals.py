"""Pairs of commands that must not both have their way, each with what has to be recorded before."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from ledger.core.fields import PERSON_CHECKS, PERSON_WEIGHTS

Command = dict[str, Any]
DAY = "2025-06-{:02d}T12:00:00+08:00"
MAKER, APPROVER = "310101198504040040", "330101201507070075"
ACCOUNT = "a" * 64


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

    def card(self) -> tuple[str, str]:
        """(card_sn, holder) of a new card, active, with 1,000 fen in its medical account."""
        n = next(self._numbers)
        card_sn, holder = f"350000D156000005{n:016X}", person(n)
        paper = {"card_number": "A00000011", "bank": "ICBC", "bank_account": ACCOUNT, "expires_on": "2034-02-28"}
        self.say("IssueCard", 1, card_sn=card_sn, social_security_number=holder, **paper)
        self.say("ActivateCard", 1, card_sn=card_sn, application="SOCIAL_SECURITY")
        contribution = {"home_area": "350100", "month": "2025-01", "source": "EMPLOYEE", "amount_fen": 1_000}
        self.say("ContributeAccount", 1, card_sn=card_sn, **contribution)
        return card_sn, holder

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

    # --- the pairs ---------------------------------------------------------------------------------------------------

    def two_batches_of_one_budget(self) -> tuple[bytes, bytes]:
        n = next(self._numbers)
        card_sn, holder = self.card()
        budget = {"province": "35", "programme": f"p{n}"}
        self.say("IssueBudget", 1, **budget, amount_fen=1_500, document="doc")
        for batch, period in ((f"B{n}", "2025-04"), (f"C{n}", "2025-05")):
            plan = {"kind": "PENSION", "period": period, "batch_type": "NORMAL", "bank": "ABC"}
            totals = {"planned_count": 1, "planned_fen": 1_000}
            self.say("OpenPayoutBatch", 2, acting_person=MAKER, batch_id=batch, **budget, **plan, **totals)
            who = {"beneficiary": holder, "payee": holder, "relationship": "SELF", "bank_account": ACCOUNT}
            self.say("AddPayoutLine", 2, card_sn=card_sn, batch_id=batch, line_id="1", amount_fen=1_000, **who)
            self.say("PublishRoster", 2, batch_id=batch, place="village board")
            self.say("ApproveBatch", 20, acting_person=APPROVER, batch_id=batch)
        return (
            self.line("SendBatch", 20, batch_id=f"B{n}", application_id=f"A{n}"),
            self.line("SendBatch", 20, batch_id=f"C{n}", application_id=f"D{n}"),
        )

    def confirmation_and_reversal(self) -> tuple[bytes, bytes]:
        n = next(self._numbers)
        card_sn, _ = self.card()
        self.before.append(self.bill(card_sn, f"S{n}", "310106", 500, 0))
        reversal = {"settlement_id": f"S{n}", "reversal_id": f"S{n}R", "reason": "CANCELLED"}
        return (
            self.line("ConfirmSettlements", 6, treatment_province="31", settlement_ids=[f"S{n}"]),
            self.line("ReverseMedical", 6, card_sn=card_sn, **reversal),
        )

    def aid_and_end_of_the_receiver(self) -> tuple[bytes, bytes]:
        n = next(self._numbers)
        giver, receiver = self.card()[0], self.card()[0]
        areas = {"giver_area": "350100", "receiver_area": "350100", "giver_insutype": "310", "relation": "PARENT"}
        transfer = {"transfer_id": f"T{n}", "receiver_card_sn": receiver, "amount_fen": 400}
        return (
            self.line("TransferFamilyAid", 7, card_sn=giver, **transfer, **areas),
            self.line("CancelCard", 7, card_sn=receiver, reason="OTHER"),
        )

    def two_bills_of_one_account(self) -> tuple[bytes, bytes]:
        n = next(self._numbers)
        card_sn, _ = self.card()
        return self.bill(card_sn, f"S{n}A", "350100", 0, 700), self.bill(card_sn, f"S{n}B", "350100", 0, 700)

    def rounds(self, each: int) -> Iterator[tuple[bytes, bytes]]:
        kinds = (
            self.two_batches_of_one_budget,
            self.confirmation_and_reversal,
            self.aid_and_end_of_the_receiver,
            self.two_bills_of_one_account,
        )
        for _ in range(each):
            for kind in kinds:
                yield kind()
