"""What is declared in topics.toml: the topics of a source with their settings, and who may do what with them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ops.problems import EnvironmentProblem
from ops.settings import Settings
from projections.kafka.cluster import Right
from projections.topics.topology import Topology, transactional_id
from schemas.files import FAMILIES

INSTALLED = Path(__file__).parent.parent / "topics.toml"
ALL_FAMILIES = "*"
PREFIX = "onecard."
MIN_IN_SYNC = "min.insync.replicas"

Value = bool | int | str


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ByKind(_Strict):
    events: dict[str, Value]
    relay: dict[str, Value]


class Profile(_Strict):
    """How often everything is kept."""

    replication_factor: Annotated[int, Field(ge=1)]
    min_in_sync: Annotated[int, Field(ge=1, alias=MIN_IN_SYNC)]


class _Rights(_Strict):
    writer: str
    readers: dict[str, list[str]] = {}

    @field_validator("writer")
    @classmethod
    def _tells_sources_apart(cls, writer: str) -> str:
        if writer.count("{source}") != 1 or "{" in writer.replace("{source}", ""):
            raise ValueError("must hold {source} once, or one province could write as another")
        return writer

    @field_validator("readers")
    @classmethod
    def _knows_its_families(cls, readers: dict[str, list[str]]) -> dict[str, list[str]]:
        for user, families in readers.items():
            for family in families:
                if family not in (*FAMILIES, ALL_FAMILIES):
                    raise ValueError(f"{user} is to read {family!r}, which is no family: {', '.join(FAMILIES)}, or *")
        return readers


@dataclass(frozen=True)
class Wanted:
    """A topic as it is declared."""

    partitions: int
    replication: int
    configs: dict[str, str]


class Declared(_Strict):
    """The whole file."""

    partitions: Annotated[int, Field(ge=1, le=1000)]
    settings: _ByKind
    profiles: dict[str, Profile]
    rights: _Rights
    # Topics of others whose names begin as ours do.
    others: list[str] = []

    @property
    def topology(self) -> Topology:
        return Topology(self.partitions)

    def writer(self, source: str) -> str:
        """The user who publishes this source."""
        return self.rights.writer.replace("{source}", source)

    def topics(self, source: str, profile: Profile) -> dict[str, Wanted]:
        """Every topic of a source by name."""
        found = {
            name: _wanted(self.partitions, profile, self.settings.events) for name in self.topology.all_events(source)
        }
        return found | {self.topology.relay(source): _wanted(1, profile, self.settings.relay)}

    def rights_of(self, source: str) -> set[Right]:
        """Who may do what: the source's writer on the topics of that source, readers on families of every source."""
        return {*self._written(source), *self._read()}

    def _written(self, source: str) -> list[Right]:
        """The writer reads its topics too: to see how far it is, and to fetch what its store has lost."""
        user = f"User:{self.writer(source)}"
        topics = [*self.topology.all_events(source), self.topology.relay(source)]
        found = [
            Right(user, operation, "TOPIC", name) for name in topics for operation in ("WRITE", "READ", "DESCRIBE")
        ]
        identity = transactional_id(source)
        return found + [Right(user, operation, "TRANSACTIONAL_ID", identity) for operation in ("WRITE", "DESCRIBE")]

    def _read(self) -> list[Right]:
        found = []
        for name, families in self.rights.readers.items():
            for family in families:
                prefix = PREFIX if family == ALL_FAMILIES else f"{PREFIX}{family}."
                found += [
                    Right(f"User:{name}", operation, "TOPIC", prefix, "PREFIXED") for operation in ("READ", "DESCRIBE")
                ]
            if ALL_FAMILIES in families:
                # Who follows everything is to see whose transaction holds it up (`onecard lag`).
                found.append(Right(f"User:{name}", "DESCRIBE", "TRANSACTIONAL_ID", transactional_id(""), "PREFIXED"))
            # A group of their own, so that nobody commits offsets for somebody else.
            found.append(Right(f"User:{name}", "READ", "GROUP", f"{name}.", "PREFIXED"))
        return found


def load_declared(settings: Settings) -> Declared:
    """The file that ONECARD_TOPICS names, or the installed one; an EnvironmentProblem if it makes no sense."""
    path = settings.topics or INSTALLED
    try:
        return Declared.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise EnvironmentProblem(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}.") from None


def _wanted(partitions: int, profile: Profile, settings: dict[str, Value]) -> Wanted:
    configs = {name: _text(value) for name, value in settings.items()}
    return Wanted(partitions, profile.replication_factor, configs | {MIN_IN_SYNC: str(profile.min_in_sync)})


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
