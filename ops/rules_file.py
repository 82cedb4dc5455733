"""A file of rules (ONECARD_CONFIG): TOML with [[entry]] tables, read with everything that is wrong in it.

A list of rules can only grow and cannot be taken back, so a file is never half read: one wrong entry and nothing of it
counts. Every wrong entry is told by number, line, key and field, all of them at once. The file may come from anybody:
neither its size nor its nesting holds a command up.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ledger.core.configuration import Configuration, Entry, is_date, told
from ledger.core.rules import MOST_DATES, RULES, Rule
from ops.problems import EnvironmentProblem
from ops.settings import Settings

MOST_BYTES: Final = 4 << 20
# Keys nested deeper than this take the parser minutes; no entry has any.
MOST_DOTS: Final = 100
MOST_TOLD: Final = 20
MOST_FOUND: Final = 1_000
HEADING: Final = re.compile(r"[ \t]*\[\[[ \t]*entry[ \t]*\]\]")
FIELDS: Final = {
    "key": "the name of a rule, which `onecard config` lists",
    "scope": "'*', a province such as '34', or '34:programme'",
    "effective_from": "the first business date on which it holds, such as 2025-07-01",
    "value": "what holds from then on",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong; without an entry it is the file as a whole."""

    message: str
    entry: int | None = None
    line: int | None = None
    key: str | None = None
    field: str | None = None

    def sentence(self) -> str:
        if self.entry is None:
            return self.message
        place = f"entry {self.entry}" + (f" (line {self.line})" if self.line else "")
        return ": ".join(filter(None, [", ".join(filter(None, [place, self.key])), self.field, self.message]))


@dataclass(slots=True)
class RulesFile:
    """`entries` hold only if nothing is wrong; `overruled`: (entry, the earlier one it takes the place of)."""

    path: Path
    entries: list[Entry] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    overruled: list[tuple[int, int]] = field(default_factory=list)

    def require_right(self, setting: str) -> Configuration:
        """The configuration; an EnvironmentProblem that tells everything that is wrong."""
        if not self.wrong:
            return Configuration(self.entries)
        sentences = [one.sentence() for one in self.wrong]
        if len(sentences) == 1:
            raise EnvironmentProblem(f"{setting}: {self.path}: {sentences[0]}.")
        if len(sentences) > MOST_TOLD:
            more = f"and {len(sentences) - MOST_TOLD} more: `onecard config check FILE --json` tells all"
            sentences[MOST_TOLD:] = [more]
        lines = "".join(f"\n  {one}" for one in sentences)
        raise EnvironmentProblem(f"{setting}: {self.path}: {len(self.wrong)} things are wrong:{lines}.")


def load_configuration(settings: Settings) -> Configuration:
    """The rules of ONECARD_CONFIG; none without it."""
    if settings.config is None:
        return Configuration()
    try:
        return read(settings.config).require_right("ONECARD_CONFIG")
    except OSError as error:
        raise EnvironmentProblem(f"ONECARD_CONFIG: {settings.config} cannot be read: {error.strerror}.") from None


def read(path: Path) -> RulesFile:
    """Everything a file says; OSError if there is none to read."""
    found = RulesFile(path)
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    try:
        text = _text(data)
        tables = _tables(text)
    except _Unreadable as error:
        found.wrong.append(Wrong(str(error)))
        return found
    lines = [number for number, line in enumerate(text.split("\n"), 1) if HEADING.match(line)]
    known: dict[tuple[str, str, str], tuple[int, Entry]] = {}
    for number, table in enumerate(tables, 1):
        line = lines[number - 1] if len(lines) == len(tables) else None
        key = table.get("key") if isinstance(table, dict) else None
        named = told(key).strip("'\"") if isinstance(key, str) else None
        faults = list(_faults(table))
        if not faults:
            entry = Entry.model_validate(table)
            name = entry.key, entry.scope, entry.effective_from.isoformat()
            before = known.get(name)
            known[name] = number, entry
            found.entries.append(entry)
            if before is not None and before[1] == entry:
                faults = [(None, f"says what entry {before[0]} says: remove one of the two")]
            elif before is not None:
                found.overruled.append((number, before[0]))
        found.wrong += [Wrong(message, number, line, named, of) for of, message in faults]
        if len(found.wrong) >= MOST_FOUND:
            found.wrong.append(Wrong(f"what comes after entry {number} was not looked at"))
            break
    return found


