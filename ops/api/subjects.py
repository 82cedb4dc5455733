"""The schema registry as its clients know it: the documents behind the read endpoints, and its own words of refusal.

Confluent's deserializers need only `/schemas/ids/{id}`; the rest is what people and tools look at. Every document is
made from the committed registry alone, so a request costs a look-up, and the same documents can be written as files.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from schemas.registry import NotASchema, Registered, Registry, matching

COMPATIBILITY: Final = "FULL_TRANSITIVE"
LATEST: Final = ("latest", "-1")
HIGHEST_VERSION: Final = 2**31 - 1
LONGEST_LOOK_UP: Final = 262_144


class Refused(Exception):
    """An answer that is not 200: HTTP status, the registry's own error code, and what is wrong."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Subjects:
    """Everything a registry client may ask of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._by_id = {version.id: version for version in registry.versions}
        self._subjects: dict[str, dict[int, Registered]] = {}
        for version in sorted(registry.versions, key=lambda one: (one.line.subject, one.line.version)):
            self._subjects.setdefault(version.line.subject, {})[version.line.version] = version
        self._texts = {version.id: _text(version.definition) for version in registry.versions}
        self._highest = max(self._by_id, default=0)

    @property
    def count(self) -> int:
        """How many versions of schemas there are."""
        return len(self._by_id)

    def schema(self, schema_id: str, fetch_max_id: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {"schema": self._texts[self._version_of(schema_id).id]}
        return {**found, "maxId": self._highest} if fetch_max_id else found

    def schema_text(self, schema_id: str) -> str:
        return self._texts[self._version_of(schema_id).id]

    def places(self, schema_id: str) -> list[dict[str, Any]]:
        line = self._version_of(schema_id).line
        return [{"subject": line.subject, "version": line.version}]

    def subjects_of(self, schema_id: str) -> list[str]:
        return [self._version_of(schema_id).line.subject]

    def subjects(self, prefix: str = "") -> list[str]:
        return [subject for subject in self._subjects if subject.startswith(prefix)]

    def versions(self, subject: str) -> list[int]:
        return list(self._of(subject))

    def version(self, subject: str, number: str) -> dict[str, Any]:
        return self._document(self._numbered(subject, number))

    def version_text(self, subject: str, number: str) -> str:
        return self._texts[self._numbered(subject, number).id]

    def look_up(self, subject: str, body: bytes) -> dict[str, Any]:
        """Under which id and version a schema that somebody brings is registered."""
        versions = self._of(subject)
        try:
            asked = json.loads(body)
            kind, text = asked.get("schemaType", "AVRO"), asked["schema"]
            found = matching(versions.values(), text) if kind == "AVRO" else None
        except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
            raise Refused(422, 42201, "Invalid schema: the body must be an object whose schema is Avro") from None
        except NotASchema as error:
            raise Refused(422, 42201, f"Invalid schema: {error}") from None
        if found is None:
            raise Refused(404, 40403, "Schema not found")
        return self._document(found)

    def compatibility(self, subject: str) -> dict[str, str]:
        self._of(subject)
        return {"compatibilityLevel": COMPATIBILITY}

    def mode(self, subject: str) -> dict[str, str]:
        self._of(subject)
        return {"mode": "READONLY"}

    def pages(self) -> Iterator[tuple[str, Any]]:
        """Every path that has one answer whatever is asked beside it, and that answer."""
        yield "schemas/types", ["AVRO"]
        yield "config", {"compatibilityLevel": COMPATIBILITY}
        yield "mode", {"mode": "READONLY"}
        yield "subjects", self.subjects()
        for number in map(str, sorted(self._by_id)):
            yield f"schemas/ids/{number}", self.schema(number)
            yield f"schemas/ids/{number}/schema", json.loads(self.schema_text(number))
            yield f"schemas/ids/{number}/versions", self.places(number)
            yield f"schemas/ids/{number}/subjects", self.subjects_of(number)
        for subject, versions in self._subjects.items():
            yield f"config/{subject}", self.compatibility(subject)
            yield f"mode/{subject}", self.mode(subject)
            yield f"subjects/{subject}/versions", self.versions(subject)
            for number in [*map(str, versions), "latest"]:
                yield f"subjects/{subject}/versions/{number}", self.version(subject, number)
                yield f"subjects/{subject}/versions/{number}/schema", json.loads(self.version_text(subject, number))

    def _document(self, version: Registered) -> dict[str, Any]:
        line = version.line
        return {"subject": line.subject, "version": line.version, "id": line.id, "schema": self._texts[line.id]}

    def _version_of(self, schema_id: str) -> Registered:
        if not _is_number(schema_id):
            raise Refused(404, 404, "HTTP 404 Not Found: a schema's id is a number")
        found = self._by_id.get(int(schema_id))
        if found is None:
            raise Refused(404, 40403, f"Schema {schema_id} not found")
        return found

    def _of(self, subject: str) -> dict[int, Registered]:
        found = self._subjects.get(subject)
        if found is None:
            raise Refused(404, 40401, f"Subject '{subject[:200]}' not found.")
        return found

    def _numbered(self, subject: str, number: str) -> Registered:
        versions = self._of(subject)
        if number in LATEST:
            return versions[max(versions)]
        if not _is_number(number) or not 1 <= int(number) <= HIGHEST_VERSION:
            allowed = f'between [1, {HIGHEST_VERSION}] and the string "latest"'
            raise Refused(
                422,
                42202,
                f"The specified version '{number[:20]}' is not a valid version id. Allowed values are {allowed}",
            )
        if int(number) not in versions:
            raise Refused(404, 40402, f"Version {number} not found.")
        return versions[int(number)]


def _text(definition: dict[str, Any]) -> str:
    """A schema as clients get it: as short as JSON can be, fields in the order of the file."""
    return json.dumps(definition, ensure_ascii=False, separators=(",", ":"))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(HIGHEST_VERSION))
