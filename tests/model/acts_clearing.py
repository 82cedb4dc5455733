"""Acts of the clearing family: agreement, audit and dispute from day to day, and the month's end with its money."""

from collections.abc import Callable
from typing import Any

from tests.model.acts_medical import standing
from tests.model.clearing import closed_cycles, cycle_state
from tests.model.medical import is_cut_off, is_reversed, is_voided, settlement_of, standing_deductions
from tests.model.obligations import confirmed_settlements, taken_by
from tests.model.remit import notice_figures, quota, remitted, usage
from tests.model.state import Event, plus_days
from tests.model.world import AREAS, Command, World

Act = Callable[[World], Command]

PAIRS = [("34", "31"), ("31", "34"), ("34", "32"), ("32", "31")]


def _confirmable(world: World) -> list[Event]:
    confirmed, taken = confirmed_settlements(world.log), taken_by(world.log)
    return [
        event
        for event in world.log.of("MedicalSettled")[-60:]
        if (event["cross_province"] or event["wallet_cleared"])
        and event["settlement_id"] not in confirmed
        and f"{event['position']}-1" not in taken
        and not is_reversed(world.log, event["settlement_id"])
        and not is_voided(world.log, event)
    ]


def confirm(world: World) -> Command:
    crossing = _confirmable(world)
    one = world.recent(crossing, 30) if crossing and world.chance(0.85) else world.event("MedicalSettled")
    province = one["treatment_province"] if one else world.province()
    ids = [one["settlement_id"]] if one else ["S-none"]
    for event in crossing:
        if event["treatment_province"] == province and world.chance(0.15):
            ids.append(event["settlement_id"])
    if world.chance(0.04):
        ids.append(world.pick(["S-none", *world.ids("MedicalSettled", "settlement_id")]))
    ids = list(dict.fromkeys(ids))
    if world.chance(0.02):
        province = world.province()
    name = "ConfirmSettlements" if world.chance(0.93) else "WithdrawConfirmation"
    return world.command(name, treatment_province=province, settlement_ids=ids)


def withdraw(world: World) -> Command:
    confirmed = world.event("SettlementsConfirmed", 8)
    if confirmed is None:
        return confirm(world)
    ids = [world.pick(confirmed["settlement_ids"])]
    settled = settlement_of(world.log, ids[0])
    if settled and is_cut_off(world.log, settled) and world.chance(0.7):
        return confirm(world)
    return world.command("WithdrawConfirmation", treatment_province=confirmed["treatment_province"], settlement_ids=ids)


def _settled(world: World) -> Event | None:
    settled = standing(world, crossing=True)
    return settled if settled and world.chance(0.88) else world.event("MedicalSettled")


def deduct(world: World) -> Command:
    settled = _settled(world)
    used = world.ids("AuditDeducted", "deduction_id") + world.ids("AuditDeductionReversed", "reversal_id")
    funds = {"310100": world.amount(500)}
    if settled and settled["funds"] and world.chance(0.9):
        funds = {kind: world.rng.randint(1, amount) for kind, amount in settled["funds"].items()}
    return world.command(
        "DeductByAudit",
        deduction_id=world.new_id("D", used),
        settlement_id=settled["settlement_id"] if settled and world.chance(0.97) else "S-none",
        funds=funds,
        finding=world.pick(["item not in directory", "重复收费"]),
    )


def undo_deduction(world: World) -> Command:
    used = world.ids("AuditDeducted", "deduction_id") + world.ids("AuditDeductionReversed", "reversal_id")
    standing_now = [
        event
        for event in world.log.of("AuditDeducted")
        if not world.log.first("AuditDeductionReversed", deduction_id=event["deduction_id"])
    ]
    known = world.recent(standing_now) if standing_now and world.chance(0.8) else world.event("AuditDeducted")
    deduction_id = known["deduction_id"] if known and world.chance(0.93) else "D-none"
    return world.command(
        "ReverseDeduction", deduction_id=deduction_id, reversal_id=world.new_id("DR", used, 0.08), reason="appeal"
    )


