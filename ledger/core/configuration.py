"""Rules that differ by province or date (contract 0.10).

An entry is (key, scope, effective_from, value). In force for a business date is the entry of the narrowest matching
scope that has begun (programme over province over `*`) and, within it, the latest. Entries are only ever added.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, StrictBool, StrictInt, model_validator

from ledger.core.calendar import from_date
from ledger.core.fields import AMOUNT_MAX, ID
from ledger.core.provinces import PARTIES

DEFAULTS: Final[dict[str, Any]] = {
    "clock.future_tolerance_seconds": 300,
    "calendar.holidays": [],
    "calendar.workdays": [],
    "card.temporary_loss_days": 5,
    "card.temporary_loss_working_days": False,
    "card.formal_loss_liftable": True,
    "card.guardian_below_age": 16,
    "payout.disclosure_working_days": None,
    "payout.ceiling_fen": None,
    "medical.registration_required_inpatient": True,
    "medical.registration_required_other": False,
    "medical.temporary_registration_months": 6,
    "medical.registration_lock_months": 6,
    "medical.clear_personal_account": True,
    "family_aid.max_transfer_fen": 200_000,
    "family_aid.max_transfers_per_day": 3,
    "transit.offline_grace_fen": 1_000,
    "transit.late_days": 30,
    "transit.blacklist_delay_minutes": 1_440,
    "transit.journey_timeout_minutes": 240,
    "transit.day_cut_minutes": 180,
    "transit.purse_max_fen": 100_000,
    "pass.activation_days": 90,
    "clearing.negative_pair": "FLIP",
    "clearing.max_deferrals": 2,
    "prepayment.multiple": 2,
    "prepayment.yellow_percent": 70,
    "prepayment.red_percent": 90,
    "retention.years": 30,
}
NATIONAL_ONLY: Final = frozenset(
    {
        "clock.future_tolerance_seconds",
        "calendar.holidays",
        "calendar.workdays",
        "clearing.max_deferrals",
        "prepayment.yellow_percent",
        "prepayment.red_percent",
        "retention.years",
    }
)
BY_PROGRAMME: Final = frozenset({"payout.disclosure_working_days", "payout.ceiling_fen"})
FLAGS: Final = frozenset(key for key, value in DEFAULTS.items() if isinstance(value, bool))
CALENDARS: Final = frozenset({"calendar.holidays", "calendar.workdays"})
DAY_CUT: Final = "transit.day_cut_minutes"
# By the unit a key ends in, so that no date or instant of the contract can be moved out of the calendar.
HIGHEST: Final = {"fen": AMOUNT_MAX, "months": 1_200, "years": 100, "days": 36_500}
HIGHEST_OF_OTHERS: Final = 10_000_000


class Entry(BaseModel):
    """One line of configuration; validation errors name the field that is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    scope: str = "*"
    effective_from: date
    value: StrictBool | StrictInt | str | list[date]

    @model_validator(mode="after")
    def _fits_its_key(self) -> "Entry":
        if self.key not in DEFAULTS:
            raise ValueError(f"unknown key {self.key!r}; known: {', '.join(sorted(DEFAULTS))}")
        parts = self.scope.split(":")
        if self.scope != "*":
            if self.key in NATIONAL_ONLY:
                raise ValueError(f"{self.key} holds for the whole ledger: scope must be '*'")
            if parts[0] not in PARTIES or len(parts) > 2 or not all(map(ID.fullmatch, parts)):
                raise ValueError(f"scope {self.scope!r} is not '*', a province such as '34', or '34:programme'")
            if len(parts) == 2 and self.key not in BY_PROGRAMME:
                raise ValueError(f"{self.key} has no scope by programme")
        wanted = _wanted(self.key)
        if not wanted[1](self.value):
            raise ValueError(f"{self.key} needs {wanted[0]}, not {self.value!r}")
        return self


def _wanted(key: str) -> tuple[str, Any]:
    if key in FLAGS:
        return "true or false", lambda value: isinstance(value, bool)
    if key in CALENDARS:
        return "a list of dates", lambda value: isinstance(value, list)
    if key == "clearing.negative_pair":
        return "FLIP or CARRY", lambda value: value in ("FLIP", "CARRY")
    most = 1_439 if key == DAY_CUT else HIGHEST.get(key.replace(".", "_").rpartition("_")[2], HIGHEST_OF_OTHERS)
    return f"a whole number, 0 to {most}", lambda value: type(value) is int and 0 <= value <= most


class Configuration:
    """Entries indexed for look-up; `digest` identifies what a store was written with."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = list(entries)
        self._by_key: dict[str, dict[str, list[tuple[int, Any]]]] = {}
        for entry in self.entries:
            value: Any = entry.value
            if entry.key in CALENDARS:
                value = frozenset(from_date(day) for day in value)
            scopes = self._by_key.setdefault(entry.key, {})
            scopes.setdefault(entry.scope, []).append((from_date(entry.effective_from), value))
        for scopes in self._by_key.values():
            for scoped in scopes.values():
                scoped.sort(key=lambda item: item[0])  # stable: of equal dates the later in the list stays last

    @classmethod
    def load(cls, entries: Iterable[Mapping[str, Any]]) -> "Configuration":
        return cls(Entry.model_validate(entry) for entry in entries)

    def value(self, key: str, day: int, province: str = "", programme: str = "") -> Any:
        """Value in force on business date `day`; None only for keys whose default is none."""
        scopes = self._by_key.get(key)
        if scopes is not None:
            for scope in (f"{province}:{programme}", province, "*"):
                found = None
                for begins, value in scopes.get(scope, ()):
                    if begins <= day:
                        found = (value,)
                if found:
                    return found[0]
        default = DEFAULTS[key]
        return frozenset() if key in CALENDARS else default

    def calendar(self, day: int) -> tuple[frozenset[int], frozenset[int]]:
        """(holidays, workdays) in force on `day`."""
        return self.value("calendar.holidays", day), self.value("calendar.workdays", day)

    def as_json(self) -> list[dict[str, Any]]:
        return [entry.model_dump(mode="json") for entry in self.entries]

    def digest(self) -> str:
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
