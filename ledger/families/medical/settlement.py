"""A medical settlement: one bill, who bears which part of it, and what that makes provinces owe (contract 4.4).

Its row remembers what undoing it needs: amounts, lots used, stay. Its clearing side is a unit of its own
(`clearing.units`); how it is undone is in `reversal` and `voiding`.
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

import msgspec

from ledger.core import fields as types
from ledger.core.decider import Command, CommandType, Draft, Event, EventType, both_or_neither
from ledger.core.fields import optional, required
from ledger.core.identity import card_id_of
from ledger.core.postings import Posting, owed
from ledger.core.provinces import EMERGENCY, INPATIENT, province
from ledger.core.rejection import Rejected
from ledger.core.rows import Row
from ledger.core.world import Name, World
from ledger.families.card.admission import IS_ACTIVE
from ledger.families.card.holder import Card, card_of, on_card
from ledger.families.clearing.units import Unit, open_unit
from ledger.families.medical import aid_lots, registration, stays
from ledger.families.medical.account import card_expected, medical_account, require_account
from ledger.families.medical.aid_lots import FAMILY_AID, WALLET

EFFECTIVE: Final = "EFFECTIVE"
REVERSED: Final = "REVERSED"
VOIDED: Final = "VOIDED"

# --- facts -----------------------------------------------------------------------------------------------------------


class Settlement(Row):
    """Key: settlement_id. `position`, `occurred_at`, `business_date`: of its MedicalSettled.

    `lots`: how many parts of lots it used (aid_lots.UsedLots of `settlement:<id>`). `deducted`: by fund type what audit
    deductions that stand took back, and `deductions` how many stand.
    """

    kind: ClassVar[str] = "settlement"
    card_id: str
    position: int
    occurred_at: int
    business_date: int
    institution: str
    home_province: str
    treatment_province: str
    insutype: str
    clr_type: str
    total_fen: int
    funds: dict[str, int]
    account_fen: int
    account_mutual_aid_fen: int
    wallet_fen: int
    cash_fen: int
    hospital_fen: int
    cleared_fen: int
    wallet_cleared: dict[str, int]
    lots: int
    admitted_on: int | None
    discharged_on: int | None
    state: str = EFFECTIVE
    deducted: dict[str, int] = msgspec.field(default_factory=dict)
    deductions: int = 0

    @property
    def cross_province(self) -> bool:
        return self.home_province != self.treatment_province

    @property
    def fund_fen(self) -> int:
        return sum(self.funds.values())

    @property
    def lines(self) -> int:
        """Positive clearing lines: one to the treatment province, one for each giver's province."""
        return self.cross_province + len(self.wallet_cleared)


class SettlementReversal(Row):
    """A reversal_id used: it can name no settlement and no other reversal any more. Key: reversal_id."""

    kind: ClassVar[str] = "settlement_reversal"
    settlement_id: str


class Voided(Row):
    """Key: submitter:reference. A settlement sent under it never has an effect."""

    kind: ClassVar[str] = "voided"
    position: int


def unit_key(settlement_id: str) -> str:
    return f"settlement:{settlement_id}"


# --- evolution -------------------------------------------------------------------------------------------------------


def settled(world: World, event: Event, position: int) -> None:
    card_id, settlement_id = event["card_id"], event["settlement_id"]
    settlement = Settlement(
        card_id=card_id,
        position=position,
        occurred_at=event["occurred_at"],
        business_date=event["business_date"],
        institution=event["institution"],
        home_province=event["home_province"],
        treatment_province=event["treatment_province"],
        insutype=event["insutype"],
        clr_type=event["clr_type"],
        total_fen=event["total_fen"],
        funds=event["funds"],
        account_fen=event["account_fen"],
        account_mutual_aid_fen=event["account_mutual_aid_fen"],
        wallet_fen=event["wallet_fen"],
        cash_fen=event["cash_fen"],
        hospital_fen=event["hospital_fen"],
        cleared_fen=event["cleared_fen"],
        wallet_cleared=event["wallet_cleared"],
        lots=len(event["lots_used"]),
        admitted_on=event["admitted_on"],
        discharged_on=event["discharged_on"],
    )
    world.add(settlement_id, settlement)
    world.edit(Card, card_id).medical_account -= event["account_fen"] - event["account_mutual_aid_fen"]
    aid_lots.use(world, card_id, unit_key(settlement_id), event["lots_used"])
    if settlement.admitted_on is not None and settlement.discharged_on is not None:
        stays.enter(world, card_id, settlement.institution, settlement.admitted_on, settlement.discharged_on)
    if settlement.lines:
        open_unit(world, unit_key(settlement_id), position, settlement.business_date, settlement.lines, confirmed=False)


