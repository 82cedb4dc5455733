"""Acts of the benefit family: batches are led from opening to closing, with the usual mishaps on the way."""

from collections.abc import Callable
from typing import Any

from tests.model.batches import (
    Batch,
    Line,
    all_batches,
    counted,
    disclosure_days,
    live,
    net,
    outstanding,
    same_programme,
    source_used,
    totals_differ,
)
from tests.model.card import bank_account
from tests.model.presence import last_state
from tests.model.shape import person_key
from tests.model.state import Event
from tests.model.world import SECRET, Command, World

Act = Callable[[World], Command]

PROGRAMMES = [("34", "grain"), ("34", "pension"), ("31", "elder"), ("34", "grain")]
KINDS = {"grain": ["RURAL_SUBSIDY"], "pension": ["PENSION"], "elder": ["EMPLOYMENT_SUBSIDY", "MATERNITY"]}


def budget(world: World) -> Command:
    province, programme = world.pick(PROGRAMMES)
    return world.command(
        "IssueBudget",
        province=province,
        programme=programme,
        amount_fen=world.amount(2500),
        document=world.pick(["文件一", "doc 1", "paper"]),
    )


def open_batch(world: World) -> Command:
    province, programme = world.pick(PROGRAMMES)
    kind = world.pick(KINDS[programme])
    period = world.today[:7] if world.chance(0.7) else world.day(-150, 40)[:7]
    batch_type = world.pick(["NORMAL", "NORMAL", "SUPPLEMENT", "CORRECTION", "CORRECTION"])
    count, fen = world.rng.randint(1, 3), world.rng.randint(500, 2500)
    failed = _failed_lines(world)
    if batch_type == "CORRECTION" and not failed and world.chance(0.8):
        batch_type = "NORMAL"
    if batch_type == "CORRECTION" and failed and world.chance(0.9):
        batch, line = world.pick(failed[-8:])
        opened = batch["opened"]
        province, programme, kind, period = (opened[f] for f in ("province", "programme", "kind", "period"))
        count, fen = 1, line["gross"] if world.chance(0.7) else world.rng.randint(1, line["gross"])
    return world.command(
        "OpenPayoutBatch",
        batch_id=world.new_id("B", world.ids("PayoutBatchOpened", "batch_id")),
        province=province,
        programme=programme,
        kind=kind,
        period=period,
        batch_type=batch_type,
        bank=world.pick(["ABC", "ICBC"]),
        planned_count=count,
        planned_fen=fen,
        acting_person=world.pick([*world.clerks, None]),
    )


def _failed_lines(world: World, unused: bool = True) -> list[tuple[Batch, Line]]:
    return [
        (batch, line)
        for batch in all_batches(world.log)
        for line in batch["lines"].values()
        if line["state"] in ("RETURNED", "STOPPED")
        and (not unused or (batch["state"] in ("SENT", "CLOSED") and not line["struck"]))
        and not (unused and source_used(world.log, batch["opened"]["batch_id"], line["line_id"]))
    ]


def _key(batch: Batch | None, line: Line | None = None) -> dict[str, Any]:
    key = {"batch_id": batch["opened"]["batch_id"] if batch else "B-none"}
    return {**key, "line_id": line["line_id"] if line else "L-none"}


