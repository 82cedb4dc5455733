"""What merchants earned, day by day, and the days they closed, as the view `merchants` has them."""

from projections.questions.counted_days import Closings, Days
from projections.questions.snapshot import Cursor
from projections.questions.summed import Summed
from projections.questions.things import Things
from projections.views.business.merchants import MERCHANTS, Merchant, MerchantClosing, MerchantDay

FIGURES = ("paid_fen", "discount_fen", "refund_fen", "voucher_fen", "net_fen")


def merchants(cursor: Cursor, source: str, merchant: str | None) -> Summed:
    """All that merchants earned: `net_fen` is the balance of `merchant:<merchant>`."""
    return Summed(Things(cursor, source, MERCHANTS, Merchant, {"merchant": merchant}), *FIGURES)


def days(cursor: Cursor, source: str, merchant: str | None, first: int | None, last: int | None) -> Summed:
    """What merchants' days count, and which of them are closed."""
    return Summed(Days(cursor, source, MERCHANTS, MerchantDay, Merchant, merchant, first, last), *FIGURES)


def closings(cursor: Cursor, source: str, merchant: str | None, first: int | None, last: int | None) -> Closings:
    """What merchants closed, and whether the days still say so."""
    return Closings(cursor, source, MERCHANTS, MerchantClosing, MerchantDay, merchant, first, last)