def undo(world: World, settlement_id: str, state: str) -> Settlement:
    """The settlement has no effect any more: account, lots and stay are as if it had never been."""
    settlement = world.edit(Settlement, settlement_id)
    settlement.state = state
    card_id = settlement.card_id
    world.edit(Card, card_id).medical_account += settlement.account_fen - settlement.account_mutual_aid_fen
    aid_lots.give_back(world, card_id, unit_key(settlement_id), settlement.lots)
    if settlement.admitted_on is not None and settlement.discharged_on is not None:
        stays.leave(world, card_id, settlement.institution, settlement.admitted_on, settlement.discharged_on)
    return settlement


def deduct(world: World, settlement_id: str, funds: dict[str, int]) -> None:
    """An audit deduction stands (7.3): no reversal and no void until it is taken back."""
    settlement = world.edit(Settlement, settlement_id)
    settlement.deductions += 1
    for fund, amount in funds.items():
        settlement.deducted[fund] = settlement.deducted.get(fund, 0) + amount


def undeduct(world: World, settlement_id: str, funds: dict[str, int]) -> None:
    """An audit deduction was taken back, whole."""
    settlement = world.edit(Settlement, settlement_id)
    settlement.deductions -= 1
    for fund, amount in funds.items():
        settlement.deducted[fund] -= amount
        if not settlement.deducted[fund]:
            del settlement.deducted[fund]


# --- decisions -------------------------------------------------------------------------------------------------------


def voided_before(command: Command, world: World) -> None:
    """Stage 2: a void recorded first wins, whatever the settlement's content or card (4.6)."""
    if world.get(Voided, f"{command.submitter}:{command.reference}") is not None:
        raise Rejected("settlement_voided", "this reference was voided before it arrived", "reference")


def require_unused(world: World, id: str, field: str) -> None:
    """Settlements and their reversals share one id space."""
    if world.get(Settlement, id) is not None or world.get(SettlementReversal, id) is not None:
        raise Rejected("settlement_exists", f"this {field} was used before", field)


def keys(command: Command, world: World) -> Iterator[Name]:
    settlement_id = command["settlement_id"]
    yield Voided, f"{command.submitter}:{command.reference}"
    yield Settlement, settlement_id
    yield SettlementReversal, settlement_id
    yield from _by_card(command, card_id_of(command["card_sn"]))


def _by_card(command: Command, card_id: str) -> Iterator[Name]:
    """Rows of the card beside its own, as far as the command itself names them."""
    fields = command.fields
    key = unit_key(fields["settlement_id"])
    if province(fields["home_area"]) != province(fields["treatment_area"]) or fields.get("wallet_fen", 0):
        yield Unit, key
    if fields["account_mutual_aid_fen"]:
        yield aid_lots.Purse, aid_lots.owner(card_id, FAMILY_AID)
        yield aid_lots.Purse, aid_lots.owner(card_id, WALLET)
        yield aid_lots.UsedLots, aid_lots.UsedLots.at(key, 0)
    admitted, discharged = fields.get("admitted_on"), fields.get("discharged_on")
    if admitted is not None and discharged is not None:
        yield from stays.keys(card_id, fields["institution"], admitted, discharged)


def keys_then(command: Command, world: World) -> Iterator[Name]:
    card_id, fields = card_expected(command, world), command.fields
    if card_id != card_id_of(fields["card_sn"]):
        yield from _by_card(command, card_id)
    if province(fields["home_area"]) != province(fields["treatment_area"]):
        yield from registration.pages_of(command, world)
    if fields["account_mutual_aid_fen"]:
        yield from aid_lots.pages_of(world, card_id, FAMILY_AID)
        yield from aid_lots.pages_of(world, card_id, WALLET)


def settle(command: Command, world: World) -> list[Draft]:
    card_id, fields = command.card_id, command.fields
    card = card_of(world, card_id)
    home, treatment = province(fields["home_area"]), province(fields["treatment_area"])
    account, mutual_aid, wallet = fields["account_fen"], fields["account_mutual_aid_fen"], fields.get("wallet_fen", 0)
    fund = sum(fields["funds"].values())
    require_unused(world, fields["settlement_id"], "settlement_id")
    if fields["total_fen"] != fund + account + fields["cash_fen"] + fields["hospital_fen"]:
        raise Rejected("settlement_not_balanced", "total is not funds + account + cash + hospital", "total_fen")
    if mutual_aid > account:
        raise Rejected("mutual_aid_exceeds_account", "account_fen includes mutual aid", "account_mutual_aid_fen")
    if wallet > mutual_aid:
        raise Rejected("wallet_exceeds_mutual_aid", "account_mutual_aid_fen includes the wallet", "wallet_fen")
    require_treatment(command, world, home, treatment)
    require_account(card, account - mutual_aid, "account_fen")
    require_aid(world, card_id, card, home, mutual_aid - wallet, wallet)
    family_aid_used = aid_lots.first_out(world, card_id, FAMILY_AID, mutual_aid - wallet, home)
    wallet_used = list(aid_lots.first_out(world, card_id, WALLET, wallet))
    clear_account = world.config.value("medical.clear_personal_account", command.bdate, home)
    cleared = fund + (account - wallet if clear_account else 0)
    derived = {
        "home_province": home,
        "treatment_province": treatment,
        "cross_province": home != treatment,
        "fund_fen": fund,
        "clear_account": clear_account,
        "lots_used": [*family_aid_used, *wallet_used],
        "cleared_fen": cleared if home != treatment else 0,
        "wallet_cleared": aid_lots.owed_elsewhere(wallet_used, treatment),
    }
    return [Draft("MedicalSettled", derived, card_id)]


