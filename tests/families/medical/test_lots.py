"""Lots of family aid against a plain list: order of use, what is left, and the purse as the sum of its lots."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.core.configuration import Configuration
from ledger.core.world import World
from ledger.families.card.holder import Card
from ledger.families.medical import aid_lots
from ledger.families.medical.aid_lots import FAMILY_AID, WALLET, Lot, Lots, Purse, UsedLots
from tests.families.given import KEYRING, Memory

PURSES = st.sampled_from([FAMILY_AID, WALLET])
GIVERS = st.sampled_from(["31", "32", "34"])
AMOUNTS = st.integers(min_value=1, max_value=50)


@dataclass
class Plain:
    purse: str
    transfer_id: str
    province: str
    left: int


class LotsAgainstAList(RuleBasedStateMachine):
    """Both take every step; pages are small enough to be crossed."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Memory(), Configuration(), KEYRING, 0, 1)
        self.world.add("card", Card())
        self.lots: list[Plain] = []
        self.index: dict[str, int] = {}
        self.uses: list[list[dict[str, object]]] = []
        self.undone: set[int] = set()
        self.counts = 0

    def of(self, purse: str, province: str = "") -> list[Plain]:
        return [lot for lot in self.lots if lot.purse == purse and province in ("", lot.province)]

    @rule(purse=PURSES, province=GIVERS, amount=AMOUNTS, several=st.integers(min_value=1, max_value=12))
    def receive(self, purse: str, province: str, amount: int, several: int) -> None:
        for _ in range(several):
            name = f"T{len(self.lots)}"
            self.index[name] = aid_lots.receive(self.world, "card", purse, Lot(name, province, amount))
            self.lots.append(Plain(purse, name, province, amount))

    @rule(purse=PURSES, province=st.sampled_from(["", "31", "34"]), wanted=st.integers(min_value=0, max_value=120))
    def use(self, purse: str, province: str, wanted: int) -> None:
        amount = min(wanted, sum(lot.left for lot in self.of(purse, province)))
        naive: list[dict[str, object]] = []
        for lot in self.of(purse, province):
            part = min(lot.left, amount)
            if part:
                lot.left -= part
                amount -= part
                given = {"transfer_id": lot.transfer_id, "province": lot.province}
                naive.append({**given, "purse": purse, "amount_fen": part})
        total = sum(part["amount_fen"] for part in naive)  # type: ignore[misc]
        found = list(aid_lots.first_out(self.world, "card", purse, total, province))
        assert found == naive
        aid_lots.use(self.world, "card", f"use{len(self.uses)}", found)
        self.uses.append(naive)

    @precondition(lambda self: len(self.undone) < len(self.uses))
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(set(range(len(self.uses))) - self.undone)))
        self.undone.add(number)
        aid_lots.give_back(self.world, "card", f"use{number}", len(self.uses[number]))
        for part in self.uses[number]:
            lot = next(lot for lot in self.lots if lot.transfer_id == part["transfer_id"])
            lot.left += part["amount_fen"]  # type: ignore[operator]

    @precondition(lambda self: any(lot.left for lot in self.lots))
    @rule(data=st.data())
    def return_some(self, data: st.DataObject) -> None:
        lot = data.draw(st.sampled_from([lot for lot in self.lots if lot.left]))
        amount = data.draw(st.integers(min_value=1, max_value=lot.left))
        aid_lots.change(self.world, "card", lot.purse, self.index[lot.transfer_id], -amount)
        lot.left -= amount

    @invariant()
    def purses_are_the_sums_of_their_lots(self) -> None:
        card = self.world.edit(Card, "card")
        for purse, balance in ((FAMILY_AID, card.family_aid), (WALLET, card.wallet)):
            assert balance == sum(lot.left for lot in self.of(purse))
            for province in ("31", "32", "34"):
                left = [lot.left for lot in self.of(purse, province)]
                assert aid_lots.held(self.world, "card", purse, province) == sum(left)
        assert {row.kind for row, _ in self.world.take_changes().values()} <= {
            each.kind for each in (Card, Purse, Lots, UsedLots)
        }


LotsAgainstAList.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLots = LotsAgainstAList.TestCase
