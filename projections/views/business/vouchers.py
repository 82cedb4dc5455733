"""vouchers: what programmes gave people to spend, and where it went (contract 6.2, 6.3, 6.10)."""

from collections.abc import Iterable
from typing import ClassVar, Final

from ledger.core.decider import Event
from ledger.core.provinces import province
from projections.views.business.folded import Each, Folded, Name, Of, On, Rows
from projections.views.business.restricted import RestrictedCard, on_restriction
from projections.views.business.rows import Day, FoldedRow, Uuid

NAME: Final = "vouchers"
LIVE, USED, EXPIRED = "LIVE", "USED", "EXPIRED"


class Voucher(FoldedRow):
    """A voucher, in fen. face = redeemed + expired + open, always.

    `merchants`: how many it names, 0: any takes it; `issued_at_position`: the event that names them.
    """

    table: ClassVar[str] = "vouchers"
    key: ClassVar[tuple[str, ...]] = ("voucher_id",)
    indexes: ClassVar[tuple[str, ...]] = ("card_id",)
    voucher_id: str
    card_id: Uuid | None = None
    state: str = LIVE
    province: str = ""
    programme: str = ""
    face_fen: int = 0
    redeemed_fen: int = 0
    expired_fen: int = 0
    open_fen: int = 0
    redemptions: int = 0
    merchants: int = 0
    valid_from: Day = 0
    valid_to: Day = 0
    issued_on: Day = 0
    last_redeemed_on: Day | None = None
    expired_on: Day | None = None
    issued_at_position: int = 0


class Redemption(FoldedRow):
    """What a merchant took of a voucher."""

    table: ClassVar[str] = "vouchers_redemptions"
    key: ClassVar[tuple[str, ...]] = ("redemption_id",)
    indexes: ClassVar[tuple[str, ...]] = ("voucher_id", "merchant, redeemed_on")
    redemption_id: str
    voucher_id: str = ""
    merchant: str = ""
    merchant_province: str = ""
    amount_fen: int = 0
    redeemed_on: Day = 0


class Programme(FoldedRow):
    """All vouchers of a programme: issued = redeemed + expired + open, in fen.

    Beside them what it bore of payments to merchants, less refunds.
    """

    table: ClassVar[str] = "vouchers_programmes"
    key: ClassVar[tuple[str, ...]] = ("province", "programme")
    province: str
    programme: str
    vouchers: int = 0
    issued_fen: int = 0
    redemptions: int = 0
    redeemed_fen: int = 0
    used: int = 0
    expired: int = 0
    expired_fen: int = 0
    open: int = 0
    open_fen: int = 0
    discounts: int = 0
    discount_fen: int = 0


class Taken(FoldedRow):
    """What a merchant took of a programme's vouchers."""

    table: ClassVar[str] = "vouchers_taken"
    key: ClassVar[tuple[str, ...]] = ("province", "programme", "merchant")
    indexes: ClassVar[tuple[str, ...]] = ("merchant",)
    province: str
    programme: str
    merchant: str
    redemptions: int = 0
    redeemed_fen: int = 0


class VoucherRestricted(RestrictedCard):
    """A card whose vouchers lists leave out."""

    table: ClassVar[str] = "vouchers_restricted"


# --- vouchers --------------------------------------------------------------------------------------------------------


def issued(rows: Rows, event: Event) -> None:
    voucher = rows.edit(Voucher, event["voucher_id"])
    for name in ("card_id", "province", "programme", "face_fen", "valid_from", "valid_to"):
        setattr(voucher, name, event[name])
    voucher.open_fen = voucher.face_fen
    voucher.merchants = len(event["merchants"] or ())
    voucher.issued_on, voucher.issued_at_position = event["business_date"], rows.position
    programme = rows.edit(Programme, voucher.province, voucher.programme)
    programme.vouchers += 1
    programme.issued_fen += voucher.face_fen
    programme.open += 1
    programme.open_fen += voucher.face_fen


def redeemed(rows: Rows, event: Event) -> None:
    fen = event["amount_fen"]
    voucher = rows.edit(Voucher, event["voucher_id"])
    voucher.redemptions += 1
    voucher.redeemed_fen += fen
    voucher.open_fen -= fen
    voucher.last_redeemed_on = max(voucher.last_redeemed_on or 0, event["business_date"])
    redemption = rows.edit(Redemption, event["redemption_id"])
    redemption.voucher_id, redemption.merchant = event["voucher_id"], event["merchant"]
    redemption.merchant_province = province(event["merchant_area"])
    redemption.amount_fen, redemption.redeemed_on = fen, event["business_date"]
    programme = rows.edit(Programme, voucher.province, voucher.programme)
    programme.redemptions += 1
    programme.redeemed_fen += fen
    programme.open_fen -= fen
    if not voucher.open_fen:
        voucher.state = USED
        programme.used += 1
        programme.open -= 1
    taken = rows.edit(Taken, voucher.province, voucher.programme, event["merchant"])
    taken.redemptions += 1
    taken.redeemed_fen += fen


def then_of_redemption(rows: Rows, event: Event) -> Iterable[Name]:
    """The programme that the voucher is of."""
    voucher = rows.get(Voucher, event["voucher_id"])
    if voucher is not None:
        yield Programme, (voucher.province, voucher.programme)
        yield Taken, (voucher.province, voucher.programme, event["merchant"])


def expired(rows: Rows, event: Event) -> None:
    voucher = rows.edit(Voucher, event["voucher_id"])
    voucher.state, voucher.expired_on = EXPIRED, event["business_date"]
    voucher.expired_fen, voucher.open_fen = event["amount_fen"], voucher.open_fen - event["amount_fen"]
    programme = rows.edit(Programme, voucher.province, voucher.programme)
    programme.expired += 1
    programme.expired_fen += event["amount_fen"]
    programme.open -= 1
    programme.open_fen -= event["amount_fen"]


# --- discounts -------------------------------------------------------------------------------------------------------


def discounted(rows: Rows, event: Event) -> None:
    for _, key in of_payment(event):
        programme = rows.edit(Programme, *key)
        programme.discounts += 1
        programme.discount_fen += event["discount_fen"]


def of_payment(event: Event) -> Iterable[Name]:
    funder = event["funder"]
    return () if funder is None else ((Programme, (province(event["merchant_area"]), funder)),)


def given_back(rows: Rows, event: Event) -> None:
    if event["funder"] is not None:
        rows.edit(Programme, event["merchant_province"], event["funder"]).discount_fen -= event["discount_fen"]


VOUCHER = Of(Voucher, "voucher_id")
PROGRAMME = Of(Programme, "province", "programme")

VOUCHERS: Final = Folded(
    NAME,
    (Voucher, Redemption, Programme, Taken, VoucherRestricted),
    (
        On("VoucherIssued", issued, Each(VOUCHER, PROGRAMME)),
        On("VoucherRedeemed", redeemed, Each(VOUCHER, Of(Redemption, "redemption_id")), then_of_redemption),
        On("VoucherExpired", expired, Each(VOUCHER, PROGRAMME)),
        On("MerchantPaid", discounted, of_payment),
        On("MerchantRefunded", given_back, Of(Programme, "merchant_province", "funder")),
        on_restriction(VoucherRestricted),
    ),
)
