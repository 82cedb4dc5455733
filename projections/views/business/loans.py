"""loans: what libraries lent on cards, where it came back, and the fines (contract 6.6, 6.7)."""

from typing import ClassVar, Final

from ledger.core.decider import Event
from projections.views.business.folded import Each, Folded, Name, Of, On, Rows
from projections.views.business.restricted import RestrictedCard, on_restriction
from projections.views.business.rows import Day, FoldedRow, Hash, Uuid

NAME: Final = "loans"


class Loan(FoldedRow):
    """An item lent on a card. Any library may take it back, and anyone may bring it: `returned_by`, if that is known.

    `lent_to`: who acted at the borrowing, if it was told; the loan is the card's whoever did.
    """

    table: ClassVar[str] = "loans_loans"
    key: ClassVar[tuple[str, ...]] = ("loan_id",)
    indexes: ClassVar[tuple[str, ...]] = ("card_id", "library, state", "item")
    loan_id: str
    state: str = ""
    card_id: Uuid | None = None
    item: str = ""
    library: str = ""
    library_area: str = ""
    lent_on: Day = 0
    lent_to: Hash | None = None
    due_on: Day = 0
    returned_on: Day | None = None
    returned_library: str | None = None
    returned_area: str | None = None
    returned_by: Hash | None = None
    overdue_days: int | None = None
    fines: int = 0
    fine_fen: int = 0


class Fine(FoldedRow):
    """A fine, charged and collected in one act."""

    table: ClassVar[str] = "loans_fines"
    key: ClassVar[tuple[str, ...]] = ("fine_id",)
    indexes: ClassVar[tuple[str, ...]] = ("card_id", "library", "loan_id")
    fine_id: str
    loan_id: str = ""
    card_id: Uuid | None = None
    library: str = ""
    library_area: str = ""
    reason: str = ""
    amount_fen: int = 0
    charged_on: Day = 0


class Library(FoldedRow):
    """A library: `out` of what it `lent` is not back anywhere; of what it took `back`, other libraries had lent some.

    Overdue is counted at the library that took the item back, a fine at the one that collected it.
    """

    table: ClassVar[str] = "loans_libraries"
    key: ClassVar[tuple[str, ...]] = ("library",)
    library: str
    lent: int = 0
    out: int = 0
    back: int = 0
    back_for_others: int = 0
    back_overdue: int = 0
    fines: int = 0
    fine_fen: int = 0


class Reader(FoldedRow):
    """A card as a reader's card, of all libraries."""

    table: ClassVar[str] = "loans_readers"
    key: ClassVar[tuple[str, ...]] = ("card_id",)
    card_id: Uuid
    lent: int = 0
    out: int = 0
    back_overdue: int = 0
    fines: int = 0
    fine_fen: int = 0
    last_lent_on: Day | None = None


class Restricted(RestrictedCard):
    """A reader that lists leave out."""

    table: ClassVar[str] = "loans_restricted"


def borrowed(rows: Rows, event: Event) -> None:
    loan = rows.edit(Loan, event["loan_id"])
    loan.state = "ON_LOAN"
    loan.lent_on, loan.lent_to = event["business_date"], event["acting_person"]
    for name in ("card_id", "item", "library", "library_area", "due_on"):
        setattr(loan, name, event[name])
    library, reader = rows.edit(Library, event["library"]), rows.edit(Reader, event["card_id"])
    for counted in (library, reader):
        counted.lent += 1
        counted.out += 1
    reader.last_lent_on = max(reader.last_lent_on or event["business_date"], event["business_date"])


def returned(rows: Rows, event: Event) -> None:
    loan = rows.edit(Loan, event["loan_id"])
    loan.state = "RETURNED"
    loan.returned_on, loan.returned_by = event["business_date"], event["acting_person"]
    loan.returned_library, loan.returned_area = event["library"], event["library_area"]
    loan.overdue_days = event["overdue_days"]
    lender, taker = rows.edit(Library, loan.library), rows.edit(Library, event["library"])
    reader = rows.edit(Reader, event["card_id"])
    lender.out -= 1
    reader.out -= 1
    taker.back += 1
    taker.back_for_others += lender is not taker
    if event["overdue_days"] > 0:
        taker.back_overdue += 1
        reader.back_overdue += 1


def fined(rows: Rows, event: Event) -> None:
    fine = rows.edit(Fine, event["fine_id"])
    fine.charged_on = event["business_date"]
    for name in ("loan_id", "card_id", "library", "library_area", "reason", "amount_fen"):
        setattr(fine, name, event[name])
    counted = (
        rows.edit(Loan, event["loan_id"]),
        rows.edit(Library, event["library"]),
        rows.edit(Reader, event["card_id"]),
    )
    for one in counted:
        one.fines += 1
        one.fine_fen += event["amount_fen"]


def _lender(rows: Rows, event: Event) -> tuple[Name, ...]:
    """The library that lent what is returned."""
    loan = rows.get(Loan, event["loan_id"])
    return () if loan is None else ((Library, (loan.library,)),)


LOAN = Each(Of(Loan, "loan_id"), Of(Library, "library"), Of(Reader, "card_id"))

LOANS: Final = Folded(
    NAME,
    (Loan, Fine, Library, Reader, Restricted),
    (
        On("ItemBorrowed", borrowed, LOAN),
        On("ItemReturned", returned, LOAN, _lender),
        On("FineCharged", fined, Each(Of(Fine, "fine_id"), LOAN)),
        on_restriction(Restricted),
    ),
)