def reconcile(world: World) -> Command:
    counts = "matched only_local only_centre amount_diff state_diff duplicate_centre".split()
    span: dict[str, Any] = {"from": world.day(-40, -10), "to": world.day(-12, -1)}
    return world.command(
        "RunReconciliation",
        run_id=world.new_id("RUN", world.ids("ReconciliationRun", "run_id"), 0.15),
        level=world.pick(["L1_TOTALS", "L1_DETAILS", "L2", "L3"]),
        counterparty=world.pick(["H3101", "31"]),
        **span,
        file_sha256=f"{world.rng.randrange(16**64):064x}",
        **{count: world.rng.randint(0, 9) for count in counts},
    )


def dispute(world: World) -> Command:
    settled = _settled(world)
    if settled and is_cut_off(world.log, settled) and world.chance(0.8):
        settled = world.recent(_confirmable(world)) or settled
    runs = world.ids("ReconciliationRun", "run_id")
    return world.command(
        "OpenDispute",
        dispute_id=world.new_id("DP", world.ids("DisputeOpened", "dispute_id"), 0.06),
        settlement_id=settled["settlement_id"] if settled and world.chance(0.97) else "S-none",
        discrepancy=world.pick(["AMOUNT_DIFF", "STATE_DIFF"]),
        run_id=world.pick([None, *runs[-2:], "RUN-none"] if world.chance(0.4) else [None]),
        claimed_fen=world.pick([None, world.amount()]),
        reason="other amount at the centre",
    )


def settle_dispute(world: World) -> Command:
    opened = [
        event
        for event in world.log.of("DisputeOpened")
        if world.log.first("DisputeResolved", dispute_id=event["dispute_id"]) is None
    ]
    deducted = [event for event in opened if standing_deductions(world.log, event["settlement_id"])]
    if not opened and world.chance(0.8):
        return dispute(world)
    event = world.recent(opened) if opened and world.chance(0.93) else world.event("DisputeOpened")
    if deducted and world.chance(0.5):
        event = world.pick(deducted)
    dispute_id = event["dispute_id"] if event and world.chance(0.95) else "DP-none"
    outcome = world.pick(["KEEP", "REVERSE"])
    return world.command("ResolveDispute", dispute_id=dispute_id, outcome=outcome, reason="agreed")


# The month's end


def _cycle(world: World) -> str:
    """Some cycle: mostly one that is closed."""
    closed = closed_cycles(world.log)
    if closed and world.chance(0.93):
        return str(world.recent(closed, 3))
    cut = [event["cycle"] for event in world.log.of("CycleCutOff")]
    return str(world.pick([*cut[-1:], world.today[:7], "2024-01"]))


def _next_cycle(world: World) -> str:
    known = [event["cycle"] for event in world.log.of("CycleCutOff")]
    month = max(known) if known else "2024-02"
    for _ in range(2 if world.chance(0.06) else 1):
        month = plus_days(f"{month}-01", 32)[:7]
    return month


def cut_or_close(world: World) -> Command:
    """The next step of the cycles in their order; out of step now and then."""
    open_cut = [e["cycle"] for e in world.log.of("CycleCutOff") if cycle_state(world.log, e["cycle"]) == "CUT_OFF"]
    if open_cut and world.chance(0.9):
        event = world.log.first("CycleCutOff", cycle=open_cut[0])
        digest = event["table_digest"] if event and world.chance(0.3) else None
        if world.chance(0.06):
            digest = "00" * 32
        return world.command("CloseCycle", world.now, cycle=open_cut[0], table_digest=digest)
    wanted = _next_cycle(world)
    if world.chance(0.1) or (wanted >= world.today[:7] and world.chance(0.9)):
        wanted = world.pick([_cycle(world), wanted, "2024-01"])
        name = world.pick(["CutOffCycle", "CloseCycle"])
        return world.command(name, world.now, cycle=wanted) if world.chance(0.15) else remit(world)
    return world.command("CutOffCycle", world.now, cycle=wanted)


