"""Settlements of one card as command lines, and a plain account of them, row by row, to compare files with."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from tests.cli.lines import SN, activate, contribute, issue

HERE, THERE = "H31010600123", "H34010000001"  # in Shanghai and in Anhui, where the card is insured
PROVINCE = {HERE: "31", THERE: "34"}
DETAIL_HEADER = "setl_id mdtrt_id psn_no refd_setl_flag medfee_sumamt fund_pay_sumamt acct_pay setl_time msgid"
TOTAL_HEADER = "insutype clr_type refd_setl_flag medfee_sumamt fund_pay_sumamt acct_pay setl_cnt"


@dataclass(frozen=True)
class Fact:
    """One row that a correct file of the other side would have."""

    setl_id: str
    flag: int
    institution: str
    day: str
    visit_id: str
    total: int
    fund: int
    account: int
    insutype: str = "310"
    clr_type: str = "310112"

    def is_in(self, level: str, counterparty: str, first: str, last: str) -> bool:
        if not first <= self.day <= last:
            return False
        province = PROVINCE[self.institution]
        if level.startswith("L1"):
            return self.institution == counterparty
        return province != "34" and counterparty == (province if level == "L2" else "34")


@dataclass
class Bills:
    """Commands so far and the facts they make; a voided settlement makes none."""

    commands: list[dict[str, Any]] = field(default_factory=lambda: [issue(), activate(), contribute(amount_fen=10**9)])
    facts: list[Fact] = field(default_factory=list)

    def lines(self) -> list[bytes]:
        return [json.dumps(command).encode() for command in self.commands]

    def say(self, command: str, day: str, **fields: Any) -> None:
        own = {"command": command, "submitter": "T1", "reference": f"b{len(self.commands)}"}
        self.commands.append({**own, "occurred_at": f"{day}T12:00:00+08:00", "card_sn": SN, **fields})

    def settle(
        self, setl_id: str, day: str, fund: int = 700, account: int = 200, at: str = HERE, clr_type: str = "310112"
    ) -> None:
        self.say(
            "SettleMedical", day, settlement_id=setl_id, visit_id=f"V-{setl_id}", institution=at, home_area="340100",
            treatment_area=f"{PROVINCE[at]}0106", insutype="310", med_type="11", clr_type=clr_type,
            total_fen=fund + account + 100, funds={"310100": fund} if fund else {}, account_fen=account,
            account_mutual_aid_fen=0, cash_fen=100, hospital_fen=0, emergency=True,
        )  # fmt: skip
        figures = fund + account + 100, fund, account
        self.facts.append(Fact(setl_id, 0, at, day, f"V-{setl_id}", *figures, clr_type=clr_type))

    def reverse(self, setl_id: str, day: str) -> None:
        self.say("ReverseMedical", day, settlement_id=setl_id, reversal_id=f"R-{setl_id}", reason="REFUND")
        (of,) = [fact for fact in self.facts if fact.setl_id == setl_id]
        figures = -of.total, -of.fund, -of.account
        self.facts.append(Fact(setl_id, 1, of.institution, day, of.visit_id, *figures, clr_type=of.clr_type))

    def void(self, setl_id: str, day: str) -> None:
        (sent,) = [command for command in self.commands if command.get("visit_id") == f"V-{setl_id}"]
        self.say("VoidMedical", day, voided_reference=sent["reference"], reason="TIMEOUT")
        self.facts = [fact for fact in self.facts if fact.setl_id != setl_id]


def yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"


def detail(fact: Fact, **other: str) -> str:
    """The fact as a line of the other side's file; `other`: fields that say something else."""
    fields = {
        "setl_id": fact.setl_id,
        "mdtrt_id": fact.visit_id,
        "psn_no": "P1",
        "refd_setl_flag": str(fact.flag),
        "medfee_sumamt": yuan(fact.total),
        "fund_pay_sumamt": yuan(fact.fund),
        "acct_pay": yuan(fact.account),
        "setl_time": f"{fact.day} 12:00:00",
        "msgid": "null",
    }
    return "\t".join({**fields, **other}.values())


def total(key: str, fen: int, fund: int, account: int, count: int) -> str:
    """A line of a file of totals."""
    return "\t".join((*key.split("/"), yuan(fen), yuan(fund), yuan(account), str(count)))


def text(*rows: str, header: str = DETAIL_HEADER, ending: str = "\n") -> bytes:
    return "".join(row + ending for row in (header.replace(" ", "\t"), *rows)).encode()


def random_bills(chance: random.Random, count: int) -> Bills:
    """Settlements of May to July in both places, some undone."""
    bills = Bills()
    for number in range(count):
        day = f"2025-0{chance.randint(5, 7)}-{chance.randint(10, 20)}"
        at = chance.choice((HERE, HERE, THERE))
        clr_type = chance.choice(("310112", "310212"))
        bills.settle(f"S{number}", day, chance.randint(1, 9) * 100, chance.randint(0, 5) * 100, at, clr_type)
        if chance.random() < 0.3:
            bills.reverse(f"S{number}", f"2025-0{chance.randint(int(day[6]), 7)}-{chance.randint(21, 28)}")
        elif chance.random() < 0.1:
            bills.void(f"S{number}", day)
    return bills
