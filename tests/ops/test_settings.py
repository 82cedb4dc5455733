"""What the environment may say, and the one sentence it is answered with when it makes no sense."""

from pathlib import Path

import pytest

from ops.problems import EnvironmentProblem
from ops.settings import SECRET_BYTES, load_kafka_password, load_secret, load_settings

KAFKA = ("KAFKA_BOOTSTRAP", "KAFKA_USER", "KAFKA_PASSWORD_FILE", "KAFKA_CA_FILE", "TOPICS")
NAMES = ("DATABASE_URL", *KAFKA, "HOME", "SOURCE", "SECRET_FILE", "CONFIG", "CLOCK")


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


@pytest.mark.parametrize(
    ("name", "meant"),
    [("DATABSE_URL", "DATABASE_URL"), ("KAFKA_PASSWORD", "KAFKA_PASSWORD_FILE"), ("SECRET", "SECRET_FILE"),
     ("SORCE", "SOURCE"), ("TOPIC", "TOPICS"), ("DATABASE", "DATABASE_URL")],
)  # fmt: skip
def test_a_misspelt_setting_opens_no_other_store_than_was_meant(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(f"ONECARD_{name}", "x")
    with pytest.raises(EnvironmentProblem, match=rf"^ONECARD_{name} is set and is no setting: ONECARD_{meant} is\."):
        load_settings()


def test_what_others_name_so_is_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """An orchestrator sets these for a service that is named onecard, or onecard-database."""
    for name in ("PORT", "SERVICE_HOST", "PORT_8081_TCP", "DATABASE_PORT", "DATABASE_SERVICE_HOST", "SOAK", "VERSION"):
        monkeypatch.setenv(f"ONECARD_{name}", "tcp://10.0.0.1:8081")
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
        ("KAFKA_BOOTSTRAP", "kafka.example", r"ONECARD_KAFKA_BOOTSTRAP is 'kafka.example' and must be host:port, .*\."),
        ("KAFKA_BOOTSTRAP", "kafka:9092,,", r"ONECARD_KAFKA_BOOTSTRAP is .* and must be host:port, .*\."),
        ("KAFKA_USER", "a,b=c", r"ONECARD_KAFKA_USER is 'a,b=c' and must be letters, digits, .*\."),
        ("KAFKA_USER", "relay-33", r"ONECARD_KAFKA_USER and ONECARD_KAFKA_PASSWORD_FILE belong together: set both\."),
        ("KAFKA_PASSWORD_FILE", "f", r"ONECARD_KAFKA_USER and ONECARD_KAFKA_PASSWORD_FILE belong together: .*\."),
        ("KAFKA_CA_FILE", "ca.pem", r"ONECARD_KAFKA_CA_FILE names .*ca\.pem, and there is no such file\."),
        ("TOPICS", "mine.toml", r"ONECARD_TOPICS names .*mine\.toml, and there is no such file\."),
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


@pytest.mark.parametrize("servers", ["localhost:9092", "kafka-1.example:9092, kafka-2.example:9093", "[::1]:9092"])
def test_brokers_are_named_one_or_several(monkeypatch: pytest.MonkeyPatch, servers: str) -> None:
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", servers)
    assert load_settings().kafka_bootstrap == servers


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (b"pass word\n", "pass word"),
        (b"\xe5\xaf\x86", "密"),
        (b"", r"must hold the password on one line and nothing else\.$"),
        (b"one\ntwo\n", r"must hold the password on one line and nothing else\.$"),
        (b"\n", r"must hold the password on one line and nothing else\.$"),
        (b"\xff\xfe", r"is not UTF-8 text\.$"),
        (None, r"cannot be read: No such file or directory\.$"),
    ],
)
def test_the_password_is_the_one_line_of_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, answer: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("ONECARD_KAFKA_USER", "relay-33")
    monkeypatch.setenv("ONECARD_KAFKA_PASSWORD_FILE", str(file))
    if answer.endswith("$"):
        with pytest.raises(EnvironmentProblem, match=f"^ONECARD_KAFKA_PASSWORD_FILE names .*password, and it {answer}"):
            load_kafka_password(load_settings())
    else:
        assert load_kafka_password(load_settings()) == answer


def test_without_a_user_there_is_no_password() -> None:
    assert load_kafka_password(load_settings()) is None
