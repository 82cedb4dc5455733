"""What a file of rules may say, and the one line that each wrong entry of it is answered with."""

from pathlib import Path

import pytest

from ledger.core.configuration import Configuration
from ledger.core.fields import day as day_of
from ops.problems import EnvironmentProblem
from ops.rules_file import MOST_BYTES, as_file, load_configuration, read
from ops.settings import Settings, load_settings
from tests.model.histories import CONFIG

FILE = "rules.toml"
LATE = "transit.late_days"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ONECARD_HOME", str(tmp_path))
    monkeypatch.delenv("ONECARD_CONFIG", raising=False)
    return load_settings().model_copy(update={"config": tmp_path / FILE})


def loaded(settings: Settings, content: bytes) -> Configuration:
    assert settings.config is not None
    settings.config.write_bytes(content)
    return load_configuration(settings)


def entry(key: str, value: str, scope: str = "*", begins: str = "2025-01-01") -> bytes:
    return f"""[[entry]]
key = "{key}"
scope = "{scope}"
effective_from = {begins}
value = {value}
""".encode()


def wrong_value(key: str, value: str, reason: str) -> tuple[bytes, str]:
    return entry(key, value), rf"entry 1 \(line 1\), {key}: value: {reason}"


def wrong_scope(key: str, scope: str, reason: str) -> tuple[bytes, str]:
    return entry(key, "3", scope), rf"entry 1 \(line 1\), {key}: scope: {reason}"


NO_SUCH = r".* is not '\*', a province such as '34', or '34:programme'"
WRONG: dict[str, tuple[bytes, str]] = {
    "no UTF-8": (b"x = 1\n\xff\xfe", "line 2 is not UTF-8 text: save the file as UTF-8"),
    "a byte order mark": ("\ufeff[[entry]]".encode(), "the file begins with a byte order mark: .*"),
    "no TOML": (b"[[entry", "this is not TOML: .*"),
    "something else": (b"x = 1", r"the file may hold \[\[entry\]\] tables and nothing else, not 'x'"),
    "single brackets": (b"[entry]\nkey = 1", r"an entry begins with \[\[entry\]\], in two pairs of brackets"),
    "no table": (b"entry = [1]", r"entry 1: is no table: it begins with \[\[entry\]\]"),
    "no date": (
        b'[[entry]]\nkey = "transit.late_days"\nvalue = 3',
        rf"entry 1 \(line 1\), {LATE}: effective_from: is missing: the first business date .*",
    ),
    "no value": (
        b'\n\n[[entry]]\nkey = "transit.late_days"\neffective_from = 2025-01-01',
        rf"entry 1 \(line 3\), {LATE}: value: is missing: .*",
    ),
    "a typo": (
        entry("transit.late_day", "3"),
        r"entry 1 .*: key: 'transit.late_day' is no rule: did you mean transit.late_days\?",
    ),
    "no rule at all": (entry("x", "3"), "entry 1 .*: key: 'x' is no rule: `onecard config` lists all rules"),
    "a field too many": (
        entry(LATE, "3") + b"untill = 2026-01-01",
        "entry 1 .*: untill: is no field of an entry: there are key, scope, effective_from, value",
    ),
    "a scope without quotes": (
        b'[[entry]]\nkey = "transit.late_days"\nscope = 34\neffective_from = 2025-01-01\nvalue = 3',
        "entry 1 .*: scope: needs text in quotes: .*",
    ),
    "a second entry": (
        entry(LATE, "3") + entry(LATE, "-3"),
        rf"entry 2 \(line 6\), {LATE}: value: needs a whole number, 0 to .*, not -3",
    ),
    "the same entry twice": (
        entry(LATE, "3") + entry(LATE, "3"),
        rf"entry 2 \(line 6\), {LATE}: says what entry 1 says: remove one of the two",
    ),
    "a number as a date": (
        entry(LATE, "3", begins="20250101"),
        "entry 1 .*: effective_from: needs a date such as 2025-07-01, not 20250101",
    ),
    "an instant as a date": (
        entry(LATE, "3", begins="2025-01-01T00:00:00"),
        "entry 1 .*: effective_from: needs a date such as .*",
    ),
    "no such day": (entry(LATE, "3", begins='"2025-02-29"'), "entry 1 .*: effective_from: needs a date .*"),
    "a fraction": wrong_value(LATE, "1.5", "needs a whole number, 0 to 36500, not 1.5"),
    "no list of dates": wrong_value("calendar.holidays", "3", "needs a list of at most 2000 dates, not 3"),
    "no dates": wrong_value("calendar.holidays", '["2025-02-28", 1]', "needs dates such as 2025-07-01; number 2 is 1"),
    "very many dates": wrong_value(
        "calendar.holidays", f"[{'2025-01-01,' * 2_001}]", "holds 2001 dates; at most 2000 are allowed"
    ),
    "true for a number": wrong_value(LATE, "true", "needs a whole number, .* not true"),
    "a number for true": wrong_value("card.formal_loss_liftable", "1", "needs true or false, not 1"),
    "another word": wrong_value("clearing.negative_pair", '"TURN"', "needs FLIP or CARRY, not 'TURN'"),
    "ages": wrong_value("card.temporary_loss_days", "36501", "needs a whole number, 0 to 36500, .*"),
    "more months": wrong_value("medical.registration_lock_months", "1201", ".* 0 to 1200, not 1201"),
    "more years": wrong_value("retention.years", "101", ".* 0 to 100, not 101"),
    "a day cut at noon of the next day": wrong_value("transit.day_cut_minutes", "2160", ".* 0 to 1439, .*"),
    "a number beyond printing": wrong_value(LATE, "0x" + "f" * 5_000, ".*, not a number of that size"),
    "a number beyond reading": (b"[[entry]]\nvalue = " + b"9" * 5_000, ".*: a number in it is too long"),
    "no province": wrong_scope(LATE, "99", NO_SUCH),
    "digits of another script": wrong_scope(LATE, "٣٤", NO_SUCH),
    "an area": wrong_scope(LATE, "340100", NO_SUCH),
    "no programme": wrong_scope("payout.ceiling_fen", "34:", NO_SUCH),
    "a programme that is no id": wrong_scope("payout.ceiling_fen", "34:a b", NO_SUCH),
    "a programme for taps": wrong_scope(
        LATE, "34:grain", f"{LATE} differs by province and not by programme: write '34'"
    ),
    "holidays of one province": (
        entry("calendar.holidays", "[]", "34"),
        r"entry 1 .*: scope: .* holds for the whole ledger, so scope must be '\*' or left out",
    ),
    "nested lists": (b"entry = " + b"[" * 100_000, ".*: it is nested too deeply"),
    "nested names": (b"a" + b".a" * 500_000 + b" = 1", "line 1 holds more than 100 dots, as no entry does"),
    "a large file": (b"#" * (MOST_BYTES + 1), "the file is larger than 4 MiB: is it a list of rules at all.*"),
}


