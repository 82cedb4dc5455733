"""The way in: Model(clock_micros).submit_line(line) answers one line after the other as the contract says.

Afterwards the model tells accounts, tables, notices and lines as the documents of the contract of queries."""

from dataclasses import dataclass
from typing import Any

from tests.model import aid, benefit, card, clearing, governance, medical, passes, remit, service, transit
from tests.model.obligations import cut, lines_document
from tests.model.shape import Refused, check_shape, content_digest, parse, refuse_if, understood
from tests.model.state import Command, Event, Log, china_date, last_day

DECISIONS = {
    **card.DECISIONS,
    **benefit.DECISIONS,
    **medical.DECISIONS,
    **aid.DECISIONS,
    **transit.DECISIONS,
    **service.DECISIONS,
    **passes.DECISIONS,
    **clearing.DECISIONS,
    **remit.DECISIONS,
    **governance.DECISIONS,
}


@dataclass(frozen=True)
class Outcome:
    """A receipt (`recorded`, `duplicate`) or a refusal (`rejected`, with its code)."""

    status: str
    code: str | None = None
    card_id: str | None = None
    card_version: int | None = None
    position: int | None = None
    submitter: str | None = None
    reference: str | None = None
    command: str | None = None


class Model:
    def __init__(
        self, clock_micros: int, config_entries: list[dict[str, Any]] | None = None, secret: bytes = b"model"
    ) -> None:
        self.clock_micros = clock_micros
        self.log = Log(config_entries or [], secret)

    def submit_line(self, raw: bytes | str) -> Outcome | None:
        """The answer to one line; None for a line of spaces only, which is skipped."""
        line = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
        line = line.removesuffix(b"\n")
        if not line.strip(b" "):
            return None
        document: dict[str, Any] = {}
        try:
            document = parse(line)
            status, event = self._execute(document)
        except Refused as refusal:
            return Outcome("rejected", refusal.code, None, None, None, *_named(document))
        return Outcome(status, None, event["stream"], event["version"], event["position"], *_named(document))

    def _execute(self, document: dict[str, Any]) -> tuple[str, Event]:
        present = check_shape(document)
        command = understood(present, self.log.secret)
        digest = content_digest(command)
        recorded = self.log.submitted(command["submitter"], command["reference"])
        if recorded is not None:
            refuse_if(recorded["digest"] != digest, "reference_reused")
            return "duplicate", recorded
        self._refuse_voided(command)
        command["bdate"] = china_date(command["occurred_at"])
        tolerance = self.log.config("clock.future_tolerance_seconds", command["bdate"])
        refuse_if(command["occurred_at"] > self.clock_micros + tolerance * 1_000_000, "occurred_at_in_future")
        if command["command"] == "IssueCard":
            command["number_in_clear"] = present["social_security_number"]
        planned = DECISIONS[command["command"]](self.log, command)
        command.pop("number_in_clear", None)
        command["digest"] = digest
        events = [self.log.append(one.stream, one.name, command, one.derived, one.postings) for one in planned]
        return "recorded", events[0]

    def _refuse_voided(self, command: Command) -> None:
        if command["command"] == "SettleMedical":
            pair = {"submitter": command["submitter"], "voided_reference": command["reference"]}
            refuse_if(self.log.first("MedicalVoided", **pair), "settlement_voided")

    # Documents, without the `position` they have at document level

    def accounts(self) -> list[dict[str, Any]]:
        documents = []
        for name, postings in sorted(self.log.accounts.items()):
            amounts = [amount for _, amount in postings]
            debit = sum(amount for amount in amounts if amount > 0)
            credit = -sum(amount for amount in amounts if amount < 0)
            documents.append(
                {
                    "account": name,
                    "balance_fen": debit - credit,
                    "debit_fen": debit,
                    "credit_fen": credit,
                    "entries": len(amounts),
                    "last_position": postings[-1][0],
                }
            )
        return documents

    def table(self, month: str) -> dict[str, Any]:
        cut_off = self.log.first("CycleCutOff", cycle=month)
        found = cut_off or cut(self.log, month, last_day(month))
        return {
            "rows": found["rows"],
            "cycle": month,
            "state": clearing.cycle_state(self.log, month),
            "after_position": cut_off["after_position"] if cut_off else None,
            "cut_off_position": cut_off["position"] if cut_off else None,
            "line_count": found["line_count"],
            "deferred_count": found["deferred_count"],
            "alarm_count": found["alarm_count"],
            "deduction_fen": sum(row["deduction_fen"] for row in found["rows"]),
            "payable_fen": sum(row["payable_fen"] for row in found["rows"]),
            "table_digest": cut_off["table_digest"] if cut_off else None,
        }

    def notices(self, month: str) -> dict[str, Any]:
        return remit.notices_document(self.log, month)

    def lines(self) -> list[dict[str, Any]]:
        return lines_document(self.log)

    def cycles(self) -> list[str]:
        return sorted(event["cycle"] for event in self.log.of("CycleCutOff"))


def _named(document: dict[str, Any]) -> list[str | None]:
    names = ("submitter", "reference", "command")
    return [document[name] if isinstance(document.get(name), str) else None for name in names]