def as_file(config: Configuration) -> str:
    """A list as a file that reads as the same list."""
    return "\n".join(
        "".join(f"{line}\n" for line in ("[[entry]]", *(f"{name} = {_toml(value)}" for name, value in entry.items())))
        for entry in map(dict, config.entries)
    )


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


# --- the file as a whole ---------------------------------------------------------------------------------------------


class _Unreadable(Exception):
    """No entry can be made out."""


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise _Unreadable(f"the file is larger than {MOST_BYTES >> 20} MiB: is it a list of rules at all?")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _Unreadable(f"line {line} is not UTF-8 text: save the file as UTF-8") from None
    if text.startswith("\ufeff"):
        raise _Unreadable("the file begins with a byte order mark: save it as UTF-8 without one")
    for number, content in enumerate(text.split("\n"), 1):
        if content.count(".") > MOST_DOTS and not content.lstrip().startswith("#"):
            raise _Unreadable(f"line {number} holds more than {MOST_DOTS} dots, as no entry does")
    return text


def _tables(text: str) -> list[Any]:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _Unreadable(f"this is not TOML: {error}") from None
    except (RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else "a number in it is too long"
        raise _Unreadable(f"this is no list of entries: {reason}") from None
    strangers = sorted(found.keys() - {"entry"})
    if strangers:
        raise _Unreadable(f"the file may hold [[entry]] tables and nothing else, not {told(strangers[0])}")
    tables = found.get("entry", [])
    if not isinstance(tables, list):
        raise _Unreadable("an entry begins with [[entry]], in two pairs of brackets")
    return tables


# --- one entry -------------------------------------------------------------------------------------------------------


def _faults(table: Any) -> Iterator[tuple[str | None, str]]:
    """(field, what is wrong with it), each field once."""
    if not isinstance(table, dict):
        yield None, "is no table: it begins with [[entry]]"
        return
    key, value = table.get("key"), table.get("value")
    faults: dict[str, str] = {}
    if isinstance(key, str) and key not in RULES:
        near = difflib.get_close_matches(key, RULES, 1) if len(key) <= MOST_DOTS else []
        hint = f"did you mean {near[0]}?" if near else "`onecard config` lists all rules"
        faults["key"] = f"{told(key)} is no rule: {hint}"
    if isinstance(value, list) and (wrong := _wrong_in_list(value)):
        faults["value"] = wrong
        table = {**table, "value": []}
    yield from faults.items()
    try:
        Entry.model_validate(table)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_context=False):
            name = str(one["loc"][0]) if one["loc"] else ""
            reason = one["msg"].removeprefix("Value error, ")
            if not name:
                name, _, reason = reason.partition(": ")
            if name not in faults:
                faults[name] = _reason(name, one["type"], reason, value, RULES.get(str(key)))
                yield told(name).strip("'\""), faults[name]


def _wrong_in_list(dates: list[Any]) -> str:
    if len(dates) > MOST_DATES:
        return f"holds {len(dates)} dates; at most {MOST_DATES} are allowed"
    for number, day in enumerate(dates, 1):
        if not is_date(day):
            return f"needs dates such as 2025-07-01; number {number} is {told(day)}"
    return ""


def _reason(name: str, type: str, reason: str, value: Any, rule: Rule | None) -> str:
    if name not in FIELDS:
        return f"is no field of an entry: there are {', '.join(FIELDS)}"
    if type == "missing":
        return f"is missing: {FIELDS[name]}"
    if type == "string_type" and name != "value":
        return f"needs text in quotes: {FIELDS[name]}"
    if name == "value" and rule is not None:
        return f"needs {rule.wants()}, not {told(value)}"
    if name == "value":
        return "is neither true or false, nor a whole number, nor a word, nor a list of dates"
    return reason
