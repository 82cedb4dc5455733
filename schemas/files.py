"""Reads the schema files as they lie in the tree: the current version of every event, and superseded ones.

The path of a version follows from its place in the lock and is therefore not written there: the latest version of a
subject is `<family>/<Event>.avsc`, any older one `history/<family>/<Event>.v<version>.avsc`. A lock line then never
changes, also not when its version is superseded.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent

# The order of the privacy families in everything generated; a family is a folder of this name.
FAMILIES = ("card", "benefit", "medical", "transit", "service", "clearing", "governance")

# The fields every event begins with; the first one is `card_id` on a card's stream and `stream_id` elsewhere.
STREAM_FIELDS = ("card_id", "stream_id")
ENVELOPE = (
    "card_version",
    "occurred_at",
    "recorded_at",
    "submitter",
    "reference",
    "acting_person",
    "prev_digest",
)

Definition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """One .avsc file, parsed."""

    family: str
    event: str
    definition: Definition

    @property
    def subject(self) -> str:
        return f"{self.definition['namespace']}.{self.definition['name']}"

    @property
    def fields(self) -> list[Definition]:
        return list(self.definition["fields"])

    @property
    def sha256(self) -> str:
        return sha256_of(self.definition)


def sha256_of(definition: Definition) -> str:
    """Identity of a schema: SHA-256 of the whole of it as compact JSON with sorted keys.

    The Parsing Canonical Form would not do: it leaves out logical types, units and defaults, and so calls two schemas
    the same that mean different things.
    """
    return hashlib.sha256(compact(definition).encode()).hexdigest()


def compact(definition: Definition) -> str:
    return json.dumps(definition, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def current_path(root: Path, family: str, event: str) -> Path:
    return root / family / f"{event}.avsc"


def superseded_path(root: Path, family: str, event: str, version: int) -> Path:
    return root / "history" / family / f"{event}.v{version}.avsc"


def read(path: Path, family: str) -> SchemaFile:
    definition = json.loads(path.read_text(encoding="utf-8"))
    event = path.name.split(".")[0]
    found = (definition.get("namespace"), definition.get("name"))
    if found != (f"onecard.{family}.v1", event):
        raise ValueError(f"{path.name} in {family} holds {found[0]}.{found[1]}: file, folder and name must agree")
    return SchemaFile(family, event, definition)


def current_files(root: Path = ROOT) -> list[SchemaFile]:
    """The current schema of every event, by family and name."""
    files = [read(path, family) for family in FAMILIES for path in sorted((root / family).glob("*.avsc"))]
    seen: dict[str, str] = {}
    for file in files:
        if (other := seen.setdefault(file.event, file.family)) != file.family:
            raise ValueError(f"two families name an event {file.event}: {other} and {file.family}")
    return files


def history_files(root: Path = ROOT) -> dict[tuple[str, int], SchemaFile]:
    """Superseded schemas by (event, version)."""
    found: dict[tuple[str, int], SchemaFile] = {}
    for family in FAMILIES:
        for path in sorted((root / "history" / family).glob("*.avsc")):
            file = read(path, family)
            found[file.event, int(path.name.split(".")[1].removeprefix("v"))] = file
    return found
