"""The documented file of rules: every key with its meaning, as entries that are commented out.

Written from the table of `ledger.core.rules`, so `onecard config example` and docs/configuration.toml cannot say
anything else than the program does. Used as it is, the file changes nothing.
"""

import json
import textwrap
from typing import Any, Final

from ledger.core.rules import DATES, LEDGER, PROGRAMME, RULES, Rule

WIDTH: Final = 116
HEAD: Final = """\
# Rules that differ by province or change by date. Name this file, or one of your own, by ONECARD_CONFIG.
# Written by `onecard config example`; every entry is commented out, so used as it is the file changes nothing.
#
# A rule's value is an entry:
#
#   [[entry]]
#   key = "card.temporary_loss_days"   # which rule
#   scope = "34"                       # where: "34" a province, "34:grain" a programme of it, "*" everywhere
#   effective_from = 2025-07-01        # first business date on which it holds
#   value = 7
#
# In force on a business date is the entry of the narrowest scope that has begun (programme, then province, then "*"),
# and in that scope the latest; of two from the same date the later in the file. Without any, the default holds.
#
# Entries are only ever added, at the end: a store keeps its list, and opens with no other. To mend an entry, add one
# with the same key, scope and date. `onecard config check FILE` tells what a file would add to the store's list,
# `onecard config` what holds on a day.
"""
# Values to show where the default is none.
SHOWN: Final[dict[str, Any]] = {"payout.disclosure_working_days": 7, "payout.ceiling_fen": 500_000}
DAYS: Final = '["2026-01-01", "2026-02-17"]'
SCOPES: Final = {LEDGER: "*", PROGRAMME: "34:grain"}


def example() -> str:
    """The whole file."""
    return "\n".join([HEAD, *(_described(rule) for rule in RULES.values())])


def default_told(rule: Rule) -> str:
    """The default in words."""
    return rule.otherwise or ("an empty list" if rule.kind == DATES else json.dumps(rule.default).strip('"'))


def scope_told(rule: Rule) -> str:
    """Whose rule it is, in words."""
    if rule.scope == LEDGER:
        return "one for the whole ledger"
    return f"by {rule.whose} province" + (" and programme" if rule.scope == PROGRAMME else "")


def _described(rule: Rule) -> str:
    facts = [rule.meaning, f"Scope: {scope_told(rule)}. Used by {', '.join(rule.used_by)}."]
    unit = f" ({rule.unit})" if rule.unit and rule.kind != DATES else ""
    facts.append(f"Value: {rule.wants()}{unit}. Default: {default_told(rule)}.")
    lines = [line for fact in facts for line in textwrap.wrap(fact, WIDTH)]
    value = DAYS if rule.kind == DATES else json.dumps(SHOWN.get(rule.key, rule.default))
    entry = ["[[entry]]", f'key = "{rule.key}"', f'scope = "{SCOPES.get(rule.scope, "34")}"']
    entry += ["effective_from = 2026-01-01", f"value = {value}"]
    return "".join(f"# {line}\n" for line in lines) + "".join(f"#{line}\n" for line in entry)
