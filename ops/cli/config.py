"""`config`: the rules that differ by province or date (ONECARD_CONFIG): what holds, what a file would change.

Nothing here makes a store or changes one: a longer list becomes the store's with the first command that writes.
"""

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ledger.core.calendar import business_date, date_text
from ledger.core.configuration import Configuration, Entry
from ledger.core.fields import ID
from ledger.core.provinces import PARTIES
from ledger.core.rules import LEDGER, PROGRAMME, PROVINCE, RULES, Rule
from ledger.families.governance import configuration
from ledger.service.recording import stream_id
from ledger.store.identity import Kept
from ops.cli.audit import day
from ops.cli.explaining import App
from ops.cli.named_files import check_input, shown
from ops.cli.opening import settings_now
from ops.cli.output import Json, answer, counted, for_people, progress_told, refuse, table, unable, write
from ops.rules_example import default_told, example, scope_told
from ops.rules_file import as_file, load_configuration, read
from ops.wiring import find_configuration

SCOPES: Final = {LEDGER: "ledger", PROVINCE: "province", PROGRAMME: "programme"}
DATES_SHOWN: Final = 3

config = App(invoke_without_command=True, subcommand_metavar="[COMMAND [ARGS]...]")


@config.callback()
def show(
    context: typer.Context,
    on: Annotated[str | None, typer.Option(metavar="DATE", help="Business date. Default: today.")] = None,
    scope: Annotated[
        str | None, typer.Option(metavar="SCOPE", help="What holds in a province (34) or programme (34:grain).")
    ] = None,
    key: Annotated[list[str] | None, typer.Option(metavar="RULE", help="Only this rule, with what it means.")] = None,
    as_json: Json = False,
) -> int:
    """Show and check the rules that differ by province or date.

    Without a command: every rule with its default, what holds on a date, and the digest of the list.

    \b
    Example:
      onecard config --on 2025-07-01 --scope 34:grain
      onecard config check rules.toml
    """
    if context.invoked_subcommand is not None:
        if on or scope or key or as_json:
            refuse("options stand behind the subcommand: onecard config check FILE --json.")
        return 0
    wanted = [_rule(name) for name in key] if key else list(RULES.values())
    parts = _scope(scope)
    settings = settings_now()
    now = settings.clock if settings.clock is not None else time.time_ns() // 1_000
    date = day("--on", on) if on is not None else business_date(now)
    brought = load_configuration(settings)
    kept = find_configuration(settings, progress_told)
    if kept is not None:
        kept.require_beginning_of(brought)
    found = {
        "on": date_text(date),
        "scope": scope,
        "digest": brought.digest(),
        "entries": len(brought.entries),
        "store": _store(kept),
        "pending": brought.as_json()[len(kept.entries) if kept is not None else 0 :],
        "rules": [_held(rule, brought, date, parts) for rule in wanted],
    }
    return answer(found, as_json, lambda told: _show(told, is_detailed=bool(key)))


@config.command("check")
def check(file: Annotated[str, typer.Argument(metavar="FILE", help="A file of rules.")], as_json: Json = False) -> int:
    """Check a file of rules before it is used.

    Tells everything that is wrong in it, or what it would add to the store's list.

    Exit 1 if something is wrong in it, or if it does not go on where the store's list ends.

    \b
    Example:
      onecard config check rules.toml
    """
    check_input(file)
    try:
        found = read(Path(file))
    except OSError as error:
        refuse(f"{shown(file)} cannot be read: {error.strerror}.")
    made = Configuration(found.entries)
    kept = None if found.wrong else find_configuration(settings_now(), progress_told)
    differs = None if kept is None else kept.differs_at(made)
    checked: dict[str, Any] = {
        "ok": not found.wrong and differs is None,
        "file": shown(file),
        "digest": None if found.wrong else made.digest(),
        "entries": None if found.wrong else len(made.entries),
        "wrong": [
            {"entry": one.entry, "line": one.line, "key": one.key, "field": one.field, "message": one.message}
            for one in found.wrong
        ],
        "overruled": [] if found.wrong else [{"entry": old, "by": new} for new, old in found.overruled],
        "store": _store(kept),
        "differs": differs and _difference(differs, made, kept),
        "added": None if kept is None or differs is not None else made.as_json()[len(kept.entries) :],
    }

    def show_checked(told: dict[str, Any]) -> None:
        with for_people() as console:
            for one in found.wrong:
                console.print(one.sentence())
            console.print(_verdict(told))
            for entry in told["added"] or ():
                console.print(f"  + {_line(entry)}")

    return answer(checked, as_json, show_checked, ok=checked["ok"])


@config.command("example")
def print_example() -> int:
    """Print a file with every rule explained.

    Every entry in it is commented out, so it changes nothing until it is edited.

    \b
    Example:
      onecard config example > rules.toml
    """
    write(example().encode())
    return 0


@config.command("stored")
def print_stored() -> int:
    """Print the store's own list, for who lost it.

    \b
    Example:
      onecard config stored > rules.toml
    """
    kept = find_configuration(settings_now(), progress_told)
    if kept is None:
        unable("There is no store here.")
    write(as_file(kept.configuration()).encode())
    return 0


# --- what is asked for -----------------------------------------------------------------------------------------------


