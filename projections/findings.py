"""Typed findings: what `verify` and a rebuild's comparison say is not as the log has it (queries.md section 6)."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is stable and typed; `subject` names the account, stream, row or line; `detail` is for people."""

    kind: str
    subject: str
    position: int | None
    detail: str

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "subject": self.subject, "position": self.position, "detail": self.detail}

    def order(self) -> tuple[bool, int, str, str]:
        """By position (null last), kind, subject."""
        return self.position is None, self.position or 0, self.kind, self.subject
