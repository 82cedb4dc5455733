"""A payment office: a ledger with three cards and a budget, and commands that are right unless a test says so."""

from typing import Any

from ledger.core.fields import PERSON_CHECKS, PERSON_WEIGHTS
from tests.families.given import Ledger

Command = dict[str, Any]


def number(serial: int) -> str:
    """A social security number with a right check character."""
    body = f"34010119700101{serial:03d}"
    total = sum(weight * int(digit) for weight, digit in zip(PERSON_WEIGHTS, body, strict=True))
    return body + PERSON_CHECKS[total % 11]


ADA, BEN, CAI = "340101196001010014", "340101196202020024", number(3)
MAKER, APPROVER = "310101198504040040", "330101201507070075"
SN = {ADA: "340000D15600000500000000000000A1", BEN: "340000D15600000500000000000000B1"}
SN[CAI] = "310000D15600000500000000000000C1"
NEW_SN = "340000D15600000500000000000000A2"
ENTERPRISE_SN = "340000D15600000500000000000000E1"
ACCOUNT = {ADA: "a" * 64, BEN: "b" * 64, CAI: "c" * 64}
NOON = "T12:00:00+08:00"


def at(day: str) -> str:
    return day if "T" in day else day + NOON


def issue_card(person: str, card_sn: str, bank_account: str, day: str = "2024-03-01") -> Command:
    return {
        "command": "IssueCard",
        "occurred_at": at(day),
        "card_sn": card_sn,
        "card_number": "A00000011",
        "social_security_number": person,
        "bank": "ICBC",
        "bank_account": bank_account,
        "expires_on": "2034-02-28",
    }


def cancel_card(card_sn: str, day: str, died_on: str | None = None) -> Command:
    reason = "DEATH" if died_on else "OTHER"
    return {
        "command": "CancelCard",
        "occurred_at": at(day),
        "card_sn": card_sn,
        "reason": reason,
        "died_on": died_on,
    }


def budget(fen: int = 100_000, programme: str = "pension") -> Command:
    return {
        "command": "IssueBudget",
        "occurred_at": at("2025-01-01"),
        "province": "34",
        "programme": programme,
        "amount_fen": fen,
        "document": "doc 1",
    }


def open_batch(batch: str, count: int = 1, fen: int = 1_000, **changes: Any) -> Command:
    return {
        "command": "OpenPayoutBatch",
        "occurred_at": at("2025-06-02"),
        "acting_person": MAKER,
        "batch_id": batch,
        "province": "34",
        "programme": "pension",
        "kind": "PENSION",
        "period": "2025-06",
        "batch_type": "NORMAL",
        "bank": "ABC",
        "planned_count": count,
        "planned_fen": fen,
        **changes,
    }


def add_line(batch: str, line: str = "1", person: str = ADA, fen: int = 1_000, **changes: Any) -> Command:
    payee = changes.get("payee", person)
    return {
        "command": "AddPayoutLine",
        "occurred_at": at("2025-06-02"),
        "card_sn": SN.get(payee, SN[ADA]),
        "batch_id": batch,
        "line_id": line,
        "beneficiary": person,
        "payee": payee,
        "relationship": "SELF",
        "bank_account": ACCOUNT.get(payee, ACCOUNT[ADA]),
        "amount_fen": fen,
        **changes,
    }


def reissue(batch: str, line: str, source: str, source_line: str, person: str = ADA, **changes: Any) -> Command:
    fields = add_line(batch, line, person, **changes)
    del fields["beneficiary"]
    return {**fields, "command": "ReissueBenefit", "source_batch_id": source, "source_line_id": source_line}


def publish(batch: str, day: str = "2025-06-02") -> Command:
    return {"command": "PublishRoster", "occurred_at": at(day), "batch_id": batch, "place": "village board"}


def approve(batch: str, day: str = "2025-06-03", person: str | None = APPROVER) -> Command:
    return {"command": "ApproveBatch", "occurred_at": at(day), "acting_person": person, "batch_id": batch}


def send(batch: str, day: str = "2025-06-04") -> Command:
    return {"command": "SendBatch", "occurred_at": at(day), "batch_id": batch, "application_id": f"AP-{batch}"}


def stop(batch: str, line: str = "1") -> Command:
    return _on_line("StopLine", batch, line, reason="OTHER")


def credit(batch: str, line: str = "1", fen: int = 1_000) -> Command:
    return _on_line("CreditBenefit", batch, line, amount_fen=fen, bank_transaction="BT")


def give_back(batch: str, line: str = "1") -> Command:
    return _on_line("ReturnBenefit", batch, line, reason="ACCOUNT_CLOSED", bank_transaction="BR")


def close(batch: str) -> Command:
    return {"command": "CloseBatch", "occurred_at": at("2025-06-20"), "batch_id": batch}


def object_to(objection: str, batch: str, line: str = "1", day: str = "2025-06-03") -> Command:
    found = _on_line("RaiseObjection", batch, line, objection_id=objection, reason="moved away")
    return {**found, "occurred_at": at(day)}


def resolve(objection: str, outcome: str = "DISMISSED") -> Command:
    fields = {"objection_id": objection, "reason": "looked at", "outcome": outcome}
    return {"command": "ResolveObjection", "occurred_at": at("2025-06-04"), **fields}


def overpaid(overpayment: str, batch: str, line: str = "1", fen: int = 600) -> Command:
    return _on_line("FindOverpayment", batch, line, overpayment_id=overpayment, amount_fen=fen, reason="NOT_ELIGIBLE")


def recover(recovery: str, overpayment: str, fen: int = 100) -> Command:
    fields = {"recovery_id": recovery, "overpayment_id": overpayment, "amount_fen": fen, "bank_transaction": "BT"}
    return {"command": "RecoverBenefit", "occurred_at": at("2025-06-10"), **fields}


def offset(offset_id: str, overpayment: str, batch: str, line: str = "1", fen: int = 100) -> Command:
    return _on_line("OffsetBenefit", batch, line, offset_id=offset_id, overpayment_id=overpayment, amount_fen=fen)


def _on_line(name: str, batch: str, line: str, **fields: Any) -> Command:
    return {"command": name, "occurred_at": at("2025-06-05"), "batch_id": batch, "line_id": line, **fields}


def office(*configuration: dict[str, Any]) -> Ledger:
    """Cards of Ada, Ben and Cai, all issued and never activated: a payout does not ask for more."""
    ledger = Ledger(*configuration)
    for person in (ADA, BEN, CAI):
        ledger.given(issue_card(person, SN[person], ACCOUNT[person]))
    ledger.given(budget())
    return ledger


def sent(batch: str = "B1", lines: dict[str, str] | None = None, **changes: Any) -> list[Command]:
    """From opening to sending; `lines`: line_id -> person, each of 1,000 fen."""
    people = lines or {"1": ADA}
    opened = open_batch(batch, len(people), 1_000 * len(people), **changes)
    return [opened, *(add_line(batch, line, person) for line, person in people.items()), approve(batch), send(batch)]


def paid(batch: str = "B1", **changes: Any) -> list[Command]:
    """A batch with one line of Ada's, credited."""
    return [*sent(batch, **changes), credit(batch)]