@pytest.mark.parametrize("content, sentence", WRONG.values(), ids=WRONG)
def test_a_wrong_entry_is_told_in_one_line(settings: Settings, content: bytes, sentence: str) -> None:
    with pytest.raises(EnvironmentProblem, match=rf"^ONECARD_CONFIG: \S*rules\.toml: {sentence}\.$") as told:
        loaded(settings, content)
    assert "\n" not in str(told.value) and len(str(told.value)) < 400


def test_all_wrong_entries_are_told_at_once(settings: Settings) -> None:
    with pytest.raises(EnvironmentProblem) as told:
        loaded(settings, entry(LATE, "x") + entry(LATE, "3") + entry("late", "3") + entry(LATE, "3", "00"))
    first, *lines = str(told.value).split("\n")
    assert first.endswith("rules.toml: this is not TOML: Invalid value (at line 5, column 9).") and not lines

    with pytest.raises(EnvironmentProblem) as told:
        loaded(settings, entry(LATE, "1.5") + entry(LATE, "3") + entry("late", "3") + entry(LATE, "3", "00"))
    first, *lines = str(told.value).split("\n")
    assert first.endswith("rules.toml: 3 things are wrong:")
    assert [line.split(",")[0] for line in lines] == [
        "  entry 1 (line 1)",
        "  entry 3 (line 11)",
        "  entry 4 (line 16)",
    ]


def test_thousands_of_wrong_entries_hold_nobody_up(settings: Settings) -> None:
    with pytest.raises(EnvironmentProblem) as told:
        loaded(settings, b"[[entry]]\n" * 200_000)
    lines = str(told.value).split("\n")
    assert len(lines) == 22 and "more: `onecard config check FILE --json` tells all" in lines[-1]


def test_a_folder_and_a_missing_file_are_told(settings: Settings, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(EnvironmentProblem, match=r"^ONECARD_CONFIG: .* cannot be read: "):
            load_configuration(settings.model_copy(update={"config": path}))


def test_another_value_for_the_same_day_overrules_the_earlier_one(settings: Settings) -> None:
    """The way to mend an entry: the contract takes the later in the list, and none is ever removed."""
    content = entry(LATE, "1") + entry(LATE, "2") + entry(LATE, "1")
    assert loaded(settings, content).value(LATE, day_of("2025-01-01"), "34") == 1
    assert settings.config is not None
    assert read(settings.config).overruled == [(2, 1), (3, 2)]


def test_a_list_can_be_written_as_a_file_and_is_the_same(settings: Settings) -> None:
    made = Configuration.load(CONFIG)
    again = loaded(settings, as_file(made).encode())
    assert again.digest() == made.digest() and again.entries == made.entries


def test_the_narrowest_scope_in_force_counts_and_in_it_the_latest_entry(settings: Settings) -> None:
    key = "payout.ceiling_fen"
    config = loaded(
        settings,
        entry(key, "1", begins="2025-01-01")
        + entry(key, "2", "34", begins="2025-02-01")
        + entry(key, "3", "34:grain", begins="2025-03-01")
        + entry(key, "4", "34", begins="2025-04-01")
        + entry(key, "5", "34", begins="2025-04-01"),
    )
    found = [config.value(key, day_of(text), "34", "grain") for text in ("2024-12-31", "2025-01-01", "2025-02-01")]
    assert found == [None, 1, 2]
    assert config.value(key, day_of("2025-04-01"), "34", "grain") == 3
    assert config.value(key, day_of("2025-04-01"), "34", "wheat") == 5
    assert config.value(key, day_of("2025-04-01"), "33", "grain") == 1
    assert [one.value for one in config.in_force(key, day_of("2025-03-01")).values()] == [1, 2, 3]
    assert [one.value for one in config.in_force(key, day_of("2025-04-01")).values()] == [1, 5, 3]


def test_a_later_list_of_holidays_replaces_the_one_before(settings: Settings) -> None:
    key = "calendar.holidays"
    config = loaded(settings, entry(key, "[2025-05-01]") + entry(key, '["2025-10-01"]', begins="2025-06-01"))
    assert config.calendar(day_of("2025-05-31"))[0] == {day_of("2025-05-01")}
    assert config.calendar(day_of("2025-06-01"))[0] == {day_of("2025-10-01")}