def _owed_pairs(world: World, cycle: str) -> list[tuple[str, str]]:
    cut = world.log.first("CycleCutOff", cycle=cycle)
    return sorted({(row["home"], row["treatment"]) for row in cut["rows"]}) if cut else []


def notice(world: World) -> Command:
    cycle = _cycle(world)
    pairs = _owed_pairs(world, cycle)
    unissued = [
        pair
        for pair in pairs
        if world.log.first("NoticeIssued", notice_id=notice_figures(world.log, cycle, ("MEDICAL", *pair))["notice_id"])
        is None
    ]
    chosen = unissued if unissued and world.chance(0.8) else pairs
    home, treatment = world.pick(chosen) if chosen and world.chance(0.95) else (world.province(), world.province())
    book = "MEDICAL" if world.chance(0.97) else "PASS"
    return world.command("IssueNotice", cycle=cycle, book=book, home=home, treatment=treatment)


def remit(world: World) -> Command:
    if world.chance(0.2):
        return send_back(world)
    if world.chance(0.2):
        return remit_transit(world)
    issued = world.log.of("NoticeIssued")[-20:]
    owing = [event for event in issued if remitted(world.log, event["notice_id"]) < event["amount_fen"]]
    event = world.recent(owing if owing and world.chance(0.9) else issued)
    if event is None:
        return notice(world)
    left = event["amount_fen"] - remitted(world.log, event["notice_id"])
    amount = world.rng.randint(1, left) if left > 0 and world.chance(0.6) else left + (0 if world.chance(0.8) else 1)
    prepaid = world.log.balance(f"prepayment:{event['home']}:{event['treatment']}")
    method = "PREPAYMENT" if world.chance(0.6 if prepaid else 0.1) else "TRANSFER"
    if method == "PREPAYMENT" and prepaid and world.chance(0.7):
        amount = min(amount, prepaid)
    return world.command(
        "RecordRemittance",
        remittance_id=world.new_id("RM", world.ids("RemittanceRecorded", "remittance_id")),
        book="MEDICAL" if world.chance(0.97) else "PASS",
        method=method,
        notice_id=event["notice_id"] if world.chance(0.97) else "2024-01-MEDICAL-34-31",
        amount_fen=max(1, amount),
        bank_transaction=world.fresh("TX") if method == "TRANSFER" else None,
        paid_on=world.today,
    )


def remit_transit(world: World) -> Command:
    names = [name.split(":")[1:] for name in world.log.accounts if name.startswith("transit_clearing:")]
    issue, use = world.pick(names) if names else ["3401", "3101"]
    owed = abs(world.log.balance(f"transit_clearing:{issue}:{use}"))
    amount = world.rng.randint(1, owed) if owed and world.chance(0.9) else owed + 1
    method = "TRANSFER" if world.chance(0.93) else "PREPAYMENT"
    return world.command(
        "RecordRemittance",
        remittance_id=world.new_id("RM", world.ids("RemittanceRecorded", "remittance_id")),
        book="TRANSIT",
        method=method,
        issue_city=issue,
        use_city=use,
        amount_fen=amount,
        bank_transaction=world.fresh("TX") if method == "TRANSFER" else None,
        paid_on=world.today,
    )


def send_back(world: World) -> Command:
    """The RETURN of a remittance; sometimes of one returned before, of a return, or under another notice."""
    known = world.recent(world.log.of("RemittanceRecorded"), 15)
    if known is None:
        return prepay(world)
    same = {field: known.get(field) for field in ("book", "notice_id", "issue_city", "use_city")}
    if same["notice_id"] and world.chance(0.06):
        same["notice_id"] = world.pick(world.ids("NoticeIssued", "notice_id"))
    returned = known["remittance_id"] if world.chance(0.95) else "RM-none"
    return world.command(
        "RecordRemittance",
        remittance_id=world.new_id("RM", world.ids("RemittanceRecorded", "remittance_id")),
        method="RETURN",
        returned_remittance_id=returned,
        amount_fen=known["amount_fen"] if world.chance(0.93) else known["amount_fen"] + 1,
        bank_transaction=world.fresh("TX"),
        paid_on=world.today,
        **same,
    )


