"""Who is paid what for which month: no benefit twice, and the yearly ceiling (contract 3.3, 3.11).

A line claims (beneficiary, province, programme, period) while it is live. One row holds a beneficiary's claims on a
programme for a calendar year; since a batch has at most one live line of a beneficiary, the row also tells the batch
of the first claim on a month, and only claims beside it need a row of their own. So a line costs one row here.
"""

from typing import ClassVar

from ledger.core.rejection import Rejected
from ledger.core.rows import Row, Rows
from ledger.core.world import World
from ledger.families.benefit.payout import Batch, PayoutLine

# --- facts -----------------------------------------------------------------------------------------------------------


class Claim(Row):
    """Live lines on one month. `first`: batch of one of them ("" after that line ended); `normal`: of NORMAL origin."""

    first: str = ""
    live: int = 0
    normal: int = 0


class ClaimYear(Row):
    """Key: beneficiary:province:programme:year. `months`: "01" to "12"; `live_fen`: gross of the year's live lines."""

    kind: ClassVar[str] = "claim_year"
    live_fen: int = 0
    months: dict[str, Claim] = {}  # noqa: RUF012 (msgspec gives every row a dict of its own)


class ClaimBeside(Row):
    """Whether a batch has a live line of a beneficiary, beside the first (key: batch_id:beneficiary)."""

    kind: ClassVar[str] = "claim_beside"
    live: bool = False


def year_key(batch: Batch, beneficiary: str) -> str:
    return f"{beneficiary}:{batch.budget}:{batch.period[:4]}"


def beside_key(batch_id: str, beneficiary: str) -> str:
    return f"{batch_id}:{beneficiary}"


# --- evolution -------------------------------------------------------------------------------------------------------


def enter(world: World, batch_id: str, batch: Batch, line: PayoutLine) -> None:
    """The line begins to claim."""
    year = world.edit_or_add(ClaimYear, year_key(batch, line.beneficiary))
    year.live_fen += line.amount_fen
    claim = year.months.setdefault(batch.period[5:], Claim())
    claim.live += 1
    claim.normal += line.normal
    if claim.first:
        world.edit_or_add(ClaimBeside, beside_key(batch_id, line.beneficiary)).live = True
    else:
        claim.first = batch_id


def leave(world: World, batch_id: str, batch: Batch, line: PayoutLine) -> None:
    """The line claims no longer."""
    year = world.edit(ClaimYear, year_key(batch, line.beneficiary))
    year.live_fen -= line.amount_fen
    claim = year.months[batch.period[5:]]
    claim.live -= 1
    claim.normal -= line.normal
    if claim.first == batch_id:
        claim.first = ""
    else:
        world.edit(ClaimBeside, beside_key(batch_id, line.beneficiary)).live = False
    if not claim.live:
        del year.months[batch.period[5:]]


# --- questions -------------------------------------------------------------------------------------------------------


def claim_of(world: Rows, batch: Batch, beneficiary: str) -> Claim:
    """Claims of the beneficiary on what the batch pays."""
    year = world.get(ClaimYear, year_key(batch, beneficiary))
    return year.months.get(batch.period[5:], NO_CLAIM) if year else NO_CLAIM


NO_CLAIM = Claim()


def refuse_twice(world: Rows, batch_id: str, batch: Batch, beneficiary: str) -> None:
    """`beneficiary_twice`; after it every claim found is one of another batch."""
    beside = world.get(ClaimBeside, beside_key(batch_id, beneficiary))
    if claim_of(world, batch, beneficiary).first == batch_id or (beside is not None and beside.live):
        raise Rejected("beneficiary_twice", "another live line of this batch pays the same person", "beneficiary")


def refuse_claimed(live_lines: int, batch: Batch) -> None:
    if live_lines:
        raise Rejected(
            "benefit_already_claimed",
            f"a live line of another batch pays this person {batch.programme} for {batch.period}",
            "beneficiary",
        )


def refuse_above_ceiling(world: World, batch: Batch, beneficiary: str, amount: int, day: int) -> None:
    ceiling = world.config.value("payout.ceiling_fen", day, batch.province, batch.programme)
    if ceiling is None:
        return
    year = world.get(ClaimYear, year_key(batch, beneficiary))
    claimed = year.live_fen if year else 0
    if claimed + amount > ceiling:
        raise Rejected(
            "ceiling_exceeded",
            f"{claimed} fen are claimed for {batch.period[:4]}; with this line the ceiling of {ceiling} fen is passed",
            "amount_fen",
        )
