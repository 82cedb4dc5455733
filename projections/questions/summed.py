"""Lists that also say what they add up to."""

from collections.abc import Iterator
from typing import Any

from projections.questions.national.marks import Element
from projections.questions.things import Listing


class Summed:
    """A list and, beside it, the sum of some of its figures over what was read."""

    def __init__(self, listing: Listing, *figures: str) -> None:
        self._listing = listing
        self._sums = dict.fromkeys(figures, 0)

    def rows(self) -> Iterator[Element]:
        for one in self._listing.rows():
            for figure in self._sums:
                self._sums[figure] += one[figure]
            yield one

    def rest(self) -> dict[str, Any]:
        return {**self._sums, **self._listing.rest()}
