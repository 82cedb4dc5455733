"""A batch that was sent to its bank, and the files the bank sends back."""

from pathlib import Path
from typing import Any

from tests.cli.lines import write
from tests.families.benefit.office import (
    ACCOUNT,
    ADA,
    SN,
    add_line,
    approve,
    budget,
    issue_card,
    number,
    open_batch,
    send,
)

COLUMNS = "batch_id,line_id,attempt,result,amount_fen,currency,reason,bank_transaction,occurred_at"
AT = "2025-06-05T10:00:00+08:00"


def numbered(commands: list[dict[str, Any]], submitter: str = "OFFICE") -> list[dict[str, Any]]:
    """With what every command must have; the same list gives the same references."""
    return [{**one, "submitter": submitter, "reference": f"r{n}"} for n, one in enumerate(commands)]


def family(count: int, batch: str = "B1") -> list[dict[str, Any]]:
    """A batch of lines for as many people of one household, whose head has the card; all up to its sending."""
    head = {"payee": ADA, "household_head": ADA, "relationship": "CHILD"}
    lines = [add_line(batch, f"L{n}", number(n), 1_000 + n, **head) for n in range(1, count + 1)]
    total = sum(line["amount_fen"] for line in lines)
    return numbered(
        [
            issue_card(ADA, SN[ADA], ACCOUNT[ADA]),
            budget(10_000_000),
            open_batch(batch, count, total),
            *lines,
            approve(batch),
            send(batch),
        ]
    )


def row(
    line: str, fen: object, result: str = "PAID", *, batch: str = "B1", attempt: object = 0, reason: str | None = None,
    currency: str = "CNY", transaction: str = "BT", at: str = AT,
) -> str:  # fmt: skip
    """A line of a result file; a return has a reason if none is given."""
    why = ("ACCOUNT_CLOSED" if result == "RETURNED" else "") if reason is None else reason
    return f"{batch},{line},{attempt},{result},{fen},{currency},{why},{transaction},{at}"


def results(path: Path, *rows: Any) -> Path:
    return write(path, COLUMNS, *rows)