def _rule(name: str) -> Rule:
    rule = RULES.get(name)
    if rule is None:
        refuse(f"--key {name!r} is no rule: `onecard config` lists all of them.")
    return rule


def _scope(text: str | None) -> tuple[str, str] | None:
    """(province, programme) of --scope; the whole ledger is no province."""
    if text is None or text == LEDGER:
        return None if text is None else ("", "")
    province, colon, programme = text.partition(":")
    if province not in PARTIES or (colon and not ID.fullmatch(programme)):
        refuse(f"--scope must be '*', a province such as 34, or 34:programme, not {text!r}.")
    return province, programme


# --- documents -------------------------------------------------------------------------------------------------------


def _store(kept: Kept | None) -> dict[str, Any] | None:
    if kept is None:
        return None
    stream = stream_id((configuration.Extended, configuration.LEDGER))
    return {"digest": kept.digest, "entries": len(kept.entries), "stream_id": stream}


def _held(rule: Rule, brought: Configuration, date: int, parts: tuple[str, str] | None) -> dict[str, Any]:
    in_force = brought.in_force(rule.key, date)
    found: dict[str, Any] = {
        "key": rule.key,
        "meaning": rule.meaning,
        "scope": SCOPES[rule.scope],
        "decided": scope_told(rule),
        "value_is": rule.wants(),
        "unit": rule.unit or None,
        "used_by": list(rule.used_by),
        "default": rule.default,
        "default_told": default_told(rule),
    }
    if parts is not None:
        province, programme = parts
        names = [LEDGER, province, f"{province}:{programme}"]
        in_force = {name: entry for name, entry in in_force.items() if name in names}
        narrowest = max(in_force.values(), key=lambda entry: names.index(entry.scope), default=None)
        found["value"] = rule.default if narrowest is None else narrowest.model_dump(mode="json")["value"]
        found["from_scope"] = None if narrowest is None else narrowest.scope
        in_force = {} if narrowest is None else {narrowest.scope: narrowest}
    return {**found, "in_force": [_entry(entry) for entry in in_force.values()]}


def _entry(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.model_dump(mode="json").items() if name != "key"}


def _difference(number: int, made: Configuration, kept: Kept | None) -> dict[str, Any]:
    brought = made.as_json()[number - 1 : number]
    stored = kept.entries[number - 1] if kept is not None else None
    return {"entry": number, "file": brought[0] if brought else None, "store": stored}


# --- for people ------------------------------------------------------------------------------------------------------


def _show(found: dict[str, Any], is_detailed: bool) -> None:
    rows: list[tuple[object, ...]] = []
    for rule in found["rules"]:
        name, default = rule["key"], rule["default_told"]
        for entry in rule["in_force"]:
            rows.append((name, _text(entry["value"]), entry["scope"], entry["effective_from"], default))
            name = default = ""
        if not rule["in_force"]:
            rows.append((name, default, "", "", default))
    with for_people() as console:
        where = f" in {found['scope']}" if found["scope"] else ""
        console.print(table(("rule", "value~", "scope", "since", "default~"), rows, f"Rules on {found['on']}{where}"))
        for rule in found["rules"] if is_detailed else ():
            unit = f" ({rule['unit']})" if rule["unit"] and rule["default"] != [] else ""
            console.print(f"\n{rule['key']}: {rule['meaning']}")
            console.print(f"Scope: {rule['decided']}. Used by {', '.join(rule['used_by'])}.")
            console.print(f"Value: {rule['value_is']}{unit}.")
        console.print(f"\n{counted(found['entries'], 'entry')}, digest {found['digest']}.")
        console.print(_standing(found))


def _standing(found: dict[str, Any]) -> str:
    if found["store"] is None:
        return "There is no store yet: the first command that needs one makes it with this list."
    if not found["pending"]:
        return f"They are the store's. How its list grew: onecard history {found['store']['stream_id']}"
    count = len(found["pending"])
    last, them = ("last of them is", "it") if count == 1 else (f"last {count} of them are", "them")
    return f"The {last} not the store's yet: the first command that writes makes {them} so."


def _verdict(found: dict[str, Any]) -> str:
    if found["wrong"]:
        return f"{found['file']}: nothing of it can be used until this is mended."
    about = f"{found['file']}: {counted(found['entries'], 'entry')}, digest {found['digest']}."
    if found["store"] is None:
        return f"{about}\nThere is no store here to compare with."
    if found["differs"] is not None:
        one = found["differs"]
        brought = f"is {_line(one['file'])}" if one["file"] else "is missing"
        return (
            f"{about}\nThe store cannot be opened with it: entry {one['entry']} {brought}, and the store has"
            f" {_line(one['store'])}. Entries are only added behind the store's {found['store']['entries']}."
        )
    if not found["added"]:
        return f"{about}\nThe store has all of them."
    return f"{about}\nBehind the store's {counted(found['store']['entries'], 'entry')} it adds {len(found['added'])}:"


def _line(entry: dict[str, Any]) -> str:
    """An entry on one line."""
    return f"{entry.get('key')} {entry.get('scope')} from {entry.get('effective_from')}: {_text(entry.get('value'))}"


def _text(value: Any) -> str:
    if isinstance(value, list) and len(value) > DATES_SHOWN:
        return f"{len(value)} dates, {min(value)} to {max(value)}"
    if isinstance(value, list):
        return ", ".join(value) or "an empty list"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
