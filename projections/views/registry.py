"""The one list of views: what is followed, rebuilt, measured and verified. A new view is one more entry here."""

from typing import Final

from projections.views.audit import Audit
from projections.views.balances import Balances
from projections.views.business.enterprises import ENTERPRISES
from projections.views.business.entitlements import ENTITLEMENTS
from projections.views.business.journeys import JOURNEYS
from projections.views.business.loans import LOANS
from projections.views.business.merchants import MERCHANTS
from projections.views.business.passes import PASSES
from projections.views.business.payouts import PAYOUTS
from projections.views.business.persons import PERSONS
from projections.views.business.services import SERVICES
from projections.views.business.vouchers import VOUCHERS
from projections.views.clearing.view import Clearing
from projections.views.port import View

BOOKS: Final[tuple[View, ...]] = (Audit(), Balances(), Clearing())
"""What everybody keeps; the others follow one business each."""
VIEWS: Final[tuple[View, ...]] = (
    *BOOKS,
    PAYOUTS,
    LOANS,
    ENTITLEMENTS,
    SERVICES,
    PERSONS,
    ENTERPRISES,
    JOURNEYS,
    PASSES,
    VOUCHERS,
    MERCHANTS,
)
