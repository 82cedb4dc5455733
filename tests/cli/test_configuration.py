"""The rules as their operator meets them: what holds, what a file would change, what a longer list does to a store."""

from pathlib import Path

import psycopg
import pytest

from ledger.core.rules import RULES
from ledger.families.registry import COMMANDS
from ops.rules_file import read
from tests.fix_command import Onecard
from tests.house.tree import ROOT, modules
from tests.model.state import DEFAULTS

ENTRY = """[[entry]]
key = "transit.late_days"
effective_from = {begins}
value = {value}
"""


def entries(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT jsonb_array_length(configuration) FROM ledger.store").fetchone()
    assert row is not None
    return int(row[0])


def test_only_a_command_that_writes_extends_the_stores_configuration(
    onecard: Onecard, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, longer = tmp_path / "empty.jsonl", tmp_path / "rules.toml"
    empty.write_bytes(b"")
    assert onecard("submit", empty).code == 0
    assert entries(dsn) == 0

    longer.write_text(ENTRY.format(begins="2025-01-01", value=10))
    monkeypatch.setenv("ONECARD_CONFIG", str(longer))
    assert onecard("status").code == 0
    assert entries(dsn) == 0
    assert onecard("submit", empty).code == 0
    assert entries(dsn) == 1

    longer.write_text(ENTRY.format(begins="2025-01-01", value=11))
    for command in (("status",), ("submit", empty)):
        refused = onecard(*command)
        assert refused.code == 3 and "the configuration differs" in refused.stderr
    assert entries(dsn) == 1


def test_an_extension_is_in_the_history_of_its_stream_and_verify_is_content(
    onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, rules = tmp_path / "empty.jsonl", tmp_path / "rules.toml"
    empty.write_bytes(b"")
    rules.write_text(ENTRY.format(begins="2025-01-01", value=10))
    monkeypatch.setenv("ONECARD_CONFIG", str(rules))
    assert onecard("submit", empty).code == 0
    rules.write_text(rules.read_text() + ENTRY.format(begins="2025-07-01", value=11))
    for _ in range(2):
        assert onecard("submit", empty, clock="2025-06-30T08:00:00Z").code == 0
    assert onecard("follow", "--until-caught-up").code == 0

    shown = onecard("config", "--json").json
    assert (shown["entries"], shown["store"]["entries"], shown["pending"]) == (2, 2, [])
    (event,) = onecard("history", shown["store"]["stream_id"], "--json").json["events"]
    assert (event["event"], event["family"]) == ("ConfigurationExtended", "governance")
    assert event["data"]["configuration_digest"] == shown["digest"] == shown["store"]["digest"]
    assert event["data"]["added"] == [
        {"key": "transit.late_days", "scope": "*", "effective_from": "2025-07-01", "value": "11"}
    ]
    assert onecard("verify", "--against", "views,seals").code == 0


def test_config_shows_what_holds_on_a_date_and_makes_no_store(
    onecard: Onecard, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[entry]]\nkey = "payout.ceiling_fen"\nscope = "34"\neffective_from = 2025-01-01\nvalue = 5\n'
        '[[entry]]\nkey = "payout.ceiling_fen"\nscope = "34:grain"\neffective_from = 2025-07-01\nvalue = 6\n'
        '[[entry]]\nkey = "calendar.holidays"\neffective_from = 2025-01-01\nvalue = ["2025-10-01",'
        ' "2025-10-02", "2025-10-03", "2025-10-06"]\n'
    )
    monkeypatch.setenv("ONECARD_CONFIG", str(rules))

    def ceiling(*arguments: str) -> tuple[object, object]:
        (rule,) = onecard("config", "--key", "payout.ceiling_fen", "--json", *arguments).json["rules"]
        return rule["value"], rule["from_scope"]

    assert ceiling("--on", "2025-06-30", "--scope", "34:grain") == (5, "34")
    assert ceiling("--on", "2025-07-01", "--scope", "34:grain") == (6, "34:grain")
    assert ceiling("--on", "2025-07-01", "--scope", "34:wheat") == (5, "34")
    assert (
        ceiling("--on", "2025-07-01", "--scope", "33") == ceiling("--on", "2025-07-01", "--scope", "*") == (None, None)
    )

    everything = onecard("config", "--on", "2025-07-01", "--json").json
    assert [rule["key"] for rule in everything["rules"]] == list(RULES)
    in_force = {rule["key"]: [(one["scope"], one["value"]) for one in rule["in_force"]] for rule in everything["rules"]}
    assert in_force["payout.ceiling_fen"] == [("34", 5), ("34:grain", 6)]
    assert everything["store"] is None and len(everything["pending"]) == 3

    told = onecard("config", "--on", "2025-07-01")
    assert told.code == 0 and "4 dates, 2025-10-01 to 2025-10-06" in told.stdout
    assert "There is no store yet" in told.stdout and everything["digest"] in told.stdout
    detailed = onecard("config", "--key", "clearing.negative_pair", clock="2025-07-01T00:00:00Z").stdout
    assert "Rules on 2025-07-01" in detailed and "IssueNotice" in detailed and "FLIP or CARRY" in detailed
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT to_regclass('ledger.store')").fetchone() == (None,)
    assert onecard("config", "check", rules, "--json").json["store"] is None


def test_config_check_tells_what_a_file_would_add_or_where_it_parts_from_the_store(
    onecard: Onecard, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(ENTRY.format(begins="2025-01-01", value=10) + ENTRY.format(begins="2025-02-01", value=11))
    monkeypatch.setenv("ONECARD_CONFIG", str(old))
    assert onecard("status").code == 0

    assert onecard("config", "check", old, "--json").json["added"] == []
    assert onecard("config", "stored").stdout == old.read_text().replace(
        "\neffective", '\nscope = "*"\neffective'
    ).replace("\n[[", "\n\n[[")
    new.write_text(old.read_text() + ENTRY.format(begins="2025-02-01", value=12))
    longer = onecard("config", "check", new, "--json")
    assert longer.code == 0 and [one["value"] for one in longer.json["added"]] == [12]
    assert longer.json["overruled"] == [{"entry": 2, "by": 3}] and longer.json["differs"] is None
    assert "it adds 1:\n  + transit.late_days * from 2025-02-01: 12" in onecard("config", "check", new).stdout

    new.write_text(ENTRY.format(begins="2025-01-01", value=10) + ENTRY.format(begins="2025-02-01", value=13))
    other = onecard("config", "check", new, "--json")
    assert other.code == 1 and other.json["added"] is None
    assert (other.json["differs"]["entry"], other.json["differs"]["file"]["value"]) == (2, 13)
    monkeypatch.setenv("ONECARD_CONFIG", str(new))
    for command in ("status", "config"):
        refused = onecard(command)
        assert refused.code == 3
        assert (
            "entry 2 says transit.late_days * 2025-02-01 13, and the store has transit.late_days * 2025-02-01 11"
            in (refused.stderr)
        )

    new.write_text(ENTRY.format(begins="2025-01-01", value=10))
    assert "entry 2 is missing, and the store has" in onecard("config", "check", new).stdout
    assert "entry 2 is missing" in onecard("status").stderr

    new.write_text(ENTRY.format(begins="2025-01-01", value="true") + ENTRY.format(begins="1.5", value=1))
    wrong = onecard("config", "check", new, "--json")
    assert wrong.code == 1
    assert [(one["entry"], one["line"], one["field"]) for one in wrong.json["wrong"]] == [
        (1, 1, "value"),
        (2, 5, "effective_from"),
    ]
    refused = onecard("status", "--json")
    assert refused.code == 3 and "2 things are wrong" in refused.json["error"]["message"]
    assert entries(dsn) == 2


def test_the_documented_file_says_what_the_program_does(onecard: Onecard, tmp_path: Path) -> None:
    printed = onecard("config", "example")
    assert printed.code == 0 and printed.stdout == (ROOT / "docs" / "configuration.toml").read_text("utf-8")
    example = tmp_path / "example.toml"
    example.write_text(printed.stdout)
    assert read(example).require_right("x").entries == []

    example.write_text(
        "".join(line.removeprefix("#") if line[1:2] != " " else "" for line in printed.stdout.splitlines(True))
    )
    found = read(example)
    assert found.wrong == []
    assert [entry.key for entry in found.entries] == list(RULES)
    for entry in found.entries:
        rule = RULES[entry.key]
        assert rule.default in (None, [], entry.value)
        assert (entry.scope == "*", ":" in entry.scope) == (rule.scope == "*", rule.scope == "34:programme")


def test_every_rule_is_the_contracts_and_asked_for_by_commands_there_are() -> None:
    assert {key: rule.default for key, rule in RULES.items()} == DEFAULTS
    asked = "".join(module.text for module in modules("ledger/families"))
    asked += "".join(f"medical.registration_required_{care}" for care in ("inpatient", "other"))
    asked += (ROOT / "ledger" / "core" / "configuration.py").read_text("utf-8")
    assert [key for key in RULES if key not in asked] == []
    named = {name for rule in RULES.values() for name in rule.used_by}
    assert named - set(COMMANDS) == {"every command"}
