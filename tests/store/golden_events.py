"""The golden corpus: framed bytes of every registered version, and what they mean today.

`python -m tests.store.golden_events` writes a file for every version that has none and never touches an existing one:
those bytes stand for what is in the stores and topics of others. (Only before the first tagged release, when the lock
may be made anew, may old files be removed and written again.)
"""

import json
from pathlib import Path
from typing import Any

from ledger.store import codec
from ledger.store.wire.writer import compiled_writer
from schemas.registry import Registered, registry
from tests.schemas.samples import Shape

CORPUS = Path(__file__).parents[1] / "golden" / "events"


def path_of(version: Registered) -> Path:
    return CORPUS / version.line.family / f"{version.event}.v{version.line.version}.json"


def read(version: Registered) -> dict[str, Any]:
    golden: dict[str, Any] = json.loads(path_of(version).read_text(encoding="utf-8"))
    return golden


def bytes_of(version: Registered, event: dict[str, Any]) -> bytes:
    """The framed bytes of an event in the version given, which may be a superseded one."""
    return compiled_writer(version.definition, b"\0" + version.id.to_bytes(4, "big"))(event)


def main() -> None:
    for version in registry().versions:
        path = path_of(version)
        if path.exists():
            continue
        data = bytes_of(version, Shape(version.definition).plausible())
        name, event = codec.decode(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        golden = {"event": name, "schema_id": version.id, "hex": data.hex(), "decoded": event}
        path.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
