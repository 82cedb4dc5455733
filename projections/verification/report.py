"""What a verification looked at and found. A damaged log may break every row after it: so much is listed, no more."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from projections.findings import Finding

MOST_OF_A_KIND: Final = 10_000
# What the rules of the core and the database answer to bytes that no decision could have made.
DAMAGE: Final = (
    LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError,
    psycopg.DataError, psycopg.IntegrityError,
)  # fmt: skip


@dataclass(slots=True)
class Report:
    """`position`: of the last event that was looked at. `is_damaged`: rows made from these events mean nothing."""

    position: int = 0
    events: int = 0
    streams: int = 0
    postings: int = 0
    accounts: int = 0
    records: int = 0
    seals: int = 0
    is_damaged: bool = False
    _found: dict[tuple[str, str, int | None], Finding] = field(default_factory=dict)
    _kinds: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, subject: str, position: int | None, detail: str) -> None:
        """One finding; the first about a thing stands."""
        key = kind, subject, position
        if key in self._found:
            return
        self._kinds[kind] += 1
        if self._kinds[kind] <= MOST_OF_A_KIND:
            self._found[key] = Finding(kind, subject, position, detail)

    def extend(self, findings: Iterable[Finding]) -> None:
        for one in findings:
            self.add(one.kind, one.subject, one.position, one.detail)

    @property
    def findings(self) -> list[Finding]:
        """By position (null last), kind, subject."""
        more = [
            Finding(kind, "more", None, f"only the first {MOST_OF_A_KIND} findings of this kind are listed")
            for kind, count in self._kinds.items()
            if count > MOST_OF_A_KIND
        ]
        return sorted([*self._found.values(), *more], key=Finding.order)

    def as_json(self, against: list[str]) -> dict[str, Any]:
        """The document of `verify` (queries.md section 6)."""
        findings = self.findings
        return {
            "ok": not findings,
            "position": self.position,
            "checked": {
                "events": self.events,
                "streams": self.streams,
                "postings": self.postings,
                "accounts": self.accounts,
                "records": self.records,
                "seals": self.seals,
            },
            "against": against,
            "findings": [one.as_json() for one in findings],
        }
