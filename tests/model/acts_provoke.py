"""Acts aimed at refusals that everyday life in the histories meets too seldom."""

from collections.abc import Callable
from typing import Any

from tests.model.acts_benefit import KINDS, lead_a_batch, reissue
from tests.model.acts_card import any_life_cycle, issue
from tests.model.acts_medical import settle
from tests.model.batches import all_batches, live, net, outstanding, same_programme
from tests.model.card import bank_account
from tests.model.clearing import closed_cycles
from tests.model.presence import last_state
from tests.model.world import DAY, Command, World, card_number

Act = Callable[[World], Command]


def reissue_anywhere(world: World) -> Command:
    """A re-issue in any open batch, whatever its type, of any source."""
    going = [batch for batch in all_batches(world.log) if batch["state"] == "OPEN"]
    return reissue(world, world.pick(going)) if going else lead_a_batch(world)


def reissue_once_more(world: World) -> Command:
    known = world.event("BenefitReissued")
    if known is None:
        return lead_a_batch(world)
    fields = ("card_sn", "relationship", "bank_account", "amount_fen", "source_batch_id", "source_line_id", "village")
    going = [
        batch["opened"]["batch_id"]
        for batch in all_batches(world.log)
        if batch["state"] == "OPEN" and batch["opened"]["batch_type"] == "CORRECTION"
    ]
    line = {"batch_id": world.recent(going) or known["batch_id"], "line_id": world.fresh("L")}
    payee = {"payee": world.in_clear[known["payee"]]}
    same = {field: known.get(field) for field in fields}
    return world.command("ReissueBenefit", world.now, **same, **line, **payee)


def pay_the_dead(world: World) -> Command:
    """A line for somebody whose last card was cancelled for a death."""
    deaths = world.log.all("CardCancelled", reason="DEATH")
    going = [
        batch
        for batch in all_batches(world.log)
        if batch["state"] == "OPEN" and batch["opened"]["batch_type"] != "CORRECTION"
    ]
    if not deaths or not going:
        return lead_a_batch(world)
    batch, card = world.pick(going), world.card()
    dead = world.holder(world.pick(deaths)["stream"])
    return world.on_card(
        "AddPayoutLine",
        card,
        world.now,
        batch_id=batch["opened"]["batch_id"],
        line_id=world.fresh("L"),
        beneficiary=dead,
        payee=world.holder(card),
        household_head=world.holder(card),
        relationship="HEAD",
        bank_account=bank_account(world.log, card),
        village="V1",
        amount_fen=world.amount(400),
    )


def pay_a_lot(world: World) -> Command:
    """A supplement above what a programme may pay in a year, opened first and then filled."""
    for batch in all_batches(world.log):
        opened = batch["opened"]
        if batch["state"] == "OPEN" and opened["batch_id"].startswith("BIG") and not live(batch):
            card = world.card()
            return world.on_card(
                "AddPayoutLine",
                card,
                world.now,
                batch_id=opened["batch_id"],
                line_id=world.fresh("L"),
                beneficiary=world.holder(card),
                payee=world.holder(card),
                relationship="SELF",
                bank_account=bank_account(world.log, card),
                village="V1",
                amount_fen=opened["planned_fen"],
            )
    return world.command(
        "OpenPayoutBatch",
        batch_id=world.fresh("BIG"),
        province="34",
        programme="grain",
        kind=KINDS["grain"][0],
        period=world.today[:7],
        batch_type="SUPPLEMENT",
        bank="ABC",
        planned_count=1,
        planned_fen=world.pick([7000, 1500, 20_000]),
        acting_person=world.clerks[0],
    )


def send_too_much(world: World) -> Command:
    for batch in all_batches(world.log):
        if batch["state"] == "APPROVED":
            return world.command("SendBatch", world.now, batch_id=batch["opened"]["batch_id"], application_id="AP-X")
    return lead_a_batch(world)


