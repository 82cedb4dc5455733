"""What a home province has paid a treatment province in advance: the row that cycles, remittances and alerts share."""

from collections.abc import Iterable
from typing import ClassVar

from ledger.core.decider import Event
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.rows import StreamRow
from ledger.core.world import World


class Prepayment(StreamRow):
    """Key: home:treatment. `balance` of `prepayment:<home>:<treatment>`; the row may exist with nothing ever paid."""

    kind: ClassVar[str] = "prepayment"
    balance: int = 0


def pair_key(home: str, treatment: str) -> str:
    return f"{home}:{treatment}"


def pair_of(event: Event) -> str:
    return pair_key(event["home"], event["treatment"])


def balance_of(world: World, home: str, treatment: str) -> int:
    prepayment = world.get(Prepayment, pair_key(home, treatment))
    return prepayment.balance if prepayment is not None else 0


def require_balance(world: World, home: str, treatment: str, amount: int) -> None:
    """Stage 7: the prepayment holds `amount`."""
    balance = balance_of(world, home, treatment)
    if amount > balance:
        raise Rejected("insufficient_prepayment", f"the prepayment holds {balance} fen, not {amount}", "amount_fen")


def draw_down(home: str, treatment: str, amount: int) -> Iterable[Posting]:
    """A remittance is paid from the prepayment; a negative amount undoes that."""
    yield f"prepayment:{home}:{treatment}", -amount
    yield f"prepayment_used:{home}:{treatment}", amount


def pay_in(home: str, treatment: str, amount: int) -> Iterable[Posting]:
    """The home province pays in advance; a negative amount is paid back."""
    yield f"prepayment:{home}:{treatment}", amount
    yield f"prepaid:{home}:{treatment}", -amount