def _amount_left(world: World, batch: Batch) -> int:
    """What makes the control totals come out, mostly."""
    opened, lines = batch["opened"], counted(batch)
    left = opened["planned_fen"] - sum(line["gross"] for line in lines)
    missing = opened["planned_count"] - len(lines)
    if missing == 1 and left > 0 and world.chance(0.93):
        return int(left)
    return world.rng.randint(1, max(1, left // max(missing, 1)))


def _payee(world: World, batch: Batch, beneficiary: str | None) -> dict[str, Any]:
    """Card, payee and account of a line; wrong in one thing now and then."""
    card = world.card()
    own = [one for one in world.cards() if world.holder(one) == beneficiary]
    if own and world.chance(0.8):
        card = own[-1]
    payee = world.holder(card) if world.chance(0.95) else world.person()
    beneficiary = beneficiary or (payee if world.chance(0.8) else world.person())
    head = payee if payee != beneficiary and world.chance(0.8) else None
    account = bank_account(world.log, card) if world.chance(0.95) else "ab" * 32
    rural = batch["opened"]["kind"] == "RURAL_SUBSIDY"
    return {
        "card_sn": world.number(card),
        "beneficiary": beneficiary,
        "payee": payee,
        "household_head": head,
        "relationship": "SELF" if payee == beneficiary else world.pick(["SPOUSE", "HEAD", "CHILD"]),
        "bank_account": account,
        "village": world.pick(["V1", "王家村"]) if rural and world.chance(0.95) else None,
    }


def add_line(world: World, batch: Batch) -> Command:
    if batch["opened"]["batch_type"] == "CORRECTION" and world.chance(0.94):
        return reissue(world, batch)
    line_id = world.new_id("L", list(batch["lines"]), 0.08)
    fields = {**_payee(world, batch, None), "line_id": line_id, "amount_fen": _amount_left(world, batch)}
    return world.command("AddPayoutLine", batch_id=batch["opened"]["batch_id"], **fields)


def reissue(world: World, batch: Batch) -> Command:
    opened = batch["opened"]
    failed = _failed_lines(world, unused=world.chance(0.9)) if world.chance(0.95) else []
    same = ("province", "programme", "kind", "period")
    fitting = [one for one in failed if all(one[0]["opened"][field] == opened[field] for field in same)]
    if not fitting and world.chance(0.85):
        return close(world, batch) if not live(batch) else stop(world, batch)
    source_batch, source = world.recent(fitting if fitting and world.chance(0.93) else failed) or (None, None)
    if world.chance(0.05):
        source_batch = world.pick(all_batches(world.log))
        source = world.recent(list(source_batch["lines"].values()))
    beneficiary = world.in_clear[source["beneficiary"]] if source else None
    fields = _payee(world, batch, beneficiary)
    fields.pop("beneficiary")
    amount = _amount_left(world, batch)
    if source and world.chance(0.9):
        amount = min(amount, source["gross"])
    return world.command(
        "ReissueBenefit",
        batch_id=opened["batch_id"],
        line_id=world.new_id("L", list(batch["lines"]), 0.08),
        source_batch_id=_key(source_batch)["batch_id"],
        source_line_id=_key(source_batch, source)["line_id"],
        amount_fen=amount,
        **fields,
    )


def stop(world: World, batch: Batch) -> Command:
    if not batch["lines"] and world.chance(0.9):
        return lead_a_batch(world)
    line = world.recent(live(batch) or list(batch["lines"].values()))
    reason = world.pick(["DEATH", "NOT_ELIGIBLE", "OTHER"])
    return world.command("StopLine", **_key(batch, line), reason=reason)


def publish(world: World, batch: Batch) -> Command:
    return world.command("PublishRoster", world.now, batch_id=batch["opened"]["batch_id"], place="village board")


def approve(world: World, batch: Batch) -> Command:
    maker = batch["opened"].get("acting_person")
    others = [clerk for clerk in world.clerks if person_key(SECRET, clerk) != maker]
    approver = world.pick(others if world.chance(0.9) else world.clerks)
    return world.command("ApproveBatch", world.now, batch_id=batch["opened"]["batch_id"], acting_person=approver)


def send(world: World, batch: Batch) -> Command:
    dead = [line for line in live(batch) if last_state(world.log, line["card"]) == "CANCELLED"]
    if dead and world.chance(0.6):
        return world.command("StopLine", **_key(batch, dead[0]), reason="DEATH")
    gross = sum(line["gross"] for line in live(batch))
    opened = batch["opened"]
    name = f"{opened['province']}:{opened['programme']}"
    if world.log.balance(f"budget:{name}:available") < gross and world.chance(0.75):
        fields = {"province": opened["province"], "programme": opened["programme"], "amount_fen": gross}
        return world.command("IssueBudget", document="more", **fields)
    return world.command("SendBatch", batch_id=opened["batch_id"], application_id=world.fresh("AP"))


def close(world: World, batch: Batch) -> Command:
    return world.command("CloseBatch", batch_id=batch["opened"]["batch_id"])


def object_to(world: World, batch: Batch) -> Command:
    used = world.ids("ObjectionRaised", "objection_id")
    line = world.recent(list(batch["lines"].values()))
    return world.command(
        "RaiseObjection", objection_id=world.new_id("OB", used, 0.1), **_key(batch, line), reason="not eligible"
    )


def resolve(world: World, batch: Batch) -> Command:
    raised = world.log.all("ObjectionRaised", batch_id=batch["opened"]["batch_id"])
    if not raised and world.chance(0.9):
        return approve(world, batch)
    unresolved = [one for one in raised if not world.log.first("ObjectionResolved", objection_id=one["objection_id"])]
    one = world.recent(unresolved if unresolved and world.chance(0.9) else world.log.of("ObjectionRaised"))
    objection_id = one["objection_id"] if one and world.chance(0.95) else "OB-none"
    outcome = world.pick(["UPHELD", "DISMISSED"])
    return world.command("ResolveObjection", objection_id=objection_id, reason="looked at", outcome=outcome)


def offset(world: World, batch: Batch) -> Command:
    """Cut a pending line for an older overpayment of the same person, if there is one."""
    found = world.log.of("OverpaymentFound")
    if not live(batch) or (not found and world.chance(0.9)):
        return lead_a_batch(world)
    owing = [one for one in found if outstanding(world.log, one) > 0]
    one = world.recent(owing if owing and world.chance(0.9) else found)
    pending = [
        (other, line)
        for other in all_batches(world.log)
        for line in live(other)
        if line["state"] == "PENDING"
        and one
        and one["stream"] == line["card"]
        and (same_programme(other["opened"], _opened(world, one)) or world.chance(0.1))
    ]
    if not pending and world.chance(0.8):
        return lead_a_batch(world)
    line = world.recent(live(batch))
    if pending and world.chance(0.9):
        batch, line = world.recent(pending)
    most = outstanding(world.log, one) if one else 10
    amount = world.rng.randint(1, max(1, min(most, net(line) - 1 if line else 10)))
    if world.chance(0.1):
        amount = world.pick([most + 1, net(line) if line else 5, max(most, 1)])
    return world.command(
        "OffsetBenefit",
        offset_id=world.new_id("OF", world.ids("BenefitOffset", "offset_id"), 0.08),
        overpayment_id=one["overpayment_id"] if one and world.chance(0.97) else "OP-none",
        **_key(batch, line),
        amount_fen=max(1, amount),
    )


def _opened(world: World, event: Event) -> Event:
    opened = world.log.first("PayoutBatchOpened", batch_id=event["batch_id"])
    return opened or {}


def credit(world: World, batch: Batch) -> Command:
    waiting = [line for line in live(batch) if line["state"] == "IN_PAYMENT"]
    line = world.recent(waiting if waiting and world.chance(0.95) else list(batch["lines"].values()))
    amount = net(line) if line else 1
    amount = amount if world.chance(0.95) else amount + 1
    return world.command(
        "CreditBenefit", **_key(batch, line), amount_fen=max(1, amount), bank_transaction=world.fresh("BT")
    )


def bank_return(world: World, batch: Batch) -> Command:
    line = world.recent(live(batch) if live(batch) and world.chance(0.9) else list(batch["lines"].values()))
    reason = world.pick(["NAME_MISMATCH", "ACCOUNT_CLOSED", "OTHER"])
    return world.command("ReturnBenefit", **_key(batch, line), reason=reason, bank_transaction=world.fresh("BR"))


def overpaid(world: World, batch: Batch) -> Command:
    paid = [line for line in live(batch) if line["state"] == "PAID"]
    line = world.recent(paid if paid and world.chance(0.9) else list(batch["lines"].values()))
    amount = world.rng.randint(1, line["gross"] + 1) if line else 5
    return world.command(
        "FindOverpayment",
        overpayment_id=world.new_id("OP", world.ids("OverpaymentFound", "overpayment_id"), 0.08),
        **_key(batch, line),
        amount_fen=amount,
        reason=world.pick(["DEATH", "NOT_ELIGIBLE", "WRONG_AMOUNT"]),
        repay_by=world.pick([None, world.day(10, 90)]),
    )


def recover(world: World) -> Command:
    found: Event | None = world.event("OverpaymentFound")
    if found is None:
        return lead_a_batch(world)
    most = outstanding(world.log, found) if found else 5
    amount = max(1, world.rng.randint(0, max(0, most)) if world.chance(0.85) else most + 1)
    return world.command(
        "RecoverBenefit",
        recovery_id=world.new_id("RC", world.ids("BenefitRecovered", "recovery_id"), 0.08),
        overpayment_id=found["overpayment_id"] if found and world.chance(0.95) else "OP-none",
        amount_fen=amount,
        bank_transaction=world.fresh("BT"),
    )


Step = Callable[[World, Batch], Command]
STEPS: dict[str, list[Step]] = {
    "OPEN": [*[add_line] * 14, stop, offset],
    "PUBLISHED": [*[approve] * 7, *[object_to] * 4, *[resolve] * 5, stop, offset],
    "APPROVED": [*[send] * 9, stop, offset],
    "SENT": [*[credit] * 8, *[bank_return] * 4, close],
    "CLOSED": [overpaid, overpaid, bank_return],
}


def lead_a_batch(world: World) -> Command:
    """The next sensible step of one batch, or of any state when a clerk is careless."""
    batches = all_batches(world.log)
    going = [batch for batch in batches if batch["state"] != "CLOSED"]
    if len(going) < 5 or world.chance(0.04):
        return open_batch(world)
    batch = world.recent(going, 8) if world.chance(0.85) else world.recent(batches, 20)
    state = batch["state"] if world.chance(0.93) else world.pick(list(STEPS))
    if state != "SENT" and batch["lines"] and not live(batch) and world.chance(0.5):
        return close(world, batch)
    complete = len(counted(batch)) >= batch["opened"]["planned_count"] and bool(live(batch))
    if state == "OPEN" and complete and totals_differ(batch) and world.chance(0.8):
        return stop(world, batch)
    if state == "OPEN" and complete:
        first = approve if disclosure_days(world.log, batch, world.today) == 0 else publish
        act = world.pick([first] * 12 + [publish, approve, offset, offset, stop])
        return act(world, batch)  # type: ignore[no-any-return]
    if state == "SENT" and not any(line["state"] == "IN_PAYMENT" for line in live(batch)):
        return world.pick([close, close, overpaid, bank_return])(world, batch)  # type: ignore[no-any-return]
    command: Command = world.pick(STEPS[state])(world, batch)
    if world.chance(0.01) and "batch_id" in command:
        command["batch_id"] = "B-none"
    return command


def claim_back(world: World) -> Command:
    """Repayment of what was paid too much: by instalment, or by offset against a later line."""
    batches = all_batches(world.log)
    if batches and world.chance(0.6):
        return offset(world, world.recent(batches, 8))
    return recover(world)


ACTS: list[tuple[Act, int]] = [(budget, 4), (open_batch, 4), (lead_a_batch, 80), (claim_back, 10)]