def prepay(world: World) -> Command:
    home, treatment = world.pick(PAIRS) if world.chance(0.93) else (world.province(), world.province())
    pair: dict[str, Any] = {"home": home, "treatment": treatment}
    year: dict[str, Any] = {"year": world.today[:4] if world.chance(0.9) else str(int(world.today[:4]) + 1)}
    level = quota(world.log, {**pair, **year})
    balance = world.log.balance(f"prepayment:{home}:{treatment}")
    paid: dict[str, Any] = {"bank_transaction": world.fresh("TX"), "paid_on": world.today}
    name = "SetPrepayment" if level is None and world.chance(0.7) else world.pick(["Pay", "Pay", "Return", "Set"])
    if name in ("SetPrepayment", "Set"):
        amount, q4 = world.rng.randint(200, 3000), None
        if world.chance(0.5):
            q4 = world.rng.randint(300, 6000)
            multiple = world.log.config("prepayment.multiple", world.today, home)
            amount = (4 * q4 * multiple + 6) // 12 + (1 if world.chance(0.1) else 0)
        return world.command("SetPrepayment", **pair, **year, amount_fen=max(1, amount), q4_fen=q4)
    if name == "Pay":
        room = max(1, (level or 100) - balance)
        amount = room if world.chance(0.5) else world.rng.randint(1, room) + (room if world.chance(0.1) else 0)
        return world.command("PayPrepayment", **pair, **year, amount_fen=amount, **paid)
    amount = world.rng.randint(1, balance) if balance and world.chance(0.8) else balance + 1
    return world.command("ReturnPrepayment", **pair, amount_fen=amount, **paid)


def alert(world: World) -> Command:
    """An alert for a pair, most often one that is due; and the increase that a red one allows."""
    red = world.log.all("PrepaymentAlertRaised", level="RED")
    raised = world.recent(red, 6)
    if raised and world.chance(0.4):
        pair = {"home": raised["home"], "treatment": raised["treatment"]}
        cycle = raised["cycle"] if world.chance(0.9) else _cycle(world)
        amount = world.rng.randint(1, 800)
        years = [event["year"] for event in world.log.all("PrepaymentSet", **pair)]
        if not years and world.chance(0.8):
            year = {"year": world.today[:4], "amount_fen": world.rng.randint(200, 3000)}
            return world.command("SetPrepayment", None, **pair, **year)
        year_given = world.pick(years or ["2024"])
        return world.command("IncreasePrepayment", **pair, year=year_given, amount_fen=amount, cycle=cycle)
    cycle = _cycle(world)
    due = [
        pair
        for pair in _owed_pairs(world, cycle)
        if cycle_state(world.log, cycle) == "CLOSED" and usage(world.log, cycle, *pair)["level"] != "NONE"
    ]
    home, treatment = world.pick(due) if due and world.chance(0.8) else world.pick(PAIRS)
    return world.command("RaisePrepaymentAlert", cycle=cycle, home=home, treatment=treatment)


def reverse_disputed(world: World) -> Command:
    """What a dispute that ended with REVERSE asks for: the reversal of its settlement."""
    resolved = world.recent(world.log.all("DisputeResolved", outcome="REVERSE"), 5)
    settled = settlement_of(world.log, resolved["settlement_id"]) if resolved else None
    if settled is None:
        return dispute(world)
    fields = {"settlement_id": settled["settlement_id"], "reversal_id": world.fresh("SR"), "reason": "DISPUTE"}
    return world.on_card("ReverseMedical", settled["stream"], **fields)


ACTS: list[tuple[Act, int]] = [
    (confirm, 34),
    (withdraw, 3),
    (deduct, 9),
    (undo_deduction, 6),
    (reconcile, 2),
    (dispute, 6),
    (settle_dispute, 6),
    (reverse_disputed, 2),
    (cut_or_close, 12),
    (notice, 10),
    (remit, 14),
    (prepay, 10),
    (alert, 8),
]

PROVINCES = sorted(AREAS)