def require_treatment(command: Command, world: World, home: str, treatment: str) -> None:
    """The stay is one, the bill is ours to pay, care there is registered where it must be, and billed once only."""
    admitted, discharged = command.get("admitted_on"), command.get("discharged_on")
    if admitted is not None and discharged < admitted:
        raise Rejected("period_invalid", "discharged_on is before admitted_on", "discharged_on")
    if command.get("third_party_liable", False):
        raise Rejected("third_party_liable", "a liable third party pays, not the fund", "third_party_liable")
    if home != treatment and needs_registration(command, world, home):
        until = command.bdate if admitted is None else min(command.bdate, admitted)
        if not registration.is_registered(world, command.card_id, home, treatment, command.bdate, until):
            raise Rejected("treatment_not_registered", f"register treatment in {treatment} first", "treatment_area")
    if admitted is not None and stays.overlaps(world, command.card_id, command["institution"], admitted, discharged):
        raise Rejected("overlapping_stay", "another bill covers days of this stay here", "admitted_on")


def needs_registration(command: Command, world: World, home: str) -> bool:
    med_type = command["med_type"]
    if command.get("emergency", False) or med_type in EMERGENCY:
        return False
    care = "inpatient" if med_type in INPATIENT else "other"
    return bool(world.config.value(f"medical.registration_required_{care}", command.bdate, home))


def require_aid(world: World, card_id: str, card: Card, home: str, family_aid: int, wallet: int) -> None:
    """Stage 7: inside a settlement family aid is taken from lots of the home province only."""
    if family_aid and (held := aid_lots.held(world, card_id, FAMILY_AID, home)) < family_aid:
        raise Rejected(
            "insufficient_family_aid", f"lots from {home} hold {held} fen, not {family_aid}", "account_mutual_aid_fen"
        )
    if card.wallet < wallet:
        raise Rejected("insufficient_wallet", f"the wallet holds less than {wallet} fen", "wallet_fen")


# --- postings --------------------------------------------------------------------------------------------------------


def post(event: Event) -> Iterable[Posting]:
    """Legs of a settlement; of its reversal or void too, whose amounts are the same with the opposite sign."""
    card_id, home, treatment = event["card_id"], event["home_province"], event["treatment_province"]
    mutual_aid, wallet = event["account_mutual_aid_fen"], event["wallet_fen"]
    yield f"provider:{event['institution']}", event["total_fen"] - event["hospital_fen"]
    yield f"cash:{event['institution']}", -event["cash_fen"]
    for fund, amount in event["funds"].items():
        yield f"fund:{home}:{fund}", -amount
    yield medical_account(card_id), mutual_aid - event["account_fen"]
    yield aid_lots.account(card_id, FAMILY_AID), wallet - mutual_aid
    yield aid_lots.account(card_id, WALLET), -wallet
    if event["cross_province"]:
        yield from owed("", home, treatment, event["cleared_fen"])
    for giver, amount in event["wallet_cleared"].items():
        yield from owed("", giver, treatment, amount)


COMMANDS: Final = (
    CommandType(
        "SettleMedical",
        "medical",
        (
            required("settlement_id", types.identifier),
            required("visit_id", types.identifier),
            required("institution", types.identifier),
            required("home_area", types.area),
            required("treatment_area", types.area),
            required("insutype", types.insutype),
            required("med_type", types.med_type),
            required("clr_type", types.clr_type),
            required("total_fen", types.amount),
            required("funds", types.funds0),
            required("account_fen", types.amount0),
            required("account_mutual_aid_fen", types.amount0),
            optional("wallet_fen", types.amount0, 0),
            required("cash_fen", types.amount0),
            required("hospital_fen", types.amount0),
            optional("emergency", types.boolean, False),
            optional("third_party_liable", types.boolean, False),
            optional("admitted_on", types.day),
            optional("discharged_on", types.day),
        ),
        settle,
        card=True,
        use="MEDICAL",
        person=True,
        states=IS_ACTIVE,
        stage_two=voided_before,
        shape=(both_or_neither("admitted_on", "discharged_on"),),
        keys=keys,
        keys_then=keys_then,
    ),
)
EVENTS: Final = (EventType("MedicalSettled", "medical", on_card, settled, post),)
