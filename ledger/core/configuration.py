"""Rules that differ by province or date (contract 0.10).

An entry is (key, scope, effective_from, value). In force for a business date is the entry of the narrowest matching
scope that has begun (programme over province over `*`) and, within it, the latest. Entries are only ever added.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, StrictInt, model_validator

from ledger.core.calendar import from_date
from ledger.core.fields import ID
from ledger.core.provinces import PARTIES
from ledger.core.rules import DATES, LEDGER, PROGRAMME, RULES

DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
MOST_TOLD: Final = 60
DEFAULTS: Final = {key: frozenset() if rule.kind == DATES else rule.default for key, rule in RULES.items()}


def is_date(found: object) -> bool:
    """Whether this is a calendar date as TOML or JSON write it. A time of day is none."""
    if isinstance(found, str):
        try:
            return DATE.fullmatch(found) is not None and bool(date.fromisoformat(found))
        except ValueError:
            return False
    return isinstance(found, date) and not isinstance(found, datetime)


def _calendar_date(found: object) -> object:
    """Anything else would be taken for seconds since 1970, or lose its time of day."""
    if not is_date(found):
        raise ValueError(f"needs a date such as 2025-07-01, not {told(found)}")
    return found


Day = Annotated[date, BeforeValidator(_calendar_date)]


def told(value: object) -> str:
    """A value as a message shows it, however long it is."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 4 * MOST_TOLD:
        return "a number of that size"
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) <= MOST_TOLD else f"{text[:MOST_TOLD]}..."


class Entry(BaseModel):
    """One line of configuration; validation errors name the field that is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    scope: str = LEDGER
    effective_from: Day
    value: StrictBool | StrictInt | str | list[Day]

    @model_validator(mode="after")
    def _fits_its_key(self) -> "Entry":
        rule = RULES.get(self.key)
        if rule is None:
            raise ValueError(f"key: {told(self.key)} is no rule")
        parts = self.scope.split(":")
        if self.scope != LEDGER:
            if rule.scope == LEDGER:
                raise ValueError(f"scope: {self.key} holds for the whole ledger, so scope must be '*' or left out")
            if parts[0] not in PARTIES or len(parts) > 2 or not all(map(ID.fullmatch, parts)):
                raise ValueError(f"scope: {told(self.scope)} is not '*', a province such as '34', or '34:programme'")
            if len(parts) == 2 and rule.scope != PROGRAMME:
                raise ValueError(f"scope: {self.key} differs by province and not by programme: write '{parts[0]}'")
        if not rule.takes(self.value):
            raise ValueError(f"value: needs {rule.wants()}, not {told(self.value)}")
        return self


class Configuration:
    """Entries indexed for look-up; `digest` identifies what a store was written with."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = list(entries)
        self._digest = ""
        self._by_key: dict[str, dict[str, list[tuple[int, Any]]]] = {}
        for entry in self.entries:
            value: Any = entry.value
            if RULES[entry.key].kind == DATES:
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
            for scope in (f"{province}:{programme}", province, LEDGER):
                found = None
                for begins, value in scopes.get(scope, ()):
                    if begins <= day:
                        found = (value,)
                if found:
                    return found[0]
        return DEFAULTS[key]

    def calendar(self, day: int) -> tuple[frozenset[int], frozenset[int]]:
        """(holidays, workdays) in force on `day`."""
        return self.value("calendar.holidays", day), self.value("calendar.workdays", day)

    def in_force(self, key: str, day: int) -> dict[str, Entry]:
        """Scope -> the entry of a key that counts there on `day`, scopes in order."""
        found: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.key == key and from_date(entry.effective_from) <= day:
                before = found.get(entry.scope)
                if before is None or before.effective_from <= entry.effective_from:
                    found[entry.scope] = entry
        return dict(sorted(found.items()))

    # --- growing -----------------------------------------------------------------------------------------------------

    def first(self, count: int) -> "Configuration":
        """The list as it was when it had so many entries."""
        return self if count == len(self.entries) else Configuration(self.entries[:count])

    def with_added(self, entries: Iterable[Entry]) -> "Configuration":
        return Configuration([*self.entries, *entries])

    def begins_with(self, other: "Configuration") -> bool:
        return self.entries[: len(other.entries)] == other.entries

    def as_json(self) -> list[dict[str, Any]]:
        return [entry.model_dump(mode="json") for entry in self.entries]

    def digest(self) -> str:
        """SHA-256 of the list as compact JSON with sorted keys."""
        if not self._digest:
            text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
            self._digest = hashlib.sha256(text.encode()).hexdigest()
        return self._digest
