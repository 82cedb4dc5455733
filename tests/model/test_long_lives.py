"""Two cards that live long: states, numbers, phones, lots, registrations and delegates beyond what a page holds.

The histories of `histories` spread over many cards, of which each stays young; what a card keeps in pages is read here
across their ends. Many acts are late, some at the very instant of another, some under another number than that of their
day, so every page is asked again.
"""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain

from ledger.core import fields
from tests.catalogue.general import ANYBODY
from tests.catalogue.medical import BILL, end, give, register, reverse, spend, unspend, void
from tests.families.counter import ANNA, BEN, Command, act, activate, delegate, issue, lose, replace
from tests.families.given import LATE, Ledger
from tests.fix_stores import soak
from tests.model.histories import SECRET
from tests.model.ledger import Model

START = datetime(2024, 1, 1, tzinfo=UTC)
NOON = "2025-06-02 12:00"
AREAS = ("340100", "310106", "320500")
CARDS = (("340000D15600000500000000000000A1", ANNA), ("310000D15600000500000000000000B1", BEN))
OFTEN = ("TransferFamilyAid", "RegisterTreatment", "AuthoriseDelegate")
"""Recorded more often than a page holds items."""
PEOPLE = (ANNA, BEN, ANYBODY, "340101198504040048")


class Lives:
    """What the two cards have had so far; tells one more act, mostly one that may be recorded."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.numbers = [[card_sn] for card_sn, _ in CARDS]
        self.since = {card_sn: self.instant(0) for card_sn, _ in CARDS}
        self.now = 0
        self.told = [0]
        self.made: dict[str, list[tuple[str, int]]] = {}
        self.acts: list[Callable[[str, int], Command]] = [
            self._lose, self._lock, self._replace, self._phone, self._phone_ends, self._bill, self._bill, self._undo,
            self._give, self._give, self._bring_back, self._spend, self._spend, self._unspend, self._register,
            self._register, self._end, self._delegate, self._delegate, self._delegation_ends,
        ]  # fmt: skip

    def beginning(self) -> Iterator[Command]:
        for card_sn, person in CARDS:
            money = {"home_area": "340100", "month": "2024-01", "source": "TRANSFER", "amount_fen": 10**9}
            for command in (
                issue(card_sn=card_sn, person=person, expires_on="2099-01-01"),
                activate(card_sn=card_sn),
                act("ContributeAccount", NOON, card_sn, **money),
            ):
                yield {**command, "reference": f"{command['command']}-{card_sn}", "occurred_at": self.instant(0)}

    def acts_of(self, number: int) -> Iterator[Command]:
        """What happens next: sometimes both cards are put in order, then one act, of now or of any instant before."""
        self.now += self.chance.choice((0, 0, 1, 5, 100, 1_500))
        if self.chance.random() < 0.4:
            for numbers in self.numbers:
                for name in ("LiftLoss", "UnlockCard"):
                    reference = f"{name}-{number}-{numbers[-1]}"
                    yield act(name, NOON, numbers[-1], reference=reference, occurred_at=self.instant(self.now))
        card = self.chance.randrange(2)
        late = self.chance.randrange(self.now + 1)
        self.told.append(self.chance.choice((self.now, self.now, late, self.chance.choice(self.told))))
        at = self.instant(self.told[-1])
        of_the_day = [card_sn for card_sn in self.numbers[card] if self.since[card_sn] <= at][-1]
        card_sn = of_the_day if self.chance.random() < 0.8 else self.chance.choice(self.numbers[card])
        command = self.chance.choice(self.acts)(f"N{number}", card)
        yield {**command, "reference": f"N{number}", "card_sn": card_sn, "occurred_at": at}

    def instant(self, minute: int) -> str:
        return (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def recorded(self, command: Command) -> None:
        card = next(n for n, numbers in enumerate(self.numbers) if command["card_sn"] in numbers)
        if command["command"] == "ReplaceCard":
            self.numbers[card].append(command["new_card_sn"])
            self.since[command["new_card_sn"]] = command["occurred_at"]
        if command["command"] == "TransferFamilyAid":
            card = 1 - card  # whoever received it gives it back
        self.made.setdefault(command["command"], []).append((str(command["reference"]), card))

    # --- acts ---------------------------------------------------------------------------------------------------------

    def _one_of(self, command: str, card: int) -> str:
        found = [reference for reference, whose in self.made.get(command, ()) if whose == card]
        return self.chance.choice(found) if found else "nothing"

    def _day(self) -> str:
        return (START + timedelta(days=self.chance.randrange(-30, 500))).strftime("%Y-%m-%d")

    def _lose(self, name: str, card: int) -> Command:
        return self.chance.choice((lose("TEMPORARY", NOON), lose("FORMAL", NOON), act("ExpireTemporaryLoss", NOON)))

    def _lock(self, name: str, card: int) -> Command:
        return act("LockCard", NOON, reason="RISK")

    def _replace(self, name: str, card: int) -> Command:
        first, count = CARDS[card][0], len(self.numbers[card])
        new = f"{first[:28]}{count:02X}{first[-2:]}"
        return replace(self.chance.choice(("LOST", "DAMAGED")), NOON, new_card_sn=new, expires_on="2099-01-01")

    def _phone(self, name: str, card: int) -> Command:
        return act("IssueElectronicCard", NOON, level="IDENTITY")

    def _phone_ends(self, name: str, card: int) -> Command:
        return act("RevokeElectronicCard", NOON, reason="RISK")

    def _bill(self, name: str, card: int) -> Command:
        own, aid, wallet = (self.chance.choice((0, self.chance.randrange(60))) for _ in range(3))
        account = own + aid + wallet
        parts = {"account_fen": account, "account_mutual_aid_fen": aid + wallet, "wallet_fen": wallet, "cash_fen": 7}
        where = {"home_area": self.chance.choice(AREAS), "treatment_area": self.chance.choice(AREAS)}
        more: Command = {"med_type": self.chance.choice(("11", "11", "2101"))}
        if self.chance.random() < 0.3:
            more["channel"] = "ELECTRONIC_CARD"
        if self.chance.random() < 0.3:
            more["acting_person"] = self.chance.choice(PEOPLE)
        bill = {**BILL, **parts, **where, **more, "total_fen": account + 7, "settlement_id": name}
        return act("SettleMedical", NOON, **bill)

    def _undo(self, name: str, card: int) -> Command:
        settled = self._one_of("SettleMedical", card)
        return void(settled) if self.chance.random() < 0.3 else reverse(settled, name)

    def _give(self, name: str, card: int) -> Command:
        where = {"giver_area": self.chance.choice(AREAS), "receiver_area": self.chance.choice(AREAS[:2])}
        receiver = self.numbers[1 - card][-1]
        given = give(name, self.chance.randrange(1, 40), receiver_card_sn=receiver)
        return {**given, **where}

    def _bring_back(self, name: str, card: int) -> Command:
        given = self._one_of("TransferFamilyAid", card)
        return act("ReturnFamilyAid", NOON, transfer_id=given, amount_fen=self.chance.randrange(1, 30))

    def _spend(self, name: str, card: int) -> Command:
        purse = self.chance.choice(("WALLET", "FAMILY_AID"))
        return spend(name, self.chance.randrange(1, 120), purse, spend_area=self.chance.choice(AREAS))

    def _unspend(self, name: str, card: int) -> Command:
        return unspend(self._one_of("SpendFamilyAid", card), name)

    def _register(self, name: str, card: int) -> Command:
        where = {"home_area": self.chance.choice(AREAS), "treatment_area": self.chance.choice(AREAS)}
        kind, reason = self.chance.choice((("LONG_TERM", "RESIDENT"), ("TEMPORARY", "OTHER")))
        return register(name, kind=kind, reason=reason, valid_from=self._day(), **where)

    def _end(self, name: str, card: int) -> Command:
        return end(self._day(), registration_id=self._one_of("RegisterTreatment", card))

    def _delegate(self, name: str, card: int) -> Command:
        first, last = sorted((self._day(), self._day()))
        matters = self.chance.choice((["ALL"], ["MEDICAL"], ["CARD", "TRANSIT"]))
        whom = self.chance.choice(PEOPLE[2:])
        return delegate(NOON, name, delegate=whom, matters=matters, valid_from=first, valid_to=last)

    def _delegation_ends(self, name: str, card: int) -> Command:
        return act("EndDelegation", NOON, delegation_id=self._one_of("AuthoriseDelegate", card))


def test_long_lives_are_answered_as_the_second_model_does(seed: int) -> None:
    lives, ledger, model = Lives(seed), Ledger(now=LATE), Model(fields.instant(LATE), [], SECRET)
    commands = chain(lives.beginning(), *(lives.acts_of(number) for number in range(soak(1_600, 12_000))))
    for command in commands:
        said = {"submitter": "T1", **command}
        answer, second = ledger.submit(said), model.submit_line(json.dumps(said).encode())
        code = answer if isinstance(answer, str) else ""
        assert second is not None and code == (second.code or ""), f"seed {seed}, {said}: {code}, {second}"
        if not code:
            lives.recorded(command)

    assert ledger.made_again() == ledger.memory.rows
    assert min(len(lives.made[name]) for name in OFTEN) > 32, {name: len(made) for name, made in lives.made.items()}