def lost_in_a_hurry(world: World) -> Command:
    """A replacement for loss while the loss is only reported by telephone."""
    waiting = [card for card in world.cards() if last_state(world.log, card) == "TEMPORARY_LOSS"]
    if not waiting:
        active = [card for card in world.cards() if last_state(world.log, card) == "ACTIVE"]
        if not active:
            return any_life_cycle(world)
        return world.on_card("ReportLoss", world.pick(active), world.now, kind="TEMPORARY")
    card = world.pick(waiting)
    reported = world.log.on(card, "CardLossReported")[-1]["occurred_at"]
    world.serial += 1
    return world.on_card(
        "ReplaceCard",
        card,
        min(world.now, reported + world.rng.randint(0, 2 * DAY)),
        new_card_sn=f"{world.area(world.home(card))}D156000005{world.serial:016X}",
        new_card_number=card_number(world.serial),
        expires_on=world.day(300, 900),
        reason="LOST",
    )


def cycle_out_of_step(world: World) -> Command:
    cut = [event["cycle"] for event in world.log.of("CycleCutOff")]
    closed = closed_cycles(world.log)
    months = ["2024-01", world.today[:7], "2024-02", *cut[-1:], *cut[-1:], *closed[-1:]]
    name = "CutOffCycle" if world.chance(0.8) else "CloseCycle"
    return world.command(name, world.now, cycle=world.pick(months))


def stay_twice(world: World) -> Command:
    """A second bill of one stay, or of one that touches it."""
    stays = [event for event in world.log.of("MedicalSettled")[-80:] if "admitted_on" in event]
    known = world.recent(stays)
    command = settle(world)
    if known is None:
        return command
    fields = ("home_area", "treatment_area", "institution", "admitted_on", "discharged_on", "med_type", "card_sn")
    command.update({field: known[field] for field in fields})
    command["occurred_at"] = world.text(known["occurred_at"] + 1)
    if world.chance(0.2):
        command["admitted_on"] = command["discharged_on"]
    return command


def child_alone(world: World) -> Command:
    command = issue(world)
    if command["command"] == "IssueCard":
        children = [person for person in world.people if person[6:10] > "2007"]
        command["social_security_number"] = world.pick(children)
        command.pop("guardian", None)
    return command


def careless_quota(world: World) -> Command:
    pair: dict[str, Any] = {
        "home": world.province(),
        "treatment": world.province(),
        "year": world.pick(["2023", "2030"]),
    }
    return world.command("SetPrepayment", **pair, amount_fen=world.amount(), q4_fen=world.amount())


def offset_everything(world: World) -> Command:
    """A claim set off against all of a later line, of which at least one fen must stay."""
    for one in world.log.of("OverpaymentFound"):
        for batch in all_batches(world.log):
            for line in live(batch):
                opened = world.log.first("PayoutBatchOpened", batch_id=one["batch_id"])
                fits = line["state"] == "PENDING" and line["card"] == one["stream"] and opened is not None
                if fits and same_programme(opened or {}, batch["opened"]) and outstanding(world.log, one) > 0:
                    return world.command(
                        "OffsetBenefit",
                        offset_id=world.fresh("OF"),
                        overpayment_id=one["overpayment_id"],
                        batch_id=batch["opened"]["batch_id"],
                        line_id=line["line_id"],
                        amount_fen=min(net(line), outstanding(world.log, one)),
                    )
    return lead_a_batch(world)


def unheard_of(world: World) -> Command:
    """Something is asked of an object nobody ever recorded."""
    text, nothing = {"reason": "none"}, "none-such"
    asked: list[tuple[str, dict[str, Any]]] = [
        ("ResolveDispute", {"dispute_id": nothing, "outcome": "KEEP", **text}),
        ("ResolveObjection", {"objection_id": nothing, "outcome": "UPHELD", **text}),
        ("ReverseDeduction", {"deduction_id": nothing, "reversal_id": world.fresh("DR"), **text}),
        ("PublishRoster", {"batch_id": nothing, "place": "board"}),
        ("CloseBatch", {"batch_id": nothing}),
        ("IncreasePrepayment", {"home": "33", "treatment": "11", "year": "2024", "amount_fen": 1, "cycle": "2024-03"}),
    ]
    name, fields = world.pick(asked)
    return world.command(name, **fields)


ACTS: list[tuple[Act, int]] = [
    (reissue_anywhere, 3),
    (reissue_once_more, 4),
    (pay_the_dead, 4),
    (pay_a_lot, 4),
    (send_too_much, 2),
    (lost_in_a_hurry, 5),
    (cycle_out_of_step, 5),
    (stay_twice, 4),
    (child_alone, 2),
    (careless_quota, 2),
    (unheard_of, 3),
    (offset_everything, 3),
]
