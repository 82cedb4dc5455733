"""The only place that reads the environment.

Two settings choose the mode: a database URL (none: PostgreSQL is run by us under the home directory) and Kafka's
bootstrap servers (none: readers follow the log itself). The others name the store, who we are to Kafka, a few files,
and test aids.
Nothing is read when this module is imported; the command line calls `load_settings` once and passes the result on.
"""

import os
import re
import secrets
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ops.problems import EnvironmentProblem

DEFAULT_SOURCE = "33"
SECRET_BYTES = 32
SHORTEST_SECRET = 16
FOR_TESTS = "ONECARD_TEST_"

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")
_USER = re.compile(r"[A-Za-z0-9._-]{1,255}")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _TOO_LATE = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Settings(BaseSettings):
    """What the environment says, checked. An empty variable counts as not set."""

    model_config = SettingsConfigDict(env_prefix="ONECARD_", env_ignore_empty=True, frozen=True, extra="ignore")

    # May hold a password: never shown.
    database_url: str | None = Field(default=None, repr=False)
    kafka_bootstrap: str | None = None
    kafka_user: str | None = None
    kafka_password_file: Path | None = None
    kafka_ca_file: Path | None = None
    # None: the topics.toml that is installed.
    topics: Path | None = None
    home: Path = Path(".onecard")
    # None: whatever the store was created with, and DEFAULT_SOURCE when it is created now.
    source: str | None = None
    secret_file: Path | None = None
    config: Path | None = None
    # UTC microseconds at which the clock stands still; None: the clock of the machine.
    clock: int | None = None

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return url

    @field_validator("kafka_bootstrap")
    @classmethod
    def _is_addresses(cls, servers: str | None) -> str | None:
        if servers is not None and not all(_ADDRESS.fullmatch(one.strip()) for one in servers.split(",")):
            raise ValueError("must be host:port, or several with commas between them")
        return servers

    @field_validator("kafka_user")
    @classmethod
    def _is_plain(cls, user: str | None) -> str | None:
        if user is not None and not _USER.fullmatch(user):
            raise ValueError("must be letters, digits, dots, dashes or underscores")
        return user

    @field_validator("home", "secret_file", "config", "kafka_password_file", "kafka_ca_file", "topics")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @field_validator("source")
    @classmethod
    def _names_one_source(cls, source: str | None) -> str | None:
        if source == "all":
            raise ValueError("cannot be the name of one source, since it means all of them")
        if source is not None and not _SOURCE.fullmatch(source):
            raise ValueError("must be 1 to 32 lower-case letters, digits or dashes")
        return source

    @field_validator("clock", mode="before")
    @classmethod
    def _instant(cls, text: object) -> object:
        if not isinstance(text, str):
            return text
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            raise ValueError("must be an RFC 3339 instant such as 2025-06-30T16:00:10Z")
        if not _EARLIEST <= instant < _TOO_LATE:
            raise ValueError("must lie in the UTC years 2000 to 2099, as every instant of the ledger")
        return (instant - _EPOCH) // timedelta(microseconds=1)

    @property
    def embedded(self) -> bool:
        """Whether the database is ours to start and stop."""
        return self.database_url is None


def load_settings() -> Settings:
    """Read the environment now; a setting that makes no sense is an EnvironmentProblem of one sentence."""
    _refuse_misspelt()
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "ONECARD_" + "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        value = "" if name == "ONECARD_DATABASE_URL" else f" is {first['input']!r} and"
        raise EnvironmentProblem(f"{name}{value} {reason}.") from None
    for name in ("config", "kafka_ca_file", "topics"):
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            raise EnvironmentProblem(f"ONECARD_{name.upper()} names {path}, and there is no such file.")
    if (settings.kafka_user is None) != (settings.kafka_password_file is None):
        raise EnvironmentProblem("ONECARD_KAFKA_USER and ONECARD_KAFKA_PASSWORD_FILE belong together: set both.")
    return settings


def _refuse_misspelt() -> None:
    """A name that is nearly one of ours was meant as it: passed over, it has a command open another store."""
    known = [f"ONECARD_{name.upper()}" for name in Settings.model_fields]
    for name in sorted(os.environ):
        if name.startswith("ONECARD_") and name not in known and not name.startswith(FOR_TESTS):
            if meant := [one for one in known if one.startswith(f"{name}_") or _is_a_letter_away(name, one)]:
                raise EnvironmentProblem(f"{name} is set and is no setting: {meant[0]} is. Correct or unset it.")


def _is_a_letter_away(name: str, known: str) -> bool:
    """Whether one letter is missing, too many or another. Others name things so too, as ONECARD_DATABASE_PORT."""
    begun = _alike(name, known)
    ended = _alike(name[begun:][::-1], known[begun:][::-1])
    return begun + ended >= max(len(name), len(known)) - 1


def _alike(one: str, other: str) -> int:
    """How many letters they begin with are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def load_kafka_password(settings: Settings) -> str | None:
    """The password of ONECARD_KAFKA_USER: the one line of its file. None when nobody logs in."""
    path = settings.kafka_password_file
    if path is None:
        return None
    opening = f"ONECARD_KAFKA_PASSWORD_FILE names {path}, and it"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise EnvironmentProblem(f"{opening} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise EnvironmentProblem(f"{opening} is not UTF-8 text.") from None
    if len(lines) != 1 or not lines[0]:
        raise EnvironmentProblem(f"{opening} must hold the password on one line and nothing else.")
    return lines[0]


def environment_of_home(home: Path) -> dict[str, str]:
    """What another process needs around it to work on the ledger in a home directory and on no other."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ONECARD_")}
    return {**others, "ONECARD_HOME": str(home)}


def load_secret(settings: Settings) -> bytes:
    """The key that turns social security numbers into person keys.

    Without ONECARD_SECRET_FILE it is made under the home directory at first use. A file that was named must exist:
    a new secret in the place of a mistyped one would give every person a second key.
    """
    if settings.secret_file is not None:
        return _read_secret(settings.secret_file, f"ONECARD_SECRET_FILE names {settings.secret_file}")
    path = settings.home / "secret"
    if not path.exists():
        _make_secret(path)
    return _read_secret(path, f"The secret file is {path}")


def _make_secret(path: Path) -> None:
    """Link a finished file into place: of two commands that start together one wins, and both read the same bytes."""
    make_home(path.parent)
    draft = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read_secret(path: Path, opening: str) -> bytes:
    try:
        secret = path.read_bytes()
    except OSError as error:
        raise EnvironmentProblem(f"{opening}, and it cannot be read: {error.strerror}.") from None
    if len(secret) < SHORTEST_SECRET:
        raise EnvironmentProblem(f"{opening}, and it holds {len(secret)} bytes; at least {SHORTEST_SECRET} are needed.")
    return secret


def make_home(home: Path) -> None:
    """Make the home directory. Others may pass through it (the server's account must), none may list it."""
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(f"ONECARD_HOME is {home}, and it cannot be made: {error.strerror}.") from None
