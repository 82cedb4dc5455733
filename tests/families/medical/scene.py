"""A ledger with three cards on it: A and B of Anhui (34), C of Shanghai (31), active since March 2024."""

from typing import Any

from ledger.core.identity import card_id_of
from ledger.families.card.holder import Card
from tests.families.given import Ledger

CARDS = {
    "A": ("340000D15600000500000000000000A1", "A00000011", "340101196001010014"),
    "B": ("340000D15600000500000000000000B1", "A0000002X", "340101196202020024"),
    "C": ("310000D15600000500000000000000C1", "A00000038", "310101198504040040"),
}
FIRM = ("340000D15600000500000000000000F1", "91350100M000100Y43")
NOON = "2025-06-02T12:00:00+08:00"
BILL = {
    "visit_id": "V1", "institution": "H1", "home_area": "340100", "treatment_area": "340100", "insutype": "310",
    "med_type": "11", "clr_type": "310112", "total_fen": 100, "funds": {}, "account_fen": 0,
    "account_mutual_aid_fen": 0, "cash_fen": 0, "hospital_fen": 0,
}  # fmt: skip
AWAY = {"treatment_area": "310106"}


class Scene(Ledger):
    """`order` a command; "recorded" or the code of its refusal comes back."""

    def __init__(self, *configuration: dict[str, Any]) -> None:
        super().__init__(*configuration)
        for name, (card_sn, card_number, person) in CARDS.items():
            self._issue("IssueCard", card_sn, card_number, social_security_number=person)
            self.contribute(name, 1000)

    def _issue(self, command: str, card_sn: str, card_number: str, **holder: str) -> None:
        card = {"occurred_at": "2024-03-01T09:00:00+08:00", "card_sn": card_sn}
        paper = {"bank": "ICBC", "bank_account": "0" * 64, "expires_on": "2034-02-28", "card_number": card_number}
        self.given({"command": command, **card, **paper, **holder})
        self.given(ActivateCard={**card, "application": "SOCIAL_SECURITY"})

    def issue_to_a_firm(self) -> str:
        card_sn, credit_code = FIRM
        self._issue("IssueEnterpriseCard", card_sn, "A00000011", credit_code=credit_code)
        return card_sn

    def order(self, command: str, card: str = "A", at: str = NOON, **own: Any) -> str:
        envelope = {"command": command, "occurred_at": at, "card_sn": CARDS[card][0]}
        outcome = self.submit({**envelope, **own})
        return outcome if isinstance(outcome, str) else "recorded"

    def contribute(self, card: str, amount: int) -> None:
        own: dict[str, Any] = {
            "home_area": CARDS[card][0][:6],
            "month": "2025-01",
            "source": "EMPLOYEE",
            "amount_fen": amount,
        }
        assert self.order("ContributeAccount", card, **own) == "recorded"

    def bill(self, settlement_id: str = "S1", card: str = "A", at: str = NOON, reference: str = "", **own: Any) -> str:
        """A bill whose total, unless given, is the sum of its parts."""
        parts = {**BILL, **own, "settlement_id": settlement_id, **({"reference": reference} if reference else {})}
        if "total_fen" not in own:
            parts["total_fen"] = sum(parts["funds"].values()) + sum(
                parts[part] for part in ("account_fen", "cash_fen", "hospital_fen")
            )
        return self.order("SettleMedical", card, at, **parts)

    def give(self, transfer_id: str, amount: int, giver: str = "C", receiver: str = "A", **own: Any) -> str:
        """Family aid between the provinces of the two cards."""
        parts = {
            "transfer_id": transfer_id,
            "receiver_card_sn": CARDS[receiver][0],
            "giver_area": CARDS[giver][0][:6],
            "receiver_area": CARDS[receiver][0][:6],
            "giver_insutype": "310",
            "relation": "PARENT",
            "amount_fen": amount,
        }
        return self.order("TransferFamilyAid", giver, **{**parts, **own})

    def card(self, name: str) -> Card:
        found: Card = self.row(Card, self.card_id(name))
        return found

    def card_id(self, name: str) -> str:
        return card_id_of(CARDS[name][0])

    def balance(self, account: str) -> int:
        """Balance of an account; `A:wallet` names an account of card A."""
        name, _, rest = account.partition(":")
        return self.balances[f"card:{self.card_id(name)}:{rest}" if name in CARDS else account]

    @property
    def last(self) -> dict[str, Any]:
        """The event recorded last."""
        return self.events[-1][2]
