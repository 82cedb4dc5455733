"""What the environment may say, and the one sentence it is answered with when it makes no sense."""

from pathlib import Path

import pytest

from ops.problems import EnvironmentProblem
from ops.settings import SECRET_BYTES, load_secret, load_settings

NAMES = ("DATABASE_URL", "KAFKA_BOOTSTRAP", "HOME", "SOURCE", "SECRET_FILE", "CONFIG", "CLOCK")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start from an environment that says nothing, in a directory of the test's own."""
    for name in NAMES:
        monkeypatch.delenv(f"ONECARD_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_settings_everything_is_local(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.embedded and settings.kafka_bootstrap is None
    assert settings.home == tmp_path / ".onecard"
    assert settings.source is settings.clock is settings.config is None


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(f"ONECARD_{name}", "")
    assert load_settings().embedded


def test_the_clock_stands_at_an_instant_with_any_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    for instant in ("2025-06-30T16:00:10.000001Z", "2025-07-01T00:00:10.000001+08:00"):
        monkeypatch.setenv("ONECARD_CLOCK", instant)
        assert load_settings().clock == 1_751_299_210_000_001


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "mysql://someone:pw@db/x", r"ONECARD_DATABASE_URL must start with postgresql://\."),
        ("SOURCE", "33 34", r"ONECARD_SOURCE is '33 34' and must be 1 to 32 .*\."),
        ("SOURCE", "all", r"ONECARD_SOURCE is 'all' and cannot be the name of one source.*\."),
        ("CLOCK", "noon", r"ONECARD_CLOCK is 'noon' and must be an RFC 3339 instant such as .*\."),
        ("CLOCK", "1999-12-31T23:59:59Z", r".* must lie in the UTC years 2000 to 2099, .*\."),
        ("CLOCK", "9999-12-31T23:59:59-14:00", r".* must lie in the UTC years 2000 to 2099, .*\."),
        ("CLOCK", "2025-06-30T16:00:10", r"ONECARD_CLOCK is .* and must be an RFC 3339 instant such as .*\."),
        ("CONFIG", "missing.toml", r"ONECARD_CONFIG names .*missing\.toml, and there is no such file\."),
    ],
)
def test_a_setting_that_makes_no_sense_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"ONECARD_{name}", value)
    with pytest.raises(EnvironmentProblem, match=f"^{sentence}$"):
        load_settings()


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECARD_DATABASE_URL", "postgresql://someone:open-sesame@db/x")
    assert "open-sesame" not in repr(load_settings())


def test_the_secret_is_made_once_and_kept_private() -> None:
    settings = load_settings()
    made = load_secret(settings)
    assert len(made) == SECRET_BYTES and load_secret(settings) == made
    assert [path.name for path in settings.home.iterdir()] == ["secret"]
    assert (settings.home / "secret").stat().st_mode & 0o777 == 0o600


def test_a_secret_file_that_was_named_must_be_there_and_long_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONECARD_SECRET_FILE", str(tmp_path / "mine"))
    with pytest.raises(EnvironmentProblem, match="cannot be read: No such file"):
        load_secret(load_settings())

    (tmp_path / "mine").write_bytes(b"short")
    with pytest.raises(EnvironmentProblem, match="holds 5 bytes; at least 16"):
        load_secret(load_settings())

    (tmp_path / "mine").write_bytes(b"long enough for a key of ours")
    assert load_secret(load_settings()) == b"long enough for a key of ours"
