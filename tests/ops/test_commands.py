"""The page of commands is up to date, leaves nothing out, and says of every command what the catalogue saw it do."""

import json
import re
from pathlib import Path
from types import FunctionType

import pytest

from ledger.core.decider import RULES
from ledger.core.fields import WORDS
from ledger.core.rejection import Rejected
from ledger.core.shape import CHANNELS
from ledger.families.card import admission
from ledger.families.card.holder import TEMPORARY_LOSS
from ledger.families.registry import COMMANDS
from ledger.service.batch import Line
from ledger.service.run import InputLine
from ops.cli.receipts import reject
from ops.commands.__main__ import PAGE, findings, main
from ops.commands.source import Refusal, Written
from schemas.files import current_files
from tests.catalogue import contract, gather
from tests.cli.lines import UNKNOWN_SN, contribute, write
from tests.fix_command import Onecard

SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
TEXT = PAGE.read_text("utf-8")
SECTIONS = dict(SECTION.findall(TEXT))
OF_EVERY = set(re.findall(r"`(\w+)`", TEXT.partition("## Refusals of every command")[2].partition("The codes")[0]))


def codes(section: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", section.partition("Refused with: ")[2]))


def recorded(section: str) -> set[str]:
    return set(re.findall(r"^- Records \[(\w+)\]", section, re.MULTILINE))


def test_the_page_is_fresh() -> None:
    assert findings() == []


def test_a_stale_page_and_one_that_is_gone_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "commands.md"
    told = ["commands.md is stale: python -m ops.commands writes it."]
    assert findings(page) == told
    page.write_text(TEXT.replace("IssueCard", "SellCard"), "utf-8")
    assert findings(page) == told
    assert main(["--check"]) == 0 and capsys.readouterr().out == ""


def test_every_command_and_every_field_is_on_the_page() -> None:
    assert list(SECTIONS) == list(COMMANDS)
    for name, type in COMMANDS.items():
        told = re.findall(r"^\| (\w+) \|", SECTIONS[name], re.MULTILINE)
        assert [one for one in told if one != "field"] == [field.name for field in type.fields], name


def test_every_type_and_every_rule_of_shape_has_words() -> None:
    for type in COMMANDS.values():
        assert [field.name for field in type.fields if field.parse not in WORDS] == []
        assert [rule for rule in type.shape if rule not in RULES] == []
        for rule in type.shape:
            assert {*RULES[rule]} <= {field.name for field in type.fields}
    assert WORDS[CHANNELS] in TEXT


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_codes_that_cases_cause_and_no_others(name: str) -> None:
    assert codes(SECTIONS[name]) | OF_EVERY - {"unknown_command"} == contract.demanded(name)


def test_a_command_has_the_events_that_cases_record_and_no_others() -> None:
    seen: dict[str, set[str]] = {name: set() for name in COMMANDS}
    for case in gather.accepted():
        ledger, line = case.on_a_new_ledger()
        before = len(ledger.events)
        ledger.submit_line(line)
        seen[case.command] |= {name for _, name, _ in ledger.events[before:]}
    assert {name: recorded(section) for name, section in SECTIONS.items()} == seen


def test_every_code_is_explained_once() -> None:
    explained = re.findall(r"^\| `(\w+)` \| .+ \|$", TEXT.partition("## Codes")[2], re.MULTILINE)
    assert explained == sorted(OF_EVERY.union(*map(codes, SECTIONS.values())))


def test_the_page_says_which_code_wins_and_how_its_message_is_told(onecard: Onecard, tmp_path: Path) -> None:
    assert "the first check that fails wins" in TEXT and "order of the alphabet" in TEXT
    file = write(tmp_path / "lines", contribute(card_sn=UNKNOWN_SN, occurred_at="2097-01-01T00:00:00Z"))
    told = json.loads(onecard("submit", file, clock="2026-01-01T00:00:00Z").stderr.splitlines()[0])
    assert told["code"] == "occurred_at_in_future" and TEXT.index("the clock: `occurred_at`") < TEXT.index(
        "4. the card"
    )
    lost, message = admission.STATE_CODES[TEMPORARY_LOSS]
    line = InputLine(0, 1, b"{}", {}, Line(0, None))
    assert f"`{reject(line, Rejected(lost, message, 'card_sn'))['message']}`" in TEXT


def test_every_row_has_as_many_cells_as_its_table() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", TEXT, re.MULTILINE)
    assert len(tables) > len(COMMANDS) // 2
    for table in tables:
        assert len({row.count("|") for row in table.splitlines()}) == 1, table


def test_every_link_into_the_catalogue_leads_to_an_event() -> None:
    known = {file.event.lower() for file in current_files()}
    linked = set(re.findall(r"CATALOGUE\.md#(\w+)", TEXT))
    assert linked and linked <= known


def planted(closed: bool = False, code: str = "x") -> None:
    """Refuses twice, once not if it is called closed."""
    if not closed and code:
        raise Rejected("open", "it is open")
    raise Rejected("seen", f"{code} is told")


def test_a_branch_that_a_call_closes_is_not_read() -> None:
    seen, opened = Refusal("seen", "… is told"), Refusal("open", "it is open")
    assert isinstance(planted, FunctionType)
    assert set(Written(planted).refusals()) == {seen, opened}
    assert set(Written(planted, (("closed", True),)).refusals()) == {seen}
