"""The one list of views: what is followed, rebuilt, measured and verified. A new view is one more entry here."""

from typing import Final

from projections.views.audit import Audit
from projections.views.balances import Balances
from projections.views.business.payouts import PAYOUTS
from projections.views.clearing.view import Clearing
from projections.views.port import View

VIEWS: Final[tuple[View, ...]] = (Audit(), Balances(), Clearing(), PAYOUTS)
