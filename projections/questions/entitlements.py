"""Entitlements, what venues gave by them, and students, as the view `entitlements` has them."""

from projections.questions.snapshot import Cursor
from projections.questions.things import Things
from projections.views.business.entitlements import ENTITLEMENTS, Concession, Entitlement, Restricted, Student, Visits


def entitlements(cursor: Cursor, source: str, holds_on: int | None = None, **where: str | None) -> Things:
    """Entitlements. `where`: card_id, kind, concession_class, province; `holds_on`: a day on which it does."""
    least, most = {"last_day": holds_on}, {"valid_from": holds_on}
    return Things(cursor, source, ENTITLEMENTS, Entitlement, where, least, most, without=Restricted)


def concessions(cursor: Cursor, source: str, **where: str | None) -> Things:
    """Taps by card at a concession's fare. `where`: card_id, province, concession_class."""
    return Things(cursor, source, ENTITLEMENTS, Concession, where, without=Restricted)


def visits(
    cursor: Cursor, source: str, first: str | None = None, last: str | None = None, **where: str | None
) -> Things:
    """Entries of venues by month and kind of entitlement, months first..last. `where`: province, venue, kind."""
    return Things(cursor, source, ENTITLEMENTS, Visits, where, {"month": first}, {"month": last})


def students(cursor: Cursor, source: str, **where: str | None) -> Things:
    """The last status at each school. `where`: card_id, school, status."""
    return Things(cursor, source, ENTITLEMENTS, Student, where, without=Restricted)
