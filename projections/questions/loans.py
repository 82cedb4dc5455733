"""What libraries lent on cards, as the view `loans` has it. Lists leave restricted readers out, sums keep them."""

from projections.questions.snapshot import Cursor
from projections.questions.things import Things
from projections.views.business.loans import LOANS, Fine, Library, Loan, Reader, Restricted


def loans(cursor: Cursor, source: str, due_by: int | None = None, **where: str | None) -> Things:
    """Loans. `where`: state, card_id, item, library, returned_library; `due_by`: the last due date, in days."""
    return Things(cursor, source, LOANS, Loan, where, most={"due_on": due_by}, without=Restricted)


def fines(cursor: Cursor, source: str, **where: str | None) -> Things:
    """Fines. `where`: card_id, library, reason."""
    return Things(cursor, source, LOANS, Fine, where, without=Restricted)


def libraries(cursor: Cursor, source: str) -> Things:
    """What each library lent and took back, and the fines it collected."""
    return Things(cursor, source, LOANS, Library, {})


def readers(cursor: Cursor, source: str, card_id: str | None, least_out: int | None) -> Things:
    """Readers by card. `least_out`: only those who have so many items out."""
    return Things(cursor, source, LOANS, Reader, {"card_id": card_id}, least={"out": least_out}, without=Restricted)
