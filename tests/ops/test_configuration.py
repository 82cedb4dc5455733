"""What ONECARD_CONFIG may say, and the one sentence it is answered with when it makes no sense."""

from pathlib import Path

import pytest

from ledger.core.configuration import Configuration
from ledger.core.fields import day as day_of
from ops.problems import EnvironmentProblem
from ops.settings import Settings, load_settings
from ops.wiring import load_configuration

FILE = "rules.toml"


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


LATE = "transit.late_days"
NO_SUCH = "scope .* is not .*, a province such as '34', or '34:programme'"
WRONG: dict[str, tuple[bytes, str]] = {
    "no UTF-8": (b"\xff\xfe", r".*rules\.toml cannot be read: .*"),
    "no TOML": (b"[[entry", r".*rules\.toml cannot be read: .*"),
    "something else": (b"x = 1", r".* must hold \[\[entry\]\] tables and nothing else"),
    "no table": (b"entry = [1]", "entry 1: Input should be a valid dictionary .*"),
    "no date": (b'[[entry]]\nkey = "transit.late_days"\nvalue = 3', "entry 1: effective_from: Field required"),
    "a typo": (entry("transit.late_day", "3"), "entry 1: unknown key 'transit.late_day'; known: .*"),
    "a second entry": (entry(LATE, "3") + entry(LATE, "-3"), f"entry 2: {LATE} needs a whole number, 0 to .*, not -3"),
    "a fraction": (entry(LATE, "1.5"), "entry 1: value is neither .*"),
    "no list of dates": (entry("calendar.holidays", "[1]"), "entry 1: value is neither .*"),
    "true for a number": (entry(LATE, "true"), f"entry 1: {LATE} needs a whole number, .* not True"),
    "ages": (entry("card.temporary_loss_days", "36501"), "entry 1: .* needs a whole number, 0 to 36500, .*"),
    "more months": (entry("medical.registration_lock_months", "1201"), "entry 1: .* 0 to 1200, not 1201"),
    "more years": (entry("retention.years", "101"), "entry 1: .* 0 to 100, not 101"),
    "a day cut at noon of the next day": (entry("transit.day_cut_minutes", "2160"), "entry 1: .* 0 to 1439, .*"),
    "no province": (entry(LATE, "3", "99"), f"entry 1: {NO_SUCH}"),
    "digits of another script": (entry(LATE, "3", "٣٤"), f"entry 1: {NO_SUCH}"),
    "an area": (entry(LATE, "3", "340100"), f"entry 1: {NO_SUCH}"),
    "no programme": (entry("payout.ceiling_fen", "3", "34:"), f"entry 1: {NO_SUCH}"),
    "a programme that is no id": (entry("payout.ceiling_fen", "3", "34:a b"), f"entry 1: {NO_SUCH}"),
    "a programme for taps": (entry(LATE, "3", "34:grain"), f"entry 1: {LATE} has no scope by programme"),
    "holidays of one province": (entry("calendar.holidays", "[]", "34"), "entry 1: .* holds for the whole ledger: .*"),
}


@pytest.mark.parametrize("content, sentence", WRONG.values(), ids=WRONG)
def test_configuration_that_makes_no_sense_is_told_in_one_sentence(
    settings: Settings, content: bytes, sentence: str
) -> None:
    with pytest.raises(EnvironmentProblem, match=f"^ONECARD_CONFIG: {sentence}\\.$"):
        loaded(settings, content)


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


def test_a_later_list_of_holidays_replaces_the_one_before(settings: Settings) -> None:
    key = "calendar.holidays"
    config = loaded(settings, entry(key, "[2025-05-01]") + entry(key, '["2025-10-01"]', begins="2025-06-01"))
    assert config.calendar(day_of("2025-05-31"))[0] == {day_of("2025-05-01")}
    assert config.calendar(day_of("2025-06-01"))[0] == {day_of("2025-10-01")}
